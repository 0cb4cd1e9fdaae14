"""Streams of Gemini: read into events, written from events, relayed."""

import json
from typing import Any

import pytest
from google.genai import types

from portico.contract.errors import Overloaded, QuotaExhausted, UpstreamFailed
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
from portico.contract.usage import StopReason
from portico.wires import anthropic_messages, gemini, openai_chat
from portico.wires.gemini import signatures

Body = dict[str, Any]
SIGNATURE = "//4gb3BhcXVl"
REQUEST = gemini.DOOR.read(b'{"contents":[{"parts":[{"text":"x"}]}]}', 10)
CHAT = (
    b'{"model":"m","stream":true,"stream_options":{"include_usage":true},'
    b'"messages":[{"role":"user","content":"x"}]}'
)
MESSAGES = b'{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"x"}]}'


def chunk(*parts: Body, index: int = 0, usage: int = 0, **candidate: Any) -> Body:
    content = {"parts": list(parts), "role": "model"}
    body: Body = {
        "candidates": [{"content": content, "index": index, **candidate}],
        "modelVersion": "gemini-3.8-flash",
        "responseId": "r1",
    }
    if usage:
        body["usageMetadata"] = {"promptTokenCount": 9, "candidatesTokenCount": usage}
    return body


FULL = (
    chunk({"text": "h", "thought": True}, usage=1),
    chunk({"text": "m", "thought": True}),
    chunk({"text": "Hél"}),
    chunk({"text": "lo"}),
    chunk(
        {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": SIGNATURE},
        {"functionCall": {"name": "f", "args": {"a": 2}}},
    ),
    chunk({"text": "", "thoughtSignature": SIGNATURE}, finishReason="STOP", usage=7),
)


def sse(*chunks: Body) -> bytes:
    return b"".join(b"data: " + json.dumps(found).encode() + b"\r\n\r\n" for found in chunks)


def read(*chunks: Body) -> list[Event]:
    reader = gemini.WIRE.stream_reader()
    return [*reader.feed(sse(*chunks)), *reader.close()]


def test_a_stream_is_read_as_parts_by_their_kind() -> None:
    events = read(*FULL)
    opened = [(event.part, event.kind) for event in events if isinstance(event, PartOpened)]
    kinds = ["reasoning", "text", "tool_call", "tool_call", "reasoning"]
    assert opened == list(enumerate(kinds))
    assert [e.part for e in events if isinstance(e, PartClosed)] == [0, 1, 2, 3, 4]
    said = [(e.part, e.field, e.text) for e in events if isinstance(e, PartDelta)]
    assert said == [
        (0, "text", "h"),
        (0, "text", "m"),
        (1, "text", "Hél"),
        (1, "text", "lo"),
        (2, "arguments", '{"a":1}'),
        (3, "arguments", '{"a":2}'),
        (4, "signature", signatures.OURS + SIGNATURE),
    ]
    calls = [e.id for e in events if isinstance(e, PartOpened) and e.kind == "tool_call"]
    assert signatures.split(calls[0]) == (None, SIGNATURE)
    assert len(set(calls)) == 2
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Stopped)
    assert events[-1].reason is StopReason.TOOL_CALLS
    usage = [event.usage for event in events if isinstance(event, UsageReported)]
    assert [found.output for found in usage] == [1, 7]


def test_a_finish_reason_on_every_chunk_is_not_the_end() -> None:
    events = read(
        chunk({"text": "a"}, finishReason="STOP"), chunk({"text": "b"}, finishReason="STOP")
    )
    assert "".join(event.text for event in events if isinstance(event, PartDelta)) == "ab"
    assert [type(event) for event in events].count(Stopped) == 1
    assert isinstance(events[-1], Stopped)


def test_candidates_stop_each_for_itself() -> None:
    events = read(
        chunk({"text": "a"}, index=0, finishReason="MAX_TOKENS"),
        chunk({"text": "b"}, index=1, finishReason="SAFETY"),
    )
    stops = {event.choice: event.reason for event in events if isinstance(event, Stopped)}
    assert stops == {0: StopReason.LENGTH, 1: StopReason.CONTENT_FILTER}


def test_a_stream_that_ends_before_a_candidate_is_cut() -> None:
    for chunks in ((), FULL[:-1], (FULL[-1], chunk({"text": "b"}, index=1))):
        last = read(*chunks)[-1]
        assert isinstance(last, Failed)
        assert last.error.detail["kind"] == "cut"
    reader = gemini.WIRE.stream_reader()
    events = [*reader.feed(sse(*FULL) + b'data: {"cand'), *reader.close()]
    assert isinstance(events[-1], Failed)


def test_a_blocked_prompt_stops_for_its_content() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r"}
    last = read(blocked)[-1]
    assert isinstance(last, Stopped)
    assert last.reason is StopReason.CONTENT_FILTER
    relay = gemini.WIRE.relay(REQUEST)
    relay.feed(sse(blocked))
    relay.close()
    assert (relay.skim.failed, relay.skim.stop) == (None, StopReason.CONTENT_FILTER)


def test_an_error_within_a_stream_ends_it() -> None:
    failed = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "x"}}
    last = read(FULL[0], failed, FULL[1])[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, Overloaded)
    relay = gemini.WIRE.relay(REQUEST)
    assert relay.feed(sse(FULL[0], failed)) == sse(FULL[0])
    assert isinstance(relay.skim.failed, Overloaded)


def test_citations_of_a_stream_belong_to_its_text() -> None:
    support = {"segment": {"endIndex": 3, "text": "abc"}, "groundingChunkIndices": [0]}
    metadata = {"groundingChunks": [{"web": {"uri": "https://x"}}], "groundingSupports": [support]}
    events = read(chunk({"text": "abc"}), chunk(finishReason="STOP", groundingMetadata=metadata))
    (cited,) = (event for event in events if isinstance(event, CitationAdded))
    assert (cited.part, cited.citation.url, cited.citation.end) == (0, "https://x", 3)


def written(events: list[Event]) -> list[types.GenerateContentResponse]:
    writer = gemini.DOOR.stream_writer(REQUEST)
    out = b"".join(writer.write(event) for event in events) + writer.finish(b'{"call":"c"}')
    frames = [line[6:] for line in out.split(b"\n") if line.startswith(b"data: ")]
    chunks = [json.loads(frame) for frame in frames]
    assert chunks[-1].pop("portico") == {"call": "c"}
    return [types.GenerateContentResponse.model_validate(found) for found in chunks]


def test_events_are_written_as_chunks_that_googles_sdk_reads() -> None:
    chunks = written(read(*FULL))
    parts = [
        part
        for found in chunks
        for candidate in found.candidates or ()
        for part in (candidate.content and candidate.content.parts) or ()
    ]
    assert "".join(part.text or "" for part in parts if not part.thought) == "Héllo"
    calls = [part.function_call for part in parts if part.function_call]
    assert [call.args for call in calls] == [{"a": 1}, {"a": 2}]
    assert [call.id for call in calls] == [None, None]
    last = chunks[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert last.usage_metadata.candidates_token_count == 7


def test_events_read_again_after_writing_say_the_same() -> None:
    writer = gemini.DOOR.stream_writer(REQUEST)
    events = read(*FULL)
    out = b"".join(writer.write(event) for event in events) + writer.finish(b"{}")
    reader = gemini.WIRE.stream_reader()
    again = [*reader.feed(out), *reader.close()]
    usage = [event for event in events if isinstance(event, UsageReported)]
    assert [e for e in again if not isinstance(e, UsageReported)] == [
        e for e in events if not isinstance(e, UsageReported)
    ]
    assert [event for event in again if isinstance(event, UsageReported)] == usage[-1:]


@pytest.mark.parametrize(
    ("door", "body"), [(openai_chat.DOOR, CHAT), (anthropic_messages.DOOR, MESSAGES)]
)
def test_the_other_doors_write_the_stream_whole(door: Any, body: bytes) -> None:
    writer = door.stream_writer(door.read(body, 10))
    out = b"".join(writer.write(event) for event in read(*FULL)) + writer.finish(b"{}")
    text = out.decode()
    for said in ("Hé".encode().decode(), '{\\"a\\":1}', '{\\"a\\":2}', "gemini_call_"):
        assert said in text
    assert "tool_calls" in text or "tool_use" in text


def test_another_wires_stream_is_written_with_whole_calls() -> None:
    events: list[Event] = [
        Started(id="m", model="claude"),
        PartOpened(part=0, kind="tool_call", id="t1", name="f"),
        PartDelta(part=0, field="arguments", text='{"a'),
        PartDelta(part=0, field="arguments", text='":1}'),
        PartClosed(part=0),
        PartOpened(part=1, kind="tool_call", id="t2", name="f"),
        PartDelta(part=1, field="arguments", text='{"cut'),
        Stopped(reason=StopReason.LENGTH),
    ]
    chunks = written(events)
    calls = [call for found in chunks for call in found.function_calls or ()]
    assert [(call.id, call.args) for call in calls] == [
        ("t1", {"a": 1}),
        ("t2", {"INVALID_JSON": '{"cut'}),
    ]


def relayed(data: bytes) -> tuple[bytes, bytes, Any]:
    relay = gemini.WIRE.relay(REQUEST)
    passed = relay.feed(data) + relay.close()
    return passed, relay.finish(b'{"call":"c"}'), relay.skim


def test_a_relay_changes_only_its_last_chunk() -> None:
    passed, tail, skim = relayed(sse(*FULL))
    assert passed == sse(*FULL[:-1])
    assert json.loads(tail.removeprefix(b"data: ")) == {**FULL[-1], "portico": {"call": "c"}}
    assert (skim.model, skim.stop) == ("gemini-3.8-flash", StopReason.TOOL_CALLS)
    assert skim.usage.output == 7
    assert skim.complete
    assert skim.output_bytes == len("hm") + len("Héllo".encode()) + 2 * len('{"a":1}')


def test_a_relay_lets_go_of_a_chunk_that_was_not_the_last() -> None:
    first = chunk({"text": "a"}, finishReason="STOP", usage=3)
    last = chunk({"text": "b"}, finishReason="STOP")
    passed, tail, skim = relayed(sse(first, last))
    assert passed == sse(first)
    stamped = json.loads(tail.removeprefix(b"data: "))
    assert stamped["usageMetadata"] == first["usageMetadata"]
    assert skim.stop is StopReason.END


def test_a_relay_that_is_cut_says_so_and_stamps_nothing() -> None:
    passed, tail, skim = relayed(sse(*FULL[:3]))
    assert passed == sse(*FULL[:3])
    assert tail == b""
    assert isinstance(skim.failed, UpstreamFailed)
    assert relayed(sse(*FULL) + b'data: {"cand')[2].failed.detail["kind"] == "cut"


def test_a_broken_stream_ends_with_googles_error_object() -> None:
    for end in (gemini.WIRE.relay(REQUEST), gemini.DOOR.stream_writer(REQUEST)):
        frame = end.fail(QuotaExhausted("Wait."))
        assert json.loads(frame.removeprefix(b"data: "))["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert end.finish(b"{}") == b""
