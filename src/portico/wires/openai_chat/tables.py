"""The tables of this wire: reasons to stop, fates of what it cannot say, kinds of errors."""

from typing import Literal

import msgspec

from portico.contract.usage import StopReason

API = "https://platform.openai.com/docs/api-reference/chat"
ERRORS = "https://platform.openai.com/docs/guides/error-codes"

_FINISH = "https://platform.openai.com/docs/api-reference/chat/object"

STOP_WORDS: tuple[tuple[str, StopReason, str], ...] = (
    ("stop", StopReason.END, _FINISH),
    ("length", StopReason.LENGTH, _FINISH),
    ("tool_calls", StopReason.TOOL_CALLS, _FINISH),
    ("function_call", StopReason.TOOL_CALLS, _FINISH),
    ("content_filter", StopReason.CONTENT_FILTER, _FINISH),
    ("model_length", StopReason.CONTEXT_WINDOW, "https://docs.mistral.ai/api/#tag/chat"),
    ("eos", StopReason.END, "https://docs.together.ai/reference/chat-completions-1"),
    (
        "insufficient_system_resource",
        StopReason.OTHER,
        "https://api-docs.deepseek.com/api/create-chat-completion",
    ),
    (
        "error",
        StopReason.OTHER,
        "https://openrouter.ai/docs/api-reference/overview#finish-reason",
    ),
)
"""Words of OpenAI and of compatible servers, with their sources. Any other word is OTHER."""
STOP_READ: dict[str, StopReason] = {word: reason for word, reason, _ in STOP_WORDS}

STOP_WRITE: dict[StopReason, str] = {
    StopReason.END: "stop",
    StopReason.LENGTH: "length",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.TOOL_CALLS: "tool_calls",
    StopReason.CONTENT_FILTER: "content_filter",
    StopReason.REFUSAL: "content_filter",
    StopReason.PAUSE: "stop",
    StopReason.CONTEXT_WINDOW: "length",
    StopReason.OTHER: "stop",
}
"""OpenAI has five words. A refusal that carries its own text stops with "stop" instead."""


Fate = Literal["translated", "dropped", "refused"]


class Rule(msgspec.Struct, frozen=True):
    """What happens to a thing that this wire has no member for."""

    what: str
    fate: Fate
    how: str
    source: str


UNSUPPORTED: tuple[Rule, ...] = (
    Rule("top_k", "dropped", "OpenAI samples without top_k.", f"{API}/create"),
    Rule(
        "cache",
        "dropped",
        "Cache hints of another wire; OpenAI caches prefixes by itself.",
        "https://platform.openai.com/docs/guides/prompt-caching",
    ),
    Rule(
        "reasoning",
        "dropped",
        "Reasoning of another wire's model, with its signature or sealed text: only the "
        "provider that made it can read it.",
        f"{API}/create",
    ),
    Rule(
        "tool_call.id",
        "translated",
        "An id of over 40 characters, or with others than letters, digits, `_` and `-`, is cut "
        "and ends in a hash; the same in calls and results.",
        f"{API}/create",
    ),
    Rule(
        "tool_call.signature",
        "dropped",
        "The signature of a call by a Gemini model, which its id carries.",
        "https://ai.google.dev/gemini-api/docs/thought-signatures",
    ),
    Rule(
        "reasoning.budget",
        "translated",
        "A thinking budget in tokens becomes `reasoning_effort`: up to 2048 low, up to 8192 "
        "medium, above high.",
        "https://platform.openai.com/docs/guides/reasoning",
    ),
    Rule(
        "reasoning.disabled",
        "dropped",
        "Thinking that another wire turns off: only some models here have a word for that.",
        "https://platform.openai.com/docs/guides/reasoning",
    ),
    Rule(
        "reasoning.display",
        "dropped",
        "How another wire wants reasoning shown.",
        "https://platform.openai.com/docs/guides/reasoning",
    ),
    Rule(
        "tool_result.media",
        "translated",
        "Images and documents of a tool's result follow in a user message, since a tool "
        "message takes text only; the result says so.",
        f"{API}/create",
    ),
    Rule(
        "tool_result.is_error",
        "translated",
        'A failed tool\'s result begins with "Error: ".',
        f"{API}/create",
    ),
    Rule(
        "document.text",
        "translated",
        "A plain-text document becomes a text part, with its title and context before it.",
        f"{API}/create",
    ),
    Rule(
        "citations",
        "dropped",
        "Citations of earlier answers: a request takes no annotations.",
        f"{API}/create",
    ),
    Rule("document.citations", "dropped", "OpenAI cites no documents here.", f"{API}/create"),
    Rule("document.context", "dropped", "A file takes no context.", f"{API}/create"),
    Rule(
        "document.link",
        "refused",
        "OpenAI chat takes files inline or by id, not by URL; send the file's data.",
        f"{API}/create",
    ),
    Rule(
        "audio.link",
        "refused",
        "OpenAI chat takes audio inline only; send its data.",
        f"{API}/create",
    ),
    Rule(
        "file",
        "refused",
        "A file id belongs to the provider it was uploaded to; send the file's data.",
        "https://platform.openai.com/docs/api-reference/files",
    ),
    Rule(
        "opaque",
        "refused",
        "A part that only its own wire can express; remove it or call a model of that wire.",
        f"{API}/create",
    ),
    Rule(
        "tool.opaque",
        "refused",
        "A tool that the other provider runs itself; remove it or call a model of that wire.",
        f"{API}/create",
    ),
    Rule(
        "assistant.media",
        "refused",
        "An assistant message takes text only; move the part to a user message.",
        f"{API}/create",
    ),
    Rule("stop", "refused", "OpenAI takes at most 4 stop sequences.", f"{API}/create"),
    Rule("service_tier", "dropped", "The other wire's word for a tier.", f"{API}/create"),
    Rule(
        "extra",
        "dropped",
        "Members that only the other wire knows, named in `dropped` by their path.",
        f"{API}/create",
    ),
    Rule(
        "extra.mcp_servers",
        "refused",
        "The provider's own tool servers; call a model of that wire.",
        f"{API}/create",
    ),
    Rule(
        "extra.container",
        "refused",
        "The provider's own container; call a model of that wire.",
        f"{API}/create",
    ),
)

RULES: dict[str, Rule] = {rule.what: rule for rule in UNSUPPORTED}

SERVICE_TIERS: dict[str, str] = {"auto": "auto", "standard_only": "default"}
"""Anthropic's words to OpenAI's.
https://docs.anthropic.com/en/api/service-tiers"""

EFFORTS: tuple[tuple[int, str], ...] = ((2048, "low"), (8192, "medium"))
EFFORT_ABOVE = "high"

ERROR_TYPES: dict[int, str] = {
    # https://platform.openai.com/docs/guides/error-codes
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    500: "server_error",
    502: "server_error",
    503: "service_unavailable_error",
    504: "timeout_error",
}
"""The libraries choose the exception class by the status; `type` says the same in words."""

DROPPED = frozenset(what for what, rule in RULES.items() if rule.fate == "dropped")
