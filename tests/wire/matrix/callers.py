"""What a caller of either door makes of a stream: the whole answer, put together again."""

import json
from collections.abc import Callable
from typing import Any, Final

Body = dict[str, Any]


def assembled(door: str, stream: bytes) -> Body:
    """The answer that a stream's events add up to; with `error` where it ended in one."""
    body: Body = {}
    for line in stream.decode().splitlines():
        if line.startswith("data: ") and line != "data: [DONE]":
            event = json.loads(line[6:])
            _READ[door](body, event)
            if "error" in event:
                body["error"] = event["error"]
    for found in _list(body, "content"):
        if "json" in found:
            found["input"] = json.loads(found.pop("json") or "{}")
    return body


def pieces(stream: bytes) -> int:
    """How many pieces of tool arguments a stream brings."""
    data = [line for line in stream.decode().splitlines() if line.startswith("data: {")]
    return sum(_has_arguments(json.loads(line[6:])) for line in data)


def _has_arguments(event: Body) -> bool:
    if event.get("type") == "content_block_delta":
        return bool(event["delta"].get("partial_json"))
    calls = [
        call
        for choice in _list(event, "choices")
        for call in _list(choice.get("delta", {}), "tool_calls")
    ]
    return any(call["function"].get("arguments") for call in calls)


def _list(body: Body, name: str) -> list[Any]:
    found = body.get(name)
    return found if isinstance(found, list) else []


def _chunk(body: Body, chunk: Body) -> None:
    body.update({name: chunk[name] for name in ("id", "model") if name in chunk})
    if chunk.get("usage"):
        body["usage"] = chunk["usage"]
    choices = body.setdefault("choices", [])
    for found in _list(chunk, "choices"):
        while len(choices) <= found["index"]:
            choices.append({"message": {"role": "assistant", "content": None}, "logprobs": None})
        choice = choices[found["index"]]
        _grow(choice["message"], found["delta"])
        if found.get("finish_reason"):
            choice["finish_reason"] = found["finish_reason"]
        if found.get("logprobs"):
            held = choice["logprobs"] or {"content": []}
            choice["logprobs"] = {"content": held["content"] + found["logprobs"]["content"]}


def _grow(message: Body, delta: Body) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for call in value:
                _call(message.setdefault("tool_calls", []), call)
        elif name == "annotations":
            message.setdefault("annotations", []).extend(value)
        elif isinstance(value, str) and name != "role" and value:
            message[name] = f"{message.get(name) or ''}{value}"


def _call(calls: list[Body], delta: Body) -> None:
    if delta["index"] == len(calls):
        calls.append({name: value for name, value in delta.items() if name != "index"})
        return
    made = calls[delta["index"]]["function"]
    made["arguments"] = made.get("arguments", "") + delta["function"].get("arguments", "")


def _event(body: Body, event: Body) -> None:
    match event.get("type"):
        case "message_start":
            body.update(event["message"])
        case "content_block_start":
            body["content"].append(event["content_block"])
        case "content_block_delta":
            _block(body["content"][event["index"]], event["delta"])
        case "message_delta":
            body.update(event["delta"])
            body["usage"] = {**body["usage"], **event["usage"]}


def _block(block: Body, delta: Body) -> None:
    kind = delta["type"]
    if kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]
    elif kind == "input_json_delta":
        block["json"] = block.get("json", "") + delta["partial_json"]
    else:
        member = kind.removesuffix("_delta")
        block[member] = block.get(member, "") + delta[member]


_READ: Final[dict[str, Callable[[Body, Body], None]]] = {
    "openai_chat": _chunk,
    "anthropic_messages": _event,
}
