"""What a Converse request must look like: the types that the door checks a body against.

Only what Portico relies on is checked; members that are not named here pass. The model's id
and whether to stream are in the path, not in the body.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

AtLeastOne = Annotated[int, Meta(ge=1)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1)]
Object = dict[str, object]


class Camel(msgspec.Struct, rename="camel"):
    """Members are named as everywhere in Python; on the wire they are in camel case."""


class S3Location(Camel):
    uri: str
    bucket_owner: str | None = None


class Source(Camel):
    """A source. One of its members is there; `bytes` is base64."""

    bytes: str | None = None
    s3_location: S3Location | None = None
    text: str | None = None
    content: list[Object] | None = None


class ImageBlock(Camel):
    format: str
    source: Source


class Switch(Camel):
    enabled: bool


class DocumentBlock(Camel):
    name: str
    source: Source
    format: str | None = None
    context: str | None = None
    citations: Switch | None = None


class ToolUseBlock(Camel):
    tool_use_id: Name
    name: Name
    input: object


class ToolResultContent(Camel):
    json: object = None
    text: str | None = None
    image: ImageBlock | None = None
    document: DocumentBlock | None = None


class ToolResultBlock(Camel):
    tool_use_id: Name
    content: list[ToolResultContent]
    status: Literal["success", "error"] | None = None


class CachePoint(Camel):
    type: str
    ttl: Literal["5m", "1h"] | None = None


class ReasoningText(Camel):
    text: str
    signature: str | None = None


class ReasoningContent(Camel):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Piece(Camel):
    text: str | None = None


class CitationsContent(Camel):
    content: list[Piece] = []
    citations: list[Object] = []


class Block(Camel):
    """A union: one of the members is there, or one of a kind that is new to us."""

    text: str | None = None
    image: ImageBlock | None = None
    document: DocumentBlock | None = None
    audio: ImageBlock | None = None
    tool_use: ToolUseBlock | None = None
    tool_result: ToolResultBlock | None = None
    cache_point: CachePoint | None = None
    reasoning_content: ReasoningContent | None = None
    citations_content: CitationsContent | None = None


class Message(Camel):
    role: Literal["user", "assistant", "system"]
    content: list[Block]


class SystemBlock(Camel):
    text: Name | None = None
    cache_point: CachePoint | None = None


class InferenceConfig(Camel):
    max_tokens: AtLeastOne | None = None
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    stop_sequences: list[str] | None = None


class InputSchema(Camel):
    json: object = None


class ToolSpec(Camel):
    name: Name
    input_schema: InputSchema
    description: str | None = None
    strict: bool | None = None


class ToolMember(Camel):
    tool_spec: ToolSpec | None = None
    cache_point: CachePoint | None = None


class ChosenTool(Camel):
    name: Name


class ToolChoiceMember(Camel):
    auto: Object | None = None
    any: Object | None = None
    tool: ChosenTool | None = None


class ToolConfig(Camel):
    tools: Annotated[list[ToolMember], Meta(min_length=1)]
    tool_choice: ToolChoiceMember | None = None


class JsonSchema(Camel):
    schema: str
    name: str | None = None
    description: str | None = None


class Structure(Camel):
    json_schema: JsonSchema | None = None


class TextFormat(Camel):
    type: str
    structure: Structure


class OutputConfig(Camel):
    text_format: TextFormat | None = None
    effort: str | None = None


class Tier(Camel):
    type: str


class Request(Camel, kw_only=True):
    messages: Annotated[list[Message], Meta(min_length=1)]
    system: list[SystemBlock] | None = None
    inference_config: InferenceConfig | None = None
    tool_config: ToolConfig | None = None
    additional_model_request_fields: Object | None = None
    output_config: OutputConfig | None = None
    service_tier: Tier | None = None
