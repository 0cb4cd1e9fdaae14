"""The text of an answer as a reader compares it, out of any wire's body or stream."""

import difflib
from collections.abc import Iterable
from typing import Final

from portico.contract.conversation import Audio, Part, Refusal, Text, ToolCall
from portico.contract.errors import PorticoError
from portico.contract.events import Answer, Event, Failed, PartDelta, PartOpened
from portico.contract.wires import ProviderWire

MOST_LINES: Final = 2000
"""Lines of each answer that are compared."""


def answer_text(wire: ProviderWire | None, body: bytes, stream: bool) -> str:
    """The answer's text and tool calls. A body that the wire cannot read is shown as it is."""
    if wire is not None:
        try:
            return _streamed(wire, body) if stream else _whole(wire.read_answer(body))
        except PorticoError:
            pass
    return body.decode(errors="replace")


def text_of(parts: Iterable[Part]) -> str:
    """What is said in them; parts of other kinds, reasoning among them, say nothing here."""
    return "\n".join(filter(None, map(_said, parts)))


def _said(part: Part) -> str:
    if isinstance(part, Text | Refusal):
        return part.text
    if isinstance(part, ToolCall):
        return f"{part.name}({part.arguments})"
    if isinstance(part, Audio):
        return part.transcript or ""
    return ""


def difference(before: str, after: str) -> tuple[str, ...]:
    """A unified diff, without its heading; empty where both are equal."""
    old, new = before.splitlines()[:MOST_LINES], after.splitlines()[:MOST_LINES]
    found = difflib.unified_diff(old, new, "before", "after", lineterm="")
    return tuple(found)[2:]


def _whole(answer: Answer) -> str:
    return "\n\n".join(text_of(choice.parts) for choice in answer.choices)


def _streamed(wire: ProviderWire, body: bytes) -> str:
    reader = wire.stream_reader()
    return _joined([*reader.feed(body), *reader.close()])


def _joined(events: Iterable[Event]) -> str:
    """Raises the error of a stream that failed before it said anything."""
    kinds: dict[tuple[int, int], str] = {}
    parts: dict[tuple[int, int], str] = {}
    for event in events:
        if isinstance(event, PartOpened):
            place = (event.choice, event.part)
            kinds[place] = event.kind
            parts[place] = f"{event.name}(" if event.kind == "tool_call" else ""
        elif isinstance(event, PartDelta) and event.field in ("text", "arguments"):
            place = (event.choice, event.part)
            parts[place] = parts.get(place, "") + event.text
        elif isinstance(event, Failed) and not parts:
            raise event.error
    return "\n".join(
        f"{text})" if kinds.get(place) == "tool_call" else text
        for place, text in sorted(parts.items())
        if kinds.get(place) != "reasoning" and text
    )
