"""A chat completions body: checked at the door, and read into the canonical conversation.

Law of the file: whatever `read` accepts, a provider of this wire can be sent as it is; what
`conversation` does not understand it keeps in `extra`, so that the same wire gets it back.
"""

from collections.abc import Mapping

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    Conversation,
    Extra,
    Json,
    Opaque,
    OutputFormat,
    ReasoningRequest,
    Sampling,
    Tool,
    ToolChoice,
)
from portico.contract.errors import InvalidRequest
from portico.wires import members
from portico.wires.openai_chat import message_reader, schema
from portico.wires.openai_chat.message_reader import rest
from portico.wires.openai_chat.schema import NAME

_CHOICE_WORDS = frozenset(("auto", "none", "required"))
_NEEDS = {
    "text": "text",
    "refusal": "refusal",
    "image_url": "image_url",
    "input_audio": "input_audio",
    "file": "file",
}
"""Type of a content part: the member that it must have."""

_SYSTEM = frozenset(("system", "developer"))
_UNDERSTOOD = frozenset((*schema.Request.__struct_fields__, "portico"))


def read(body: bytes, nesting: int) -> WireRequest:
    """Checks types and bounds. Raises InvalidRequest naming the member at fault."""
    found, spans = members.scan(body, nesting)
    try:
        request = schema.requests.decode(body)
    except msgspec.DecodeError as error:
        raise members.refusal(error) from None
    _check_messages(request.messages)
    _check_tools(request)
    asked = request.stream_options
    return WireRequest(
        wire=NAME,
        operation="chat",
        body=body,
        model=request.model,
        stream=request.stream is True,
        max_output_tokens=request.max_completion_tokens or request.max_tokens,
        choices=request.n or 1,
        wants_usage=asked is not None and asked.include_usage is True,
        options=members.options(found.get("portico")),
        system=_system(request.messages),
        members=spans,
    )


def _system(messages: list[schema.Message]) -> str:
    """The text of the system and developer messages before all others."""
    texts: list[str] = []
    for message in messages:
        if message.role not in _SYSTEM:
            break
        content = message.content
        parts = (content,) if isinstance(content, str) else [part.text for part in content or ()]
        texts += [text for text in parts if text]
    return "\n\n".join(texts)


def conversation(request: WireRequest) -> Conversation:
    """Raises InvalidRequest for what has been replaced (`functions`, role "function")."""
    try:
        raw = schema.objects.decode(request.body)
        body = msgspec.convert(raw, schema.Settings)
        turns = message_reader.turns(_list(raw["messages"]))
    except msgspec.DecodeError as error:
        raise members.refusal(error) from None
    for name, instead in (("functions", "tools"), ("function_call", "tool_choice")):
        if getattr(body, name) is not None:
            raise InvalidRequest(f"`{name}` has been replaced; use `{instead}`.", field=name)
    return Conversation(
        wire=NAME,
        turns=turns,
        tools=_tools(body.tools, _list(raw.get("tools"))) if body.tools else (),
        tool_choice=_tool_choice(body.tool_choice),
        parallel_tool_calls=body.parallel_tool_calls,
        output=_output(body.response_format),
        reasoning=_reasoning(body.reasoning_effort),
        sampling=_sampling(body),
        end_user=body.user,
        service_tier=body.service_tier,
        extra=_extra(body, raw),
    )


def _list(raw: Json) -> list[Json]:
    return raw if isinstance(raw, list) else []


def _missing(field: str) -> InvalidRequest:
    return InvalidRequest(f"`{field}` is missing; it is required.", field=field)


def _check_messages(messages: list[schema.Message]) -> None:
    for index, message in enumerate(messages):
        if message.content is None and message.role not in ("assistant", "function"):
            raise _missing(f"messages[{index}].content")
        if message.role == "tool" and not message.tool_call_id:
            raise _missing(f"messages[{index}].tool_call_id")
        if isinstance(message.content, list):
            _check_parts(message.content, f"messages[{index}].content")
        for place, call in enumerate(message.tool_calls or ()):
            if call.type == "function" and (call.function is None or not call.function.name):
                raise _missing(f"messages[{index}].tool_calls[{place}].function.name")


def _check_parts(parts: list[schema.ContentPart], field: str) -> None:
    if not parts:
        raise InvalidRequest(f"`{field}` is empty; send text or a part.", field=field)
    for place, part in enumerate(parts):
        needed = _NEEDS.get(part.type)
        if needed is not None and getattr(part, needed) is None:
            raise _missing(f"{field}[{place}].{needed}")


def _check_tools(request: schema.Request) -> None:
    for index, tool in enumerate(request.tools or ()):
        if tool.type == "function" and tool.function is None:
            raise _missing(f"tools[{index}].function")
    choice = request.tool_choice
    if isinstance(choice, str):
        if choice not in _CHOICE_WORDS:
            raise InvalidRequest(
                "`tool_choice` must be auto, none, required or an object.", field="tool_choice"
            )
    elif choice is not None and choice.type == "function" and choice.function is None:
        raise _missing("tool_choice.function")
    wanted = request.response_format
    if wanted is not None and wanted.type == "json_schema" and wanted.json_schema is None:
        raise _missing("response_format.json_schema")


def _tools(tools: list[schema.ToolBody], raw: list[Json]) -> tuple[Tool | Opaque, ...]:
    return tuple(_tool(tool, body) for tool, body in zip(tools, raw, strict=True))


def _tool(tool: schema.ToolBody, raw: Json) -> Tool | Opaque:
    body: Mapping[str, Json] = raw if isinstance(raw, dict) else {}
    made = tool.function
    if tool.type != "function" or made is None:
        return Opaque(wire=NAME, kind=tool.type, body=body)
    extra = rest(body, ("type", "function"))
    if inner := rest(body.get("function"), schema.FunctionDefinition.__struct_fields__):
        extra["function"] = inner
    return Tool(
        name=made.name,
        description=made.description,
        schema=made.parameters,
        strict=made.strict,
        extra=extra,
    )


def _tool_choice(choice: str | schema.NamedToolChoice | None) -> ToolChoice | None:
    if choice == "auto":
        return ToolChoice(mode="auto")
    if choice == "none":
        return ToolChoice(mode="none")
    if choice == "required":
        return ToolChoice(mode="required")
    if isinstance(choice, schema.NamedToolChoice) and choice.type == "function":
        return ToolChoice(mode="tool", name=choice.function.name if choice.function else None)
    return None


def _output(wanted: schema.ResponseFormat | None) -> OutputFormat | None:
    if wanted is None:
        return None
    if wanted.type == "text":
        return OutputFormat(kind="text")
    given = wanted.json_schema
    if wanted.type == "json_object" or given is None:
        return OutputFormat(kind="json")
    return OutputFormat(
        kind="schema",
        name=given.name,
        description=given.description,
        schema=given.schema,
        strict=given.strict,
    )


def _reasoning(effort: str | None) -> ReasoningRequest | None:
    return None if effort is None else ReasoningRequest(enabled=effort != "none", effort=effort)


def _sampling(body: schema.Settings) -> Sampling:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return Sampling(
        max_output_tokens=body.max_completion_tokens or body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        logit_bias=body.logit_bias,
        seed=body.seed,
        stop=stop,
        choices=body.n or 1,
        logprobs=body.logprobs,
        top_logprobs=body.top_logprobs,
    )


def _extra(body: schema.Settings, raw: Mapping[str, Json]) -> Extra:
    extra = rest(raw, _UNDERSTOOD)
    if more := rest(raw.get("stream_options"), ("include_usage",)):
        extra["stream_options"] = more
    if isinstance(body.tool_choice, schema.NamedToolChoice) and body.tool_choice.type != "function":
        extra["tool_choice"] = raw["tool_choice"]
    return extra
