"""What Anthropic's Messages API calls things, and what it cannot say: tables, no logic.

`docs/reference/anthropic.md` documents every row; a test compares the two.
"""

from typing import Literal

import msgspec

from portico.contract.errors import (
    BodyTooLarge,
    InvalidRequest,
    Overloaded,
    PorticoError,
    QuotaExhausted,
    UpstreamFailed,
)
from portico.contract.usage import StopReason

NAME = "anthropic_messages"

STOP_DOCS = "https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons"
"""Every word below is defined on this page."""

STOP_WORDS: tuple[tuple[str, StopReason, str], ...] = (
    ("end_turn", StopReason.END, STOP_DOCS + "#end-turn"),
    ("max_tokens", StopReason.LENGTH, STOP_DOCS + "#max-tokens"),
    ("stop_sequence", StopReason.STOP_SEQUENCE, STOP_DOCS + "#stop-sequence"),
    ("tool_use", StopReason.TOOL_CALLS, STOP_DOCS + "#tool-use"),
    ("pause_turn", StopReason.PAUSE, STOP_DOCS + "#pause-turn"),
    ("refusal", StopReason.REFUSAL, STOP_DOCS + "#refusal"),
    (
        "model_context_window_exceeded",
        StopReason.CONTEXT_WINDOW,
        STOP_DOCS + "#model-context-window-exceeded",
    ),
)
STOP_FROM_WORD = {word: reason for word, reason, _ in STOP_WORDS}
STOP_TO_WORD = {
    **{reason: word for word, reason, _ in STOP_WORDS},
    StopReason.CONTENT_FILTER: "refusal",
    StopReason.OTHER: "end_turn",
}

ERROR_DOCS = "https://platform.claude.com/docs/en/api/errors"

ERROR_WORD: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "request_too_large",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""The `error.type` that goes with one of our statuses."""

ERROR_BY_TYPE: dict[str, type[PorticoError]] = {
    "invalid_request_error": InvalidRequest,
    "request_too_large": BodyTooLarge,
    "authentication_error": UpstreamFailed,
    "billing_error": UpstreamFailed,
    "permission_error": UpstreamFailed,
    "not_found_error": UpstreamFailed,
    "conflict_error": UpstreamFailed,
    "rate_limit_error": QuotaExhausted,
    "overloaded_error": Overloaded,
    "api_error": UpstreamFailed,
    "timeout_error": UpstreamFailed,
}
"""What an upstream's `error.type` means to a caller of Portico."""

ERROR_BY_STATUS: dict[int, type[PorticoError]] = {
    400: InvalidRequest,
    413: BodyTooLarge,
    422: InvalidRequest,
    429: QuotaExhausted,
    503: Overloaded,
    529: Overloaded,
}
"""Where the type is missing or unknown; every other status is UpstreamFailed."""

Fate = Literal["refused", "dropped"]


class Rule(msgspec.Struct, frozen=True):
    """A sampling member that the Messages API does not know.

    `harmless` are the values that, like None, ask for nothing: without them nothing is lost.
    """

    member: str
    field: str
    fate: Fate
    harmless: tuple[object, ...]
    advice: str = ""


UNSUPPORTED: tuple[Rule, ...] = (
    Rule("choices", "n", "refused", (1,), "ask for one answer, or call once for each"),
    Rule("logprobs", "logprobs", "refused", (False,), "leave it out"),
    Rule("top_logprobs", "top_logprobs", "refused", (0,), "leave it out"),
    Rule("logit_bias", "logit_bias", "refused", ({},), "leave it out"),
    Rule("seed", "seed", "dropped", ()),
    Rule("frequency_penalty", "frequency_penalty", "dropped", (0.0,)),
    Rule("presence_penalty", "presence_penalty", "dropped", (0.0,)),
)

FOREIGN_REFUSED: dict[str, str] = {
    "audio": "the Messages API answers in text only",
    "web_search_options": "name Anthropic's own web search tool on the Anthropic door instead",
    "tool_choice": "a choice of this kind has no equal; name one tool, or auto, required or none",
}
"""Members of another wire without which the answer would be a different one; the rest of a
foreign `extra` is dropped and listed."""

SERVICE_TIERS: dict[str, str] = {
    "auto": "auto",
    "default": "standard_only",
    "standard_only": "standard_only",
}
"""Another wire's service tier in ours; what is not here is dropped and listed."""

EFFORTS: dict[str, str] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
"""Another wire's reasoning effort as `output_config.effort`, beside adaptive thinking."""

BUDGETS: dict[str, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32000,
    "max": 32000,
}
"""The same as `thinking.budget_tokens`, for the models that know no adaptive thinking."""

LEAST_BUDGET = 1024

# Models before Claude 4.6 take thinking as a number of tokens only; from 4.6 on it is adaptive,
# and from 5 on a number is refused.
# https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, read 2026-11-23
BUDGET_ONLY: tuple[str, ...] = (
    "claude-3",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
)
"""How the ids of these models begin (the dated ids of Claude 4 begin with -4-2025)."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding an upstream's bytes may raise."""

FRAME_LIMIT = 16 * 1024 * 1024
"""Bytes of one stream frame. A web search result of a server tool is one frame."""
