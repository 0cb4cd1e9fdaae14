"""A generateContent body: checked at the door, and read into the canonical conversation.

Law of the file: `read` is the hot path and looks only at types and bounds; `conversation` runs
when the call must be translated or a stage has to look inside, and keeps every member.
The model and whether to stream stand in the URL: whoever reads a body sets them on the result.
"""

from typing import Any

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    NOTHING,
    Conversation,
    Document,
    Extra,
    Image,
    Json,
    Opaque,
    OutputFormat,
    Part,
    ReasoningRequest,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.wires import members
from portico.wires.gemini import schema, signatures
from portico.wires.gemini.part_reader import Block, json_text, opaque, read_part, rest
from portico.wires.gemini.part_writer import json_object
from portico.wires.gemini.tables import NAME, UNREADABLE

_strict = msgspec.json.Decoder(schema.Request)
_anything = msgspec.json.Decoder()
_SPELLED = frozenset(schema.CAMEL)
_READ = schema.members_of(schema.Request) | {"portico", "model"}
_CONFIG = schema.members_of(schema.GenerationConfig)
_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "tool"}
_CHOICES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def read(body: bytes, nesting: int) -> WireRequest:
    """Checks a body. Raises InvalidRequest naming the member at fault, such as
    "contents[2].parts[0].text"."""
    raw, spans = members.scan(body, nesting)
    try:
        request = _strict.decode(body)
        spelled = _SPELLED.isdisjoint(raw)
    except msgspec.DecodeError as error:
        if b"_" not in body:
            raise members.refusal(error) from None
        spelled = False
    if not spelled:
        request = _convert(body)[1]
    config = request.generation_config or schema.GenerationConfig()
    return WireRequest(
        wire=NAME,
        operation="chat",
        body=body,
        model="",
        max_output_tokens=config.max_output_tokens,
        choices=config.candidate_count or 1,
        wants_usage=True,
        options=members.options(raw.get("portico")),
        members=spans,
    )


def conversation(request: WireRequest) -> Conversation:
    """The whole request in the canonical vocabulary. System text is the first turn."""
    body, _ = _convert(request.body)
    config: dict[str, Any] = body.get("generationConfig") or {}
    choice, choosing = _tool_choice(body.get("toolConfig") or {})
    output, formatting = _output(config)
    kept = {**rest(config, _CONFIG), **formatting}
    extra = {**rest(body, _READ), **choosing}
    if kept:
        extra["generationConfig"] = kept
    return Conversation(
        wire=NAME,
        turns=(*_system(body.get("systemInstruction")), *_turns(body["contents"])),
        tools=tuple(tool for entry in body.get("tools") or () for tool in _tools(entry)),
        tool_choice=choice,
        output=output,
        reasoning=_reasoning(config.get("thinkingConfig")),
        sampling=_sampling(config),
        service_tier=body.get("serviceTier"),
        extra=extra,
    )


def _convert(body: bytes) -> tuple[dict[str, Any], schema.Request]:
    """The body in one spelling, and checked as such."""
    try:
        spelled = schema.one_spelling(_anything.decode(body))
        request = msgspec.convert(spelled, schema.Request)
    except msgspec.ValidationError as error:
        raise members.refusal(error) from None
    except UNREADABLE:
        raise InvalidRequest("The body is not valid JSON.") from None
    assert isinstance(spelled, dict)  # a Request is read from nothing else
    return spelled, request


def _contents(value: Json) -> list[dict[str, Any]]:
    """One content may stand without a list around it, and so may one part."""
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _system(content: Json) -> tuple[Turn, ...]:
    if not isinstance(content, dict):
        return ()
    parts = tuple(read_part(part) for part in _contents(content.get("parts")))
    return (Turn(role="system", parts=parts),) if parts else ()


class _Pending:
    """Calls that wait for their results, matched by id, otherwise by name and order."""

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []

    def called(self, call: ToolCall) -> None:
        self._calls.append(call)

    def answered(self, given: str | None, name: str) -> ToolCall | None:
        for call in self._calls:
            own, _ = signatures.split(call.id)
            if call.name == name and (given is None or own in (None, given)):
                self._calls.remove(call)
                return call
        return None


def _turns(contents: Json) -> tuple[Turn, ...]:
    pending = _Pending()
    turns: list[Turn] = []
    for index, content in enumerate(_contents(contents)):
        word = content.get("role") or "user"
        role = _ROLES.get(word.lower())
        if role is None:
            field = f"contents[{index}].role"
            raise InvalidRequest(f'`{field}` must be "user" or "model".', field=field)
        parts = tuple(
            _part(part, pending, index, place)
            for place, part in enumerate(_contents(content.get("parts")))
        )
        turns.append(Turn(role=role, parts=parts, extra=rest(content, ("role", "parts"))))
    return tuple(turns)


def _part(block: dict[str, Any], pending: _Pending, index: int, place: int) -> Part:
    if block.get("functionResponse") is not None:
        return _result(block, pending, index, place)
    part = read_part(block, "contents", index, place)
    if isinstance(part, ToolCall):
        pending.called(part)
    return part


def _result(block: dict[str, Any], pending: _Pending, index: int, place: int) -> Part:
    body: dict[str, Any] = block["functionResponse"]
    name, given = body["name"], body.get("id")
    response = body.get("response") or {}
    content: list[Text | Image | Document | Opaque] = [Text(text=_response_text(response))]
    for media in body.get("parts") or ():
        part = read_part(media)
        content.append(part if isinstance(part, Image | Document | Opaque) else opaque(media))
    call = pending.answered(given, name)
    extra = rest(block, ("functionResponse",))
    inner = rest(body, schema.members_of(schema.FunctionResponse))
    if call is None:
        inner["name"] = name
    if inner:
        extra["functionResponse"] = inner
    made = signatures.call_id(given, None, "contents", index, place, name)
    return ToolResult(
        call_id=made if call is None else call.id,
        content=tuple(content),
        is_error=True if response.keys() == {"error"} else None,
        extra=extra,
    )


def _response_text(response: dict[str, Any]) -> str:
    """What a function returned. Text alone stands under `output`, where the writer puts it too;
    text that is a JSON object stays there, so that it goes back as it came."""
    text = response.get("output")
    if isinstance(text, str) and response.keys() == {"output"} and json_object(text) is None:
        return text
    return json_text(response)


def _tools(entry: dict[str, Any]) -> list[Tool | Opaque]:
    tools: list[Tool | Opaque] = [
        Tool(
            name=found["name"],
            description=found.get("description"),
            schema=_schema(found, "parametersJsonSchema", "parameters"),
            extra=rest(found, schema.members_of(schema.FunctionDeclaration)),
        )
        for found in entry.get("functionDeclarations") or ()
    ]
    others = rest(entry, ("functionDeclarations",))
    return [
        *tools,
        *(Opaque(wire=NAME, kind=kind, body={kind: body}) for kind, body in others.items()),
    ]


def _schema(body: dict[str, Any], name: str, older: str) -> Json:
    """A JSON Schema, or what it is in Google's older shape."""
    found = body.get(name)
    return plain_schema(body.get(older)) if found is None else found


def plain_schema(value: Json) -> Json:
    """Google's OpenAPI subset as JSON Schema: types in lower case, null as a type."""
    if isinstance(value, list):
        return [plain_schema(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    plain: Block = {}
    for name, inner in value.items():
        if name == "properties" and isinstance(inner, dict):
            plain[name] = {key: plain_schema(deeper) for key, deeper in inner.items()}
        elif name not in ("nullable", "propertyOrdering"):
            literal = name in ("enum", "default", "example", "required")
            plain[name] = inner if literal else plain_schema(inner)
    if isinstance(kind := plain.get("type"), str):
        kind = kind.lower()
        plain["type"] = [kind, "null"] if value.get("nullable") is True else kind
    return plain


def _tool_choice(config: dict[str, Any]) -> tuple[ToolChoice | None, Extra]:
    calling = config.get("functionCallingConfig")
    if calling is None:
        return None, {"toolConfig": config} if config else NOTHING
    mode = _CHOICES.get(calling.get("mode") or "AUTO")
    names = calling.get("allowedFunctionNames") or []
    plain = not rest(calling, ("mode", "allowedFunctionNames"))
    if mode is None or not plain or len(names) > (mode == "required"):
        return None, {"toolConfig": config}
    others = rest(config, ("functionCallingConfig",))
    extra: Extra = {"toolConfig": others} if others else NOTHING
    if names:
        return ToolChoice(mode="tool", name=names[0]), extra
    return ToolChoice(mode=mode), extra  # type: ignore[arg-type]  # the table


def _output(config: dict[str, Any]) -> tuple[OutputFormat | None, Extra]:
    kind = config.get("responseMimeType")
    wanted = _schema(config, "responseJsonSchema", "responseSchema")
    if kind == "application/json":
        if wanted is None:
            return OutputFormat(kind="json"), NOTHING
        return OutputFormat(kind="schema", schema=wanted), NOTHING
    names = ("responseMimeType", "responseJsonSchema", "responseSchema")
    return None, {name: config[name] for name in names if config.get(name) is not None}


def _reasoning(thinking: Json) -> ReasoningRequest | None:
    if not isinstance(thinking, dict):
        return None
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    extra = rest(thinking, ("thinkingLevel", "thinkingBudget"))
    if budget == -1:
        extra["thinkingBudget"] = -1
    return ReasoningRequest(
        enabled=budget != 0,
        effort=level.lower() if isinstance(level, str) else None,
        budget=budget if isinstance(budget, int) and budget > 0 else None,
        extra=extra,
    )


def _sampling(config: dict[str, Any]) -> Sampling:
    top_k = config.get("topK")
    return Sampling(
        max_output_tokens=config.get("maxOutputTokens"),
        temperature=config.get("temperature"),
        top_p=config.get("topP"),
        top_k=None if top_k is None else int(top_k),
        frequency_penalty=config.get("frequencyPenalty"),
        presence_penalty=config.get("presencePenalty"),
        seed=config.get("seed"),
        stop=tuple(config.get("stopSequences") or ()),
        choices=config.get("candidateCount") or 1,
        logprobs=config.get("responseLogprobs"),
        top_logprobs=config.get("logprobs"),
    )
