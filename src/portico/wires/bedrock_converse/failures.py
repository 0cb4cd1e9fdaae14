"""Errors in the shape of AWS's JSON protocol, both ways.

https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
"""

from collections.abc import Mapping

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest, PorticoError, UpstreamFailed
from portico.wires.bedrock_converse.tables import (
    ERROR_BY_STATUS,
    ERROR_BY_TYPE,
    ERROR_WORD,
    STREAM_WORDS,
    UNREADABLE,
)
from portico.wires.event_stream import EventFrame, frame

LONGEST_MESSAGE = 500
"""Characters of an upstream's message that a caller is shown."""

_CREDENTIAL = (
    "The upstream refused Portico's AWS credentials; check them with `portico doctor --live`."
)
_MESSAGES: dict[str, str] = {
    "AccessDeniedException": "The upstream denied Portico's AWS identity or API key access to "
    "this model; check the credential, its policy and the model access of the account, or name "
    "another model.",
    "NotAuthorized": "Portico's AWS identity may not use this model; check the role's policy.",
    "OptInRequired": "The AWS account is not subscribed to this model; enable it in the Bedrock "
    "console or name another model.",
    "ExpiredTokenException": _CREDENTIAL,
    "UnrecognizedClientException": _CREDENTIAL,
    "InvalidClientTokenId": _CREDENTIAL,
    "InvalidSignatureException": "The upstream refused the signature; check the secret key and "
    "the clock of this machine.",
    "IncompleteSignature": _CREDENTIAL,
    "MissingAuthenticationTokenException": _CREDENTIAL,
    "RequestExpired": "The upstream found the signature too old; check the clock of this machine.",
    "ResourceNotFoundException": "The upstream does not know this model; check the model's id and "
    "the provider's region.",
    "ThrottlingException": "The upstream's rate limit is reached; wait and try again.",
    "TooManyRequestsException": "The upstream's rate limit is reached; wait and try again.",
    "ServiceQuotaExceededException": "The AWS account's quota for this model is used up; wait, or "
    "ask AWS for more.",
    "ModelNotReadyException": "The upstream is still loading this model; try again in a moment.",
    "ServiceUnavailableException": "The upstream is overloaded; wait and try again.",
    "ModelTimeoutException": "The model took too long to answer; try again, ask for shorter "
    "output, or stream the answer.",
    "ModelErrorException": "The model failed at this request; try again, or name another model.",
    "ModelStreamErrorException": "The model failed while it answered; try again.",
}
_BY_STATUS = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
"""Whose words fit a status that comes without a type."""
_UNNAMED = "The upstream failed; try again, or name another model."
_UNSAID = "The upstream refused the request without saying why; check its parameters."


class _Body(msgspec.Struct):
    kind: Json = msgspec.field(default=None, name="__type")
    code: Json = None
    message: Json = None
    shouted: Json = msgspec.field(default=None, name="Message")


_body = msgspec.json.Decoder(_Body)


def write_error(error: PorticoError, call: str) -> bytes:
    """The body of an error reply; `__type` is what the header x-amzn-errortype would say."""
    word = ERROR_WORD.get(error.status, "InternalServerException")
    return msgspec.json.encode({"message": error.message, "__type": word, **_portico(error, call)})


def error_frame(error: PorticoError) -> bytes:
    """The exception that ends a stream which has begun."""
    word = ERROR_WORD.get(error.status, "InternalServerException")
    camel = word[0].lower() + word[1:]
    headers = {
        ":exception-type": camel if camel in STREAM_WORDS else "modelStreamErrorException",
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, msgspec.json.encode({"message": error.message, **_portico(error, None)}))


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> PorticoError:
    """An upstream's error reply. Its message is passed on only where the caller is at fault."""
    found = _decode(body)
    named = (headers.get("x-amzn-errortype"), found.kind, found.code)
    word = next((text for text in map(_word, named) if text), "")
    return _make(word, _said(found), status, _retry_after(headers))


def read_exception(found: EventFrame) -> PorticoError:
    """An exception or an error within a stream whose status was 200."""
    kind = found.header(":exception-type") or found.header(":error-code")
    word = kind[:1].upper() + kind[1:]
    said = _said(_decode(found.payload)) or found.header(":error-message")
    return _make(word, said, 200, None)


def malformed(stage: str = "body") -> UpstreamFailed:
    return UpstreamFailed(
        "The upstream's answer is not one of the Converse API; check the provider's base URL.",
        detail={"stage": stage, "kind": "malformed"},
    )


def cut() -> UpstreamFailed:
    return UpstreamFailed(
        "The upstream's stream ended before its last event; what came until then is incomplete.",
        detail={"stage": "between_chunks", "kind": "cut"},
    )


def _decode(body: bytes) -> _Body:
    try:
        return _body.decode(body)
    except UNREADABLE:
        return _Body()


def _said(found: _Body) -> str:
    said = found.message or found.shouted
    return said if isinstance(said, str) else ""


def _word(value: Json) -> str:
    """The name in "Name:http://…" of the header and in "namespace#Name" of the body."""
    text = value if isinstance(value, str) else ""
    return text.partition(":")[0].rpartition("#")[2].strip()


def _make(word: str, said: str, status: int, retry_after: float | None) -> PorticoError:
    kind = ERROR_BY_TYPE.get(word) or ERROR_BY_STATUS.get(status, UpstreamFailed)
    known = word if word in ERROR_BY_TYPE else ""
    message = _MESSAGES.get(known or _BY_STATUS.get(status, ""), _UNNAMED)
    if issubclass(kind, InvalidRequest):
        short = said[:LONGEST_MESSAGE]
        message = f"The upstream refused the request: {short}" if short else _UNSAID
    detail = {"status": str(status), "type": known or "unknown"}
    return kind(message, retry_after=retry_after, detail=detail)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86400 else None


def _portico(error: PorticoError, call: str | None) -> dict[str, Json]:
    portico: dict[str, Json] = {"code": error.code, "fault": error.fault, "retry": error.retry}
    if call is not None:
        portico = {"call": call, **portico}
    if error.field is not None:
        portico["field"] = error.field
    return {"portico": portico}
