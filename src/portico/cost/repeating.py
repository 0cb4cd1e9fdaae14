"""What a call says, as a fingerprint: two calls of an agent that goes in circles have the same.

A conversation grows with every step, so it is not compared whole. What counts is its last answer
(text and tool calls) and everything after it: an agent that asks for the same thing and is told
the same thing again has made no progress, whatever came before. Ids are new every time and do not
count, nor do white space at the ends of a text and the order of members in tool arguments.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from portico.contract.conversation import (
    Audio,
    Conversation,
    Document,
    FileReference,
    Image,
    Inline,
    Json,
    Link,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)

IDS = frozenset({"id", "tool_use_id", "toolUseId", "call_id", "tool_call_id"})
"""Members of opaque parts that are new in every step."""

_sorted = partial(msgspec.json.encode, order="sorted")


def fingerprint(conversation: Conversation) -> str:
    """32 hexadecimal digits of the last answer and what came after it.

    Without an answer in it, of the whole conversation. Thinking does not count: a model may
    reach the same step by another thought.
    """
    said: list[Json] = []
    for turn in _latest(conversation.turns):
        parts = [view for part in turn.parts if (view := _VIEWS[type(part)](part)) is not None]
        if said and isinstance(said[-1], list) and said[-1][0] == _speaker(turn):
            said[-1][1].extend(parts)  # wires differ in how they cut one side's words into turns
        else:
            said.append([_speaker(turn), parts])
    return hashlib.sha256(_sorted(said)).hexdigest()[:32]


def _latest(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    last = next((i for i in range(len(turns) - 1, -1, -1) if turns[i].role == "assistant"), 0)
    while last and turns[last - 1].role == "assistant":
        last -= 1
    return turns[last:]


def _speaker(turn: Turn) -> str:
    """Some wires give tool results to the user to say."""
    return "user" if turn.role == "tool" else turn.role


def _text(part: Text) -> Json:
    text = part.text.strip()
    return ["text", text] if text else None


def _image(part: Image) -> Json:
    return ["image", _source(part.source)]


def _document(part: Document) -> Json:
    return ["document", part.source and _source(part.source), part.text]


def _audio(part: Audio) -> Json:
    return ["audio", _source(part.source)]


def _reasoning(part: Reasoning) -> Json:
    return None


def _refusal(part: Refusal) -> Json:
    return ["text", part.text.strip()]


def _tool_call(part: ToolCall) -> Json:
    return ["call", part.name, _arguments(part.arguments)]


def _tool_result(part: ToolResult) -> Json:
    parts: Iterable[Part] = part.content
    inner = [view for each in parts if (view := _VIEWS[type(each)](each)) is not None]
    return ["result", bool(part.is_error), inner]


def _opaque(part: Opaque) -> Json:
    return ["opaque", part.kind, _without_ids(part.body)]


def _arguments(text: str) -> Json:
    """Arguments as a value, so that their order does not count; as text where they are no JSON."""
    try:
        return msgspec.json.decode(text) if text.strip() else {}
    except (msgspec.DecodeError, RecursionError):
        return text.strip()


def _source(source: Source) -> Json:
    if isinstance(source, Inline):
        return hashlib.sha256(source.data.encode()).hexdigest()
    return _PLACES[type(source)](source)


def _without_ids(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {name: _without_ids(inner) for name, inner in value.items() if name not in IDS}
    if isinstance(value, list | tuple):
        return [_without_ids(inner) for inner in value]
    return value


_PLACES: Mapping[type[Source], Callable[[Any], str]] = {
    Link: lambda link: str(link.url),
    FileReference: lambda file: str(file.id),
}
_VIEWS: Mapping[type[Part], Callable[[Any], Json]] = {
    Text: _text,
    Image: _image,
    Document: _document,
    Audio: _audio,
    Reasoning: _reasoning,
    Refusal: _refusal,
    ToolCall: _tool_call,
    ToolResult: _tool_result,
    Opaque: _opaque,
}
