"""A body of the Converse API: checked at the door, and read into the canonical conversation.

Law of the file: `read` is the hot path and looks only at types and bounds; `conversation` runs
when the call must be translated or a stage has to look inside, and keeps every member. The
model's id and the wish for a stream are in the path: whoever knows the path sets them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    NOTHING,
    CacheHint,
    Conversation,
    Extra,
    Json,
    Opaque,
    OutputFormat,
    ReasoningRequest,
    Sampling,
    Tool,
    ToolChoice,
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.wires import members
from portico.wires.bedrock_converse import schema
from portico.wires.bedrock_converse.block_reader import opaque, read_cache, read_content, rest
from portico.wires.bedrock_converse.tables import NAME

_decoder = msgspec.json.Decoder(schema.Request)
_READ = frozenset((*schema.Request.__struct_encode_fields__, "portico"))
_INFERENCE = frozenset(schema.InferenceConfig.__struct_encode_fields__)
_SPEC = frozenset(schema.ToolSpec.__struct_encode_fields__)


def read(body: bytes, nesting: int) -> WireRequest:
    """Checks a body. Raises InvalidRequest naming the member at fault, such as
    "messages[2].content[0].image.source". `model` is "" and `stream` False."""
    raw, spans = members.scan(body, nesting)
    try:
        request = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise members.refusal(error) from None
    inference = request.inference_config
    return WireRequest(
        wire=NAME,
        operation="chat",
        body=body,
        model="",
        max_output_tokens=None if inference is None else inference.max_tokens,
        wants_usage=True,
        options=members.options(raw.get("portico")),
        members=spans,
    )


def conversation(request: WireRequest) -> Conversation:
    """The whole request in the canonical vocabulary. System blocks are the first turn."""
    body: dict[str, Any] = msgspec.json.decode(request.body)
    inference = body.get("inferenceConfig") or {}
    config = body.get("toolConfig") or {}
    fields = dict(body.get("additionalModelRequestFields") or {})
    output_config = body.get("outputConfig") or {}
    tier = body.get("serviceTier") or {}
    choice, unknown_choice = _tool_choice(config.get("toolChoice"))
    output, unknown_output = _output(output_config)
    reasoning = _reasoning(fields, output_config.get("effort"))
    top_k = _top_k(fields)
    extra: dict[str, Json] = {
        **rest(body, _READ),
        **_kept("inferenceConfig", rest(inference, _INFERENCE)),
        **_kept("toolConfig", {**rest(config, ("tools", "toolChoice")), **unknown_choice}),
        **_kept("additionalModelRequestFields", fields),
        **_kept("outputConfig", unknown_output),
        **_kept("serviceTier", rest(tier, ("type",))),
    }
    return Conversation(
        wire=NAME,
        turns=(*_system(body.get("system")), *map(_turn, body["messages"])),
        tools=_tools(config.get("tools") or ()),
        tool_choice=choice,
        output=output,
        reasoning=reasoning,
        sampling=Sampling(
            max_output_tokens=inference.get("maxTokens"),
            temperature=inference.get("temperature"),
            top_p=inference.get("topP"),
            top_k=top_k,
            stop=tuple(inference.get("stopSequences") or ()),
        ),
        service_tier=tier.get("type"),
        extra=extra or NOTHING,
    )


def _system(system: Json) -> tuple[Turn, ...]:
    return (Turn(role="system", parts=read_content(system)),) if system else ()


def _turn(message: dict[str, Any]) -> Turn:
    return Turn(
        role=message["role"],
        parts=read_content(message["content"]),
        extra=rest(message, ("role", "content")),
    )


def _tools(tools: Any) -> tuple[Tool | Opaque, ...]:
    read: list[Tool | Opaque] = []
    for tool in tools:
        hint: CacheHint | None = read_cache(tool)
        last = read[-1] if read else None
        if hint is not None and isinstance(last, Tool) and last.cache is None:
            read[-1] = replace(last, cache=hint)
        else:
            read.append(_tool(tool))
    return tuple(read)


def _tool(tool: dict[str, Any]) -> Tool | Opaque:
    spec = tool.get("toolSpec")
    if len(tool) != 1 or spec is None or spec["inputSchema"].keys() != {"json"}:
        return opaque(tool)
    return Tool(
        name=spec["name"],
        description=spec.get("description"),
        schema=spec["inputSchema"]["json"],
        strict=spec.get("strict"),
        extra=rest(spec, _SPEC),
    )


def _tool_choice(choice: Json) -> tuple[ToolChoice | None, Extra]:
    if choice is None:
        return None, NOTHING
    if choice == {"auto": {}}:
        return ToolChoice(mode="auto"), NOTHING
    if choice == {"any": {}}:
        return ToolChoice(mode="required"), NOTHING
    tool = choice.get("tool") if isinstance(choice, dict) else None
    if isinstance(tool, dict) and choice == {"tool": {"name": tool.get("name")}}:
        return ToolChoice(mode="tool", name=tool["name"]), NOTHING
    return None, {"toolChoice": choice}


def _output(config: Mapping[str, Any]) -> tuple[OutputFormat | None, Extra]:
    """Structured output. A schema is JSON as text; what is none is the caller's mistake."""
    more = rest(config, ("effort", "textFormat"))
    wanted = config.get("textFormat")
    if wanted is None:
        return None, more
    schema_member = wanted["structure"].get("jsonSchema")
    if wanted["type"] != "json_schema" or schema_member is None:
        return None, {**more, "textFormat": wanted}
    try:
        parsed = msgspec.json.decode(schema_member["schema"], type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        field = "outputConfig.textFormat.structure.jsonSchema.schema"
        raise InvalidRequest(f"`{field}` must be a JSON object as text.", field=field) from None
    return (
        OutputFormat(
            kind="schema",
            name=schema_member.get("name") or "answer",
            description=schema_member.get("description"),
            schema=parsed,
            strict=True,
        ),
        more,
    )


def _reasoning(fields: dict[str, Any], effort: str | None) -> ReasoningRequest | None:
    """Takes Anthropic's `thinking` out of the additional fields; effort may come without it.

    The type of thinking stays in `extra` where switch and budget do not tell it (adaptive).
    """
    thinking = fields.get("thinking")
    if not isinstance(thinking, dict) or not isinstance(thinking.get("type"), str):
        return None if effort is None else ReasoningRequest(effort=effort)
    del fields["thinking"]
    kind = thinking["type"]
    budget = thinking.get("budget_tokens")
    known = ["budget_tokens"] if isinstance(budget, int) else []
    if kind == "disabled" or (kind == "enabled" and known):
        known.append("type")
    return ReasoningRequest(
        enabled=kind != "disabled",
        effort=effort,
        budget=budget if known and isinstance(budget, int) else None,
        extra=rest(thinking, known),
    )


def _top_k(fields: dict[str, Any]) -> int | None:
    top_k = fields.get("top_k")
    if not isinstance(top_k, int) or isinstance(top_k, bool):
        return None
    del fields["top_k"]
    return top_k


def _kept(name: str, value: Extra) -> Extra:
    return {name: value} if value else NOTHING
