"""The OpenAI chat completions wire: `DOOR` for callers, `WIRE` for providers.

Rules of translation, row by row: docs/reference/openai.md.
"""

from collections.abc import Mapping

from portico.contract.call import WireRequest
from portico.contract.conversation import Conversation
from portico.contract.errors import PorticoError
from portico.contract.events import Answer
from portico.contract.ports import (
    Door,
    Outgoing,
    ProviderWire,
    Relay,
    Skim,
    StreamReader,
    StreamWriter,
    Target,
)
from portico.wires.openai_chat import answers, failures, request_reader, request_writer
from portico.wires.openai_chat.relay import ChatRelay
from portico.wires.openai_chat.schema import NAME
from portico.wires.openai_chat.stream_reader import ChatStreamReader
from portico.wires.openai_chat.stream_writer import ChatStreamWriter

__all__ = ["DOOR", "WIRE"]


class _Door:
    """The caller's side. See the port `Door`."""

    name = NAME

    def read(self, body: bytes, nesting: int) -> WireRequest:
        return request_reader.read(body, nesting)

    def conversation(self, request: WireRequest) -> Conversation:
        return request_reader.conversation(request)

    def write_answer(self, answer: Answer) -> bytes:
        return answers.write_answer(answer)

    def stream_writer(self, request: WireRequest) -> StreamWriter:
        return ChatStreamWriter(request)

    def write_error(self, error: PorticoError, call: str) -> bytes:
        return failures.write_error(error, call)


class _Wire:
    """The provider's side. See the port `ProviderWire`."""

    name = NAME

    def write_request(self, conversation: Conversation, target: Target) -> Outgoing:
        return request_writer.write_request(conversation, target)

    def passthrough(self, request: WireRequest, target: Target) -> bytes:
        return request_writer.passthrough(request, target)

    def read_answer(self, body: bytes) -> Answer:
        return answers.read_answer(body)

    def skim(self, body: bytes) -> Skim:
        return answers.skim(body)

    def relay(self, request: WireRequest) -> Relay:
        return ChatRelay(request)

    def stream_reader(self) -> StreamReader:
        return ChatStreamReader()

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> PorticoError:
        return failures.read_error(status, headers, body)


DOOR: Door = _Door()
WIRE: ProviderWire = _Wire()
