"""What providers send, whole and streamed, written out from the short form of `features.yaml`.

Law of the file: texts and tool arguments are streamed in two pieces, and everything else as each
provider's documentation shows it.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

Body = dict[str, Any]

CREATED: Final = 1_760_000_000
PROMPT: Final = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
MESSAGE_USAGE: Final = {"input_tokens": 9, "output_tokens": 4}
CONVERSE_USAGE: Final = {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13}
GEMINI_USAGE: Final = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}


def whole(wire: str, said: Body) -> bytes:
    """The body of an answer."""
    return json.dumps(_WHOLE[wire](said), ensure_ascii=False).encode()


def stream(wire: str, said: Body) -> bytes:
    """The bytes of a streamed answer."""
    return _framed(wire, _STREAMS[wire](said))


def broken(wire: str, error: Body) -> bytes:
    """The bytes of a stream that says a word, and then the error or (`cut`) nothing."""
    events = list(_STREAMS[wire](_WORD[wire]))[: _BEGUN[wire]]
    return _framed(wire, events if "cut" in error else [*events, error])


def halves(text: str) -> tuple[str, str]:
    middle = len(text) // 2
    return text[:middle], text[middle:]


# --- OpenAI: https://platform.openai.com/docs/api-reference/chat-streaming --------------------


def _chat(said: Body) -> Body:
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": None, "refusal": None, **choice["message"]},
            "logprobs": choice.get("logprobs"),
            "finish_reason": choice.get("finish_reason", "stop"),
        }
        for index, choice in enumerate(said.get("choices", [said]))
    ]
    head = {"id": "chatcmpl-7", "object": "chat.completion", "created": CREATED, "model": "gpt-5"}
    return {**head, "choices": choices, "usage": said.get("usage", PROMPT)}


def _chat_stream(said: Body) -> Iterator[Any]:
    body = _chat(said)
    head = {**body, "object": "chat.completion.chunk", "usage": None}
    for choice in body["choices"]:
        begin = {"role": "assistant", "content": ""}
        for delta in [begin, *_chat_deltas(choice["message"])]:
            chunk = {"index": choice["index"], "delta": delta, "finish_reason": None}
            if choice["logprobs"] and delta.get("content"):
                chunk["logprobs"] = choice["logprobs"]
            yield {**head, "choices": [chunk]}
        last = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        yield {**head, "choices": [last]}
    yield {**head, "choices": [], "usage": body["usage"]}
    yield "[DONE]"


def _chat_deltas(message: Body) -> Iterator[Body]:
    for member in ("reasoning_content", "content", "refusal"):
        if text := message.get(member):
            yield from ({member: piece} for piece in halves(text))
    if found := message.get("annotations"):
        yield {"annotations": found}
    for index, call in enumerate(message.get("tool_calls", [])):
        made = call["function"]
        yield {"tool_calls": [{**call, "index": index, "function": {**made, "arguments": ""}}]}
        for piece in halves(made["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


# --- Anthropic: https://platform.claude.com/docs/en/build-with-claude/streaming ---------------


def _message(said: Body) -> Body:
    return {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": said["content"],
        "stop_reason": said.get("stop_reason", "end_turn"),
        "stop_sequence": said.get("stop_sequence"),
        "usage": said.get("usage", MESSAGE_USAGE),
    }


def _message_stream(said: Body) -> Iterator[Any]:
    body = _message(said)
    begun = {**body["usage"], "output_tokens": 1}
    started = {**body, "content": [], "stop_reason": None, "stop_sequence": None, "usage": begun}
    yield {"type": "message_start", "message": started}
    for index, block in enumerate(body["content"]):
        start, deltas = _MESSAGE_BLOCKS[block["type"]](block)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stopped = {name: body[name] for name in ("stop_reason", "stop_sequence")}
    yield {"type": "message_delta", "delta": stopped, "usage": body["usage"]}
    yield {"type": "message_stop"}


def _text_block(block: Body) -> tuple[Body, list[Body]]:
    pieces = [{"type": "text_delta", "text": piece} for piece in halves(block["text"])]
    cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations", [])]
    return {"type": "text", "text": "", **({"citations": []} if cited else {})}, [*cited, *pieces]


def _thinking_block(block: Body) -> tuple[Body, list[Body]]:
    pieces = [{"type": "thinking_delta", "thinking": piece} for piece in halves(block["thinking"])]
    signature = {"type": "signature_delta", "signature": block["signature"]}
    return {"type": "thinking", "thinking": "", "signature": ""}, [*pieces, signature]


def _tool_block(block: Body) -> tuple[Body, list[Body]]:
    pieces = halves(json.dumps(block["input"]))
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return {**block, "input": {}}, deltas


_MESSAGE_BLOCKS: Final[dict[str, Callable[[Body], tuple[Body, list[Body]]]]] = {
    "text": _text_block,
    "thinking": _thinking_block,
    "redacted_thinking": lambda block: (block, []),
    "tool_use": _tool_block,
}

# --- Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html


def _converse(said: Body) -> Body:
    return {
        "output": {"message": {"role": "assistant", "content": said["content"]}},
        "stopReason": said.get("stopReason", "end_turn"),
        "usage": said.get("usage", CONVERSE_USAGE),
        "metrics": {"latencyMs": 7},
    }


def _converse_stream(said: Body) -> Iterator[Any]:
    body = _converse(said)
    yield {"event": "messageStart", "role": "assistant"}
    for index, block in enumerate(said["content"]):
        place = {"contentBlockIndex": index}
        if made := block.get("toolUse"):
            start = {"toolUse": {name: made[name] for name in ("toolUseId", "name")}}
            yield {"event": "contentBlockStart", "start": start, **place}
        for delta in _converse_deltas(block):
            yield {"event": "contentBlockDelta", "delta": delta, **place}
        yield {"event": "contentBlockStop", **place}
    yield {"event": "messageStop", "stopReason": body["stopReason"]}
    yield {"event": "metadata", "usage": body["usage"], "metrics": body["metrics"]}


def _converse_deltas(block: Body) -> Iterator[Body]:
    if "text" in block:
        yield from ({"text": piece} for piece in halves(block["text"]))
    if made := block.get("toolUse"):
        pieces = halves(json.dumps(made["input"]))
        yield from ({"toolUse": {"input": piece}} for piece in pieces)
    thought = block.get("reasoningContent", {})
    if said := thought.get("reasoningText"):
        yield from ({"reasoningContent": {"text": piece}} for piece in halves(said["text"]))
        yield {"reasoningContent": {"signature": said["signature"]}}
    if sealed := thought.get("redactedContent"):
        yield {"reasoningContent": {"redactedContent": sealed}}
    if cited := block.get("citationsContent"):
        yield from ({"text": piece["text"]} for piece in cited["content"])
        yield from ({"citation": one} for one in cited["citations"])


def _event_stream(event: Body) -> bytes:
    """A message of https://smithy.io/2.0/aws/amazon-eventstream.html."""
    kind = next(name for name in ("event", "exception") if name in event)
    payload = json.dumps({name: value for name, value in event.items() if name != kind}).encode()
    named = {
        f":{kind}-type": event[kind],
        ":content-type": "application/json",
        ":message-type": kind,
    }
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(text)) + text.encode()
        for name, text in named.items()
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude))
    message = head + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


# --- Gemini: https://ai.google.dev/api/generate-content ---------------------------------------


def _gemini(said: Body) -> Body:
    candidates = [
        {
            "content": {"role": "model", "parts": one["parts"]},
            "finishReason": one.get("finishReason", "STOP"),
            "index": index,
            **{name: one[name] for name in _BESIDE if name in one},
        }
        for index, one in enumerate(said.get("candidates", [said]))
    ]
    feedback = {name: said[name] for name in ("promptFeedback",) if name in said}
    return {
        **({"candidates": candidates} if candidates else {}),
        **feedback,
        "usageMetadata": said.get("usage", GEMINI_USAGE),
        "modelVersion": "gemini-3-pro",
        "responseId": "resp7",
    }


_BESIDE: Final = ("groundingMetadata", "citationMetadata", "logprobsResult")


def _gemini_stream(said: Body) -> Iterator[Any]:
    body = _gemini(said)
    if "candidates" not in body:
        yield body
    for candidate in body.get("candidates", []):
        pieces = [piece for part in candidate["content"]["parts"] for piece in _gemini_pieces(part)]
        for place, piece in enumerate(pieces):
            chunk = {"content": {"role": "model", "parts": [piece]}, "index": candidate["index"]}
            ends = place == len(pieces) - 1
            yield {**body, "candidates": [{**candidate, **chunk} if ends else chunk]}


def _gemini_pieces(part: Body) -> Iterator[Body]:
    if "text" not in part:
        yield part
        return
    first, last = halves(part["text"])
    yield {**{k: v for k, v in part.items() if k != "thoughtSignature"}, "text": first}
    yield {**part, "text": last}


# --- all of them ------------------------------------------------------------------------------


def _framed(wire: str, events: Iterable[Any]) -> bytes:
    if wire == "bedrock_converse":
        return b"".join(_event_stream(event) for event in events)
    frames = []
    for event in events:
        name = event.get("type") if isinstance(event, dict) else None
        data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        frames.append(f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n")
    return "".join(frames).encode()


_WHOLE: Final[dict[str, Callable[[Body], Body]]] = {
    "openai_chat": _chat,
    "anthropic_messages": _message,
    "bedrock_converse": _converse,
    "gemini": _gemini,
}
_STREAMS: Final[dict[str, Callable[[Body], Iterator[Any]]]] = {
    "openai_chat": _chat_stream,
    "anthropic_messages": _message_stream,
    "bedrock_converse": _converse_stream,
    "gemini": _gemini_stream,
}
_WORD: Final[dict[str, Body]] = {
    "openai_chat": {"message": {"content": "Well"}},
    "anthropic_messages": {"content": [{"type": "text", "text": "Well"}]},
    "bedrock_converse": {"content": [{"text": "Well"}]},
    "gemini": {"parts": [{"text": "Well"}]},
}
_BEGUN: Final = {"openai_chat": 2, "anthropic_messages": 3, "bedrock_converse": 2, "gemini": 1}
"""How many events of a stream are sent before it breaks."""
