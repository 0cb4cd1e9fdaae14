"""Valid bytes of every wire, for mutations to begin with.

Written by hand after the providers' references; a wire without a row of its own begins with all
of them.
"""

import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

from tests.property.seed_requests import NAMELESS, PNG, REQUESTS


def packed(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def events(*bodies: Any, named: bool = False) -> bytes:
    frames = []
    for body in bodies:
        head = b"event: " + body["type"].encode() + b"\n" if named else b""
        frames.append(head + b"data: " + packed(body) + b"\n\n")
    return b"".join(frames)


def binary_event(kind: str, body: Any, message: str = "event") -> bytes:
    """A message of AWS's event stream encoding, version 1, with string headers.

    https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
    """
    words = {f":{message}-type": kind, ":content-type": "application/json"}
    words[":message-type"] = message
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value
        for name, value in ((name, text.encode()) for name, text in words.items())
    )
    payload = packed(body)
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    whole = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return whole + struct.pack("!I", zlib.crc32(whole))


def chat_chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


CHAT_USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
CHAT_ANSWER = packed(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "service_tier": "default",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello ž",
                    "refusal": None,
                    "reasoning_content": "Hm",
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url_citation": {
                                "url": "https://example.com",
                                "title": "t",
                                "start_index": 0,
                                "end_index": 5,
                            },
                        }
                    ],
                    "tool_calls": [
                        {
                            "id": "a",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city":'},
                        }
                    ],
                    "audio": {"id": "x", "data": "AA==", "transcript": "t", "expires_at": 1},
                },
                "logprobs": {"content": []},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": CHAT_USAGE,
    }
)
CALL = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": ""}}
CHAT_STREAM = (
    b": keep-alive\n\n"
    + events(
        chat_chunk({"role": "assistant", "content": ""}),
        chat_chunk({"reasoning_content": "Hm"}),
        chat_chunk({"content": "Žlu 😀"}),
        chat_chunk({"refusal": "no"}),
        chat_chunk({"tool_calls": [CALL]}),
        chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]}),
        chat_chunk({}, "tool_calls"),
        {"id": "c", "model": "m", "choices": [], "usage": CHAT_USAGE},
    )
    + b"data: [DONE]\n\n"
)
CHAT_ERROR = packed({"error": {"message": "m", "type": "rate_limit_error", "code": "429"}})

MESSAGE_USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 2,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
    "output_tokens": 5,
}
CITATION = {"type": "char_location", "cited_text": "a", "document_index": 0, "start_char_index": 1}
MESSAGE_ANSWER = packed(
    {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Žlu", "citations": [CITATION]},
            {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": MESSAGE_USAGE,
    }
)
TEXT_BLOCK = {"type": "text", "text": ""}
TOOL_BLOCK = {"type": "tool_use", "id": "t", "name": "n", "input": {}}


def message_block(index: int, block: Any, *deltas: Any) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


MESSAGE_STREAM = events(
    {"type": "message_start", "message": {"id": "a", "model": "m", "usage": MESSAGE_USAGE}},
    {"type": "ping"},
    *message_block(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta"}),
    *message_block(
        1,
        TEXT_BLOCK,
        {"type": "text_delta", "text": "é€😀"},
        {"type": "citations_delta", "citation": CITATION},
    ),
    *message_block(2, TOOL_BLOCK, {"type": "input_json_delta", "partial_json": '{"a":"ü"}'}),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 5},
    },
    {"type": "message_stop"},
    named=True,
)
MESSAGE_ERROR = packed({"type": "error", "error": {"type": "overloaded_error", "message": "m"}})

CONVERSE_USAGE = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
CONVERSE_ANSWER = packed(
    {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
                    {"text": "Žlu"},
                    {"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": 1}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": CONVERSE_USAGE,
        "metrics": {"latencyMs": 1},
    }
)
CONVERSE_STREAM = b"".join(
    (
        binary_event("messageStart", {"role": "assistant"}),
        binary_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "é"}}),
        binary_event("contentBlockStop", {"contentBlockIndex": 0}),
        binary_event(
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "n"}}},
        ),
        binary_event(
            "contentBlockDelta",
            {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"a":1}'}}},
        ),
        binary_event("contentBlockStop", {"contentBlockIndex": 1}),
        binary_event("messageStop", {"stopReason": "tool_use"}),
        binary_event("metadata", {"usage": CONVERSE_USAGE, "metrics": {"latencyMs": 1}}),
    )
)
CONVERSE_ERROR = binary_event("throttlingException", {"message": "slow"}, "exception")

GEMINI_ANSWER_BODY = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Hm", "thought": True, "thoughtSignature": "AA=="},
                    {"text": "Žlu"},
                    {"functionCall": {"name": "n", "args": {"a": 1}}},
                    {"inlineData": {"mimeType": "image/png", "data": PNG}},
                ],
            },
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 1,
        "totalTokenCount": 16,
    },
    "modelVersion": "m",
    "responseId": "r",
}
GEMINI_ANSWER = packed(GEMINI_ANSWER_BODY)
GEMINI_STREAM = events(
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "é"}]}, "index": 0}]},
    GEMINI_ANSWER_BODY,
)
GEMINI_TEXT = {"content": {"role": "model", "parts": [{"text": "a"}]}}
GEMINI_CALL = {"content": {"role": "model", "parts": [{"functionCall": {"name": "n"}}]}}
GEMINI_ERROR = packed({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}})
VECTORS = packed(
    {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -1e-9]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
)

ANSWERS: dict[str, tuple[bytes, ...]] = {
    "openai_chat": (CHAT_ANSWER, CHAT_ERROR),
    "openai_embeddings": (VECTORS, CHAT_ERROR),
    "anthropic_messages": (MESSAGE_ANSWER, MESSAGE_ERROR),
    "bedrock_converse": (CONVERSE_ANSWER, packed({"message": "m", "__type": "Throttling"})),
    "gemini": (GEMINI_ANSWER, GEMINI_ERROR),
}
STREAMS: dict[str, tuple[bytes, ...]] = {
    "openai_chat": (CHAT_STREAM, b"data: " + CHAT_ERROR + b"\n\n"),
    "anthropic_messages": (MESSAGE_STREAM, b"event: error\ndata: " + MESSAGE_ERROR + b"\n\n"),
    "bedrock_converse": (CONVERSE_STREAM, CONVERSE_ERROR),
    "gemini": (GEMINI_STREAM, b"data: " + GEMINI_ERROR + b"\n\n"),
}
ALL_ANSWERS = tuple(seed for row in ANSWERS.values() for seed in row)
ALL_STREAMS = tuple(seed for row in STREAMS.values() for seed in row)
ALL_REQUESTS = tuple(packed(body) for row in REQUESTS.values() for body in row)


def seeds(target: str) -> tuple[bytes, ...]:
    """Where mutations of a target (`decoding.targets`) begin."""
    wire, _, what = target.partition(".")
    if what == "read":
        bodies = {**REQUESTS, **NAMELESS}.get(wire, ())
        return tuple(packed(body) for body in bodies) or ALL_REQUESTS
    if what in ("answer", "error"):
        return ANSWERS.get(wire, ALL_ANSWERS)
    if what in ("stream", "relay"):
        return STREAMS.get(wire, ALL_STREAMS)
    return ALL_STREAMS if target == "sse" else ALL_REQUESTS


def chat_event(number: int, delta: Any) -> bytes:
    return events({"choices": [{"index": number, "delta": delta}]})


GROWERS: dict[str, dict[str, Callable[[int], bytes]]] = {
    "openai_chat": {
        "choices": lambda n: chat_event(n, {"content": "a"}),
        "tool calls": lambda n: chat_event(0, {"tool_calls": [{"index": n}]}),
        "texts": lambda n: chat_event(0, {"content": "a"}),
        "finishes": lambda n: events(chat_chunk({}, "stop", number=n)),
        "members": lambda n: events({f"member {n}": n, "choices": []}),
        "comments": lambda n: b": comment\n\n",
    },
    "anthropic_messages": {
        "blocks": lambda n: events(message_block(n, TEXT_BLOCK)[0]),
        "whole blocks": lambda n: events(*message_block(n, TEXT_BLOCK)),
        "usage": lambda n: events({"type": "message_delta", "usage": {f"member {n}": n}}),
        "stops": lambda n: events({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        "starts": lambda n: events({"type": "message_start", "message": {f"member {n}": n}}),
        "pings": lambda n: events({"type": "ping"}),
    },
    "bedrock_converse": {
        "blocks": lambda n: binary_event(
            "contentBlockStart",
            {"contentBlockIndex": n, "start": {"toolUse": {"toolUseId": "t", "name": "n"}}},
        ),
        "deltas": lambda n: binary_event(
            "contentBlockDelta", {"contentBlockIndex": n, "delta": {"text": "a"}}
        ),
        "stops": lambda n: binary_event("messageStop", {"stopReason": "end_turn"}),
        "metadata": lambda n: binary_event("metadata", {"usage": {f"member {n}": n}}),
        "new events": lambda n: binary_event(f"kind {n}", {}),
    },
    "gemini": {
        "candidates": lambda n: events({"candidates": [{"index": n, **GEMINI_TEXT}]}),
        "texts": lambda n: events({"candidates": [{"index": 0, **GEMINI_TEXT}]}),
        "calls": lambda n: events({"candidates": [{"index": 0, **GEMINI_CALL}]}),
        "usage": lambda n: events({"usageMetadata": {f"member {n}": n}}),
        "finishes": lambda n: events({"candidates": [{"index": n, "finishReason": "STOP"}]}),
    },
}
"""Frames of which a hostile upstream sends ever more; the number makes each one new."""
