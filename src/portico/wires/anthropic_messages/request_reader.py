"""A body of the Messages API: checked at the door, and read into the canonical conversation.

Law of the file: `read` is the hot path and looks only at types and bounds; `conversation` runs
when the call must be translated or a stage has to look inside, and keeps every member.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    NOTHING,
    Conversation,
    Extra,
    Json,
    Opaque,
    OutputFormat,
    ReasoningRequest,
    Sampling,
    Text,
    Tool,
    ToolChoice,
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.wires import members
from portico.wires.anthropic_messages import schema
from portico.wires.anthropic_messages.block_reader import read_cache, read_content, rest
from portico.wires.anthropic_messages.tables import NAME

_strict = msgspec.json.Decoder(schema.Request)
_loose = msgspec.json.Decoder(schema.LooseRequest)
_block = msgspec.json.Decoder(schema.Block)

_NEW_BLOCK = re.compile(
    r"^Invalid value .*- at `\$\.messages\[\d+\]\.content\[\d+\].*\.type`$", re.S
)
_NEW_KIND = re.compile(r"^Invalid value .*- at `\$.*\.type`$", re.S)

_CHOICES = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}
_READ = frozenset((*schema.Request.__struct_fields__, "portico"))
_TOOL_FIELDS = frozenset((*schema.ToolMember.__struct_fields__, "cache_control"))


def read(body: bytes, nesting: int) -> WireRequest:
    """Checks a body. Raises InvalidRequest naming the member at fault, such as
    "messages[2].content[0].source"."""
    raw, spans = members.scan(body, nesting)
    try:
        request: schema.Settings = _strict.decode(body)
    except msgspec.ValidationError as error:
        if _NEW_BLOCK.match(str(error)) is None:
            raise members.refusal(error) from None
        request = _read_loosely(body)
    if request.tools or request.tool_choice or request.thinking:
        _check_together(request)
    return WireRequest(
        wire=NAME,
        operation="chat",
        body=body,
        model=request.model,
        stream=request.stream is True,
        max_output_tokens=request.max_tokens,
        wants_usage=True,
        options=members.options(raw.get("portico")),
        system=_system_text(request.system),
        members=spans,
    )


def _system_text(system: str | list[schema.TextBlock] | None) -> str:
    if system is None or isinstance(system, str):
        return system or ""
    return "\n\n".join([block.text for block in system if block.text])


def conversation(request: WireRequest) -> Conversation:
    """The whole request in the canonical vocabulary. Leading system text is the first turn."""
    body: dict[str, Any] = msgspec.json.decode(request.body)
    output, more = _output(body)
    choice, parallel, unknown_choice = _tool_choice(body.get("tool_choice"))
    metadata = body.get("metadata") or {}
    extra = {
        **rest(body, _READ),
        **more,
        **unknown_choice,
        **_kept("metadata", {k: v for k, v in metadata.items() if k != "user_id"}),
    }
    return Conversation(
        wire=NAME,
        turns=(*_system(body.get("system")), *map(_turn, body["messages"])),
        tools=tuple(map(_tool, body.get("tools") or ())),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=output,
        reasoning=_reasoning(body),
        sampling=Sampling(
            max_output_tokens=body["max_tokens"],
            temperature=body.get("temperature"),
            top_p=body.get("top_p"),
            top_k=body.get("top_k"),
            stop=tuple(body.get("stop_sequences") or ()),
        ),
        end_user=metadata.get("user_id"),
        service_tier=body.get("service_tier"),
        extra=extra,
    )


def _read_loosely(body: bytes) -> schema.Settings:
    """Checks every block that we know; a block of a newer kind passes as it is."""
    try:
        request = _loose.decode(body)
    except msgspec.ValidationError as error:
        raise members.refusal(error) from None
    for i, message in enumerate(request.messages):
        if isinstance(message.content, str):
            continue
        for j, raw in enumerate(message.content):
            try:
                _block.decode(raw)
            except msgspec.ValidationError as error:
                if _NEW_KIND.match(str(error)) is None:
                    raise members.refusal(error, f"messages[{i}].content[{j}]") from None
    return request


def _check_together(request: schema.Settings) -> None:
    """What a type cannot say: members that need one another."""
    for index, tool in enumerate(request.tools or ()):
        if tool.type in {None, "custom"}:
            for name in ("name", "input_schema"):
                if not getattr(tool, name) and getattr(tool, name) != {}:
                    raise _missing(f"tools[{index}].{name}")
    choice = request.tool_choice
    if choice is not None and choice.type == "tool" and not choice.name:
        raise _missing("tool_choice.name")
    thinking = request.thinking
    if thinking is not None and thinking.type == "enabled" and thinking.budget_tokens is None:
        raise _missing("thinking.budget_tokens")


def _missing(field: str) -> InvalidRequest:
    return InvalidRequest(f"`{field}` is missing; it is required.", field=field)


def _system(system: Json) -> tuple[Turn, ...]:
    return (Turn(role="system", parts=read_content(system)),) if system else ()


def _turn(message: dict[str, Any]) -> Turn:
    content = message["content"]
    if len(message) == 2 and isinstance(content, str):
        return Turn(role=message["role"], parts=(Text(text=content),))  # as most are
    return Turn(
        role=message["role"],
        parts=read_content(content),
        extra=rest(message, ("role", "content")),
    )


def _tool(tool: dict[str, Any]) -> Tool | Opaque:
    kind = tool.get("type")
    if kind not in {None, "custom"}:
        return Opaque(wire=NAME, kind=kind, body=tool)
    cache, kept = read_cache(tool)
    return Tool(
        name=tool["name"],
        description=tool.get("description"),
        schema=tool["input_schema"],
        strict=tool.get("strict"),
        cache=cache,
        extra=rest(tool, _TOOL_FIELDS, kept),
    )


def _tool_choice(choice: Json) -> tuple[ToolChoice | None, bool | None, Extra]:
    if not isinstance(choice, dict):
        return None, None, NOTHING
    mode = _CHOICES.get(choice["type"])
    known = ("type", "name", "disable_parallel_tool_use")
    if mode is None or rest(choice, known):
        return None, None, {"tool_choice": choice}
    single = choice.get("disable_parallel_tool_use")
    chosen = ToolChoice(mode=mode, name=choice.get("name"))  # type: ignore[arg-type] # the table
    return chosen, None if single is None else not single, NOTHING


def _output(body: Mapping[str, Any]) -> tuple[OutputFormat | None, Extra]:
    """Structured output: `output_config.format`, or the older `output_format`."""
    config = body.get("output_config") or {}
    wanted = config.get("format") or body.get("output_format")
    more = _kept("output_config", rest(config, ("effort", "format")))
    if wanted is None:
        return None, more
    if wanted["type"] != "json_schema" or rest(wanted, ("type", "schema")):
        return None, {"output_config": {**rest(config, ("effort", "format")), "format": wanted}}
    return OutputFormat(kind="schema", schema=wanted.get("schema"), strict=True), more


def _reasoning(body: Mapping[str, Any]) -> ReasoningRequest | None:
    """`thinking` and effort; each may come without the other.

    The type of thinking stays in `extra` where switch and budget do not tell it (adaptive).
    """
    thinking = body.get("thinking")
    effort = (body.get("output_config") or {}).get("effort")
    if thinking is None:
        return None if effort is None else ReasoningRequest(effort=effort)
    kind = thinking["type"]
    budget = thinking.get("budget_tokens")
    told = kind == "disabled" or (kind == "enabled" and budget is not None)
    known = ("budget_tokens", "type") if told else ("budget_tokens",)
    return ReasoningRequest(
        enabled=kind != "disabled", effort=effort, budget=budget, extra=rest(thinking, known)
    )


def _kept(name: str, value: Extra) -> Extra:
    return {name: value} if value else NOTHING
