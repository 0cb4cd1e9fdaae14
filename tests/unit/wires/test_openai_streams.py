"""Streams of the chat completions wire: events in, chunks out, and bytes carried through."""

import json
from typing import Any

import pytest

from portico.contract.call import WireRequest
from portico.contract.errors import InternalFault, Overloaded, QuotaExhausted, UpstreamFailed
from portico.contract.events import (
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
from portico.wires.openai_chat import DOOR, WIRE

PORTICO = b'{"call":"call_1"}'
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def request(*, usage: bool = False, n: int = 1) -> WireRequest:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
        "n": n,
        "stream_options": {"include_usage": usage},
    }
    return DOOR.read(json.dumps(body).encode(), 20)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    index = more.pop("index", 0)
    choices = [{"index": index, "delta": delta or {}, "finish_reason": finish}]
    body = {"id": "chatcmpl-1", "created": 7, "model": "gpt-x", "choices": choices, **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


ROLE = chunk({"role": "assistant", "content": ""})
HELLO = chunk({"content": "Hello"})
STOP = chunk(finish="stop")
COUNT = chunk(choices=[], usage=USAGE)


def events(*frames: bytes) -> list[Event]:
    reader = WIRE.stream_reader()
    return [*reader.feed(b"".join(frames)), *reader.close()]


def payloads(stream: bytes) -> list[dict[str, Any]]:
    frames = stream.split(b"\n\n")[:-1]
    return [json.loads(found[6:]) for found in frames if found != b"data: [DONE]"]


def test_a_stream_of_text_becomes_one_part() -> None:
    found = events(ROLE, HELLO, chunk({"content": " there"}), STOP, COUNT, DONE)
    assert isinstance(found[0], Started)
    assert (found[0].id, found[0].model, found[0].created) == ("chatcmpl-1", "gpt-x", 7)
    assert found[1:] == [
        PartOpened(part=0, kind="text"),
        PartDelta(part=0, text="Hello"),
        PartDelta(part=0, text=" there"),
        PartClosed(part=0),
        Stopped(reason=StopReason.END),
        UsageReported(usage=Usage(input=5, output=2)),
    ]


def test_parts_of_every_kind_open_and_close_in_turn() -> None:
    def call(index: int, **function: str) -> bytes:
        name = f"c{index}" if "name" in function else None
        return chunk({"tool_calls": [{"index": index, "id": name, "function": function}]})

    found = events(
        chunk({"reasoning_content": "hm"}),
        HELLO,
        call(0, name="f", arguments=""),
        call(0, arguments='{"a"'),
        call(0, arguments=":1}"),
        call(1, name="g", arguments="{}"),
        chunk(finish="tool_calls"),
        DONE,
    )
    opened = [event for event in found if isinstance(event, PartOpened)]
    assert [(part.part, part.kind, part.id, part.name) for part in opened] == [
        (0, "reasoning", "", ""),
        (1, "text", "", ""),
        (2, "tool_call", "c0", "f"),
        (3, "tool_call", "c1", "g"),
    ]
    deltas = [event for event in found if isinstance(event, PartDelta)]
    assert "".join(d.text for d in deltas if d.part == 2) == '{"a":1}'
    order = [event.part for event in found if isinstance(event, PartOpened | PartClosed)]
    assert order == [0, 0, 1, 1, 2, 2, 3, 3]


def test_choices_of_one_stream_have_parts_of_their_own() -> None:
    found = events(
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1),
        chunk(finish="stop"),
        chunk(finish="length", index=1),
        DONE,
    )
    stops = [(event.choice, event.reason) for event in found if isinstance(event, Stopped)]
    assert stops == [(0, StopReason.END), (1, StopReason.LENGTH)]


@pytest.mark.parametrize("frames", [(ROLE, HELLO), (), (HELLO[:-20],), (b": ping\n\n",)])
def test_a_stream_that_ends_too_early_fails_as_cut(frames: tuple[bytes, ...]) -> None:
    last = events(*frames)[-1]
    assert isinstance(last, Failed)
    assert last.error.detail["stage"] == "between_chunks"


def test_a_stream_without_its_done_is_complete_once_all_choices_stopped() -> None:
    assert events(HELLO, STOP)[-1] == Stopped(reason=StopReason.END)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (b'data: {"error":{"type":"server_error","message":"secret"}}\n\n', UpstreamFailed),
        (b'data: {"error":{"type":"rate_limit_error"}}\n\n', QuotaExhausted),
        (b'data: {"error":{"code":503}}\n\n', Overloaded),
        (b'event: error\ndata: {"message":"secret"}\n\n', UpstreamFailed),
        (b"data: not json\n\n", UpstreamFailed),
    ],
)
def test_an_error_in_a_stream_ends_it(error: bytes, kind: type[Exception]) -> None:
    last = events(HELLO, error, HELLO)[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, kind)
    relay = WIRE.relay(request())
    assert relay.feed(HELLO + error + HELLO) == HELLO
    assert isinstance(relay.skim.failed, kind)
    assert "secret" not in relay.skim.failed.message
    assert relay.feed(HELLO) == b""


def test_a_tool_call_taken_up_again_is_a_failure_and_not_mixed() -> None:
    def call(index: int) -> bytes:
        return chunk({"tool_calls": [{"index": index, "function": {"arguments": "x"}}]})

    last = events(call(0), call(1), call(0))[-1]
    assert isinstance(last, Failed)
    assert last.error.detail["kind"] == "interleaved"


def test_a_relay_passes_every_byte_and_stamps_the_finish_chunk() -> None:
    relay = WIRE.relay(request())
    passed = relay.feed(ROLE + b": ping\n\n" + HELLO + STOP + COUNT + DONE) + relay.close()
    assert passed == ROLE + b": ping\n\n" + HELLO
    stamped = STOP[:-3] + b',"portico":' + PORTICO + b"}\n\n"
    assert relay.finish(PORTICO) == stamped + DONE
    skim = relay.skim
    assert (skim.complete, skim.stop, skim.model) == (True, StopReason.END, "gpt-x")
    assert (skim.usage, skim.output_bytes) == (Usage(input=5, output=2), 5)


def test_a_usage_chunk_that_was_asked_for_is_passed_and_stamped() -> None:
    relay = WIRE.relay(request(usage=True))
    relay.feed(HELLO + STOP + COUNT + DONE)
    assert relay.finish(PORTICO) == STOP + COUNT[:-3] + b',"portico":' + PORTICO + b"}\n\n" + DONE


def test_a_relay_waits_for_the_last_choice() -> None:
    relay = WIRE.relay(request(n=2))
    first, last = chunk(finish="stop"), chunk(finish="length", index=1)
    assert relay.feed(first + chunk({"content": "b"}, index=1) + last) == (
        first + chunk({"content": "b"}, index=1)
    )
    relay.close()
    assert relay.skim.complete
    assert payloads(relay.finish(PORTICO))[0]["portico"] == {"call": "call_1"}


def test_line_endings_and_comments_of_a_stamped_frame_stay() -> None:
    relay = WIRE.relay(request())
    relay.feed((b": c\n" + STOP + DONE).replace(b"\n", b"\r\n"))
    out = relay.finish(PORTICO)
    assert out.startswith(b": c\r\ndata: {")
    assert out.endswith(b'"portico":{"call":"call_1"}}\r\n\r\ndata: [DONE]\r\n\r\n')


@pytest.mark.parametrize("tail", [STOP[:-2], STOP[:-1], STOP, STOP + DONE[:-2], STOP + DONE[:-1]])
def test_a_stream_that_forgets_its_last_newline_still_ends_whole(tail: bytes) -> None:
    relay = WIRE.relay(request())
    relay.feed(HELLO + tail)
    relay.close()
    assert relay.skim.failed is None
    out = relay.finish(PORTICO)
    assert out.endswith(b"\n\n")
    assert [found["portico"] for found in payloads(out)] == [{"call": "call_1"}]
    assert out.count(b"[DONE]") == 1


def test_a_relayed_stream_that_is_cut_has_failed() -> None:
    relay = WIRE.relay(request())
    assert relay.feed(ROLE + HELLO + STOP[:30]) == ROLE + HELLO
    relay.close()
    assert isinstance(relay.skim.failed, UpstreamFailed)
    assert relay.skim.failed.detail == {"stage": "between_chunks", "kind": "cut"}
    assert relay.finish(PORTICO) == b""


def test_half_a_usage_chunk_after_the_end_of_the_answer_is_left_out() -> None:
    relay = WIRE.relay(request())
    relay.feed(HELLO + STOP + COUNT[:30])
    relay.close()
    assert (relay.skim.complete, relay.skim.failed, relay.skim.usage) == (True, None, None)
    assert payloads(relay.finish(PORTICO))[0]["portico"] == {"call": "call_1"}
    assert events(HELLO, STOP, COUNT[:30])[-1] == Stopped(reason=StopReason.END)


def test_a_done_without_a_finish_reason_gets_a_chunk_before_it() -> None:
    relay = WIRE.relay(request())
    assert relay.feed(HELLO + DONE) == HELLO
    out = relay.finish(PORTICO)
    assert out.endswith(DONE)
    assert payloads(out)[0]["choices"] == []


def test_a_tail_without_end_is_not_kept_without_bound() -> None:
    relay = WIRE.relay(request())
    relay.feed(STOP)
    for _ in range(70):
        relay.feed(b": " + b"x" * 20_000 + b"\n\n")
    assert isinstance(relay.skim.failed, UpstreamFailed)


def test_a_failed_stream_ends_in_an_error_frame_and_no_done() -> None:
    error = InternalFault("it broke")
    for out in (WIRE.relay(request()).fail(error), DOOR.stream_writer(request()).fail(error)):
        assert out.startswith(b'data: {"error":{"message":"it broke"')
        assert b"[DONE]" not in out


def write(told: list[Event], *, usage: bool) -> bytes:
    writer = DOOR.stream_writer(request(usage=usage))
    return b"".join(writer.write(event) for event in told) + writer.finish(PORTICO)


TOLD: list[Event] = [
    Started(id="msg_1", model="claude", created=9),
    PartOpened(part=0, kind="reasoning"),
    PartDelta(part=0, text="hm"),
    PartDelta(part=0, text="sig", field="signature"),
    PartClosed(part=0),
    PartOpened(part=1, kind="text"),
    PartDelta(part=1, text="Hi"),
    PartClosed(part=1),
    PartOpened(part=2, kind="tool_call", id="t", name="f"),
    PartDelta(part=2, text="{}", field="arguments"),
    PartClosed(part=2),
    UsageReported(usage=Usage(input=5, output=2)),
    Stopped(reason=StopReason.TOOL_CALLS),
]


def test_events_become_role_deltas_finish_and_done() -> None:
    out = write(TOLD, usage=False)
    deltas = [found["choices"][0]["delta"] for found in payloads(out)]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"content": "Hi"},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "t",
                    "type": "function",
                    "function": {"name": "f", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {},
    ]
    last = payloads(out)[-1]
    assert (last["choices"][0]["finish_reason"], last["portico"]) == (
        "tool_calls",
        {"call": "call_1"},
    )
    assert out.endswith(DONE)


def test_the_usage_chunk_comes_only_where_it_was_asked_for_and_carries_portico() -> None:
    last = payloads(write(TOLD, usage=True))[-1]
    assert (last["choices"], last["usage"]["total_tokens"], last["portico"]) == (
        [],
        7,
        {"call": "call_1"},
    )
    assert all("usage" not in found for found in payloads(write(TOLD, usage=False)))


def test_what_is_written_reads_back_as_the_same_events() -> None:
    told = [event for event in TOLD if getattr(event, "field", "") != "signature"]
    found = events(write(told, usage=True))
    assert isinstance(found[0], Started)
    assert (found[0].id, found[0].model, found[0].created) == ("msg_1", "claude", 9)
    assert [event for event in found[1:] if not isinstance(event, UsageReported)] == [
        event for event in told[1:] if not isinstance(event, UsageReported)
    ]
    assert UsageReported(usage=Usage(input=5, output=2)) in found
