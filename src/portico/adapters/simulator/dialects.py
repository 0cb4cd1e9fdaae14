"""How a simulated provider speaks each wire: its door, its ids and its errors.

A further wire is a further `Dialect` here, and its rows in `routes.py`.
"""

from collections.abc import Callable, Mapping

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import Json
from portico.contract.ports import Door
from portico.contract.snapshot import Bounds
from portico.wires.anthropic_messages import DOOR as ANTHROPIC
from portico.wires.openai_chat import DOOR as OPENAI

NESTING = Bounds().nesting


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One wire of the simulator."""

    door: Door
    read: Callable[[bytes, str], WireRequest]
    """Opens a body. Takes the path too: some wires name the model there."""
    ids: str
    """How ids of answers begin."""
    call_ids: str
    """How ids of tool calls begin."""
    error: Callable[[int, str], Json]
    """The body of an error, from its status and message."""


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


def openai_error(status: int, message: str) -> Json:
    """https://platform.openai.com/docs/guides/error-codes"""
    kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = "model_not_found" if status == 404 else None
    return {
        "error": {"message": message, "type": kind, "param": None, "code": code},
        "simulated": True,
    }


def anthropic_error(status: int, message: str) -> Json:
    """https://docs.anthropic.com/en/api/errors"""
    kind = _ANTHROPIC_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "simulated": True}


OPENAI_CHAT = Dialect(
    door=OPENAI,
    read=lambda body, path: OPENAI.read(body, NESTING),
    ids="chatcmpl-sim-",
    call_ids="call_sim_",
    error=openai_error,
)
ANTHROPIC_MESSAGES = Dialect(
    door=ANTHROPIC,
    read=lambda body, path: ANTHROPIC.read(body, NESTING),
    ids="msg_sim_",
    call_ids="toolu_sim_",
    error=anthropic_error,
)
