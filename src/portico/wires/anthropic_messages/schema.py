"""What a Messages request must look like: the types that the door checks a body against.

Only what Portico relies on is checked; members that are not named here pass.
https://platform.claude.com/docs/en/api/messages/create
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

AtLeastOne = Annotated[int, Meta(ge=1)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1)]


class Base64Source(msgspec.Struct, tag_field="type", tag="base64"):
    media_type: str
    data: str


class UrlSource(msgspec.Struct, tag_field="type", tag="url"):
    url: str


class FileSource(msgspec.Struct, tag_field="type", tag="file"):
    file_id: str


class TextSource(msgspec.Struct, tag_field="type", tag="text"):
    data: str
    media_type: str = "text/plain"


class ContentSource(msgspec.Struct, tag_field="type", tag="content"):
    content: str | list[dict[str, object]]


class CacheControl(msgspec.Struct, forbid_unknown_fields=True):
    """Anything else that a caller puts here is kept as it came."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class TextBlock(msgspec.Struct, tag_field="type", tag="text"):
    text: str
    citations: list[dict[str, object]] | None = None


class ImageBlock(msgspec.Struct, tag_field="type", tag="image"):
    source: Base64Source | UrlSource | FileSource


class DocumentBlock(msgspec.Struct, tag_field="type", tag="document"):
    source: Base64Source | TextSource | ContentSource | UrlSource | FileSource
    title: str | None = None
    context: str | None = None
    citations: dict[str, object] | None = None


class ThinkingBlock(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str | None = None


class RedactedThinkingBlock(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class ToolUseBlock(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: Name
    name: Name
    input: dict[str, object]


class ToolResultBlock(msgspec.Struct, tag_field="type", tag="tool_result"):
    tool_use_id: Name
    content: str | list[TextBlock | ImageBlock | DocumentBlock] | None = None
    is_error: bool | None = None


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
)


class Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class LooseMessage(msgspec.Struct):
    """A message whose blocks are looked at one by one, because some kind is new to us."""

    role: Literal["user", "assistant", "system"]
    content: str | list[msgspec.Raw]


class Thinking(msgspec.Struct):
    type: str
    budget_tokens: AtLeastOne | None = None


class ToolChoiceMember(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ToolMember(msgspec.Struct):
    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, object] | None = None
    strict: bool | None = None


class Metadata(msgspec.Struct):
    user_id: str | None = None


class Format(msgspec.Struct):
    type: str
    schema: dict[str, object] | None = None


class OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: Format | None = None


class Settings(msgspec.Struct, kw_only=True):
    """Every member of a request but `messages`."""

    model: Name
    max_tokens: AtLeastOne
    system: str | list[TextBlock] | None = None
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    thinking: Thinking | None = None
    tool_choice: ToolChoiceMember | None = None
    tools: list[ToolMember] | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None


class Request(Settings, kw_only=True):
    messages: Annotated[list[Message], Meta(min_length=1)]


class LooseRequest(Settings, kw_only=True):
    messages: Annotated[list[LooseMessage], Meta(min_length=1)]
