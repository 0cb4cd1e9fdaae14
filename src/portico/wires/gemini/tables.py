"""What Gemini's generateContent calls things, and what it cannot say: tables, no logic.

`docs/reference/gemini.md` documents every row; a test compares the two.
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

NAME = "gemini"

API = "https://ai.google.dev/api/generate-content"
THINKING = "https://ai.google.dev/gemini-api/docs/thinking"
SIGNATURES = "https://ai.google.dev/gemini-api/docs/thought-signatures"
FUNCTIONS = "https://ai.google.dev/gemini-api/docs/function-calling"
FILES = "https://ai.google.dev/gemini-api/docs/file-input-methods"
STRUCTURED = "https://ai.google.dev/gemini-api/docs/structured-output"
STOP_DOCS = f"{API}#FinishReason"
VERTEX_STOP_DOCS = (
    "https://docs.cloud.google.com/gemini-enterprise-agent-platform/reference/rest/v1/"
    "GenerateContentResponse#FinishReason"
)
SDK_STOP_DOCS = "https://googleapis.github.io/python-genai/genai.html#genai.types.FinishReason"
BLOCK_DOCS = f"{API}#BlockReason"

STOP_WORDS: tuple[tuple[str, StopReason, str], ...] = (
    ("STOP", StopReason.END, STOP_DOCS),
    ("MAX_TOKENS", StopReason.LENGTH, STOP_DOCS),
    ("SAFETY", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("RECITATION", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("LANGUAGE", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("BLOCKLIST", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("PROHIBITED_CONTENT", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("SPII", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("IMAGE_SAFETY", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("IMAGE_PROHIBITED_CONTENT", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("IMAGE_RECITATION", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("MODEL_ARMOR", StopReason.CONTENT_FILTER, VERTEX_STOP_DOCS),
    ("CONTINUATION", StopReason.LENGTH, VERTEX_STOP_DOCS),
    ("MALFORMED_FUNCTION_CALL", StopReason.OTHER, STOP_DOCS),
    ("UNEXPECTED_TOOL_CALL", StopReason.OTHER, STOP_DOCS),
    ("TOO_MANY_TOOL_CALLS", StopReason.OTHER, STOP_DOCS),
    ("MISSING_THOUGHT_SIGNATURE", StopReason.OTHER, STOP_DOCS),
    ("MALFORMED_RESPONSE", StopReason.OTHER, STOP_DOCS),
    ("IMAGE_OTHER", StopReason.OTHER, STOP_DOCS),
    ("NO_IMAGE", StopReason.OTHER, STOP_DOCS),
    ("ESCALATION", StopReason.CONTENT_FILTER, SDK_STOP_DOCS),
    ("PUP_LIMITED_DISABLED", StopReason.CONTENT_FILTER, SDK_STOP_DOCS),
    ("OTHER", StopReason.OTHER, STOP_DOCS),
)
"""An answer with a function call that ends with STOP has stopped for its tool calls."""
STOP_FROM_WORD = {word: reason for word, reason, _ in STOP_WORDS}
STOP_TO_WORD: dict[StopReason, str] = {
    StopReason.END: "STOP",
    StopReason.LENGTH: "MAX_TOKENS",
    StopReason.STOP_SEQUENCE: "STOP",
    StopReason.TOOL_CALLS: "STOP",
    StopReason.CONTENT_FILTER: "SAFETY",
    StopReason.REFUSAL: "SAFETY",
    StopReason.PAUSE: "OTHER",
    StopReason.CONTEXT_WINDOW: "MAX_TOKENS",
    StopReason.OTHER: "OTHER",
}

Fate = Literal["exact", "translated", "dropped", "refused"]


class Rule(msgspec.Struct, frozen=True):
    """What happens to a thing of another wire on its way to Gemini."""

    what: str
    fate: Fate
    how: str
    source: str = API


RULES_LIST: tuple[Rule, ...] = (
    Rule("system", "translated", "All system and developer text becomes `systemInstruction`."),
    Rule("roles", "translated", "Turns of one role in a row are one content."),
    Rule("name", "dropped", "Names of speakers."),
    Rule("text", "exact", "Empty text is left out."),
    Rule("image.inline", "exact", "`inlineData`.", FILES),
    Rule(
        "link",
        "refused",
        "Gemini takes data inline, from the Files API, gs:// or https://; send the data.",
        FILES,
    ),
    Rule("link.https", "exact", "A public or signed https address becomes `fileData`.", FILES),
    Rule("link.google", "exact", "A gs:// or Files API address becomes `fileData`.", FILES),
    Rule("image.detail", "dropped", "Resolution is a setting of its own here."),
    Rule("document.inline", "exact", "`inlineData`, PDF and text types alike.", FILES),
    Rule(
        "document.text",
        "translated",
        "A plain-text document becomes text, with its title and context before it.",
    ),
    Rule("document.title", "dropped", "Inline data has no name."),
    Rule("document.context", "dropped", "Inline data has no context."),
    Rule("document.citations", "dropped", "Gemini cites no documents on demand."),
    Rule("document.empty", "refused", "The document is empty; send its data."),
    Rule("audio.inline", "exact", "`inlineData` of the type audio/<format>.", FILES),
    Rule(
        "file",
        "refused",
        "A file id belongs to the provider it was uploaded to; send the file's data.",
        FILES,
    ),
    Rule("cache", "dropped", "Cache hints; Gemini caches prefixes by itself."),
    Rule(
        "reasoning",
        "dropped",
        "Reasoning of another provider's model: only that provider can read it.",
        SIGNATURES,
    ),
    Rule(
        "signature",
        "exact",
        "Gemini's own signatures go back on the parts that they came with.",
        SIGNATURES,
    ),
    Rule(
        "signature.missing",
        "translated",
        "A call without a signature gets the placeholder that Google documents, for Gemini 3 "
        "and later.",
        SIGNATURES,
    ),
    Rule("refusal", "translated", "Refusals in the history are text."),
    Rule("citations", "dropped", "Citations of earlier answers: a request takes none."),
    Rule("tool_call", "translated", "`functionCall`; no arguments are {}.", FUNCTIONS),
    Rule("arguments", "refused", "Tool arguments must be a JSON object.", FUNCTIONS),
    Rule(
        "tool_result",
        "translated",
        "`functionResponse`, in the order of the calls: a JSON object as it is, other text "
        "under `output`, a failure under `error`.",
        FUNCTIONS,
    ),
    Rule(
        "tool_result.unknown",
        "refused",
        "Gemini matches results by name, and no earlier tool call has this id.",
        FUNCTIONS,
    ),
    Rule(
        "tool_result.media",
        "translated",
        "`functionResponse.parts`; before Gemini 3 they follow the results.",
        FUNCTIONS,
    ),
    Rule("opaque", "refused", "Only its own wire can express it; remove it."),
    Rule("tool", "exact", "`functionDeclarations` with `parametersJsonSchema`.", FUNCTIONS),
    Rule("tool.strict", "dropped", "Strictness is no setting of one tool here.", FUNCTIONS),
    Rule("tool.opaque", "refused", "A tool that another provider runs itself; remove it."),
    Rule("tool_choice", "exact", "AUTO, ANY, NONE; one tool is ANY with its name.", FUNCTIONS),
    Rule("parallel_tool_calls", "dropped", "false cannot be said.", FUNCTIONS),
    Rule("output.schema", "exact", "`responseJsonSchema`, type application/json.", STRUCTURED),
    Rule("output.json", "exact", "`responseMimeType` application/json.", STRUCTURED),
    Rule("output.name", "dropped", "The schema's name.", STRUCTURED),
    Rule("output.description", "dropped", "The schema's description.", STRUCTURED),
    Rule("max_output_tokens", "exact", "`maxOutputTokens`; it counts thoughts too."),
    Rule("temperature", "exact", "0 to 2."),
    Rule("top_p", "exact", "`topP`."),
    Rule("top_k", "exact", "`topK`."),
    Rule("frequency_penalty", "exact", "`frequencyPenalty`."),
    Rule("presence_penalty", "exact", "`presencePenalty`."),
    Rule("seed", "exact", "`seed`."),
    Rule("n", "exact", "`candidateCount`."),
    Rule("logprobs", "exact", "`responseLogprobs` and `logprobs`; answers in OpenAI's shape."),
    Rule("logit_bias", "refused", "Gemini has no such member; leave it out."),
    Rule("stop", "exact", "`stopSequences`."),
    Rule("stop.count", "refused", "Gemini takes at most 5 stop sequences."),
    Rule("reasoning.effort", "translated", "By the model's generation, see below.", THINKING),
    Rule("reasoning.budget", "translated", "As effort where a model takes levels.", THINKING),
    Rule("reasoning.unsupported", "dropped", "The model does not think.", THINKING),
    Rule("reasoning.disabled", "dropped", "The model always thinks; it thinks least.", THINKING),
    Rule("reasoning.display", "dropped", "How another wire wants thoughts shown.", THINKING),
    Rule("reasoning.word", "refused", "Not an effort that Portico knows.", THINKING),
    Rule("user", "dropped", "The caller's own id of the person."),
    Rule("service_tier", "translated", "See below."),
    Rule("service_tier.unknown", "dropped", "A tier that Gemini has no word for."),
    Rule("empty", "refused", "Beside system text Gemini needs a message with content."),
    Rule("system.media", "refused", "System text is text only."),
    Rule("extra", "dropped", "Other members of another wire, by their path."),
    Rule("extra.audio", "refused", "Portico asks Gemini for text only."),
    Rule("extra.web_search_options", "refused", "Another provider's own web search."),
    Rule("extra.tool_choice", "refused", "A choice of a kind that has no equal here."),
    Rule("extra.mcp_servers", "refused", "Another provider's own tool servers."),
    Rule("extra.container", "refused", "Another provider's own container."),
)
RULES: dict[str, Rule] = {rule.what: rule for rule in RULES_LIST}
DROPPED = frozenset(rule.what for rule in RULES_LIST if rule.fate == "dropped")

MOST_STOPS = 5

EFFORTS: dict[str, tuple[str, int]] = {
    "minimal": ("MINIMAL", 1024),
    "low": ("LOW", 1024),
    "medium": ("MEDIUM", 8192),
    "high": ("HIGH", 24576),
    "xhigh": ("XHIGH", 32768),
    "max": ("XHIGH", 32768),
}
"""Effort as `thinkingLevel` and as `thinkingBudget`.
https://ai.google.dev/gemini-api/docs/openai#thinking"""

LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
"""From the least to the most."""

LEVEL_BY_BUDGET: tuple[tuple[int, str], ...] = ((1024, "LOW"), (8192, "MEDIUM"))
LEVEL_ABOVE = "HIGH"


class Thinker(msgspec.Struct, frozen=True):
    """How models whose id begins with `prefix` are told how much to think.

    `levels` for those that take `thinkingLevel`; otherwise `budget` in tokens, or neither.
    """

    prefix: str
    levels: tuple[str, ...] = ()
    budget: tuple[int, int] | None = None
    can_stop: bool = False


_LOW_TO_HIGH = ("LOW", "MEDIUM", "HIGH")
_ALL = ("MINIMAL", *_LOW_TO_HIGH)

THINKERS: tuple[Thinker, ...] = (
    Thinker("gemini-2.5-pro", budget=(128, 32768)),
    Thinker("gemini-2.5-flash-lite", budget=(512, 24576), can_stop=True),
    Thinker("gemini-2.5-flash", budget=(1, 24576), can_stop=True),
    Thinker("gemini-3-pro", levels=("LOW", "HIGH")),
    Thinker("gemini-3-flash", levels=_ALL),
    Thinker("gemini-3.1-flash-lite", levels=_ALL),
    Thinker("gemini-3.5-flash-lite", levels=_ALL),
    Thinker("gemini-1."),
    Thinker("gemini-2.0"),
    Thinker("gemma-"),
    Thinker("", levels=_LOW_TO_HIGH),
)
"""The first row that fits holds.
https://ai.google.dev/gemini-api/docs/thinking#levels-budgets, read 2026-11-23"""

UNSIGNED: tuple[str, ...] = ("gemini-1.", "gemini-2.", "gemma-")
"""Models that neither insist on signatures of calls nor take media in a function's response.
https://ai.google.dev/gemini-api/docs/thought-signatures"""

SERVICE_TIERS: dict[str, str] = {
    "flex": "flex",
    "priority": "priority",
    "default": "standard",
    "standard_only": "standard",
}
"""Another wire's service tier in Gemini's. https://ai.google.dev/gemini-api/docs/flex-inference"""

ERROR_DOCS = "https://ai.google.dev/gemini-api/docs/troubleshooting"
ERROR_BY_WORD: dict[str, type[PorticoError]] = {
    "INVALID_ARGUMENT": InvalidRequest,
    "OUT_OF_RANGE": InvalidRequest,
    "FAILED_PRECONDITION": UpstreamFailed,
    "UNAUTHENTICATED": UpstreamFailed,
    "PERMISSION_DENIED": UpstreamFailed,
    "NOT_FOUND": UpstreamFailed,
    "ABORTED": UpstreamFailed,
    "ALREADY_EXISTS": UpstreamFailed,
    "RESOURCE_EXHAUSTED": QuotaExhausted,
    "CANCELLED": UpstreamFailed,
    "DATA_LOSS": UpstreamFailed,
    "UNKNOWN": UpstreamFailed,
    "INTERNAL": UpstreamFailed,
    "UNIMPLEMENTED": UpstreamFailed,
    "UNAVAILABLE": Overloaded,
    "DEADLINE_EXCEEDED": UpstreamFailed,
}
"""By `error.status`. https://ai.google.dev/gemini-api/docs/troubleshooting and
https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto"""
ERROR_BY_REASON: dict[str, type[PorticoError]] = {
    "API_KEY_INVALID": UpstreamFailed,
    "API_KEY_SERVICE_BLOCKED": UpstreamFailed,
}
"""By the reason of a google.rpc.ErrorInfo, before the status: a bad key comes as a 400.
https://cloud.google.com/apis/design/errors#error_info"""
ERROR_BY_STATUS: dict[int, type[PorticoError]] = {
    400: InvalidRequest,
    413: BodyTooLarge,
    429: QuotaExhausted,
    503: Overloaded,
}
"""Where the word is missing or unknown; every other status is UpstreamFailed."""
ERROR_WORD: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    431: "INVALID_ARGUMENT",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The `error.status` that goes with one of our statuses."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding an upstream's bytes may raise."""

FRAME_LIMIT = 16 * 1024 * 1024
"""Bytes of one stream frame: an image comes whole."""
MOST_CANDIDATES = 64
"""Candidates of a stream that are told apart; Gemini sends at most 8."""
