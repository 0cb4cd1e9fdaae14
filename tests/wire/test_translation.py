"""Either door to either provider's wire, in memory: what leaves, compared with what is pinned.

Each file of `snapshots/` is one case: what came in, and what left on every wire.
- `requests/`: a caller's body; what leaves for an upstream of each wire, or the refusal.
- `answers/`: an upstream's whole answer; what leaves at each door.
- `streams/`: an upstream's stream, as the data of its events; what leaves at each door.

`python tests/wire/test_translation.py` writes anew what left, so that a review sees the
difference; a test that fails prints it too.
"""

import difflib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pydantic
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from portico.contract.errors import InvalidRequest
from portico.contract.events import Event, Failed
from portico.contract.wires import Door, ProviderWire, StreamWriter, Target
from portico.wires import anthropic_messages, openai_chat

SNAPSHOTS = Path(__file__).parent / "snapshots"
DOORS: dict[str, Door] = {
    "anthropic_messages": anthropic_messages.DOOR,
    "openai_chat": openai_chat.DOOR,
}
WIRES: dict[str, ProviderWire] = {
    "anthropic_messages": anthropic_messages.WIRE,
    "openai_chat": openai_chat.WIRE,
}
MODELS = {"anthropic_messages": "claude-opus-5", "openai_chat": "gpt-5"}
PORTICO = b'{"call":"call_1"}'
PIECE = 7
"""Bytes: streams are fed in pieces of this size, so that no frame comes whole."""

Case = dict[str, Any]
ASKED = {
    "model": "support",
    "max_tokens": 10,
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [{"role": "user", "content": "Hi"}],
}


def request_leaves(case: Case) -> dict[str, Any]:
    """What leaves for an upstream of each wire, written anew even where it could pass."""
    door = DOORS[case["door"]]
    request = door.read(json.dumps(case["sent"]).encode(), 100)
    left: dict[str, Any] = {}
    for name, wire in WIRES.items():
        target = Target(
            model_id=MODELS[name], stream=request.stream, max_output_tokens=case.get("cap", 4096)
        )
        try:
            outgoing = wire.write_request(door.conversation(request), target)
        except InvalidRequest as refused:
            left[name] = {"refused": {"field": refused.field, "message": refused.message}}
            continue
        left[name] = {"body": json.loads(outgoing.body), "dropped": list(outgoing.dropped)}
    return left


def answer_leaves(case: Case) -> dict[str, Any]:
    answer = WIRES[case["wire"]].read_answer(json.dumps(case["came"]).encode())
    return {name: json.loads(door.write_answer(answer)) for name, door in DOORS.items()}


def stream_leaves(case: Case) -> dict[str, Any]:
    reader = WIRES[case["wire"]].stream_reader()
    data = sse(case["came"])
    events = [
        event
        for start in range(0, len(data), PIECE)
        for event in reader.feed(data[start : start + PIECE])
    ]
    events += reader.close()
    return {name: written(door, events) for name, door in DOORS.items()}


def sse(events: Iterable[Any]) -> bytes:
    """The bytes of a stream whose events have this data; "[DONE]" stands for itself."""
    frames = []
    for event in events:
        kind = event.get("type") if isinstance(event, dict) else None
        head = f"event: {kind}\n" if kind else ""
        body = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        frames.append(f"{head}data: {body}\n\n")
    return "".join(frames).encode()


def written(door: Door, events: list[Event]) -> list[Any]:
    asked = {k: v for k, v in ASKED.items() if k != "stream_options" or "openai" in door.name}
    writer: StreamWriter = door.stream_writer(door.read(json.dumps(asked).encode(), 100))
    out = b"".join(writer.write(event) for event in events)
    if not any(isinstance(event, Failed) for event in events):
        out += writer.finish(PORTICO)
    found = [line[6:] for line in out.split(b"\n") if line.startswith(b"data: ")]
    return [text.decode() if text == b"[DONE]" else json.loads(text) for text in found]


KINDS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "requests": request_leaves,
    "answers": answer_leaves,
    "streams": stream_leaves,
}
CASES = sorted(path for kind in KINDS for path in (SNAPSHOTS / kind).glob("*.json"))


def leaves(path: Path) -> tuple[Case, str]:
    """A case as it is pinned, and its text as it should be."""
    case: Case = json.loads(path.read_text("utf-8"))
    case["left"] = KINDS[path.parent.name](case)
    return case, json.dumps(case, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_leaves_is_what_is_pinned(path: Path) -> None:
    pinned = path.read_text("utf-8")
    _, now = leaves(path)
    difference = difflib.unified_diff(
        pinned.splitlines(), now.splitlines(), "pinned", "now", lineterm=""
    )
    assert pinned == now, "\n" + "\n".join(difference)


@pytest.mark.parametrize(
    "path", [path for path in CASES if path.parent.name == "answers"], ids=lambda path: path.stem
)
def test_an_answer_at_the_door_of_its_own_wire_is_as_it_came(path: Path) -> None:
    case, _ = leaves(path)
    left = case["left"][case["wire"]]
    missing = {name for name, value in case["came"].items() if left.get(name) != value}
    assert missing <= set(case.get("changed", []))


WHOLE: dict[str, type[pydantic.BaseModel]] = {
    "anthropic_messages": Message,
    "openai_chat": ChatCompletion,
}
EVENT: dict[str, pydantic.TypeAdapter[Any]] = {
    "anthropic_messages": pydantic.TypeAdapter(RawMessageStreamEvent),
    "openai_chat": pydantic.TypeAdapter(ChatCompletionChunk),
}


@pytest.mark.parametrize(
    "path", [path for path in CASES if path.parent.name != "requests"], ids=lambda path: path.stem
)
def test_what_leaves_for_a_caller_fits_the_types_of_its_sdk(path: Path) -> None:
    case, _ = leaves(path)
    for name, left in case["left"].items():
        if path.parent.name == "answers":
            assert WHOLE[name].model_validate(left)
            continue
        answered = [event for event in left if event != "[DONE]" and "error" not in event]
        assert answered
        for event in answered:
            EVENT[name].validate_python(event)


def test_every_kind_of_case_is_there() -> None:
    kinds = {
        (path.parent.name, case.get("door") or case.get("wire"))
        for path in CASES
        for case in [json.loads(path.read_text("utf-8"))]
    }
    assert kinds == {(kind, wire) for kind in KINDS for wire in WIRES}


if __name__ == "__main__":
    for path in CASES:
        _, text = leaves(path)
        path.write_text(text, "utf-8")
        sys.stdout.write(f"{path.relative_to(SNAPSHOTS)}\n")
