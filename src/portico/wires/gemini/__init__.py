"""Gemini's generateContent wire: `DOOR` for callers, `WIRE` for providers.

Rules of translation, row by row: docs/reference/gemini.md.
"""

from portico.contract.wires import Door, ProviderWire
from portico.wires.assembly import CallerSide, ProviderSide
from portico.wires.foreign import by_gemini, cleaned
from portico.wires.gemini import answers, failures, request_reader, request_writer, signatures
from portico.wires.gemini.relay import GeminiRelay
from portico.wires.gemini.stream_reader import GeminiStreamReader
from portico.wires.gemini.stream_writer import GeminiStreamWriter
from portico.wires.gemini.tables import NAME

__all__ = ["DOOR", "WIRE"]

DOOR: Door = CallerSide(
    name=NAME,
    read=request_reader.read,
    conversation=request_reader.conversation,
    write_answer=answers.write_answer,
    stream_writer=lambda _: GeminiStreamWriter(),
    write_error=failures.write_error,
)
"""A body names neither model nor streaming: whoever reads one sets both from the URL."""
WIRE: ProviderWire = ProviderSide(
    name=NAME,
    write_request=request_writer.write_request,
    passthrough=cleaned(
        request_writer.passthrough,
        (request_reader.conversation, request_writer.write_request),
        (signatures.WRAPPED,),
        by_gemini,
    ),
    read_answer=answers.read_answer,
    skim=answers.skim,
    relay=lambda _: GeminiRelay(),
    stream_reader=GeminiStreamReader,
    read_error=failures.read_error,
)
