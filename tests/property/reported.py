"""Answers of every wire around a usage object, whole and as streams."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from portico.contract.events import Event, UsageReported
from portico.contract.usage import Usage
from portico.contract.wires import Door, ProviderWire
from portico.wires import anthropic_messages, bedrock_converse, gemini, openai_chat
from portico.wires.event_stream import frame

Object = dict[str, Any]


class Wired(NamedTuple):
    """A wire, and how an answer with a usage object and a tier looks on it."""

    door: Door
    wire: ProviderWire
    request: bytes
    whole: Callable[[Object, Any], bytes]
    stream: Callable[[Object, Any], bytes]
    input: str
    output: str


def packed(body: Any) -> bytes:
    return json.dumps(body).encode()


def sse(*bodies: Any) -> bytes:
    return b"".join(b"data: " + packed(body) + b"\n\n" for body in bodies)


def with_tier(name: str, tier: Any) -> Object:
    return {} if tier is None else {name: tier}


def chat(usage: Object, tier: Any) -> bytes:
    choice = {"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}
    return packed({"choices": [choice], "usage": usage, **with_tier("service_tier", tier)})


def chat_stream(usage: Object, tier: Any) -> bytes:
    tiered = with_tier("service_tier", tier)
    said = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}
    stop = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = ({"choices": [said]}, {"choices": [stop]}, {"choices": [], "usage": usage})
    return sse(*({"model": "m", **tiered, **chunk} for chunk in chunks)) + b"data: [DONE]\n\n"


def message(usage: Object, tier: Any) -> bytes:
    block = {"type": "text", "text": "Hi"}
    head = {"id": "i", "type": "message", "model": "m", "content": [block]}
    counted = {**usage, **with_tier("service_tier", tier)}
    return packed({**head, "stop_reason": "end_turn", "usage": counted})


def message_stream(usage: Object, tier: Any) -> bytes:
    counted = {**usage, **with_tier("service_tier", tier)}
    return sse(
        {"type": "message_start", "message": {"id": "i", "model": "m", "usage": counted}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    )


def converse(usage: Object, tier: Any) -> bytes:
    output = {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}
    tiered = with_tier("serviceTier", tier and {"type": tier})
    return packed({"output": output, "stopReason": "end_turn", "usage": usage, **tiered})


def converse_stream(usage: Object, tier: Any) -> bytes:
    tiered = with_tier("serviceTier", tier and {"type": tier})
    events: tuple[tuple[str, Object], ...] = (
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": usage, **tiered}),
    )
    return b"".join(
        frame({":event-type": kind, ":message-type": "event"}, packed(body))
        for kind, body in events
    )


def generated(usage: Object, tier: Any) -> bytes:
    return packed(_response(usage, tier))


def generated_stream(usage: Object, tier: Any) -> bytes:
    first = {"candidates": [{"content": {"parts": [{"text": "H"}]}}], "modelVersion": "m"}
    return sse(first, _response(usage, tier))


def _response(usage: Object, tier: Any) -> Object:
    counted = {**usage, **with_tier("serviceTier", tier)}
    candidate = {"content": {"parts": [{"text": "i"}]}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": counted, "modelVersion": "m"}


WIRES: dict[str, Wired] = {
    "openai": Wired(
        openai_chat.DOOR,
        openai_chat.WIRE,
        b'{"model":"m","stream":true,"stream_options":{"include_usage":true},'
        b'"messages":[{"role":"user","content":"Hi"}]}',
        chat,
        chat_stream,
        "prompt_tokens",
        "completion_tokens",
    ),
    "anthropic": Wired(
        anthropic_messages.DOOR,
        anthropic_messages.WIRE,
        b'{"model":"m","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"Hi"}]}',
        message,
        message_stream,
        "input_tokens",
        "output_tokens",
    ),
    "bedrock": Wired(
        bedrock_converse.DOOR,
        bedrock_converse.WIRE,
        b'{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}',
        converse,
        converse_stream,
        "inputTokens",
        "outputTokens",
    ),
    "gemini": Wired(
        gemini.DOOR,
        gemini.WIRE,
        b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}',
        generated,
        generated_stream,
        "promptTokenCount",
        "candidatesTokenCount",
    ),
}


def readings(wired: Wired, usage: Object, tier: Any = None) -> list[Usage | None]:
    """What each of the four ways of reading an answer makes of its usage."""
    whole, stream = wired.whole(usage, tier), wired.stream(usage, tier)
    relay = wired.wire.relay(wired.door.read(wired.request, 64))
    relay.feed(stream)
    relay.close()
    reader = wired.wire.stream_reader()
    events: list[Event] = [*reader.feed(stream), *reader.close()]
    told = [event.usage for event in events if isinstance(event, UsageReported)]
    return [
        wired.wire.skim(whole).usage,
        wired.wire.read_answer(whole).usage,
        relay.skim.usage,
        told[-1] if told else None,
    ]
