"""What a generateContent request must look like: the types that the door checks a body against.

Only what Portico relies on is checked; members that are not named here pass.
https://ai.google.dev/api/generate-content
"""

from typing import Annotated

import msgspec
from msgspec import Meta

AtLeastOne = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(min_length=1)]


class Blob(msgspec.Struct, rename="camel"):
    mime_type: str
    data: str


class FileData(msgspec.Struct, rename="camel"):
    file_uri: str
    mime_type: str | None = None


class FunctionCall(msgspec.Struct, rename="camel"):
    name: Name
    id: str | None = None
    args: dict[str, object] | None = None


class FunctionResponse(msgspec.Struct, rename="camel"):
    name: Name
    id: str | None = None
    response: dict[str, object] | None = None
    parts: list[dict[str, object]] | None = None


class Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None


class Content(msgspec.Struct, rename="camel"):
    parts: list[Part] | Part | None = None
    role: str | None = None


class FunctionDeclaration(msgspec.Struct, rename="camel"):
    name: Name
    description: str | None = None
    parameters: dict[str, object] | None = None
    parameters_json_schema: object = None


class Tool(msgspec.Struct, rename="camel"):
    function_declarations: list[FunctionDeclaration] | None = None


class FunctionCallingConfig(msgspec.Struct, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(msgspec.Struct, rename="camel"):
    function_calling_config: FunctionCallingConfig | None = None


class ThinkingConfig(msgspec.Struct, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: Annotated[int, Meta(ge=-1)] | None = None
    thinking_level: str | None = None


class GenerationConfig(msgspec.Struct, rename="camel"):
    max_output_tokens: AtLeastOne | None = None
    candidate_count: AtLeastOne | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop_sequences: list[str] | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, object] | None = None
    response_json_schema: object = None
    thinking_config: ThinkingConfig | None = None


class Request(msgspec.Struct, rename="camel", kw_only=True):
    contents: Annotated[list[Content], Meta(min_length=1)] | Content
    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig | None = None
    service_tier: str | None = None


FREE = frozenset(
    (
        "args",
        "labels",
        "parameters",
        "parametersJsonSchema",
        "response",
        "responseJsonSchema",
        "responseSchema",
    )
)
"""Members whose inner names are the caller's own."""


def members_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The names of a type's members as they stand in JSON."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))


_NAMED = frozenset(
    name
    for kind in (
        *(Blob, FileData, FunctionCall, FunctionResponse, Part, Content, FunctionDeclaration),
        *(Tool, FunctionCallingConfig, ToolConfig, ThinkingConfig, GenerationConfig, Request),
    )
    for name in members_of(kind)
)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


CAMEL = {_snake(name): name for name in _NAMED if _snake(name) != name}
"""Google takes either spelling of a member; inside, only this one is read.
https://protobuf.dev/programming-guides/json/"""


def one_spelling(value: object) -> object:
    """The same JSON with the members that are read here in lower camel case."""
    if isinstance(value, list):
        return [one_spelling(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    named = {CAMEL.get(name, name): inner for name, inner in value.items()}
    return {name: inner if name in FREE else one_spelling(inner) for name, inner in named.items()}
