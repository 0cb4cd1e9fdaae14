"""The Anthropic Messages wire: `DOOR` for callers, `WIRE` for providers.

Rules of translation, row by row: docs/reference/anthropic.md.
"""

from portico.contract.wires import Door, ProviderWire
from portico.wires.anthropic_messages import answers, failures, request_reader, request_writer
from portico.wires.anthropic_messages.dressing import dresser
from portico.wires.anthropic_messages.relay import MessagesRelay
from portico.wires.anthropic_messages.stream_reader import MessagesStreamReader
from portico.wires.anthropic_messages.stream_writer import MessagesStreamWriter
from portico.wires.anthropic_messages.tables import NAME
from portico.wires.assembly import CallerSide, ProviderSide
from portico.wires.foreign import IN_BLOCKS, IN_IDS, by_claude, cleaned

__all__ = ["DOOR", "WIRE"]

DOOR: Door = CallerSide(
    name=NAME,
    read=request_reader.read,
    conversation=request_reader.conversation,
    write_answer=answers.write_answer,
    stream_writer=lambda _: MessagesStreamWriter(),
    write_error=failures.write_error,
    dresser=dresser,
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
    relay=lambda _: MessagesRelay(),
    stream_reader=MessagesStreamReader,
    read_error=failures.read_error,
)
