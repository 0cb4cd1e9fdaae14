"""The Gemini stream is right for every way of cutting and writing its bytes."""

import json
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.contract.conversation import (
    Conversation,
    Document,
    Image,
    Inline,
    Json,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.events import Event, PartDelta, Stopped
from portico.contract.wires import Target
from portico.wires import gemini_embeddings, openai_embeddings
from portico.wires.gemini import DOOR, WIRE
from portico.wires.gemini.signatures import OURS, call_id, for_caller, inward, split

REQUEST = DOOR.read(b'{"contents":[{"parts":[{"text":"x"}]}]}', 9)
TARGET = Target(model_id="gemini-3.8-flash", stream=False, max_output_tokens=1)


def chunk(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"parts": list(parts), "role": "model"}
    return {"candidates": [{"content": content, **more}], "responseId": "r", "modelVersion": "m"}


CHUNKS = (
    chunk({"text": "hm", "thought": True}),
    chunk({"text": "é€😀"}),
    chunk({"text": "\n\nx"}),
    chunk({"functionCall": {"name": "n", "args": {"a": "ü"}}, "thoughtSignature": "c2ln"}),
    {**chunk(finishReason="STOP"), "usageMetadata": {"promptTokenCount": 3}},
)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def stream(end: str, final: bool) -> bytes:
    frames = [": keep-alive" + end * 2]
    frames += (f"data: {json.dumps(c, ensure_ascii=False)}{end}{end}" for c in CHUNKS)
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


def test_the_fixture_says_everything() -> None:
    said = "".join(event.text for event in WHOLE if isinstance(event, PartDelta))
    assert said == 'hmé€😀\n\nx{"a":"ü"}'
    assert isinstance(WHOLE[-1], Stopped)


@given(cuts=st.lists(st.integers(0, 10_000), max_size=40), end=LINE_ENDS, final=st.booleans())
@settings(max_examples=80, deadline=None)
def test_however_a_stream_is_cut_it_says_the_same(cuts: list[int], end: str, final: bool) -> None:
    data = stream(end, final)
    assert read(pieces(data, cuts)) == WHOLE
    assert relayed(pieces(data, cuts)) == relayed([data])


@given(end=LINE_ENDS, final=st.booleans())
def test_a_relay_changes_nothing_before_its_tail(end: str, final: bool) -> None:
    data = stream(end, final)
    assert relayed([data]).startswith(data[: data.rindex(b"data: ")])


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
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "text": JSON | st.text(max_size=4),
        "thought": JSON | st.booleans(),
        "thoughtSignature": JSON | st.just("c2ln"),
        "functionCall": JSON | st.fixed_dictionaries({"name": st.just("f"), "args": JSON}),
        "inlineData": JSON,
        "fileData": JSON | st.fixed_dictionaries({"fileUri": st.text(max_size=4)}),
        "executableCode": JSON,
    },
)
CANDIDATES = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON
        | st.fixed_dictionaries({"parts": JSON | st.lists(PARTS | JSON, max_size=3)}),
        "index": JSON | st.integers(-1, 3),
        "finishReason": JSON | st.sampled_from(["STOP", "SAFETY", "NEW"]),
        "logprobsResult": JSON | st.fixed_dictionaries({"chosenCandidates": st.lists(JSON)}),
        "groundingMetadata": JSON
        | st.fixed_dictionaries(
            {
                "groundingChunks": JSON,
                "groundingSupports": st.lists(st.dictionaries(st.just("segment"), JSON)),
            }
        ),
        "citationMetadata": JSON,
    },
)
RESPONSES = st.fixed_dictionaries(
    {},
    optional={
        "candidates": JSON | st.lists(CANDIDATES, max_size=3),
        "usageMetadata": JSON | st.dictionaries(st.sampled_from(["promptTokenCount"]), JSON),
        "promptFeedback": JSON,
        "responseId": JSON | st.just("r"),
        "modelVersion": JSON | st.just("m"),
        "error": JSON,
    },
)


def encoded(body: object) -> bytes:
    """Strict JSON: what is no number is null."""
    return msgspec.json.encode(body)


@given(body=RESPONSES)
@settings(max_examples=120, deadline=None)
def test_no_chunk_of_any_shape_makes_a_reader_or_a_relay_raise(body: Any) -> None:
    data = b"data: " + encoded(body) + b"\n\n"
    relay = WIRE.relay(REQUEST)
    reader = WIRE.stream_reader()
    writer = DOOR.stream_writer(REQUEST)
    relay.feed(data)
    relay.close()
    for event in [*reader.feed(data), *reader.close()]:
        writer.write(event)
    assert relay.finish(b"{}") is not None
    assert writer.finish(b"{}") is not None


@given(body=RESPONSES | JSON)
@settings(max_examples=120, deadline=None)
def test_an_answer_of_any_shape_is_read_or_fails_as_the_providers(body: Any) -> None:
    data = encoded(body)
    skim = WIRE.skim(data)
    try:
        answer = WIRE.read_answer(data)
    except PorticoError:
        return
    assert skim.complete
    assert json.loads(DOOR.write_answer(answer))


REQUESTS = st.fixed_dictionaries(
    {
        "contents": st.lists(st.dictionaries(st.sampled_from(["parts", "role"]), JSON), max_size=2)
        | st.lists(st.fixed_dictionaries({"parts": st.lists(PARTS, max_size=3)}), max_size=3)
    },
    optional={
        "systemInstruction": JSON,
        "system_instruction": JSON,
        "tools": JSON | st.lists(st.dictionaries(st.just("functionDeclarations"), JSON)),
        "toolConfig": JSON,
        "generationConfig": JSON,
        "generation_config": JSON | st.fixed_dictionaries({"top_k": JSON}),
    },
)


@given(body=REQUESTS)
@settings(max_examples=120, deadline=None)
def test_a_request_of_any_shape_is_read_or_refused(body: Any) -> None:
    try:
        request = DOOR.read(encoded(body), 50)
        conversation = DOOR.conversation(request)
        assert WIRE.write_request(conversation, TARGET).body
        assert WIRE.passthrough(request, TARGET).body
    except InvalidRequest:
        return


@given(data=st.binary(max_size=100))
def test_no_bytes_raise_anything_but_our_own_errors(data: bytes) -> None:
    for read_them in (
        WIRE.read_answer,
        gemini_embeddings.WIRE.read_vectors,
        openai_embeddings.WIRE.read_vectors,
        lambda body: DOOR.read(body, 9),
        lambda body: gemini_embeddings.DOOR.read(body, 9),
    ):
        try:
            read_them(data)
        except PorticoError:
            continue
    assert isinstance(WIRE.read_error(500, {}, data), PorticoError)
    assert gemini_embeddings.WIRE.skim(data).failed is not None


names = st.text("abcdefgh_-0123456789", min_size=1, max_size=12)
texts = st.builds(Text, text=st.text(min_size=1, max_size=20))
blobs = st.builds(Inline, media_type=st.just("image/png"), data=st.just("AA=="))
images = st.builds(Image, source=blobs)
documents = st.builds(
    Document, source=st.builds(Inline, media_type=st.just("application/pdf"), data=st.just("AA=="))
)
reasonings = st.builds(
    Reasoning,
    text=st.text(min_size=1, max_size=9),
    signature=st.none() | names.map(lambda name: OURS + name),
)
arguments = st.dictionaries(names, JSON, max_size=3).map(lambda found: encoded(found).decode())


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Each call has an id of its own and at most one result, which follows it."""
    turns: list[Turn] = []
    count = 0
    for _ in range(draw(st.integers(1, 3))):
        said = draw(st.lists(texts | images | documents, min_size=1, max_size=3))
        turns.append(Turn(role="user", parts=tuple(said)))
        calls: list[ToolCall] = []
        for name in draw(st.lists(names, max_size=3)):
            count += 1
            signature = draw(st.none() | st.just("c2ln"))
            made = call_id(f"c{count}", signature, count)
            calls.append(ToolCall(id=made, name=name, arguments=draw(arguments)))
        thoughts = draw(st.lists(reasonings | texts, max_size=2))
        turns.append(Turn(role="assistant", parts=(*thoughts, *calls)))
        results = tuple(
            ToolResult(
                call_id=call.id,
                content=(Text(text=draw(arguments)), *draw(st.lists(images, max_size=1))),
            )
            for call in calls
        )
        turns.append(Turn(role="user", parts=results))
    tools = st.builds(Tool, name=names, schema=st.dictionaries(names, JSON, min_size=1, max_size=3))
    fractions = st.none() | st.floats(0, 1)
    sampling = st.builds(
        Sampling,
        max_output_tokens=st.integers(1, 10**6),
        temperature=fractions,
        top_p=fractions,
        top_k=st.none() | st.integers(0, 100),
        seed=st.none() | st.integers(0, 9),
        choices=st.integers(1, 8),
        stop=st.lists(st.text(max_size=5), max_size=5).map(tuple),
    )
    return Conversation(
        wire="gemini",
        turns=tuple(turns),
        tools=tuple(draw(st.lists(tools, max_size=3))),
        sampling=draw(sampling),
    )


@given(conversation=conversations())
@settings(max_examples=60, deadline=None)
def test_a_conversation_written_and_read_again_is_the_same(conversation: Conversation) -> None:
    body = WIRE.write_request(conversation, TARGET).body
    found = DOOR.conversation(DOOR.read(body, 200))
    assert [unfailed(turn) for turn in found.turns] == list(conversation.turns)
    assert msgspec.structs.replace(found, turns=()) == msgspec.structs.replace(
        conversation, turns=()
    )


def unfailed(turn: Turn) -> Turn:
    """A response that has only `error` reads as a failure, however it was meant."""
    parts: list[Json] = [
        msgspec.structs.replace(part, is_error=None) if isinstance(part, ToolResult) else part
        for part in turn.parts
    ]
    return msgspec.structs.replace(turn, parts=tuple(parts))


@given(signature=st.text(max_size=20))
def test_any_signature_comes_back_from_a_caller(signature: str) -> None:
    assert inward(for_caller(signature)) == signature


@given(data=st.binary(min_size=1, max_size=40), given_id=st.none() | names)
def test_a_calls_id_carries_any_signature(data: bytes, given_id: str | None) -> None:
    signature = msgspec.json.encode(data).decode().strip('"')
    assert split(call_id(given_id, signature, "place")) == (given_id, signature)
