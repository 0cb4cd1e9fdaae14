"""The Bedrock Converse wire: `DOOR` for callers, `WIRE` for providers.

The model's id and whether to stream are in the path of a request, not in its body.
Rules of translation, row by row: docs/reference/bedrock.md.
"""

from portico.contract.wires import Door, ProviderWire
from portico.wires.assembly import CallerSide, ProviderSide
from portico.wires.bedrock_converse import answers, failures, request_reader, request_writer
from portico.wires.bedrock_converse.relay import ConverseRelay
from portico.wires.bedrock_converse.stream_reader import ConverseStreamReader
from portico.wires.bedrock_converse.stream_writer import ConverseStreamWriter
from portico.wires.bedrock_converse.tables import NAME
from portico.wires.foreign import IN_BLOCKS, IN_IDS, by_claude, cleaned

__all__ = ["DOOR", "WIRE"]

DOOR: Door = CallerSide(
    name=NAME,
    read=request_reader.read,
    conversation=request_reader.conversation,
    write_answer=answers.write_answer,
    stream_writer=lambda _: ConverseStreamWriter(),
    write_error=failures.write_error,
)
WIRE: ProviderWire = ProviderSide(
    name=NAME,
    write_request=request_writer.write_request,
    passthrough=cleaned(
        request_writer.passthrough,
        (request_reader.conversation, request_writer.write_request),
        IN_IDS + IN_BLOCKS,
        by_claude,
    ),
    read_answer=answers.read_answer,
    skim=answers.skim,
    relay=lambda _: ConverseRelay(),
    stream_reader=ConverseStreamReader,
    read_error=failures.read_error,
)
