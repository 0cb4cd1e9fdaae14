"""What the Converse API calls things, and what it cannot say: tables, no logic.

`docs/reference/bedrock.md` documents every row; a test compares the two.
"""

from typing import Final, Literal

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

NAME: Final = "bedrock_converse"

API = "https://docs.aws.amazon.com/bedrock/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/bedrock/latest/userguide"
NOVA = "https://docs.aws.amazon.com/nova/latest"
STOP_DOCS = f"{API}/API_runtime_Converse.html"
GUARDRAILS = f"{GUIDE}/guardrails-use-converse-api.html"

STOP_WORDS: tuple[tuple[str, StopReason, str], ...] = (
    ("end_turn", StopReason.END, STOP_DOCS),
    ("tool_use", StopReason.TOOL_CALLS, STOP_DOCS),
    ("max_tokens", StopReason.LENGTH, STOP_DOCS),
    ("stop_sequence", StopReason.STOP_SEQUENCE, STOP_DOCS),
    ("guardrail_intervened", StopReason.CONTENT_FILTER, GUARDRAILS),
    ("content_filtered", StopReason.CONTENT_FILTER, STOP_DOCS),
    ("malformed_model_output", StopReason.OTHER, STOP_DOCS),
    ("malformed_tool_use", StopReason.OTHER, STOP_DOCS),
    ("model_context_window_exceeded", StopReason.CONTEXT_WINDOW, STOP_DOCS),
)
STOP_FROM_WORD = {word: reason for word, reason, _ in STOP_WORDS}
STOP_TO_WORD = {
    **{reason: word for word, reason, _ in reversed(STOP_WORDS)},
    StopReason.CONTENT_FILTER: "content_filtered",
    StopReason.REFUSAL: "content_filtered",
    StopReason.PAUSE: "end_turn",
    StopReason.OTHER: "end_turn",
}

Fate = Literal["exact", "translated", "dropped", "refused"]


class Rule(msgspec.Struct, frozen=True):
    """What becomes of a thing that another wire says."""

    what: str
    fate: Fate
    how: str
    source: str


_CONVERSE = f"{API}/API_runtime_Converse.html"
_BLOCK = f"{API}/API_runtime_ContentBlock.html"
_MESSAGE = f"{API}/API_runtime_Message.html"
_INFERENCE = f"{API}/API_runtime_InferenceConfiguration.html"
_TOOLS = f"{API}/API_runtime_ToolConfiguration.html"
_DOCUMENT = f"{API}/API_runtime_DocumentBlock.html"
_IMAGE = f"{API}/API_runtime_ImageBlock.html"
_REASONING = f"{API}/API_runtime_ReasoningTextBlock.html"
_CACHE = f"{GUIDE}/prompt-caching.html"
_SCHEMA = f"{GUIDE}/structured-output.html"

RULES: tuple[Rule, ...] = (
    Rule("system", "translated", "All system and developer text, in its order, as blocks of "
         "`system`; also what comes later in the conversation.", _CONVERSE),
    Rule("system.media", "refused", "System text is text only.",
         f"{API}/API_runtime_SystemContentBlock.html"),
    Rule("turns", "translated", "Turns of one role in a row are one message; tool turns are "
         "`toolResult` blocks of a user message, with the user turn that follows.", _MESSAGE),
    Rule("text", "exact", "Text of white space only is left out.", _BLOCK),
    Rule("text.none", "refused", "Beside system text there must be a message with content, and "
         "a user turn must have some.", _MESSAGE),
    Rule("turn.name", "dropped", "Names of speakers.", _MESSAGE),
    Rule("tool_call", "exact", "`toolUse`; no arguments are `{}`.",
         f"{API}/API_runtime_ToolUseBlock.html"),
    Rule("tool_call.arguments", "refused", "Tool arguments must be a JSON object.",
         f"{API}/API_runtime_ToolUseBlock.html"),
    Rule("tool_call.id", "translated", "An id of over 64 characters, or with others than "
         "letters, digits, `_` and `-`, is cut and ends in a hash; the same in calls and results.",
         f"{API}/API_runtime_ToolUseBlock.html"),
    Rule("tool_call.signature", "dropped", "The signature of a call by a Gemini model, which its "
         "id carries.", "https://ai.google.dev/gemini-api/docs/thought-signatures"),
    Rule("tool_result", "exact", "`toolResult` with text, images and documents; an error has the "
         "status `error`.", f"{API}/API_runtime_ToolResultBlock.html"),
    Rule("tool_result.cache", "translated", "A cache hint within a result follows the result.",
         _CACHE),
    Rule("image", "exact", "PNG, JPEG, GIF and WebP inline; `s3://` addresses as `s3Location`.",
         _IMAGE),
    Rule("image.type", "refused", "Converse takes PNG, JPEG, GIF and WebP.", _IMAGE),
    Rule("image.link", "refused", "Bedrock fetches from S3 only; send the image's data.", _IMAGE),
    Rule("image.detail", "dropped", "How closely to look, unless `auto`.", _IMAGE),
    Rule("document", "exact", "PDF, CSV, DOC, DOCX, XLS, XLSX, HTML, text and Markdown inline; "
         "`s3://` addresses as `s3Location`.", _DOCUMENT),
    Rule("document.text", "translated", "Plain text goes as `text` where citations are asked for "
         "(Bedrock takes it so only then), otherwise as the bytes of a text file.",
         f"{API}/API_runtime_DocumentSource.html"),
    Rule("document.type", "refused", "Converse takes PDF, CSV, DOC, DOCX, XLS, XLSX, HTML, "
         "text and Markdown, and none that is empty.", _DOCUMENT),
    Rule("document.link", "refused", "Bedrock fetches from S3 only; send the file's data.",
         _DOCUMENT),
    Rule("document.name", "translated", "The title in the characters that Bedrock takes (letters, "
         "digits, spaces, hyphens, parentheses, square brackets), at most 200; a second document "
         "of a name gets a number.", _DOCUMENT),
    Rule("document.alone", "translated", "A message with a document must have text: where there "
         "is none, the names of its documents.", _MESSAGE),
    Rule("file", "refused", "A file id belongs to the provider it was uploaded to; send the "
         "file's data.", _BLOCK),
    Rule("audio", "exact", "Inline, in a format that Converse has a word for.",
         f"{API}/API_runtime_AudioBlock.html"),
    Rule("audio.type", "refused", "Converse takes audio inline, in a format that it has a "
         "word for; send that or a transcript.",
         f"{API}/API_runtime_AudioBlock.html"),
    Rule("reasoning", "exact", "With its signature, or sealed.", _REASONING),
    Rule("reasoning.unsigned", "dropped", "Reasoning without a signature, or sealed in another "
         "provider's way: no model takes it back.", _REASONING),
    Rule("reasoning.foreign", "dropped", "Reasoning that another provider's model signed, and "
         "of Claude where the model is another: only its maker takes it back.", _REASONING),
    Rule("refusal", "translated", "Refusals in the history are text.", _BLOCK),
    Rule("citations", "dropped", "Citations of other wires in the history, but for those of "
         "documents by Anthropic.",
         f"{API}/API_runtime_CitationsContentBlock.html"),
    Rule("cache", "translated", "A `cachePoint` block after what it follows; a lifetime of an "
         "hour is its `ttl`.", _CACHE),
    Rule("opaque", "refused", "Content that only its own wire knows; remove it or call a model "
         "of that wire.", _BLOCK),
    Rule("tools", "exact", "`toolSpec`; a tool without a schema takes an empty object.", _TOOLS),
    Rule("tool.opaque", "refused", "A tool that another provider runs itself; remove it or call a "
         "model of that wire.", _TOOLS),
    Rule("tools.absent", "translated", "Tool calls in the history need tools: where the call has "
         "none, those of the history are declared with an open schema.", _TOOLS),
    Rule("tool_choice", "exact", "auto, required (`any`), one tool.",
         f"{API}/API_runtime_ToolChoice.html"),
    Rule("tool_choice.none", "translated", "The tools are left out.",
         f"{API}/API_runtime_ToolChoice.html"),
    Rule("tool_choice.none_later", "refused", "With tool calls in the history Bedrock wants the "
         "tools, and has no word that forbids their use; leave the choice out.",
         f"{API}/API_runtime_ToolChoice.html"),
    Rule("parallel_tool_calls", "dropped", "Where they are forbidden: Converse has no member for "
         "it.", _TOOLS),
    Rule("output.schema", "translated", "`outputConfig.textFormat`, with the schema as text; "
         "always enforced.", _SCHEMA),
    Rule("output.json", "refused", "Converse needs a JSON schema for structured output; use the "
         "type json_schema.", _SCHEMA),
    Rule("max_output_tokens", "exact", "`inferenceConfig.maxTokens`; the cap in force where the "
         "call names none.", _INFERENCE),
    Rule("temperature above 1", "dropped", "Written as 1, where the range ends.", _INFERENCE),
    Rule("top_p", "exact", "`inferenceConfig.topP`.", _INFERENCE),
    Rule("top_k", "translated", "By family, see below; dropped for the others.",
         f"{GUIDE}/model-parameters.html"),
    Rule("stop", "exact", "`inferenceConfig.stopSequences`.", _INFERENCE),
    Rule("stop.met", "translated", "Of Claude, `additionalModelResponseFieldPaths` asks which "
         "sequence was met; the others do not tell.", _CONVERSE),
    Rule("stop.blank", "refused", "A stop sequence must have more than white space in it.",
         _INFERENCE),
    Rule("reasoning.effort", "translated", "By family, see below; dropped for the others.",
         f"{GUIDE}/claude-messages-extended-thinking.html"),
    Rule("reasoning.budget", "translated", "A number of tokens: as it is for Claude up to 4.5, as "
         "a word for Nova and OpenAI; dropped for Claude from 4.6 on, which decides itself.",
         f"{GUIDE}/claude-messages-extended-thinking.html"),
    Rule("reasoning.disabled", "dropped", "Where the family has no word for it: OpenAI's models "
         "on Bedrock always reason.", f"{GUIDE}/model-parameters-openai.html"),
    Rule("reasoning.effort.word", "refused", "The model's family has no word for this effort; "
         "use low, medium or high.", f"{GUIDE}/claude-messages-extended-thinking.html"),
    Rule("n", "refused", "Converse answers once: ask for one answer, or call once for each.",
         _CONVERSE),
    Rule("logprobs", "refused", "Converse reports no probabilities.", _CONVERSE),
    Rule("top_logprobs", "refused", "Converse reports no probabilities.", _CONVERSE),
    Rule("logit_bias", "refused", "Converse has no member for it; leave it out.", _CONVERSE),
    Rule("seed", "dropped", "Converse has no member for it.", _INFERENCE),
    Rule("frequency_penalty", "dropped", "Unless 0.", _INFERENCE),
    Rule("presence_penalty", "dropped", "Unless 0.", _INFERENCE),
    Rule("end_user", "dropped", "The caller's id of the person: Bedrock would write it to its "
         "invocation logs.", _CONVERSE),
    Rule("service_tier", "translated", "See below; other tiers are dropped.",
         f"{API}/API_runtime_ServiceTier.html"),
    Rule("extra", "dropped", "Members that only the other wire knows, named in `dropped` by "
         "their path, but for the refused ones below.", _CONVERSE),
)  # fmt: skip

BY_WHAT: dict[str, Rule] = {rule.what: rule for rule in RULES}
DROPPED = frozenset(
    (
        *(rule.what for rule in RULES if rule.fate == "dropped"),
        *("top_k", "reasoning.effort", "reasoning.budget", "service_tier"),
    )
)
"""The names under which something may be dropped; the last four for some models or values."""


class Unsupported(msgspec.Struct, frozen=True):
    """A member of Sampling that Converse does not know, and its values that ask for nothing."""

    member: str
    what: str
    harmless: tuple[object, ...]


UNSUPPORTED: tuple[Unsupported, ...] = (
    Unsupported("choices", "n", (1,)),
    Unsupported("logprobs", "logprobs", (None, False)),
    Unsupported("top_logprobs", "top_logprobs", (None, 0)),
    Unsupported("logit_bias", "logit_bias", (None, {})),
    Unsupported("seed", "seed", (None,)),
    Unsupported("frequency_penalty", "frequency_penalty", (None, 0.0)),
    Unsupported("presence_penalty", "presence_penalty", (None, 0.0)),
)

FOREIGN_REFUSED: dict[str, str] = {
    "audio": "Converse answers in text only",
    "web_search_options": "Converse searches nothing; leave it out",
    "tool_choice": "a choice of this kind has no equal; name one tool, or auto or required",
    "mcp_servers": "the provider's own tool servers; call a model of that wire",
    "container": "the provider's own container; call a model of that wire",
}
"""Members of another wire without which the answer would be a different one."""

SERVICE_TIERS: dict[str, str] = {
    "auto": "",
    "default": "",
    "standard_only": "",
    "flex": "flex",
    "priority": "priority",
}
"""Another wire's service tier in ours; "" is the standard tier, which needs no word.
https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html"""

IMAGE_FORMATS: dict[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}

DOCUMENT_FORMATS: dict[str, str] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
    "application/json": "txt",
}
DOCUMENT_TYPES = {word: kind for kind, word in reversed(DOCUMENT_FORMATS.items())}

AUDIO_FORMATS = frozenset(
    (
        *(
            "aac",
            "flac",
            "m4a",
            "mka",
            "mkv",
            "mp3",
            "mp4",
            "mpeg",
            "mpga",
            "ogg",
            "opus",
            "pcm",
            "wav",
        ),
        "webm",
        "x-aac",
    )
)

ERROR_DOCS = f"{API}/CommonErrors.html"

ERROR_WORD: dict[int, str] = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    405: "ValidationException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    413: "ValidationException",
    422: "ModelErrorException",
    429: "ThrottlingException",
    431: "ValidationException",
    500: "InternalServerException",
    502: "ModelErrorException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
"""The exception that goes with one of our statuses."""

STREAM_WORDS = frozenset(
    (
        "internalServerException",
        "modelStreamErrorException",
        "validationException",
        "throttlingException",
        "serviceUnavailableException",
    )
)
"""The exceptions that a stream may end with; any other is written as the second.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html"""

ERROR_BY_TYPE: dict[str, type[PorticoError]] = {
    "ValidationException": InvalidRequest,
    "ThrottlingException": QuotaExhausted,
    "ServiceQuotaExceededException": QuotaExhausted,
    "TooManyRequestsException": QuotaExhausted,
    "ModelNotReadyException": Overloaded,
    "ServiceUnavailableException": Overloaded,
    "ModelTimeoutException": UpstreamFailed,
    "ModelErrorException": UpstreamFailed,
    "ModelStreamErrorException": UpstreamFailed,
    "InternalServerException": UpstreamFailed,
    "InternalFailure": UpstreamFailed,
    "ConflictException": UpstreamFailed,
    "ResourceNotFoundException": UpstreamFailed,
    "AccessDeniedException": UpstreamFailed,
    "NotAuthorized": UpstreamFailed,
    "OptInRequired": UpstreamFailed,
    "ExpiredTokenException": UpstreamFailed,
    "UnrecognizedClientException": UpstreamFailed,
    "InvalidClientTokenId": UpstreamFailed,
    "InvalidSignatureException": UpstreamFailed,
    "IncompleteSignature": UpstreamFailed,
    "MissingAuthenticationTokenException": UpstreamFailed,
    "RequestExpired": UpstreamFailed,
}
"""What an upstream's exception means to a caller of Portico."""

ERROR_BY_STATUS: dict[int, type[PorticoError]] = {
    400: InvalidRequest,
    413: BodyTooLarge,
    422: InvalidRequest,
    429: QuotaExhausted,
    503: Overloaded,
}
"""Where the type is missing or unknown; every other status is UpstreamFailed."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding an upstream's bytes may raise."""
