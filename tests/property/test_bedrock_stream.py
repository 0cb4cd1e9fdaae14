"""The Bedrock stream is right for every way of cutting and writing its bytes."""

import json
import re
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.contract.conversation import (
    CacheHint,
    Conversation,
    Document,
    Image,
    Inline,
    Link,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from portico.contract.errors import InvalidRequest, UpstreamFailed
from portico.contract.events import Event, Failed
from portico.contract.wires import Target
from portico.wires import bedrock_embeddings
from portico.wires.bedrock_converse import DOOR, WIRE
from portico.wires.bedrock_converse.tables import DOCUMENT_TYPES
from portico.wires.event_stream import EventStreamReader, frame

REQUEST = DOOR.read(b'{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}', 9)
TARGET = Target(model_id="anthropic.claude-opus-5", stream=False, max_output_tokens=1)

EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("messageStart", {"role": "assistant", "p": "abc"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "é"}}}),
    (
        "contentBlockDelta",
        {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "sig"}}},
    ),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "é€😀\n\n"}}),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    (
        "contentBlockStart",
        {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "n"}}},
    ),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"a":"ü"}'}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": {"inputTokens": 3, "outputTokens": 5}, "metrics": {"latencyMs": 9}}),
)


def event(kind: str, body: object, message: str = "event") -> bytes:
    name = ":exception-type" if message == "exception" else ":event-type"
    headers = {name: kind, ":content-type": "application/json", ":message-type": message}
    return frame(headers, json.dumps(body, ensure_ascii=False).encode())


STREAM = b"".join(event(kind, body) for kind, body in EVENTS)
HEAD = b"".join(event(kind, body) for kind, body in EVENTS[:-2])


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
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


@given(cuts=st.lists(st.integers(0, 10_000), max_size=60))
@settings(max_examples=150, deadline=None)
def test_however_a_bedrock_stream_is_cut_it_says_the_same(cuts: list[int]) -> None:
    assert read(pieces(STREAM, cuts)) == read([STREAM])
    assert relayed(pieces(STREAM, cuts)) == relayed([STREAM])


def test_a_bedrock_relay_changes_nothing_but_the_metadata() -> None:
    assert relayed([STREAM]).startswith(STREAM[: len(HEAD) + len(event(*EVENTS[-2]))])
    *_, last = EventStreamReader().feed(relayed([STREAM]))
    assert json.loads(last.payload) == {**EVENTS[-1][1], "portico": {"call": "c"}}


@given(data=st.binary(max_size=300), at=st.integers(0, 2000), cuts=st.lists(st.integers(0, 3000)))
@settings(deadline=None)
def test_no_bytes_make_a_bedrock_reader_or_relay_raise(
    data: bytes, at: int, cuts: list[int]
) -> None:
    at %= len(STREAM)
    damaged = STREAM[:at] + data + STREAM[at + len(data) :]
    relay, reader = WIRE.relay(REQUEST), WIRE.stream_reader()
    events: list[Event] = []
    for part in pieces(damaged, cuts):
        relay.feed(part)
        events += reader.feed(part)
    relay.close()
    events += reader.close()
    assert (relay.skim.failed is None) is relay.skim.complete
    assert reader.complete
    assert events
    assert sum(isinstance(found, Failed) for found in events) <= 1


@given(data=st.binary(max_size=100))
def test_no_bytes_escape_the_whole_readers_but_as_our_errors(data: bytes) -> None:
    for use in (WIRE.read_answer, bedrock_embeddings.WIRE.read_vectors):
        try:
            use(data)
        except UpstreamFailed:
            continue
    for skim in (WIRE.skim(data), bedrock_embeddings.WIRE.skim(data)):
        assert (skim.failed is None) is skim.complete
    assert WIRE.read_error(400, {"x-amzn-errortype": data.decode("latin-1")}, data).message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KINDS = [kind for kind, _ in EVENTS] + ["internalServerException", "new"]
WORDS = ("text", "toolUse", "reasoningContent", "citation", "redactedContent", "input", "type")
ODD = st.dictionaries(st.sampled_from(WORDS), JSON | st.dictionaries(st.sampled_from(WORDS), JSON))


@given(
    kind=st.sampled_from(KINDS),
    message=st.sampled_from(["event", "exception", "error", "new"]),
    body=st.fixed_dictionaries(
        {},
        optional={
            "contentBlockIndex": st.integers(-1, 3) | JSON,
            "start": ODD | JSON,
            "delta": ODD | JSON,
            "usage": JSON,
            "stopReason": JSON,
        },
    ),
)
@settings(max_examples=300, deadline=None)
def test_no_event_of_any_shape_makes_a_bedrock_reader_or_relay_raise(
    kind: str, message: str, body: dict[str, Any]
) -> None:
    data = HEAD + event(kind, body, message)
    relay, reader = WIRE.relay(REQUEST), WIRE.stream_reader()
    writer = DOOR.stream_writer(REQUEST)
    assert relay.feed(data)
    written = b"".join(map(writer.write, [*reader.feed(data), *reader.close()]))
    relay.close()
    frames = EventStreamReader()
    assert len(frames.feed(written)) >= len(EVENTS) - 3
    assert frames.failure is None


@given(
    member=st.sampled_from(["output", "stopReason", "usage", "additionalModelResponseFields"]),
    value=JSON,
    blocks=st.lists(ODD | JSON, max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_an_answer_of_any_shape_is_read_or_refused_and_can_be_written(
    member: str, value: object, blocks: list[object]
) -> None:
    whole = {"output": {"message": {"role": "assistant", "content": blocks}}, member: value}
    data = json.dumps(whole).encode()
    assert WIRE.skim(data) is not None
    try:
        answer = WIRE.read_answer(data)
    except UpstreamFailed:
        return
    assert json.loads(DOOR.write_answer(answer))["output"]["message"]["role"] == "assistant"


names = st.text("abcdefgh_-0123456789", min_size=1, max_size=12)
caches = st.none() | st.builds(CacheHint, lifetime=st.sampled_from(["5m", "1h"]))
texts = st.builds(Text, text=st.text(max_size=20), cache=caches)
images = st.builds(
    Image,
    source=st.builds(
        Inline,
        media_type=st.sampled_from(["image/png", "image/jpeg", "image/gif", "image/webp"]),
        data=st.just("AA=="),
    ),
    cache=caches,
) | st.builds(
    Image,
    source=st.builds(Link, url=names.map("s3://b/".__add__)),
    extra=st.just({"format": "png", "bucketOwner": "123456789012"}),
)
switches = st.none() | st.booleans()
files = st.builds(
    Inline, media_type=st.sampled_from(sorted(DOCUMENT_TYPES.values())), data=st.just("AA==")
)
documents = st.builds(
    Document,
    source=files,
    title=names,
    context=st.none() | st.text(max_size=5),
    citations=switches,
    cache=caches,
) | st.builds(Document, text=st.text(max_size=9), title=names, extra=st.just({"format": "txt"}))
reasonings = st.builds(
    Reasoning, text=st.text(max_size=9), signature=st.none() | names
) | st.builds(Reasoning, sealed=st.just("AA=="))
calls = st.builds(
    ToolCall,
    id=names,
    name=names,
    arguments=st.dictionaries(names, JSON, max_size=3).map(
        lambda found: msgspec.json.encode(found).decode()
    ),
    cache=caches,
)
plain = st.builds(Text, text=st.text(max_size=9)) | JSON.map(
    lambda found: Text(text=msgspec.json.encode(found).decode(), extra={"json": True})
)
results = st.builds(
    ToolResult,
    call_id=names,
    content=st.lists(plain, max_size=3).map(tuple),
    is_error=switches,
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
    description=st.none() | names,
    schema=st.dictionaries(names, JSON, max_size=3),
    strict=switches,
    cache=caches,
)
fractions = st.none() | st.floats(0, 1)
conversations = st.builds(
    Conversation,
    wire=st.just("bedrock_converse"),
    turns=st.lists(turns, min_size=1, max_size=5).map(tuple),
    tools=st.lists(tools, min_size=1, max_size=3).map(tuple),
    tool_choice=st.none()
    | st.builds(ToolChoice, mode=st.sampled_from(["auto", "required"]))
    | st.builds(ToolChoice, mode=st.just("tool"), name=names),
    parallel_tool_calls=st.none(),
    output=st.none()
    | st.builds(
        OutputFormat,
        kind=st.just("schema"),
        name=names,
        description=st.none() | names,
        schema=st.dictionaries(names, JSON, max_size=3),
        strict=st.just(True),
    ),
    sampling=st.builds(
        Sampling,
        max_output_tokens=st.integers(1, 10**6),
        temperature=fractions,
        top_p=fractions,
        top_k=st.none() | st.integers(0, 100),
        stop=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    ),
    service_tier=st.sampled_from([None, "priority", "flex"]),
)


@given(conversation=conversations)
@settings(max_examples=100, deadline=None)
def test_a_converse_request_written_and_read_again_is_the_same(conversation: Conversation) -> None:
    body = WIRE.write_request(conversation, TARGET).body
    assert DOOR.conversation(DOOR.read(body, 200)) == conversation


ODD_NAMES = st.text(max_size=90)
foreign_turns = st.builds(
    Turn,
    role=st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    parts=st.lists(
        texts
        | images
        | reasonings
        | st.builds(Document, source=files, title=st.none() | ODD_NAMES, citations=switches)
        | st.builds(Document, text=st.text(max_size=9), title=st.none() | ODD_NAMES)
        | st.builds(ToolCall, id=ODD_NAMES, name=names, arguments=st.sampled_from(["", "{}", "["]))
        | st.builds(ToolResult, call_id=ODD_NAMES, content=st.tuples(texts)),
        max_size=4,
    ).map(tuple),
)


@given(turns=st.lists(foreign_turns, max_size=5).map(tuple))
@settings(max_examples=200, deadline=None)
def test_another_wires_conversation_is_refused_by_name_or_fit_for_bedrock(
    turns: tuple[Turn, ...],
) -> None:
    try:
        outgoing = WIRE.write_request(Conversation(wire="other", turns=turns), TARGET)
    except InvalidRequest as refused:
        found = refused.field or ""
    else:
        found = ""
        body = json.loads(outgoing.body)
        roles = [message["role"] for message in body["messages"]]
        blocks = [block for message in body["messages"] for block in message["content"]]
        assert all(first != second for first, second in pairwise(roles))
        named = [block["document"]["name"] for block in blocks if "document" in block]
        assert len(named) == len({name.casefold() for name in named})
        assert all(re.fullmatch(r"(?:[a-zA-Z0-9\-()\[\]]| (?! )){1,200}", name) for name in named)
        for block in blocks:
            for kind in ("toolUse", "toolResult"):
                if kind in block:
                    assert re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", block[kind]["toolUseId"])
                    assert body["toolConfig"]["tools"]
    assert not found or found.startswith("messages")
