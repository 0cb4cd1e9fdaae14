"""What each provider says of a request that fails: the body, and the header that names it."""

from collections.abc import Callable, Mapping

import msgspec

from portico.contract.conversation import Json

_OPENAI_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_BEDROCK_TYPES: Mapping[int, str] = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
_GEMINI_WORDS: Mapping[int, str] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A request that gets no answer."""

    status: int
    message: str
    retry_after_s: float | None = None


class Said(msgspec.Struct, frozen=True):
    """How a provider puts a fault."""

    body: Json
    headers: Mapping[str, str] = {}


Say = Callable[[Fault], Said]


def openai(fault: Fault) -> Said:
    """https://platform.openai.com/docs/guides/error-codes"""
    kind = _word(_OPENAI_TYPES, fault.status, "invalid_request_error", "server_error")
    code = "model_not_found" if fault.status == 404 else None
    error: Json = {"message": fault.message, "type": kind, "param": None, "code": code}
    return Said({"error": error, "simulated": True})


def anthropic(fault: Fault) -> Said:
    """https://docs.anthropic.com/en/api/errors"""
    kind = _word(_ANTHROPIC_TYPES, fault.status, "invalid_request_error", "api_error")
    error: Json = {"type": kind, "message": fault.message}
    return Said({"type": "error", "error": error, "simulated": True})


def bedrock(fault: Fault) -> Said:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html"""
    kind = _word(_BEDROCK_TYPES, fault.status, "ValidationException", "InternalServerException")
    return Said({"message": fault.message, "simulated": True}, {"x-amzn-errortype": kind})


def gemini(fault: Fault) -> Said:
    """https://ai.google.dev/gemini-api/docs/troubleshooting, in the shape of google.rpc.Status"""
    error: dict[str, Json] = {
        "code": fault.status,
        "message": fault.message,
        "status": _word(_GEMINI_WORDS, fault.status, "INVALID_ARGUMENT", "INTERNAL"),
    }
    if fault.retry_after_s is not None:
        delay = f"{fault.retry_after_s:g}s"
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        error["details"] = [{"@type": kind, "retryDelay": delay}]
    return Said({"error": error, "simulated": True})


def _word(words: Mapping[int, str], status: int, callers: str, providers: str) -> str:
    return words.get(status, callers if status < 500 else providers)
