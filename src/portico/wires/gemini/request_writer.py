"""The canonical conversation as a generateContent request, from our own wire or any other.

Law of the file: a conversation that came on this wire goes out with every member it had; one
of another wire is translated by `tables.RULES`. The model and streaming stand in the URL.
"""

from collections.abc import Sequence

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    NOTHING,
    Conversation,
    Extra,
    Json,
    OutputFormat,
    Part,
    Role,
    Sampling,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from portico.contract.wires import Outgoing, Target
from portico.wires import members
from portico.wires.gemini.part_reader import Block
from portico.wires.gemini.part_writer import Writing, known_calls, refuse, write_part
from portico.wires.gemini.signatures import SKIP
from portico.wires.gemini.tables import (
    DROPPED,
    MOST_STOPS,
    NAME,
    RULES,
    SERVICE_TIERS,
    UNSIGNED,
)
from portico.wires.gemini.thinking import bare_id, write_thinking
from portico.wires.losses import Losses

_PLAIN: tuple[tuple[str, str], ...] = (
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("frequency_penalty", "frequencyPenalty"),
    ("presence_penalty", "presencePenalty"),
    ("seed", "seed"),
    ("logprobs", "responseLogprobs"),
    ("top_logprobs", "logprobs"),
)
"""Sampling members that mean the same here."""
_CONFIG_NAMES = ("generationConfig", "generation_config")
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_SYSTEM = ("system", "developer")
_OWN_ROLES: dict[Role, str] = {
    "system": "user",
    "developer": "user",
    "user": "user",
    "assistant": "model",
    "tool": "function",
}
_UNNAMED = "answer"
"""The canonical name of a schema that has none."""


def passthrough(request: WireRequest, target: Target) -> Outgoing:
    """The caller's own bytes but for `portico`, a `model` that the URL names, and the cap."""
    remove = ("portico", "model")
    if request.max_output_tokens is not None:
        return Outgoing(body=members.edit(request.body, request.members, {}, remove))
    cap = str(target.max_output_tokens).encode()
    for name, _, start, end in request.members:
        given = request.body[start:end]
        if name in _CONFIG_NAMES and given != b"null":
            stamped = _capped(given, cap)
            return Outgoing(
                body=members.edit(request.body, request.members, {name: stamped}, remove)
            )
    names = {name for name, *_ in request.members}
    added = b'{"maxOutputTokens":' + cap + b"}"
    replace = {name: added for name in _CONFIG_NAMES if name in names}
    add = {} if replace else {"generationConfig": added}
    return Outgoing(body=members.edit(request.body, request.members, replace, remove, add))


def _capped(config: bytes, cap: bytes) -> bytes:
    found, spans = members.scan(config, 100)
    for name in ("maxOutputTokens", "max_output_tokens"):
        if name in found:
            return members.edit(config, spans, {name: cap})
    return members.stamp(config, "maxOutputTokens", cap)


def write_request(conversation: Conversation, target: Target) -> Outgoing:
    """Raises InvalidRequest naming the first member that Gemini cannot express."""
    losses = Losses(conversation.wire == NAME, DROPPED)
    modern = not bare_id(target.model_id).startswith(UNSIGNED)
    writing = Writing(losses, modern, known_calls(conversation.turns))
    body: Block = {"contents": _contents(conversation.turns, writing)}
    if system := _system(conversation.turns, writing):
        body["systemInstruction"] = {"parts": system}
    body.update(_tools(conversation, losses))
    config: Block = {
        "maxOutputTokens": conversation.sampling.max_output_tokens or target.max_output_tokens,
        **_sampling(conversation.sampling),
        **_output(conversation.output, losses),
        **write_thinking(conversation.reasoning, target.model_id, losses),
    }
    body["generationConfig"] = config
    body.update(_tier(conversation.service_tier, losses))
    if conversation.end_user is not None:
        losses.drop("user")
    _extra(body, conversation, losses)
    return Outgoing(body=msgspec.json.encode(body), dropped=losses.names)


class _Said(msgspec.Struct):
    """A content before it is written: its parts, each with its place in the caller's request."""

    role: str
    parts: list[tuple[Part, str]]
    extra: Extra = NOTHING


def _is_system(index: int, turn: Turn, own: bool) -> bool:
    """Of our own wire the system instruction is the first turn; of another all are hoisted."""
    return turn.role in _SYSTEM and (not own or index == 0)


def _places(index: int, turn: Turn, own: bool) -> list[tuple[Part, str]]:
    """Parts by their place in the request, where another wire lists tool calls by themselves."""
    places = {"parts": 0, "content": 0, "tool_calls": 0}
    found: list[tuple[Part, str]] = []
    for part in turn.parts:
        member = "parts" if own else "tool_calls" if isinstance(part, ToolCall) else "content"
        within = "contents" if own else "messages"
        found.append((part, f"{within}[{index}].{member}[{places[member]}]"))
        places[member] += 1
    return found


def _system(turns: Sequence[Turn], writing: Writing) -> list[Block]:
    own = writing.losses.own
    blocks: list[Block] = []
    for index, turn in enumerate(turns):
        if not _is_system(index, turn, own):
            continue
        _names(turn, writing.losses)
        for part, field in _places(index, turn, own):
            for block in write_part(part, writing, field):
                if "text" not in block and not own:
                    raise refuse("system.media", field)
                blocks.append(block)
    return blocks


def _contents(turns: Sequence[Turn], writing: Writing) -> list[Block]:
    own = writing.losses.own
    said = [
        _Said("model" if turn.role == "assistant" else "user", _places(index, turn, own))
        if not own
        else _Said(_OWN_ROLES[turn.role], _places(index, turn, own), turn.extra)
        for index, turn in enumerate(turns)
        if not _is_system(index, turn, own)
    ]
    if not own:
        for turn in turns:
            _names(turn, writing.losses)
        said = _merged(said)
    contents: list[Block] = []
    for content in said:
        if not own:
            content.parts.sort(key=lambda placed: _order(placed[0], writing))
        blocks = [b for part, field in content.parts for b in write_part(part, writing, field)]
        if content.role == "model" and writing.modern and not own:
            _sign(blocks)
        if blocks or own:
            contents.append({"role": content.role, "parts": blocks, **content.extra})
    if not contents:
        raise refuse("empty", "messages")
    return contents


def _merged(said: Sequence[_Said]) -> list[_Said]:
    """Turns of one role in a row as one content."""
    merged: list[_Said] = []
    for content in said:
        if merged and merged[-1].role == content.role:
            merged[-1].parts.extend(content.parts)
        else:
            merged.append(content)
    return merged


def _order(part: Part, writing: Writing) -> int:
    """Results come first, in the order of their calls; all else keeps its place after them."""
    last = len(writing.calls)
    if isinstance(part, ToolResult):
        return writing.calls.get(part.call_id, ("", last))[1]
    return last + 1


def _sign(blocks: list[Block]) -> None:
    """The first call of a step must carry a signature; where it was lost, Google's word."""
    first = next((block for block in blocks if "functionCall" in block), None)
    if first is not None:
        first.setdefault("thoughtSignature", SKIP)


def _names(turn: Turn, losses: Losses) -> None:
    if losses.own:
        return
    if turn.name is not None and turn.role != "tool":
        losses.drop("name")
    losses.unknown(turn.extra, "messages[].")


def _tools(conversation: Conversation, losses: Losses) -> Block:
    functions: list[Block] = []
    others: list[Json] = []
    for index, tool in enumerate(conversation.tools):
        if isinstance(tool, Tool):
            functions.append(_tool(tool, losses))
        elif tool.wire != NAME:
            raise refuse("tool.opaque", f"tools[{index}]")
        else:
            others.append(tool.body)
    body: Block = {}
    if functions or others:
        body["tools"] = [*([{"functionDeclarations": functions}] if functions else []), *others]
    chosen = conversation.tool_choice
    if chosen is not None and (functions or losses.own):
        calling: Block = {"mode": _MODES[chosen.mode]}
        if chosen.name is not None:
            calling["allowedFunctionNames"] = [chosen.name]
        body["toolConfig"] = {"functionCallingConfig": calling}
    if conversation.parallel_tool_calls is False and functions:
        losses.drop("parallel_tool_calls")
    return body


def _tool(tool: Tool, losses: Losses) -> Block:
    if tool.cache is not None:
        losses.drop("cache")
    if tool.strict:
        losses.drop("tool.strict")
    block: Block = {"name": tool.name}
    if tool.description is not None:
        block["description"] = tool.description
    if tool.schema is not None:
        block["parametersJsonSchema"] = tool.schema
    return {**block, **losses.unknown(tool.extra, "tools[].")}


def _sampling(sampling: Sampling) -> Block:
    body: Block = {
        name: value for member, name in _PLAIN if (value := getattr(sampling, member)) is not None
    }
    if sampling.logit_bias:
        raise refuse("logit_bias", "logit_bias")
    if len(sampling.stop) > MOST_STOPS:
        raise refuse("stop.count", "stop")
    if sampling.stop:
        body["stopSequences"] = sampling.stop
    if sampling.choices > 1:
        body["candidateCount"] = sampling.choices
    return body


def _output(wanted: OutputFormat | None, losses: Losses) -> Block:
    if wanted is None or wanted.kind == "text":
        return {}
    body: Block = {"responseMimeType": "application/json"}
    if wanted.kind == "schema" and wanted.schema is not None:
        body["responseJsonSchema"] = wanted.schema
        if wanted.name != _UNNAMED:
            losses.drop("output.name")
        if wanted.description is not None:
            losses.drop("output.description")
    return body


def _tier(tier: str | None, losses: Losses) -> Block:
    if tier is None:
        return {}
    if losses.own:
        return {"serviceTier": tier}
    if tier in SERVICE_TIERS:
        return {"serviceTier": SERVICE_TIERS[tier]}
    losses.drop("service_tier.unknown")
    return {}


def _extra(body: Block, conversation: Conversation, losses: Losses) -> None:
    """Unknown members: ours go out beside what we wrote, those of another wire do not."""
    if not losses.own:
        for name, value in conversation.extra.items():
            if f"extra.{name}" in RULES and value is not None:
                raise refuse(f"extra.{name}", name)
    for name, value in losses.unknown(conversation.extra).items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            body[name] = {**known, **value}
        else:
            body[name] = value
