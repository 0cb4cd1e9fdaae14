"""The canonical conversation as a Messages request, from our own wire or from any other.

Law of the file: a conversation that came on this wire goes out with every member it had; one
of another wire is translated by the rules of docs/reference/anthropic.md, and what cannot be
said is refused by name or listed in `Outgoing.dropped`.
"""

from collections.abc import Iterable, Sequence

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    Conversation,
    Opaque,
    ReasoningRequest,
    Role,
    Tool,
    ToolCall,
    Turn,
)
from portico.contract.wires import Outgoing, Target
from portico.wires import members
from portico.wires.anthropic_messages import tables
from portico.wires.anthropic_messages.block_writer import (
    Block,
    refuse,
    write_cache,
    write_part,
)
from portico.wires.anthropic_messages.tables import NAME
from portico.wires.losses import Losses
from portico.wires.turns import plain_text

_CHOICES = {"auto": "auto", "required": "any", "tool": "tool", "none": "none"}
_SYSTEM: frozenset[Role] = frozenset(("system", "developer"))


def passthrough(request: WireRequest, target: Target) -> Outgoing:
    """The caller's own bytes but for the model's name and the `portico` member."""
    model = msgspec.json.encode(target.model_id)
    return Outgoing(
        body=members.edit(request.body, request.members, {"model": model}, ("portico",))
    )


def write_request(conversation: Conversation, target: Target) -> Outgoing:
    """Raises InvalidRequest naming the first member that a Messages request cannot express."""
    losses = Losses(own=conversation.wire == NAME)
    cap = conversation.sampling.max_output_tokens or target.max_output_tokens
    body: Block = {"model": target.model_id, "max_tokens": cap}
    system, turns = _split(conversation.turns, losses.own)
    if blocks := _system(system, losses):
        body["system"] = blocks
    body["messages"] = _own_messages(turns, losses) if losses.own else _messages(turns, losses)
    body.update(_tools(conversation, losses))
    body.update(_sampling(conversation, losses))
    body.update(_thinking(conversation.reasoning, target, cap, losses))
    _merge(body, "output_config", _output(conversation, losses))
    _merge(body, "metadata", _metadata(conversation))
    body.update(_service_tier(conversation.service_tier, losses))
    _extra(body, conversation, losses)
    if target.stream:
        body["stream"] = True
    return Outgoing(body=msgspec.json.encode(body), dropped=losses.names)


def settings(conversation: Conversation) -> Block:
    """Sampling, tools, output and reasoning of our own wire as members of a body.

    Raises InvalidRequest naming what a Messages request cannot express.
    """
    losses = Losses(own=True)
    body: Block = {**_tools(conversation, losses), **_sampling(conversation, losses)}
    if conversation.reasoning is not None:
        body.update(_own_thinking(conversation.reasoning))
    _merge(body, "output_config", _output(conversation, losses))
    return body


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


def _system(turns: Iterable[Numbered], losses: Losses) -> list[Block]:
    blocks: list[Block] = []
    for index, turn in turns:
        _names(turn, losses)
        for block in _blocks(index, turn, losses):
            if not losses.own and block.get("type") != "text":
                raise refuse(f"messages[{index}].content", "its system text is text only")
            blocks.append(block)
    return blocks


def _own_messages(turns: Iterable[Numbered], losses: Losses) -> list[Block]:
    """Messages as they came, but for one that was nothing but another provider's reasoning."""
    roles = {"tool": "user", "developer": "system"}
    messages: list[Block] = []
    for index, turn in turns:
        blocks = _blocks(index, turn, losses)
        if blocks or not turn.parts:
            role = roles.get(turn.role, turn.role)
            messages.append({"role": role, "content": blocks, **turn.extra})
    return messages


def _messages(turns: Iterable[Numbered], losses: Losses) -> list[Block]:
    """Messages that alternate: turns of one role in a row are one message."""
    messages: list[Block] = []
    last = ""
    joined: list[Block] = []
    for index, turn in turns:
        if text := plain_text(turn):
            blocks: list[Block] = [{"type": "text", "text": text}]
        else:
            _names(turn, losses)
            blocks = _blocks(index, turn, losses)
        role = "assistant" if turn.role == "assistant" else "user"
        if not blocks:
            if role == "user":
                raise refuse(f"messages[{index}].content", "it is empty")
        elif role == last:
            joined += blocks
        else:
            last, joined = role, blocks
            messages.append({"role": role, "content": blocks})
    if not messages:
        raise refuse("messages", "beside system text it needs at least one message with content")
    return messages


def _blocks(index: int, turn: Turn, losses: Losses) -> list[Block]:
    """The blocks of a turn. Parts are named by their place in the caller's request, where
    the tool calls of another wire have a list of their own."""
    blocks: list[Block] = []
    calls = 0
    for number, part in enumerate(turn.parts):
        field = f"messages[{index}].content[{number - calls}]"
        if isinstance(part, ToolCall) and not losses.own:
            field = f"messages[{index}].tool_calls[{calls}]"
            calls += 1
        block = write_part(part, losses, field)
        if block is not None:
            blocks.append(block)
    return blocks


def _names(turn: Turn, losses: Losses) -> None:
    if turn.name is not None:
        losses.drop("messages[].name")
    if turn.extra:
        losses.unknown(turn.extra, "messages[].")


def _tools(conversation: Conversation, losses: Losses) -> Block:
    tools = [
        _tool(tool, losses, f"tools[{index}]") for index, tool in enumerate(conversation.tools)
    ]
    body: Block = {"tools": tools} if tools else {}
    chosen = conversation.tool_choice
    single = conversation.parallel_tool_calls
    if chosen is None and (single is None or not tools):
        return body
    choice: Block = {"type": "auto" if chosen is None else _CHOICES[chosen.mode]}
    if chosen is not None and chosen.name is not None:
        choice["name"] = chosen.name
    if single is not None and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = not single
    return {**body, "tool_choice": choice}


def _tool(tool: Tool | Opaque, losses: Losses, field: str) -> Block:
    if isinstance(tool, Opaque):
        if tool.wire != NAME:
            raise refuse(field, f"only the wire {tool.wire} knows tools of this kind")
        return dict(tool.body)
    schema = tool.schema if isinstance(tool.schema, dict) else {"properties": {}}
    block: Block = {
        "name": tool.name,
        "input_schema": schema if losses.own else {"type": "object", **schema},
    }
    if tool.description is not None:
        block["description"] = tool.description
    if tool.strict is not None:
        block["strict"] = tool.strict
    return {**block, **write_cache(tool.cache), **losses.unknown(tool.extra, "tools[].")}


def _sampling(conversation: Conversation, losses: Losses) -> Block:
    sampling = conversation.sampling
    for rule in tables.UNSUPPORTED:
        value = getattr(sampling, rule.member)
        if value is None or value in rule.harmless:
            continue
        if rule.fate == "refused":
            raise refuse(rule.field, f"it has no such member; {rule.advice}")
        losses.drop(rule.field)
    body: Block = {}
    if sampling.temperature is not None:
        body["temperature"] = min(sampling.temperature, 1.0)
        if sampling.temperature > 1:
            losses.drop("temperature above 1")
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if sampling.stop:
        if not losses.own and not all(stop.strip() for stop in sampling.stop):
            raise refuse("stop", "a stop sequence must have more than white space in it")
        body["stop_sequences"] = sampling.stop
    return body


def _thinking(wanted: ReasoningRequest | None, target: Target, cap: int, losses: Losses) -> Block:
    if wanted is None:
        return {}
    if losses.own:
        return _own_thinking(wanted)
    losses.unknown(wanted.extra, "reasoning.")
    manual = target.model_id.rpartition("/")[2].startswith(tables.BUDGET_ONLY)
    if not wanted.enabled:
        return {} if manual else {"thinking": {"type": "disabled"}}
    return (_budget if manual else _adaptive)(wanted, cap, losses)


def _own_thinking(wanted: ReasoningRequest) -> Block:
    body: Block = {} if wanted.effort is None else {"output_config": {"effort": wanted.effort}}
    thinking: Block = dict(wanted.extra)
    if wanted.budget is not None:
        thinking = {"type": "enabled", "budget_tokens": wanted.budget, **thinking}
    if not wanted.enabled:
        thinking = {**thinking, "type": "disabled"}
    return {**body, "thinking": thinking} if thinking else body


def _adaptive(wanted: ReasoningRequest, cap: int, losses: Losses) -> Block:
    body: Block = {"thinking": {"type": "adaptive"}}
    if wanted.budget is not None:
        losses.drop("reasoning.budget")
    if wanted.effort is not None:
        if wanted.effort not in tables.EFFORTS:
            raise refuse("reasoning_effort", f"it knows only {', '.join(tables.EFFORTS)}")
        body["output_config"] = {"effort": tables.EFFORTS[wanted.effort]}
    return body


def _budget(wanted: ReasoningRequest, cap: int, losses: Losses) -> Block:
    """Thinking as a number of tokens, which must stay below the cap."""
    budget = wanted.budget or tables.BUDGETS.get(wanted.effort or "medium")
    if budget is None:
        raise refuse("reasoning_effort", f"it knows only {', '.join(tables.BUDGETS)}")
    if cap <= tables.LEAST_BUDGET:
        losses.drop("reasoning_effort")
        return {}
    budget = max(tables.LEAST_BUDGET, min(budget, cap - 1))
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _output(conversation: Conversation, losses: Losses) -> Block:
    wanted = conversation.output
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.kind == "json" or not isinstance(wanted.schema, dict):
        what = "it needs a JSON schema for structured output; use the type json_schema"
        raise refuse("output_config.format" if losses.own else "response_format", what)
    if not losses.own:
        losses.drop("response_format.json_schema.name")
        if wanted.description is not None:
            losses.drop("response_format.json_schema.description")
    return {"format": {"type": "json_schema", "schema": wanted.schema}}


def _metadata(conversation: Conversation) -> Block:
    return {} if conversation.end_user is None else {"user_id": conversation.end_user}


def _service_tier(tier: str | None, losses: Losses) -> Block:
    if tier is None:
        return {}
    if losses.own:
        return {"service_tier": tier}
    if tier not in tables.SERVICE_TIERS:
        losses.drop("service_tier")
        return {}
    return {"service_tier": tables.SERVICE_TIERS[tier]}


def _extra(body: Block, conversation: Conversation, losses: Losses) -> None:
    """Unknown members: ours go out beside what we wrote, those of another wire do not."""
    if not losses.own:
        for name, value in conversation.extra.items():
            if name in tables.FOREIGN_REFUSED and value is not None:
                raise refuse(name, tables.FOREIGN_REFUSED[name])
    for name, value in losses.unknown(conversation.extra, "").items():
        if isinstance(value, dict) and isinstance(body.get(name), dict):
            _merge(body, name, value)
        else:
            body[name] = value


def _merge(body: Block, name: str, more: Block) -> None:
    if more:
        known = body.get(name)
        body[name] = {**(known if isinstance(known, dict) else {}), **more}
