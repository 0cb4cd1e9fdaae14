"""No bytes from a provider or a caller raise, hang or fill the memory.

What is checked of each input is in `decoding`, a target for each door and wire of the gateway's
tables. Here the inputs are drawn; `benchmarks/fuzz.py` looks for them guided by coverage.
"""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.property.decoding import GROWTH, NAMING, SLACK, TARGET, request, targets
from tests.property.seed_requests import MESSAGE
from tests.property.seeds import (
    ALL_STREAMS,
    CHAT_STREAM,
    GROWERS,
    MESSAGE_STREAM,
    STREAMS,
    chat_event,
    events,
    seeds,
)

from portico.contract.errors import InvalidRequest
from portico.contract.events import Failed
from portico.contract.wires import Relay, StreamReader
from portico.gateway.translation import Translation
from portico.gateway.wires import DOORS, WIRES
from portico.wires.anthropic_messages import usage as message_usage
from portico.wires.openai_chat import stream_reader as chat_reader
from portico.wires.openai_chat import stream_writer as chat_writer

TARGETS = targets()
FEW = settings(max_examples=10, deadline=None)
MIB = 1024 * 1024

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["", "\x00", "😀" * 50, "x" * 3000, "\u2028", "null", "-1", -1, 1e308]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
EDITS = ("drop", "double", "retype", "deepen", "rename")


def places(body: Any) -> Iterator[tuple[Any, Any]]:
    """Every member of every object and list, as (container, key)."""
    found = body.items() if isinstance(body, dict) else enumerate(body)
    for key, value in list(found):
        yield body, key
        if isinstance(value, dict | list):
            yield from places(value)


@st.composite
def edited(draw: st.DrawFn, bodies: list[Any]) -> Any:
    """A valid body with some members dropped, doubled, retyped, deepened or renamed."""
    body = json.loads(json.dumps(draw(st.sampled_from(bodies))))
    for _ in range(draw(st.integers(1, 4))):
        if not isinstance(body, dict) or not (found := list(places(body))):
            break
        container, key = draw(st.sampled_from(found))
        edit = draw(st.sampled_from(EDITS))
        if edit == "drop":
            del container[key]
        elif edit == "double":
            container[key] = [container[key], container[key]]
        elif edit == "retype":
            container[key] = draw(JSON)
        elif edit == "deepen":
            container[key] = {"a": container[key]}
        elif isinstance(container, dict):
            container[draw(st.text(max_size=5))] = container.pop(key)
    return body


@st.composite
def spoiled(draw: st.DrawFn, whole: tuple[bytes, ...]) -> bytes:
    """Valid bytes with spans dropped, doubled, or replaced by others."""
    data = draw(st.sampled_from(whole))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        new = draw(st.binary(max_size=6) | st.just(data[start:end] * 2))
        data = data[:start] + new + data[end:]
    return data


def framed(body: Any) -> bytes:
    """An edited frame where it may do most: after the beginning of a stream."""
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"data: " + data + b"\n\n"


def frames(stream: bytes) -> list[Any]:
    lines = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", TARGETS)
def test_valid_bytes_keep_every_promise(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@FEW
def test_no_spoiled_bytes_break_a_decoder(name: str, data: st.DataObject) -> None:
    TARGETS[name](data.draw(spoiled(seeds(name)) | st.binary(max_size=200)))


JSON_TARGETS = [name for name in TARGETS if name.endswith((".read", ".answer", ".error"))]


@pytest.mark.parametrize("name", [*JSON_TARGETS, "scan"])
@given(data=st.data())
@FEW
def test_no_body_of_another_shape_breaks_a_decoder(name: str, data: st.DataObject) -> None:
    bodies = [json.loads(seed) for seed in seeds(name) if seed.startswith(b"{")]
    body = data.draw(edited(bodies))
    TARGETS[name](json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode())


STREAM_TARGETS = [name for name in TARGETS if name.endswith((".stream", ".relay"))]


@pytest.mark.parametrize("name", STREAM_TARGETS)
@given(data=st.data())
@FEW
def test_no_event_of_another_shape_breaks_a_stream(name: str, data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(seeds(name)))
    known = frames(stream) or frames(CHAT_STREAM)
    before = b"".join(map(framed, known[: data.draw(st.integers(0, len(known)))]))
    strange = data.draw(st.lists(edited(known), min_size=1, max_size=3))
    TARGETS[name](before + b"".join(map(framed, strange)) + stream)


# --- bounded memory ------------------------------------------------------------------------

HANDLERS = ("reader", "relay", "openai_chat", "anthropic_messages")


def listener(wire: str, kind: str) -> Callable[[bytes], bool] | None:
    """Feeds one decoder and tells whether it goes on; None where the wire has no such thing."""
    speaks = WIRES[wire]
    try:
        if kind == "reader":
            return listening(speaks.stream_reader())
        if kind == "relay":
            return carrying(speaks.relay(request(wire)))
        writer = DOORS[kind].stream_writer(request(kind))
        return carrying(Translation(speaks.stream_reader(), writer, NAMING))
    except InvalidRequest:
        return None


def listening(reader: StreamReader) -> Callable[[bytes], bool]:
    return lambda data: not any(isinstance(event, Failed) for event in reader.feed(data))


def carrying(relay: Relay) -> Callable[[bytes], bool]:
    def feed(data: bytes) -> bool:
        out = relay.feed(data)
        assert len(out) <= GROWTH * len(data) + SLACK
        return relay.skim.failed is None

    return feed


CASES = [(wire, kind) for wire in WIRES for kind in HANDLERS if listener(wire, kind) is not None]


@pytest.mark.parametrize(("wire", "kind"), CASES)
def test_a_frame_without_an_end_is_refused_long_before_it_fills_the_memory(
    wire: str, kind: str
) -> None:
    chunk = b"x" * (2 * MIB)
    for start in (b"data: ", b"\x7f\xff\xff\xff\x00\x00\x00\x00"):
        feed = listener(wire, kind)
        assert feed is not None
        tracemalloc.start()
        try:
            going = feed(start)
            fed = 0
            while going and fed < 64 * MIB:
                going = feed(chunk)
                fed += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert not going, "64 MiB of one frame were taken"
        assert peak < 64 * MIB


GROWING = [(wire, kind, what) for wire, kind in CASES for what in GROWERS.get(wire, ())]


@pytest.mark.parametrize(("wire", "kind", "what"), GROWING)
def test_a_stream_without_an_end_is_not_gathered_in_memory(wire: str, kind: str, what: str) -> None:
    feed = listener(wire, kind)
    assert feed is not None
    make = GROWERS[wire][what]
    feed(STREAMS[wire][0][:120] if what == "texts" else b"")
    sent = 0
    tracemalloc.start()
    try:
        for number in range(1500):
            data = make(number)
            sent += len(data)
            if not feed(data):
                break
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A relay may hold a tail of up to 1 MiB as frames; nothing else may grow with the stream.
    tail = sent * 8 if kind == "relay" else 0
    assert kept < max(MIB, tail), f"{sent} bytes left {kept} in memory"


def test_every_wire_has_valid_streams_and_ever_growing_ones_to_begin_with() -> None:
    streaming = {wire for wire, kind in CASES if kind == "reader"}
    assert streaming <= STREAMS.keys()
    assert streaming <= GROWERS.keys()
    assert len(ALL_STREAMS) >= len(streaming)


# --- regressions ---------------------------------------------------------------------------


def test_a_name_that_every_chunk_repeats_is_cut_so_that_output_stays_in_bounds() -> None:
    start = {"type": "message_start", "message": {"id": "i" * 100_000, "model": "m" * 100_000}}
    begun = MESSAGE_STREAM.partition(b"event: content_block_stop")[0].partition(b"event: ping")
    rest = begun[1] + begun[2]
    delta = {"type": "thinking_delta", "thinking": "a"}
    more = events(*({"type": "content_block_delta", "index": 0, "delta": delta},) * 2000)
    data = events(start) + rest + more
    writer = DOORS["openai_chat"].stream_writer(request("openai_chat"))
    out = Translation(WIRES["anthropic_messages"].stream_reader(), writer, NAMING).feed(data)
    assert out.count(b'"reasoning_content":"a"') == 2000
    assert len(out) < 10 * len(data)
    assert b"i" * (chat_writer.LONGEST_NAME + 1) not in out


@pytest.mark.parametrize(
    ("most", "make"),
    [
        (chat_reader.MOST_CHOICES, lambda n: chat_event(n, {"content": "a"})),
        (chat_reader.MOST_CALLS, lambda n: chat_event(0, {"tool_calls": [{"index": n}]})),
    ],
)
def test_a_chat_stream_may_not_open_ever_more(most: int, make: Callable[[int], bytes]) -> None:
    reader = WIRES["openai_chat"].stream_reader()
    for number in range(most):
        assert not any(isinstance(event, Failed) for event in reader.feed(make(number)))
    (*_, last) = reader.feed(make(most))
    assert isinstance(last, Failed)
    assert last.error.detail["kind"] == "overgrown"


@given(names=st.lists(st.text(max_size=5), min_size=65, max_size=80, unique=True))
@example(names=[str(number) for number in range(70)])
@FEW
def test_usage_that_grows_with_each_report_keeps_its_counts(names: list[str]) -> None:
    merged: dict[str, Any] = {"input_tokens": 7}
    for name in names:
        merged = message_usage.merge(merged, {name: 1})
        assert len(merged) <= message_usage.MOST_MEMBERS
    assert merged["input_tokens"] == 7
    found = message_usage.read_usage(merged)
    assert found is not None
    assert found.input == 7


def test_a_system_block_without_a_type_goes_back_to_its_own_wire_as_it_came() -> None:
    body = {**MESSAGE, "system": [{"text": "Be brief."}]}
    conversation = DOORS["anthropic_messages"].conversation(
        DOORS["anthropic_messages"].read(json.dumps(body).encode(), 100)
    )
    written = WIRES["anthropic_messages"].write_request(conversation, TARGET).body
    assert json.loads(written)["system"] == [{"text": "Be brief."}]
