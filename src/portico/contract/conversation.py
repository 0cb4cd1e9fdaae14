"""The canonical conversation: what a call says, whatever the wire it came on.

Fields that a wire knows and this vocabulary does not are kept in `extra`, and go out again
when the target speaks the same wire. JSON that nobody here needs to understand (schemas,
tool arguments) stays as it came.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Json = object
"""A JSON value as msgspec decodes it: None, bool, int, float, str, list or dict."""
Extra = Mapping[str, Json]
NOTHING: Extra = {}

Role = Literal["system", "developer", "user", "assistant", "tool"]


class CacheHint(msgspec.Struct, frozen=True):
    """The caller asks the provider to cache everything up to here."""

    lifetime: Literal["5m", "1h"] = "5m"


class Inline(msgspec.Struct, frozen=True, tag="inline"):
    """Bytes that came with the call, as base64 text."""

    media_type: str
    data: str


class Link(msgspec.Struct, frozen=True, tag="link"):
    """A URL that the provider is to fetch. Portico never fetches it."""

    url: str


class FileReference(msgspec.Struct, frozen=True, tag="file"):
    """A file that was uploaded to the provider before."""

    id: str


Source = Inline | Link | FileReference


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a passage of the answer comes from. `body` is the wire's own object."""

    text: str = ""
    url: str = ""
    title: str = ""
    start: int | None = None
    end: int | None = None
    body: Extra = NOTHING


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheHint | None = None
    extra: Extra = NOTHING


class Image(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    source: Source
    detail: str | None = None
    cache: CacheHint | None = None
    extra: Extra = NOTHING


class Document(msgspec.Struct, frozen=True, kw_only=True, tag="document"):
    """A PDF or text file. `text` holds plain-text documents that came as text."""

    source: Source | None = None
    text: str | None = None
    title: str | None = None
    context: str | None = None
    citations: bool | None = None
    cache: CacheHint | None = None
    extra: Extra = NOTHING


class Audio(msgspec.Struct, frozen=True, kw_only=True, tag="audio"):
    source: Source
    format: str = ""
    transcript: str | None = None
    extra: Extra = NOTHING


class Reasoning(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning"):
    """What a model thought. `signature` and `sealed` go back to the provider untouched."""

    text: str = ""
    signature: str | None = None
    sealed: str | None = None
    """Reasoning that the provider encrypted (Anthropic: redacted_thinking.data)."""
    extra: Extra = NOTHING


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    text: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """`arguments` is JSON text as the model wrote it; it may be invalid or cut short."""

    id: str
    name: str
    arguments: str
    cache: CacheHint | None = None
    extra: Extra = NOTHING


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, tag="tool_result"):
    call_id: str
    content: tuple["Text | Image | Document | Opaque", ...]
    is_error: bool | None = None
    cache: CacheHint | None = None
    extra: Extra = NOTHING


class Opaque(msgspec.Struct, frozen=True, kw_only=True, tag="opaque"):
    """A part that only its own wire can express (a server tool's block, say)."""

    wire: str
    kind: str
    body: Extra


Part = Text | Image | Document | Audio | Reasoning | Refusal | ToolCall | ToolResult | Opaque


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    extra: Extra = NOTHING


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model may ask for. `schema` is JSON Schema for its arguments."""

    name: str
    description: str | None = None
    schema: Json = None
    strict: bool | None = None
    cache: CacheHint | None = None
    extra: Extra = NOTHING


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str | None = None


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """Structured output: any JSON object, or JSON that fits `schema`."""

    kind: Literal["text", "json", "schema"]
    name: str = "answer"
    description: str | None = None
    schema: Json = None
    strict: bool | None = None


class ReasoningRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How much a model may think: in words (`effort`) or in tokens (`budget`)."""

    enabled: bool = True
    effort: str | None = None
    budget: int | None = None
    extra: Extra = NOTHING


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    choices: int = 1
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """All that a call asks for, in one vocabulary. `wire` names where `extra` belongs."""

    wire: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool | Opaque, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    reasoning: ReasoningRequest | None = None
    sampling: Sampling = Sampling()
    end_user: str | None = None
    """The caller's own id of the person (OpenAI `user`, Anthropic `metadata.user_id`)."""
    service_tier: str | None = None
    extra: Extra = NOTHING
