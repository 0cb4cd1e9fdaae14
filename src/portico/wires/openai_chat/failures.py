"""Errors in OpenAI's shape, both ways.

Source: https://platform.openai.com/docs/guides/error-codes. Compatible servers have shapes of
their own (a string for `error`, `detail`, a list around the object); they are read too.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import (
    BodyTooLarge,
    BudgetExhausted,
    InvalidRequest,
    Overloaded,
    PorticoError,
    QuotaExhausted,
    UpstreamFailed,
)
from portico.wires.openai_chat.tables import ERROR_TYPES
from portico.wires.sse import frame

LONGEST_MESSAGE = 500
"""Characters of an upstream's message that a caller is shown."""
LONGEST_WAIT = 86_400.0
"""Seconds. A longer retry-after is not believed."""
LONGEST_WORD = 64
_FAILURES = frozenset(str(status) for status in range(400, 600))

_CREDENTIAL = (
    "The provider refused the credential of Portico; "
    "check the provider's api_key with `portico doctor --live`."
)
_BILLING = (
    "The provider says that the quota of Portico's account is used up; "
    "check plan and billing at the provider."
)
_UNKNOWN = (
    "The provider does not know this model or URL; "
    "check the model's id and the provider's base_url in portico.yaml."
)
_FAILED = "The provider failed; try again, or name another model."
_INVALID = "The provider refused the request"

Row = tuple[type[PorticoError], str]

BY_WORD: dict[str, Row] = {
    "insufficient_quota": (UpstreamFailed, _BILLING),
    "credit_balance_exhausted": (UpstreamFailed, _BILLING),
    "billing_hard_limit_reached": (UpstreamFailed, _BILLING),
    "organization_spend_limit_exceeded": (UpstreamFailed, _BILLING),
    "project_spend_limit_exceeded": (UpstreamFailed, _BILLING),
    "organization_usage_limit_exceeded": (UpstreamFailed, _BILLING),
    "invalid_api_key": (UpstreamFailed, _CREDENTIAL),
    "server_is_overloaded": (Overloaded, "The provider is overloaded; wait and try again."),
    "slow_down": (Overloaded, "The provider asks to slow down; wait and try again."),
}
"""By `error.code` or `error.type`, whatever the status."""

BY_STATUS: dict[int, Row] = {
    400: (InvalidRequest, _INVALID),
    401: (UpstreamFailed, _CREDENTIAL),
    402: (UpstreamFailed, _BILLING),
    403: (UpstreamFailed, _CREDENTIAL),
    404: (UpstreamFailed, _UNKNOWN),
    408: (UpstreamFailed, "The provider took too long to answer; try again."),
    409: (UpstreamFailed, "The provider met a conflict; try again."),
    413: (BodyTooLarge, _INVALID),
    422: (InvalidRequest, _INVALID),
    429: (QuotaExhausted, "The provider's rate limit is reached; wait and try again."),
    503: (Overloaded, "The provider is overloaded; wait and try again."),
    529: (Overloaded, "The provider is overloaded; wait and try again."),
}
"""Every other status is UpstreamFailed."""

BY_TYPE: dict[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "service_unavailable_error": 503,
    "overloaded_error": 503,
}
"""The status that an error within a stream stands for."""


def write_error(error: PorticoError, call: str) -> bytes:
    """The body of an error reply, from which the SDK makes its exception."""
    return msgspec.json.encode(_shape(error, {"call": call}))


def error_frame(error: PorticoError) -> bytes:
    """The frame that ends a stream which has begun; no [DONE] follows it."""
    return frame(msgspec.json.encode(_shape(error, {})))


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> PorticoError:
    """An upstream's error reply. Its message is passed on only where the caller is at fault."""
    return _make(status, _unwrap(body), _retry_after(headers))


def read_stream_error(error: Json) -> PorticoError:
    """The `error` member of a frame on a stream whose status was 200."""
    found = error if isinstance(error, dict) else {"message": error}
    code = found.get("code")
    status = BY_TYPE.get(str(found.get("type")), 502)
    if isinstance(code, int | str) and str(code) in _FAILURES:
        status = int(code)
    return _make(status, found, None)


def read_error_event(data: bytes) -> PorticoError:
    """A frame that the server itself calls an error."""
    return read_stream_error(_unwrap(data))


def not_an_answer() -> UpstreamFailed:
    return UpstreamFailed(
        "The provider's reply is not an OpenAI chat completion; check its base_url.",
        detail={"stage": "body", "kind": "malformed"},
    )


def not_a_chunk() -> UpstreamFailed:
    return UpstreamFailed(
        "The provider's stream holds something that is not a chat completion chunk; "
        "check its base_url.",
        detail={"stage": "between_chunks", "kind": "malformed"},
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


def _shape(error: PorticoError, portico: dict[str, Json]) -> dict[str, Json]:
    kind = ERROR_TYPES.get(error.status, "server_error")
    if isinstance(error, BudgetExhausted):
        kind = "insufficient_quota"
    return {
        "error": {
            "message": error.message,
            "type": kind,
            "param": error.field,
            "code": error.code,
            "portico": {**portico, "fault": error.fault, "retry": error.retry},
        }
    }


def _unwrap(body: bytes) -> dict[str, Json]:
    """The error object, wherever the server put it; empty if there is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return {}
    inner = found.get("error", found)
    if isinstance(inner, dict):
        return inner if "message" in inner else {**inner, "message": inner.get("detail")}
    return {**found, "message": inner}


def _make(status: int, found: Mapping[str, Json], retry_after: float | None) -> PorticoError:
    words = [_word(found.get("code")), _word(found.get("type"))]
    rows = (BY_WORD[word] for word in words if word in BY_WORD)
    kind, message = next(rows, BY_STATUS.get(status, (UpstreamFailed, _FAILED)))
    field = None
    if issubclass(kind, InvalidRequest):
        message = f"{message}{_said(found.get('message'))}"
        param = found.get("param")
        field = param[:LONGEST_WORD] if isinstance(param, str) else None
    detail = {"status": str(status), "type": words[1] or words[0] or "unknown"}
    return kind(message, field=field, retry_after=retry_after, detail=detail)


def _word(value: Json) -> str:
    """A word of the upstream's, if it is one: never a sentence."""
    fits = isinstance(value, str) and len(value) <= LONGEST_WORD
    return value if fits and isinstance(value, str) and value.isascii() and " " not in value else ""


def _said(message: Json) -> str:
    if not isinstance(message, str) or not message:
        return " without saying why; check its parameters."
    return f": {message[:LONGEST_MESSAGE]}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from retry-after-ms or retry-after in either of its forms (RFC 9110, 10.2.3)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if 0 <= seconds <= LONGEST_WAIT:
            return seconds
    try:
        until = parsedate_to_datetime(headers["retry-after"])
        seconds = (until - parsedate_to_datetime(headers["date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None
    return seconds if 0 <= seconds <= LONGEST_WAIT else None
