"""Errors within a stream that has begun, as each provider sends them."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from portico.adapters.simulator.failures import Fault, Say
from portico.providers.simulator.settings import Break
from portico.wires.event_stream import frame

MESSAGE: Final = "The simulator breaks this stream, as its model id asks."
STATUS: Final[Mapping[Break, int]] = {
    "throttling": 429,
    "unavailable": 503,
    "internal": 500,
    "model": 500,
    "validation": 400,
}
"""The status that the same error has before a stream."""
EXCEPTIONS: Final[Mapping[Break, str]] = {
    "throttling": "throttlingException",
    "unavailable": "serviceUnavailableException",
    "internal": "internalServerException",
    "model": "modelStreamErrorException",
    "validation": "validationException",
}
"""https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html"""
OPENAI_TYPES: Final[Mapping[Break, str]] = {
    "throttling": "rate_limit_error",
    "unavailable": "service_unavailable_error",
    "internal": "server_error",
    "model": "server_error",
    "validation": "invalid_request_error",
}

Breach = Callable[[Break], bytes]
"""The frame that ends a stream."""


def data(say: Say, event: str = "", unavailable: int = 503) -> Breach:
    """Server-sent events: the body of the error reply, as an event of its own."""
    name = f"event: {event}\n" if event else ""

    def write(kind: Break) -> bytes:
        status = unavailable if kind == "unavailable" else STATUS[kind]
        said = say(Fault(status=status, message=MESSAGE))
        return b"%bdata: %b\n\n" % (name.encode(), msgspec.json.encode(said.body))

    return write


def openai(kind: Break) -> bytes:
    """An error object, as OpenAI and servers like it send it in place of a chunk."""
    error = {"message": MESSAGE, "type": OPENAI_TYPES[kind], "param": None, "code": None}
    return b"data: %b\n\n" % msgspec.json.encode({"error": error, "simulated": True})


def exception(kind: Break) -> bytes:
    """An exception message of an event stream."""
    headers = {
        ":exception-type": EXCEPTIONS[kind],
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    body: dict[str, object] = {"message": MESSAGE}
    if kind == "model":
        body |= {"originalStatusCode": 500, "originalMessage": MESSAGE}
    return frame(headers, msgspec.json.encode(body))
