"""The canonical conversation as a Converse request, from our own wire or from any other.

Law of the file: a conversation that came on this wire goes out with every member it had; one
of another wire is translated by the rows of `tables.RULES`, and what cannot be said is refused
by name or listed in `Outgoing.dropped`. The cap is always written.
"""

from collections.abc import Iterable, Sequence

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    NOTHING,
    Conversation,
    Json,
    Opaque,
    OutputFormat,
    Part,
    Role,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.contract.wires import Outgoing, Target
from portico.wires import members
from portico.wires.bedrock_converse import tables
from portico.wires.bedrock_converse.block_writer import (
    Block,
    Writing,
    refuse,
    write_cache,
    write_part,
)
from portico.wires.bedrock_converse.families import is_claude
from portico.wires.bedrock_converse.reasoning_writer import (
    put,
    write_paths,
    write_reasoning,
    write_top_k,
)
from portico.wires.bedrock_converse.tables import NAME

_SYSTEM: frozenset[Role] = frozenset(("system", "developer"))
_CHOICES = {"auto": "auto", "required": "any"}


def passthrough(request: WireRequest, target: Target) -> Outgoing:
    """The caller's own bytes but for the `portico` member, and the cap where it names none."""
    span = next((span for span in request.members if span[0] == "inferenceConfig"), None)
    if request.max_output_tokens is not None:
        return Outgoing(body=members.edit(request.body, request.members, {}, ("portico",)))
    cap = str(target.max_output_tokens).encode()
    if span is None:
        config = {"inferenceConfig": b'{"maxTokens":' + cap + b"}"}
        return Outgoing(body=members.edit(request.body, request.members, {}, ("portico",), config))
    text = request.body[span[2] : span[3]]
    known = msgspec.json.decode(text, type=dict[str, msgspec.Raw] | None)
    if known is None or "maxTokens" in known:
        named = {**(known or {}), "maxTokens": msgspec.Raw(cap)}
        changed = msgspec.json.encode(named)
    else:
        changed = members.stamp(text, "maxTokens", cap)
    return Outgoing(
        body=members.edit(request.body, request.members, {"inferenceConfig": changed}, ("portico",))
    )


def write_request(conversation: Conversation, target: Target) -> Outgoing:
    """Raises InvalidRequest naming the first member that a Converse request cannot express."""
    writing = Writing(conversation.wire == NAME, is_claude(target.family))
    cap = conversation.sampling.max_output_tokens or target.max_output_tokens
    system, turns = _split(conversation.turns, writing.own)
    body: Block = {}
    body["messages"] = (_own_messages if writing.own else _messages)(turns, writing)
    if blocks := _system(system, writing):
        body["system"] = blocks
    body["inferenceConfig"] = {"maxTokens": cap, **_sampling(conversation, writing)}
    if config := _tool_config(conversation, writing):
        body["toolConfig"] = config
    if conversation.output is not None:
        put(body, _output(conversation.output, writing))
    put(body, write_top_k(conversation.sampling.top_k, target, writing))
    put(body, write_paths(conversation.sampling.stop, target, writing))
    put(body, write_reasoning(conversation.reasoning, target, cap, writing))
    put(body, _service_tier(conversation.service_tier, writing))
    if conversation.end_user is not None:
        writing.losses.drop("end_user")
    _extra(body, conversation, writing)
    return Outgoing(body=msgspec.json.encode(body), dropped=writing.losses.names)


Numbered = tuple[int, Turn]
"""A turn and its place among the turns, for errors that name it."""


def _split(turns: Sequence[Turn], own: bool) -> tuple[list[Numbered], list[Numbered]]:
    """System text and the rest. Of another wire all system turns are hoisted, in their order;
    of our own only those at the start, the later ones keep their place."""
    system: list[Numbered] = []
    others: list[Numbered] = []
    for index, turn in enumerate(turns):
        hoisted = turn.role in _SYSTEM and not (own and others)
        (system if hoisted else others).append((index, turn))
    return system, others


def _system(turns: Iterable[Numbered], writing: Writing) -> list[Block]:
    blocks: list[Block] = []
    for index, turn in turns:
        _names(turn, writing)
        for block in _blocks(index, turn, writing):
            if not writing.own and not block.keys() <= {"text", "cachePoint"}:
                raise refuse("system.media", f"messages[{index}].content")
            blocks.append(block)
    return blocks


def _own_messages(turns: Iterable[Numbered], writing: Writing) -> list[Block]:
    roles = {"tool": "user", "developer": "system"}
    return [
        {
            "role": roles.get(turn.role, turn.role),
            "content": _blocks(index, turn, writing),
            **turn.extra,
        }
        for index, turn in turns
    ]


def _messages(turns: Iterable[Numbered], writing: Writing) -> list[Block]:
    """Messages that alternate: turns of one role in a row are one message."""
    messages: list[Block] = []
    last: tuple[str, list[Block]] = ("", [])
    for index, turn in turns:
        _names(turn, writing)
        blocks = _blocks(index, turn, writing)
        role = "assistant" if turn.role == "assistant" else "user"
        if not blocks:
            if role == "user":
                raise refuse("text.none", f"messages[{index}].content")
            continue
        if role == last[0]:
            last[1].extend(blocks)
            continue
        last = (role, blocks)
        messages.append({"role": role, "content": blocks})
    if not messages:
        raise refuse("text.none", "messages")
    for message in messages:
        _accompany(message["content"])
    return messages


def _accompany(blocks: Json) -> None:
    """Gives a message with documents and no text the text that Bedrock asks for."""
    if not isinstance(blocks, list) or any("text" in block for block in blocks):
        return
    names = [block["document"]["name"] for block in blocks if "document" in block]
    if names:
        blocks.append({"text": ", ".join(names)})


def _blocks(index: int, turn: Turn, writing: Writing) -> list[Block]:
    """The blocks of a turn. Parts are named by their place in the caller's request, where
    the tool calls of another wire have a list of their own."""
    blocks: list[Block] = []
    places = {"content": 0, "tool_calls": 0}
    for part in turn.parts:
        member = "tool_calls" if isinstance(part, ToolCall) and not writing.own else "content"
        blocks += write_part(part, writing, f"messages[{index}].{member}[{places[member]}]")
        places[member] += 1
    return blocks


def _names(turn: Turn, writing: Writing) -> None:
    if turn.name is not None:
        writing.losses.drop("turn.name")
    writing.losses.unknown(turn.extra, "messages[].")


def _tool_config(conversation: Conversation, writing: Writing) -> Block:
    chosen = conversation.tool_choice
    called = {} if writing.own else _called(conversation.turns)
    if chosen is not None and chosen.mode == "none" and not writing.own:
        if called:
            raise refuse("tool_choice.none_later", "tool_choice")
        return {}
    tools: list[Block] = []
    for index, tool in enumerate(conversation.tools):
        tools += _tool(tool, writing, f"tools[{index}]")
    if not tools:
        tools = [{"toolSpec": _spec(name, {"type": "object"})} for name in called]
    if not tools:
        return {}
    if conversation.parallel_tool_calls is False:
        writing.losses.drop("parallel_tool_calls")
    if chosen is None or chosen.mode == "none":
        return {"tools": tools}
    if chosen.mode == "tool":
        return {"tools": tools, "toolChoice": {"tool": {"name": chosen.name}}}
    return {"tools": tools, "toolChoice": {_CHOICES[chosen.mode]: {}}}


def _called(turns: Iterable[Turn]) -> dict[str, None]:
    """The names of the tools in the history, in their order."""
    parts: list[Part] = [part for turn in turns for part in turn.parts]
    called = {part.name: None for part in parts if isinstance(part, ToolCall)}
    orphans = not called and any(isinstance(part, ToolResult) for part in parts)
    return {"tool": None} if orphans else called


def _spec(name: str, schema: Json) -> Block:
    return {"name": name, "inputSchema": {"json": schema}}


def _tool(tool: Tool | Opaque, writing: Writing, field: str) -> list[Block]:
    if isinstance(tool, Opaque):
        if tool.wire != NAME:
            raise refuse("tool.opaque", field)
        return [dict(tool.body)]
    schema = tool.schema
    if not writing.own:
        schema = {"type": "object", **(schema if isinstance(schema, dict) else {"properties": {}})}
    spec = _spec(tool.name, schema)
    if tool.description is not None and (tool.description or writing.own):
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    spec.update(writing.losses.unknown(tool.extra, "tools[].") if tool.extra else NOTHING)
    block: Block = {"toolSpec": spec}
    return [block] if tool.cache is None else [block, write_cache(tool.cache)]


def _sampling(conversation: Conversation, writing: Writing) -> Block:
    sampling = conversation.sampling
    for row in tables.UNSUPPORTED:
        if getattr(sampling, row.member) in row.harmless:
            continue
        if tables.BY_WHAT[row.what].fate == "refused":
            raise refuse(row.what, row.what)
        writing.losses.drop(row.what)
    body: Block = {}
    if sampling.temperature is not None:
        body["temperature"] = min(sampling.temperature, 1.0)
        if sampling.temperature > 1:
            writing.losses.drop("temperature above 1")
    if sampling.top_p is not None:
        body["topP"] = sampling.top_p
    if sampling.stop:
        if not writing.own and not all(stop.strip() for stop in sampling.stop):
            raise refuse("stop.blank", "stop")
        body["stopSequences"] = sampling.stop
    return body


def _output(wanted: OutputFormat, writing: Writing) -> Block:
    if wanted.kind == "text":
        return {}
    if wanted.kind == "json" or not isinstance(wanted.schema, dict):
        raise refuse("output.json", "response_format")
    schema: Block = {"schema": msgspec.json.encode(wanted.schema).decode()}
    if wanted.name != "answer" or not writing.own:
        schema["name"] = wanted.name
    if wanted.description is not None:
        schema["description"] = wanted.description
    form: Block = {"type": "json_schema", "structure": {"jsonSchema": schema}}
    return {"outputConfig": {"textFormat": form}}


def _service_tier(tier: str | None, writing: Writing) -> Block:
    if tier is None:
        return {}
    word = tier if writing.own else tables.SERVICE_TIERS.get(tier)
    if word is None:
        writing.losses.drop("service_tier")
    return {"serviceTier": {"type": word}} if word else {}


def _extra(body: Block, conversation: Conversation, writing: Writing) -> None:
    """Unknown members: ours go out beside what we wrote, those of another wire do not."""
    if not writing.own:
        for name, value in conversation.extra.items():
            if name in tables.FOREIGN_REFUSED and value is not None:
                what = tables.FOREIGN_REFUSED[name]
                raise InvalidRequest(
                    f"`{name}` cannot be sent to a Bedrock model: {what}.", field=name
                )
    put(body, writing.losses.unknown(conversation.extra))
