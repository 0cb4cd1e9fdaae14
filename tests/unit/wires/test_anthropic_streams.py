"""Streams on the Anthropic wire: read, written and relayed."""

import json
from typing import Any

import pytest

from portico.contract.conversation import Citation
from portico.contract.errors import DeadlineExceeded, Overloaded, UpstreamFailed
from portico.contract.events import (
    CitationAdded,
    Event,
    Failed,
    PartClosed,
    PartDelta,
    PartOpened,
    Started,
    Stopped,
    UsageReported,
)
from portico.contract.usage import StopReason, Usage
from portico.wires.anthropic_messages import DOOR, WIRE

REQUEST = DOOR.read(
    b'{"model":"m","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"Hi"}]}', 9
)


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in events
    )


def start(**usage: Any) -> dict[str, Any]:
    message = {"id": "msg_1", "model": "claude-opus-5", "usage": {"input_tokens": 3, **usage}}
    return {"type": "message_start", "message": message}


def opened(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "content_block_delta",
        "index": index,
        "delta": {"type": kind, **members},
    }


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ended(word: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": word, "stop_sequence": None},
        "usage": {"output_tokens": 9, **usage},
    }


STOP = {"type": "message_stop"}
PING = {"type": "ping"}
TEXT = (
    start(),
    opened(0, type="text", text=""),
    PING,
    delta(0, "text_delta", text="Hé"),
    delta(0, "text_delta", text="llo"),
    closed(0),
)


def read(*events: dict[str, Any]) -> list[Event]:
    reader = WIRE.stream_reader()
    return [*reader.feed(sse(*events)), *reader.close()]


def write(*events: Event) -> list[dict[str, Any]]:
    writer = DOOR.stream_writer(REQUEST)
    written = b"".join(map(writer.write, events)) + writer.finish(b'{"trust":"unknown"}')
    lines = [line for line in written.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line[6:]) for line in lines]


def without_started(events: list[Event]) -> list[Event]:
    assert isinstance(events[0], Started)
    return events[1:]


def test_text_is_read_with_usage_merged_and_the_reason_to_stop() -> None:
    events = without_started(read(*TEXT, ended(cache_read_input_tokens=2), STOP))
    assert events[:5] == [
        UsageReported(usage=Usage(input=3)),
        PartOpened(part=0, kind="text"),
        PartDelta(part=0, text="Hé"),
        PartDelta(part=0, text="llo"),
        PartClosed(part=0),
    ]
    usage, stopped = events[5:]
    assert usage == UsageReported(usage=Usage(input=3, cached_read=2, output=9))
    assert isinstance(stopped, Stopped)
    assert stopped.reason is StopReason.END


def test_reasoning_tools_and_citations_are_read() -> None:
    cited = {"type": "char_location", "cited_text": "x", "start_char_index": 0}
    events = read(
        start(),
        opened(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "signature_delta", signature="sig"),
        closed(0),
        opened(1, type="redacted_thinking", data="sealed"),
        closed(1),
        opened(2, type="text", text=""),
        delta(2, "citations_delta", citation=cited),
        closed(2),
        opened(3, type="tool_use", id="t1", name="a", input={}),
        delta(3, "input_json_delta", partial_json=""),
        delta(3, "input_json_delta", partial_json='{"x":'),
        delta(3, "input_json_delta", partial_json="1}"),
        closed(3),
        opened(4, type="tool_use", id="t2", name="b", input={}),
        closed(4),
        ended("tool_use"),
        STOP,
    )
    assert events[2:-2] == [
        PartOpened(part=0, kind="reasoning"),
        PartDelta(part=0, text="Hm"),
        PartDelta(part=0, text="sig", field="signature"),
        PartClosed(part=0),
        PartOpened(part=1, kind="reasoning"),
        PartDelta(part=1, text="sealed", field="sealed"),
        PartClosed(part=1),
        PartOpened(part=2, kind="text"),
        CitationAdded(part=2, citation=Citation(text="x", start=0, body=cited)),
        PartClosed(part=2),
        PartOpened(part=3, kind="tool_call", id="t1", name="a"),
        PartDelta(part=3, text='{"x":', field="arguments"),
        PartDelta(part=3, text="1}", field="arguments"),
        PartClosed(part=3),
        PartOpened(part=4, kind="tool_call", id="t2", name="b"),
        PartDelta(part=4, text="{}", field="arguments"),
        PartClosed(part=4),
    ]


def test_a_stream_read_and_written_says_the_same() -> None:
    sent = (
        start(service_tier="standard"),
        opened(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "signature_delta", signature="sig"),
        closed(0),
        opened(1, type="redacted_thinking", data="sealed"),
        closed(1),
        opened(2, type="server_tool_use", id="s", name="web_search", input={}),
        delta(2, "input_json_delta", partial_json='{"q":1}'),
        closed(2),
        opened(3, type="tool_use", id="t", name="a", input={}, caller={"type": "direct"}),
        delta(3, "input_json_delta", partial_json="{}"),
        closed(3),
        {
            "type": "message_delta",
            "delta": {
                "stop_reason": "refusal",
                "stop_sequence": None,
                "stop_details": {"type": "refusal", "category": "bio"},
            },
            "usage": {"output_tokens": 9, "server_tool_use": {"web_search_requests": 1}},
        },
        STOP,
    )
    got = write(*read(*sent))
    assert got[1:-2] == list(sent[1:-2])
    assert got[0]["message"]["usage"]["service_tier"] == "standard"
    tail = got[-2]
    assert tail["delta"] == sent[-2]["delta"]
    assert tail["portico"] == {"trust": "unknown"}
    assert tail["usage"]["input_tokens"] == 3
    assert tail["usage"]["output_tokens"] == 9
    assert tail["usage"]["server_tool_use"] == {"web_search_requests": 1}


def test_blocks_are_numbered_without_gaps_whatever_another_wire_sends() -> None:
    got = write(
        Started(id="chatcmpl-1", model="gpt"),
        PartOpened(part=0, kind="opaque", extra={"wire": "openai_chat", "type": "x"}),
        PartDelta(part=0, text="lost"),
        PartClosed(part=0),
        PartOpened(part=1, kind="reasoning"),
        PartDelta(part=1, text="sealed", field="sealed"),
        PartClosed(part=1),
        PartOpened(part=2, kind="tool_call", id="a", name="x"),
        PartOpened(part=3, kind="tool_call", id="b", name="y"),
        PartDelta(part=3, text="{}", field="arguments"),
        PartDelta(part=2, text="{}", field="arguments"),
        PartOpened(part=0, kind="text", choice=1),
        PartDelta(part=0, text="other choice", choice=1),
        Stopped(reason=StopReason.TOOL_CALLS),
    )
    indexes = [event["index"] for event in got if event["type"] == "content_block_start"]
    assert indexes == [0, 1, 2]
    assert got[1]["content_block"] == {"type": "redacted_thinking", "data": "sealed"}
    assert [e["index"] for e in got if e["type"] == "content_block_stop"] == [0, 1, 2]
    assert "lost" not in str(got)
    assert "other choice" not in str(got)


def test_a_refusal_of_another_wire_stops_with_the_word_refusal() -> None:
    got = write(
        Started(id="x", model="gpt"),
        PartOpened(part=0, kind="refusal"),
        PartDelta(part=0, text="No."),
        PartClosed(part=0),
        Stopped(reason=StopReason.END),
    )
    assert got[2]["delta"] == {"type": "text_delta", "text": "No."}
    assert got[-2]["delta"]["stop_reason"] == "refusal"


def test_a_written_stream_that_fails_ends_in_the_error_event() -> None:
    writer = DOOR.stream_writer(REQUEST)
    writer.write(Started(id="x", model="m"))
    ending = writer.write(Failed(error=DeadlineExceeded("Too late.")))
    assert ending.startswith(b"event: error\ndata: ")
    assert json.loads(ending.split(b"data: ")[1])["error"] == {
        "type": "timeout_error",
        "message": "Too late.",
    }
    assert writer.write(PartDelta(part=0, text="more")) == b""
    assert writer.finish(b"{}") == b""


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        ((), "cut"),
        ((ended(),), "cut"),
        (({"type": "error", "error": {"type": "overloaded_error", "message": "x"}},), ""),
        ((delta(7, "text_delta", text="x"),), "malformed"),
    ],
)
def test_a_stream_that_breaks_ends_in_failed(tail: tuple[dict[str, Any], ...], kind: str) -> None:
    last = read(*TEXT, *tail)[-1]
    assert isinstance(last, Failed)
    if kind:
        assert isinstance(last.error, UpstreamFailed)
        assert last.error.detail == {"stage": "between_chunks", "kind": kind}
    else:
        assert isinstance(last.error, Overloaded)


def test_nothing_is_read_after_the_end() -> None:
    reader = WIRE.stream_reader()
    reader.feed(sse(*TEXT, ended(), STOP))
    assert reader.feed(sse(delta(0, "text_delta", text="x"))) == []
    assert reader.close() == []


def test_event_and_delta_types_that_are_new_to_us_pass_unread() -> None:
    events = read(*TEXT[:2], {"type": "weather"}, delta(0, "colour_delta", colour="red"), closed(0))
    assert [type(event) for event in events[2:]] == [PartOpened, PartClosed, Failed]


def test_a_relay_passes_bytes_and_holds_the_tail_until_it_is_stamped() -> None:
    relay = WIRE.relay(REQUEST)
    assert relay.feed(sse(*TEXT)) == sse(*TEXT)
    assert relay.feed(sse(ended())) == b""
    assert relay.feed(sse(PING)) == sse(PING)
    assert relay.feed(sse(STOP)) == b""
    assert relay.close() == b""
    assert relay.skim.complete
    assert relay.skim.failed is None
    assert relay.skim.stop is StopReason.END
    assert relay.skim.model == "claude-opus-5"
    assert relay.skim.usage == Usage(input=3, output=9)
    assert relay.skim.output_bytes == len("Héllo".encode())
    expected = sse(ended()).replace(b"}\n\n", b',"portico":{"a":1}}\n\n') + sse(STOP)
    assert relay.finish(b'{"a":1}') == expected
    assert relay.finish(b'{"a":1}') == b""


def test_of_several_message_deltas_the_last_is_stamped() -> None:
    relay = WIRE.relay(REQUEST)
    early = ended(None)
    passed = relay.feed(sse(start(), early, ended("max_tokens"), ended("end_turn"), STOP))
    assert passed == sse(start(), early, ended("max_tokens"))
    assert relay.finish(b"{}").count(b'"portico"') == 1


def test_a_stream_without_message_delta_is_stamped_at_its_stop() -> None:
    relay = WIRE.relay(REQUEST)
    relay.feed(sse(*TEXT, STOP))
    assert (
        relay.finish(b"{}")
        == b'event: message_stop\ndata: {"type": "message_stop","portico":{}}\n\n'
    )


@pytest.mark.parametrize("tail", [b"", sse(ended()), b'data: {"type":"content_block_st'])
def test_a_relayed_stream_that_is_cut_is_known_to_have_failed(tail: bytes) -> None:
    relay = WIRE.relay(REQUEST)
    relay.feed(sse(*TEXT) + tail)
    relay.close()
    failed = relay.skim.failed
    assert isinstance(failed, UpstreamFailed)
    assert failed.detail["stage"] == "between_chunks"
    assert not relay.skim.complete
    assert relay.finish(b"{}") == b""


def test_an_error_event_ends_a_relay_without_passing() -> None:
    relay = WIRE.relay(REQUEST)
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "secret"}}
    assert relay.feed(sse(*TEXT, error, PING)) == sse(*TEXT)
    assert isinstance(relay.skim.failed, Overloaded)
    assert relay.feed(sse(PING)) == b""
    assert relay.fail(relay.skim.failed).startswith(b"event: error\n")


def test_json_that_is_new_to_us_passes_a_relay() -> None:
    relay = WIRE.relay(REQUEST)
    odd = b'data: {"type":"weather","delta":"rain"}\n\n: comment\n\n'
    assert relay.feed(odd) == odd


@pytest.mark.parametrize("data", [b"{nonsense", b'{"type":"\xff"}', b'{"x":' + b"[" * 9999])
def test_nonsense_fails_a_relay_and_a_reader(data: bytes) -> None:
    relay = WIRE.relay(REQUEST)
    assert relay.feed(b"data: " + data + b"\n\n") == b""
    assert isinstance(relay.skim.failed, UpstreamFailed)
    assert isinstance(WIRE.stream_reader().feed(b"data: " + data + b"\n\n")[0], Failed)


def test_a_frame_without_end_is_bounded() -> None:
    relay = WIRE.relay(REQUEST)
    for _ in range(17):
        relay.feed(b"x" * 1024 * 1024)
    assert isinstance(relay.skim.failed, UpstreamFailed)
