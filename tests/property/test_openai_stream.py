"""Streams and conversations of the chat completions wire, in every shape that can be drawn."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from portico.contract.conversation import (
    Conversation,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from portico.contract.events import Event, Failed, PartClosed, PartDelta, PartOpened
from portico.contract.wires import Skim, Target
from portico.wires.openai_chat import DOOR, WIRE

PORTICO = b'{"call":"c"}'
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")
PARTS = (PartOpened, PartDelta, PartClosed)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SOME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)

DELTAS = st.one_of(
    WORDS.map(lambda text: {"content": text}),
    WORDS.map(lambda text: {"reasoning_content": text}),
    WORDS.map(lambda text: {"refusal": text}),
    WORDS.map(
        lambda text: {"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": text}}]}
    ),
)


def chunk(**members: Any) -> str:
    return "data: " + json.dumps({"id": "i", "model": "m", **members}, ensure_ascii=False)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A stream as servers send them: comments, any line ending, maybe cut, maybe unfinished."""
    frames: list[str] = []
    for delta in draw(st.lists(DELTAS, max_size=6)):
        frames.append(chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}]))
        if draw(st.booleans()):
            frames.append(": keep-alive")
    if draw(st.booleans()):
        frames.append(chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    if draw(st.booleans()):
        usage = {"prompt_tokens": draw(st.integers(-5, 50)), "completion_tokens": 2}
        frames.append(chunk(choices=[], usage=usage))
    if draw(st.booleans()):
        frames.append("data: [DONE]")
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    stream = "".join(frame + newline * 2 for frame in frames).encode()
    return stream[: len(stream) - draw(st.integers(0, 4))]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[start:end] for start, end in pairwise(ends)]


def told(pieces: list[bytes]) -> list[object]:
    reader = WIRE.stream_reader()
    events: list[Event] = [event for piece in pieces for event in reader.feed(piece)]
    events += reader.close()
    return [
        (type(event.error), event.error.detail) if isinstance(event, Failed) else event
        for event in events
    ]


def carried(pieces: list[bytes], *, usage: bool) -> tuple[bytes, bytes, Skim, object]:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
        "stream_options": {"include_usage": usage},
    }
    relay = WIRE.relay(DOOR.read(json.dumps(body).encode(), 20))
    passed = b"".join(relay.feed(piece) for piece in pieces) + relay.close()
    skim = relay.skim
    failed = skim.failed
    skim.failed = None
    tail = b"" if failed else relay.finish(PORTICO)
    return passed, tail, skim, failed and (type(failed), failed.detail)


@given(streams(), st.lists(st.integers(0, 5000)))
def test_cuts_do_not_change_the_events(stream: bytes, places: list[int]) -> None:
    assert told(cut(stream, places)) == told([stream])


@given(streams(), st.lists(st.integers(0, 5000)), st.booleans())
def test_cuts_do_not_change_what_a_relay_passes_and_learns(
    stream: bytes, places: list[int], usage: bool
) -> None:
    assert carried(cut(stream, places), usage=usage) == carried([stream], usage=usage)


@given(streams())
def test_what_a_relay_passes_before_the_tail_is_the_start_of_the_stream(stream: bytes) -> None:
    assert stream.startswith(carried([stream], usage=True)[0])


@given(streams())
def test_relay_and_reader_agree_on_how_a_stream_ends(stream: bytes) -> None:
    failed = carried([stream], usage=True)[3]
    last = told([stream])[-1:]
    assume("interleaved" not in str(last))
    assert (failed is None) == (not last or not isinstance(last[0], tuple))


@given(streams())
def test_events_written_and_read_again_are_the_same(stream: bytes) -> None:
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
    )
    writer = DOOR.stream_writer(DOOR.read(body.encode(), 20))
    reader = WIRE.stream_reader()
    events = [*reader.feed(stream), *reader.close()]
    assume(not any(isinstance(event, Failed) for event in events))
    out = b"".join(writer.write(event) for event in events) + writer.finish(PORTICO)
    again = [event for event in told([out]) if isinstance(event, PARTS)]
    assert again == [event for event in events if isinstance(event, PARTS)]


TEXTS = st.builds(Text, text=SOME)
IMAGES = st.builds(
    Image,
    source=st.one_of(
        st.builds(Link, st.just("https://x.test/a")), st.just(Inline("image/png", "AA"))
    ),
)


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    role = draw(st.sampled_from(ROLES))
    parts: list[Part] = []
    if role == "system":
        parts += [draw(TEXTS)]
    elif role == "user":
        parts += draw(st.lists(TEXTS | IMAGES, min_size=1, max_size=3))
    elif role == "tool":
        parts += [ToolResult(call_id=draw(SOME), content=(draw(TEXTS),))]
    else:
        parts += [Reasoning(text=draw(SOME))] if draw(st.booleans()) else []
        parts += draw(st.lists(TEXTS, min_size=1, max_size=2))
        calls = st.builds(ToolCall, id=SOME, name=SOME, arguments=SOME)
        parts += draw(st.lists(calls, max_size=2))
    return Turn(role=role, parts=tuple(parts))


CONVERSATIONS = st.builds(
    Conversation,
    wire=st.just("openai_chat"),
    turns=st.lists(turns(), min_size=1, max_size=5).map(tuple),
    tools=st.lists(
        st.builds(Tool, name=SOME, description=st.none() | WORDS, schema=st.just({"a": 1})),
        max_size=2,
    ).map(tuple),
    sampling=st.builds(
        Sampling,
        max_output_tokens=st.integers(1, 9),
        temperature=st.none() | st.floats(0, 2),
        stop=st.lists(WORDS, max_size=4).map(tuple),
        choices=st.integers(1, 4),
    ),
    end_user=st.none() | WORDS,
)


@given(CONVERSATIONS)
def test_a_conversation_written_and_read_again_is_the_same(talk: Conversation) -> None:
    target = Target(model_id="m", stream=False, max_output_tokens=1)
    body = WIRE.write_request(talk, target).body
    assert DOOR.conversation(DOOR.read(body, 50)) == talk


@given(st.binary(max_size=60) | WORDS.map(lambda text: text.encode()))
def test_no_bytes_crash_the_readers(data: bytes) -> None:
    assert isinstance(WIRE.skim(data), Skim)
    assert WIRE.read_error(500, {}, data).status == 502
    assert told([b"data: " + data + b"\n\n"])
