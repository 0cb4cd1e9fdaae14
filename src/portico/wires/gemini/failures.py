"""Errors in Google's shape, both ways. https://cloud.google.com/apis/design/errors"""

from collections.abc import Iterator, Mapping

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest, PorticoError, UpstreamFailed
from portico.wires.gemini.tables import (
    ERROR_BY_REASON,
    ERROR_BY_STATUS,
    ERROR_BY_WORD,
    ERROR_WORD,
    UNREADABLE,
)
from portico.wires.sse import frame

LONGEST_MESSAGE = 500
"""Characters of an upstream's message that a caller is shown."""
LONGEST_WAIT = 86_400.0
"""Seconds. A longer wait is not believed."""
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_RETRY = "type.googleapis.com/google.rpc.RetryInfo"

_CREDENTIAL = (
    "The provider refused the credential of Portico; "
    "check the provider's api_key with `portico doctor --live`."
)
_MESSAGES: dict[str, str] = {
    "API_KEY_INVALID": _CREDENTIAL,
    "API_KEY_SERVICE_BLOCKED": _CREDENTIAL,
    "UNAUTHENTICATED": _CREDENTIAL,
    "PERMISSION_DENIED": "The provider's credential may not use this model; "
    "ask for access at Google or name another model.",
    "FAILED_PRECONDITION": "The provider does not serve this account or region as it stands; "
    "check billing and availability at Google.",
    "NOT_FOUND": "The provider does not know this model or URL; "
    "check the model's id and the provider's base_url in portico.yaml.",
    "RESOURCE_EXHAUSTED": "The provider's rate limit or quota is reached; wait and try again.",
    "UNAVAILABLE": "The provider is overloaded; wait and try again.",
    "DEADLINE_EXCEEDED": "The provider took too long to answer; "
    "send a shorter prompt, or stream the answer.",
}
_FAILED = "The provider failed; try again, or name another model."


class _Error(msgspec.Struct):
    code: int = 0
    status: str = ""
    message: str = ""
    details: list[dict[str, Json]] = []


class _Body(msgspec.Struct):
    error: _Error


_bodies = msgspec.json.Decoder(_Body | list[_Body])


def write_error(error: PorticoError, call: str) -> bytes:
    """The body of an error reply, from which the SDK makes its exception."""
    return msgspec.json.encode(_shape(error, call))


def error_frame(error: PorticoError) -> bytes:
    """The chunk that ends a stream which has begun."""
    return frame(msgspec.json.encode(_shape(error, None)))


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> PorticoError:
    """An upstream's error reply. Its message is passed on only where the caller is at fault."""
    try:
        found = _bodies.decode(body)
        first = found[0] if isinstance(found, list) and found else found
        error = first.error if isinstance(first, _Body) else _Error()
    except UNREADABLE:
        error = _Error()
    return _make(error, status, _retry_after(error, headers))


def read_stream_error(error: Json) -> PorticoError:
    """The `error` member of a chunk on a stream whose status was 200."""
    try:
        found = msgspec.convert(error, _Error)
    except msgspec.ValidationError:
        found = _Error()
    status = found.code if 400 <= found.code < 600 else 502
    return _make(found, status, _retry_after(found, {}))


def not_an_answer(stage: str = "body") -> UpstreamFailed:
    return UpstreamFailed(
        "The provider's reply is not a generateContent response; check its base_url.",
        detail={"stage": stage, "kind": "malformed"},
    )


def is_torn(error: PorticoError) -> bool:
    """At the end of a stream, something that is no chunk is the half of one."""
    return error.detail.get("kind") == "malformed"


def cut() -> UpstreamFailed:
    """A stream that ends before its end."""
    return UpstreamFailed(
        "The provider's stream ended before the answer was complete; try again.",
        detail={"stage": "between_chunks", "kind": "cut"},
    )


def _make(found: _Error, status: int, retry_after: float | None) -> PorticoError:
    reason = next((name for name in _reasons(found) if name in ERROR_BY_REASON), "")
    word = found.status if found.status in ERROR_BY_WORD else ""
    kind = (
        ERROR_BY_REASON.get(reason)
        or ERROR_BY_WORD.get(word)
        or ERROR_BY_STATUS.get(status, UpstreamFailed)
    )
    message = _MESSAGES.get(reason or word or ERROR_WORD.get(status, ""), _FAILED)
    if issubclass(kind, InvalidRequest):
        said = found.message[:LONGEST_MESSAGE] or "it did not say why; check the parameters."
        message = f"The provider refused the request: {said}"
    detail = {"status": str(status), "type": reason or word or "unknown"}
    return kind(message, retry_after=retry_after, detail=detail)


def _reasons(found: _Error) -> Iterator[str]:
    for detail in found.details:
        if isinstance(reason := detail.get("reason"), str):
            yield reason


def _retry_after(found: _Error, headers: Mapping[str, str]) -> float | None:
    """Seconds, from google.rpc.RetryInfo ("17s", "1.5s") or the header."""
    waits = [detail.get("retryDelay") for detail in found.details]
    for wait in (*waits, headers.get("retry-after")):
        if not isinstance(wait, str):
            continue
        try:
            seconds = float(wait.removesuffix("s"))
        except ValueError:
            continue
        if 0 <= seconds <= LONGEST_WAIT:
            return seconds
    return None


def _shape(error: PorticoError, call: str | None) -> dict[str, Json]:
    about = {"call": call, "fault": error.fault, "retry": error.retry, "field": error.field}
    details: list[Json] = [
        {
            "@type": _INFO,
            "reason": error.code.upper(),
            "domain": "portico",
            "metadata": {name: text for name, text in about.items() if text is not None},
        }
    ]
    if error.retry_after is not None:
        details.append({"@type": _RETRY, "retryDelay": f"{error.retry_after:g}s"})
    return {
        "error": {
            "code": error.status,
            "message": error.message,
            "status": ERROR_WORD.get(error.status, "INTERNAL"),
            "details": details,
        }
    }
