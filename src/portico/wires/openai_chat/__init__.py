"""The OpenAI chat completions wire: `DOOR` for callers, `WIRE` for providers.

Rules of translation, row by row: docs/reference/openai.md.
"""

from portico.contract.wires import Door, ProviderWire
from portico.wires.assembly import CallerSide, ProviderSide
from portico.wires.foreign import IN_IDS, by_claude, cleaned
from portico.wires.openai_chat import answers, failures, request_reader, request_writer
from portico.wires.openai_chat.dressing import dresser
from portico.wires.openai_chat.relay import ChatRelay
from portico.wires.openai_chat.schema import NAME
from portico.wires.openai_chat.stream_reader import ChatStreamReader
from portico.wires.openai_chat.stream_writer import ChatStreamWriter

__all__ = ["DOOR", "WIRE"]

DOOR: Door = CallerSide(
    name=NAME,
    read=request_reader.read,
    conversation=request_reader.conversation,
    write_answer=answers.write_answer,
    stream_writer=ChatStreamWriter,
    write_error=failures.write_error,
    dresser=dresser,
)
WIRE: ProviderWire = ProviderSide(
    name=NAME,
    write_request=request_writer.write_request,
    passthrough=cleaned(
        request_writer.passthrough,
        (request_reader.conversation, request_writer.write_request),
        IN_IDS,
        by_claude,
    ),
    read_answer=answers.read_answer,
    skim=answers.skim,
    relay=ChatRelay,
    stream_reader=ChatStreamReader,
    read_error=failures.read_error,
)
