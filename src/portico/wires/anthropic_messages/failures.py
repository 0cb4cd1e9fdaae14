"""Errors in Anthropic's shape, both ways. https://platform.claude.com/docs/en/api/errors"""

from collections.abc import Mapping

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest, PorticoError, UpstreamFailed
from portico.wires.anthropic_messages.tables import (
    ERROR_BY_STATUS,
    ERROR_BY_TYPE,
    ERROR_WORD,
    UNREADABLE,
)
from portico.wires.sse import frame

LONGEST_MESSAGE = 500
"""Characters of an upstream's message that a caller is shown."""

_MESSAGES: dict[str, str] = {
    "authentication_error": "The upstream refused Portico's credential; "
    "check the provider's api_key with `portico doctor --live`.",
    "permission_error": "The upstream's credential may not use this model; "
    "ask for access at the provider or name another model.",
    "billing_error": "The upstream reports a billing problem with its account; "
    "check the account at the provider.",
    "not_found_error": "The upstream does not know this model or address; "
    "check the model's id and the provider's base URL.",
    "rate_limit_error": "The upstream's rate limit is reached; wait and try again.",
    "overloaded_error": "The upstream is overloaded; wait and try again.",
    "timeout_error": "The upstream took too long to answer; try again, or stream the answer.",
}
_UNNAMED = "The upstream failed; try again, or name another model."


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Body(msgspec.Struct):
    error: _Error | None = None


_body = msgspec.json.Decoder(_Body)


def write_error(error: PorticoError, call: str) -> bytes:
    """The body of an error reply, from which the SDK makes its exception."""
    return msgspec.json.encode({**_shape(error, call), "request_id": call})


def error_frame(error: PorticoError) -> bytes:
    """The event that ends a stream which has begun."""
    return frame(msgspec.json.encode(_shape(error, None)), "error")


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> PorticoError:
    """An upstream's error reply. Its message is passed on only where the caller is at fault."""
    try:
        found = _body.decode(body).error or _Error()
    except UNREADABLE:
        found = _Error()
    return _make(found, status, _retry_after(headers))


def read_stream_error(data: bytes) -> PorticoError:
    """The `error` event of a stream whose status was 200."""
    return read_error(200, {}, data)


def _make(found: _Error, status: int, retry_after: float | None) -> PorticoError:
    kind = ERROR_BY_TYPE.get(found.type) or ERROR_BY_STATUS.get(status, UpstreamFailed)
    word = found.type if found.type in ERROR_BY_TYPE else ""
    message = _MESSAGES.get(word or ERROR_WORD.get(status, ""), _UNNAMED)
    if issubclass(kind, InvalidRequest):
        said = found.message[:LONGEST_MESSAGE]
        message = (
            f"The upstream refused the request: {said}"
            if said
            else ("The upstream refused the request without saying why; check its parameters.")
        )
    detail = {"status": str(status), "type": word or "unknown"}
    return kind(message, retry_after=retry_after, detail=detail)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds <= 86400:
            return seconds
    return None


def _shape(error: PorticoError, call: str | None) -> dict[str, Json]:
    portico: dict[str, Json] = {
        "code": error.code,
        "fault": error.fault,
        "retry": error.retry,
    }
    if call is not None:
        portico = {"call": call, **portico}
    if error.field is not None:
        portico["field"] = error.field
    kind = ERROR_WORD.get(error.status, "api_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": error.message},
        "portico": portico,
    }
