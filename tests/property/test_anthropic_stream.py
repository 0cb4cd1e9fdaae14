"""The Anthropic stream is right for every way of cutting and writing its bytes."""

import json
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.contract.conversation import (
    CacheHint,
    Conversation,
    Document,
    FileReference,
    Image,
    Inline,
    Link,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from portico.contract.events import Event, PartClosed, PartDelta, PartOpened
from portico.contract.wires import Target
from portico.wires.anthropic_messages import DOOR, WIRE

REQUEST = DOOR.read(
    b'{"model":"m","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"Hi"}]}', 9
)
TARGET = Target(model_id="m", stream=False, max_output_tokens=1)

EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "message_start", "message": {"id": "a", "model": "m", "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "é€😀"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "\n\nx"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t", "name": "n", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"a":"ü"}'},
    },
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 5},
    },
    {"type": "message_stop"},
)

LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def stream(end: str, final: bool) -> bytes:
    frames = [": keep-alive" + end * 2]
    for event in EVENTS:
        text = json.dumps(event, ensure_ascii=False)
        frames.append(f"event: {event['type']}{end}data: {text}{end}{end}")
    joined = "".join(frames)
    return (joined if final else joined.removesuffix(end * 2)).encode()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


def read(parts: list[bytes]) -> list[Event]:
    reader = WIRE.stream_reader()
    events = [event for part in parts for event in reader.feed(part)]
    return events + reader.close()


def relayed(parts: list[bytes]) -> bytes:
    relay = WIRE.relay(REQUEST)
    passed = b"".join(relay.feed(part) for part in parts) + relay.close()
    assert relay.skim.failed is None
    assert relay.skim.complete
    return passed + relay.finish(b'{"call":"c"}')


WHOLE = read([stream("\n", final=True)])


@given(cuts=st.lists(st.integers(0, 10_000), max_size=40), end=LINE_ENDS, final=st.booleans())
@settings(max_examples=150, deadline=None)
def test_however_a_stream_is_cut_it_says_the_same(cuts: list[int], end: str, final: bool) -> None:
    data = stream(end, final)
    assert read(pieces(data, cuts)) == WHOLE
    assert relayed(pieces(data, cuts)) == relayed([data])


@given(end=LINE_ENDS, final=st.booleans())
def test_a_relay_changes_nothing_before_its_tail(end: str, final: bool) -> None:
    data = stream(end, final)
    head = data[: data.index(b"event: message_delta")]
    assert relayed([data]).startswith(head)


@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=5))
@settings(deadline=None)
def test_no_bytes_make_a_reader_or_a_relay_raise(data: bytes, cuts: list[int]) -> None:
    relay = WIRE.relay(REQUEST)
    reader = WIRE.stream_reader()
    for part in pieces(b"data: " + data + b"\n\n", cuts):
        relay.feed(part)
        reader.feed(part)
    relay.close()
    assert (relay.skim.failed is None) is relay.skim.complete
    assert reader.close() is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    members=st.fixed_dictionaries(
        {"type": st.sampled_from([event["type"] for event in EVENTS] + ["error", "new"])},
        optional=dict.fromkeys(("message", "content_block", "delta", "usage", "index"), JSON),
    )
)
@settings(deadline=None)
def test_no_event_of_any_shape_makes_a_reader_or_a_relay_raise(members: dict[str, Any]) -> None:
    data = b"data: " + json.dumps(members).encode() + b"\n\n"
    relay = WIRE.relay(REQUEST)
    reader = WIRE.stream_reader()
    begun = stream("\n", final=True)[:700]
    passed = relay.feed(begun[: begun.rindex(b"\n\n") + 2]) + relay.feed(data)
    events = reader.feed(begun[: begun.rindex(b"\n\n") + 2]) + reader.feed(data)
    assert passed
    assert events


names = st.text("abcdefgh_-0123456789", min_size=1, max_size=12)
caches = st.none() | st.builds(CacheHint, lifetime=st.sampled_from(["5m", "1h"]))
texts = st.builds(Text, text=st.text(max_size=20), cache=caches)
sources = (
    st.builds(Inline, media_type=st.just("image/png"), data=st.just("AA=="))
    | st.builds(Link, url=st.text(max_size=10))
    | st.builds(FileReference, id=names)
)
images = st.builds(Image, source=sources, cache=caches)
optional_text = st.none() | st.text(max_size=5)
switches = st.none() | st.booleans()
documents = st.builds(
    Document,
    source=sources,
    title=optional_text,
    context=optional_text,
    citations=switches,
    cache=caches,
) | st.builds(Document, text=st.text(max_size=9), title=optional_text, citations=switches)
reasonings = st.builds(Reasoning, text=st.text(max_size=9), signature=names) | st.builds(
    Reasoning, sealed=names
)
calls = st.builds(
    ToolCall,
    id=names,
    name=names,
    arguments=st.dictionaries(names, JSON, max_size=3).map(
        lambda found: msgspec.json.encode(found).decode()
    ),
    cache=caches,
)
results = st.builds(
    ToolResult,
    call_id=names,
    content=st.lists(texts | images | documents, max_size=3).map(tuple),
    is_error=st.none() | st.booleans(),
    cache=caches,
)
said = st.lists(texts | images | documents | results, max_size=4).map(tuple)
answered = st.lists(texts | reasonings | calls, max_size=4).map(tuple)
turns = st.builds(Turn, role=st.just("user"), parts=said) | st.builds(
    Turn, role=st.just("assistant"), parts=answered
)
tools = st.builds(
    Tool,
    name=names,
    description=optional_text,
    schema=st.dictionaries(names, JSON, max_size=3),
    strict=switches,
    cache=caches,
)
fractions = st.none() | st.floats(0, 1)
conversations = st.builds(
    Conversation,
    wire=st.just("anthropic_messages"),
    turns=st.lists(turns, min_size=1, max_size=5).map(tuple),
    tools=st.lists(tools, max_size=3).map(tuple),
    parallel_tool_calls=st.none(),
    sampling=st.builds(
        Sampling,
        max_output_tokens=st.integers(1, 10**6),
        temperature=fractions,
        top_p=fractions,
        top_k=st.none() | st.integers(0, 100),
        stop=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    ),
    end_user=st.none() | st.text(max_size=5),
)


@given(conversation=conversations)
@settings(max_examples=100, deadline=None)
def test_a_conversation_written_and_read_again_is_the_same(conversation: Conversation) -> None:
    body = WIRE.write_request(conversation, TARGET).body
    assert DOOR.conversation(DOOR.read(body, 200)) == conversation


def test_the_fixture_has_text_and_tools() -> None:
    kinds = [type(event) for event in WHOLE]
    assert kinds.count(PartOpened) == kinds.count(PartClosed) == 2
    assert "".join(e.text for e in WHOLE if isinstance(e, PartDelta)) == 'é€😀\n\nx{"a":"ü"}'
