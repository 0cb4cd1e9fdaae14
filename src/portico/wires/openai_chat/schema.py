"""The OpenAI chat completions format as types: what is checked before anything else happens.

Unknown members are allowed everywhere: OpenAI adds some every month, and compatible servers
have their own. Bounds are OpenAI's.

Source: https://platform.openai.com/docs/api-reference/chat/create and the types of the openai
Python library 3.54.0, read 2026-11-23.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from portico.contract.conversation import Json

NAME = "openai_chat"

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]


class ImageUrl(msgspec.Struct, frozen=True):
    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct, frozen=True):
    data: str
    format: str = ""


class FileBody(msgspec.Struct, frozen=True):
    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class ContentPart(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | None = None
    input_audio: InputAudio | None = None
    file: FileBody | None = None
    prompt_cache_breakpoint: Json = None


class FunctionCall(msgspec.Struct, frozen=True):
    name: str = ""
    arguments: str | dict[str, Json] | None = None
    """JSON text; some compatible servers send the object itself."""


class ToolCallBody(msgspec.Struct, frozen=True):
    id: str = ""
    type: str = "function"
    function: FunctionCall | None = None


class AudioReference(msgspec.Struct, frozen=True):
    id: str


class Message(msgspec.Struct, frozen=True):
    role: Role
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[ToolCallBody] | None = None
    refusal: str | None = None
    audio: AudioReference | None = None
    reasoning_content: str | None = None
    reasoning: Json = None
    function_call: Json = None


class FunctionDefinition(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, Json] | bool | None = None
    strict: bool | None = None


class ToolBody(msgspec.Struct, frozen=True):
    type: str
    function: FunctionDefinition | None = None


class JsonSchema(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    schema: dict[str, Json] | bool | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class NamedFunction(msgspec.Struct, frozen=True):
    name: str


class NamedToolChoice(msgspec.Struct, frozen=True):
    type: str
    function: NamedFunction | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every member that Portico understands but `messages`."""

    model: Annotated[str, Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: int | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[ToolBody] | None = None
    tool_choice: str | NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    user: str | None = None
    service_tier: str | None = None
    functions: Json = None
    function_call: Json = None


class Request(Settings, frozen=True, kw_only=True):
    """The members that Portico understands; the rest goes with the conversation as `extra`."""

    messages: Annotated[list[Message], Meta(min_length=1)]


class Audio(msgspec.Struct, frozen=True):
    id: str = ""
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class UrlCitation(msgspec.Struct, frozen=True):
    url: str = ""
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(msgspec.Struct, frozen=True):
    type: str = ""
    url_citation: UrlCitation | None = None


class AnswerMessage(msgspec.Struct, frozen=True):
    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallBody] | None = None
    function_call: FunctionCall | None = None
    audio: Audio | None = None
    annotations: list[Annotation] | None = None


class AnswerChoice(msgspec.Struct, frozen=True):
    message: AnswerMessage
    index: int = 0
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    """vLLM: the stop sequence that was met."""
    logprobs: Json = None


class AnswerBody(msgspec.Struct, frozen=True):
    choices: list[AnswerChoice] | None = None
    id: str | None = None
    model: str | None = None
    created: float | None = None
    usage: Json = None
    service_tier: Json = None
    error: Json = None


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    index: int | None = None
    id: str | None = None
    function: FunctionCall | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    audio: Audio | None = None
    annotations: list[Annotation] | None = None
    function_call: FunctionCall | None = None


NO_DELTA = Delta()


class ChunkChoice(msgspec.Struct, frozen=True, gc=False):
    index: int = 0
    delta: Delta | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    logprobs: Json = None


class Chunk(msgspec.Struct, frozen=True, gc=False):
    choices: list[ChunkChoice] | None = None
    model: str | None = None
    id: str | None = None
    created: float | None = None
    usage: Json = None
    service_tier: Json = None
    error: Json = None


requests = msgspec.json.Decoder(Request)
answers = msgspec.json.Decoder(AnswerBody)
chunks = msgspec.json.Decoder(Chunk)
objects = msgspec.json.Decoder(dict[str, Json])
"""The members of a body undecoded by type, for those that are unknown."""
