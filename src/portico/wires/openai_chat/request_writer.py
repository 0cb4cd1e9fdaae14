"""The canonical conversation as a chat completions request, from this wire or any other."""

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import (
    Conversation,
    Json,
    Opaque,
    OutputFormat,
    ReasoningRequest,
    Sampling,
    Tool,
)
from portico.contract.wires import Outgoing, Target
from portico.wires import members
from portico.wires.losses import Losses
from portico.wires.openai_chat.message_writer import Body, messages, refuse
from portico.wires.openai_chat.schema import NAME
from portico.wires.openai_chat.tables import DROPPED, EFFORT_ABOVE, EFFORTS, SERVICE_TIERS

_WITH_USAGE = b'{"include_usage":true}'
_PLAIN = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "seed",
    "logprobs",
    "top_logprobs",
)
"""Sampling members that are called the same here."""

_REFUSED = ("mcp_servers", "container")
_KINDS = {"text": "text", "json": "json_object", "schema": "json_schema"}


def passthrough(request: WireRequest, target: Target) -> Outgoing:
    """The caller's own bytes but for the model, `portico`, the usage option and the cap."""
    replace = {"model": msgspec.json.encode(target.model_id)}
    add: dict[str, bytes] = {}
    if request.stream and not request.wants_usage:
        where = next((span for span in request.members if span[0] == "stream_options"), None)
        given = request.body[where[2] : where[3]] if where else b"null"
        (replace if where else add)["stream_options"] = _asking_usage(given)
    if request.max_output_tokens is None:
        there = any(span[0] == target.cap_field for span in request.members)
        cap = b"%d" % target.max_output_tokens
        (replace if there else add)[target.cap_field] = cap
    return Outgoing(body=members.edit(request.body, request.members, replace, ("portico",), add))


def _asking_usage(given: bytes) -> bytes:
    """Stream options that ask for usage, with their other members as they came."""
    if given == b"null":
        return _WITH_USAGE
    found, spans = members.scan(given, 100)
    if "include_usage" in found:
        return members.edit(given, spans, {"include_usage": b"true"})
    return members.stamp(given, "include_usage", b"true")


def write_request(conversation: Conversation, target: Target) -> Outgoing:
    """Raises InvalidRequest naming the first thing that this wire cannot express."""
    losses = Losses(conversation.wire == NAME, DROPPED)
    body: Body = {
        "model": target.model_id,
        "messages": messages(conversation.turns, losses),
        target.cap_field: conversation.sampling.max_output_tokens or target.max_output_tokens,
    }
    body.update(_settings(conversation, losses))
    body.update(_tier(conversation.service_tier, losses))
    if conversation.end_user is not None:
        body["user"] = conversation.end_user
    if target.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    _extra(body, conversation, losses)
    return Outgoing(body=msgspec.json.encode(body), dropped=losses.names)


def settings(conversation: Conversation) -> Body:
    """Sampling, tools, output and reasoning as members of a body. Raises InvalidRequest."""
    return _settings(conversation, Losses(conversation.wire == NAME, DROPPED))


def _settings(conversation: Conversation, losses: Losses) -> Body:
    return {
        **_sampling(conversation.sampling, losses),
        **_tools(conversation, losses),
        **_output(conversation.output),
        **_reasoning(conversation.reasoning, losses),
    }


def _sampling(sampling: Sampling, losses: Losses) -> Body:
    body: Body = {name: value for name in _PLAIN if (value := getattr(sampling, name)) is not None}
    if sampling.top_k is not None:
        if losses.own:
            body["top_k"] = sampling.top_k
        else:
            losses.drop("top_k")
    if len(sampling.stop) > 4:
        raise refuse("stop", "stop")
    if sampling.stop:
        body["stop"] = sampling.stop
    if sampling.choices > 1:
        body["n"] = sampling.choices
    return body


def _tools(conversation: Conversation, losses: Losses) -> Body:
    body: Body = {}
    if conversation.tools:
        body["tools"] = [
            _tool(tool, losses, f"tools[{index}]") for index, tool in enumerate(conversation.tools)
        ]
    chosen = conversation.tool_choice
    if chosen is not None:
        named: Body = {"type": "function", "function": {"name": chosen.name}}
        body["tool_choice"] = named if chosen.mode == "tool" else chosen.mode
    if conversation.parallel_tool_calls is not None and (conversation.tools or losses.own):
        body["parallel_tool_calls"] = conversation.parallel_tool_calls
    return body


def _tool(tool: Tool | Opaque, losses: Losses, field: str) -> Json:
    if isinstance(tool, Opaque):
        if tool.wire != NAME:
            raise refuse("tool.opaque", field)
        return tool.body
    if tool.cache is not None:
        losses.drop("cache")
    function: Body = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.schema is not None:
        function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    extra = dict(losses.unknown(tool.extra, "tools[]."))
    if isinstance(inner := extra.pop("function", None), dict):
        function.update(inner)
    return {"type": "function", "function": function, **extra}


def _output(wanted: OutputFormat | None) -> Body:
    if wanted is None:
        return {}
    format_: Body = {"type": _KINDS[wanted.kind]}
    if wanted.kind == "schema":
        given: Body = {"name": wanted.name}
        for name in ("description", "schema", "strict"):
            if (value := getattr(wanted, name)) is not None:
                given[name] = value
        format_["json_schema"] = given
    return {"response_format": format_}


def _reasoning(wanted: ReasoningRequest | None, losses: Losses) -> Body:
    if wanted is None:
        return {}
    if wanted.extra:
        losses.drop("reasoning.display")
    if wanted.effort is not None:
        return {"reasoning_effort": wanted.effort}
    if not wanted.enabled:
        losses.drop("reasoning.disabled")
    if not wanted.enabled or wanted.budget is None:
        return {}
    fitting = (effort for most, effort in EFFORTS if wanted.budget <= most)
    return {"reasoning_effort": next(fitting, EFFORT_ABOVE)}


def _tier(tier: str | None, losses: Losses) -> Body:
    if tier is None:
        return {}
    if losses.own:
        return {"service_tier": tier}
    if tier in SERVICE_TIERS:
        return {"service_tier": SERVICE_TIERS[tier]}
    losses.drop("service_tier")
    return {}


def _extra(body: Body, conversation: Conversation, losses: Losses) -> None:
    """Unknown members of this wire beside what was written; those of another are noted."""
    for name in _REFUSED:
        if not losses.own and conversation.extra.get(name) is not None:
            raise refuse(f"extra.{name}", name)
    for name, value in losses.unknown(conversation.extra).items():
        if name == "stream_options":
            if target_options := body.get("stream_options"):
                body[name] = {**_mapping(value), **_mapping(target_options)}
        else:
            body[name] = value


def _mapping(value: Json) -> Body:
    return value if isinstance(value, dict) else {}
