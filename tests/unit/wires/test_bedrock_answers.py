"""Bedrock's answers, streams and errors: what the receipt learns, and what callers are told."""

import json
from typing import Any

import pytest

from portico.contract.conversation import Audio, Inline, Opaque, Part, Refusal, Text, ToolCall
from portico.contract.errors import (
    InvalidRequest,
    Overloaded,
    PorticoError,
    QuotaExhausted,
    UpstreamFailed,
)
from portico.contract.events import (
    Answer,
    Choice,
    Event,
    Failed,
    PartClosed,
    PartDelta,
    PartOpened,
    Stopped,
    UsageReported,
)
from portico.contract.usage import StopReason, Usage
from portico.wires.bedrock_converse import DOOR, WIRE, tables
from portico.wires.event_stream import EventStreamReader, frame

REQUEST = DOOR.read(b'{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}', 9)


def answer(*blocks: dict[str, Any], **more: Any) -> bytes:
    message = {"role": "assistant", "content": blocks}
    return json.dumps({"output": {"message": message}, "stopReason": "end_turn", **more}).encode()


def event(kind: str, **body: Any) -> bytes:
    headers = {":event-type": kind, ":message-type": "event"}
    return frame(headers, json.dumps(body).encode())


def exception(kind: str, **body: Any) -> bytes:
    headers = {":exception-type": kind, ":message-type": "exception"}
    return frame(headers, json.dumps(body).encode())


def text(said: str, index: int = 0) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta={"text": said})


STOP = event("messageStop", stopReason="end_turn")
USAGE = {"inputTokens": 3, "outputTokens": 5}
METADATA = event("metadata", usage=USAGE, metrics={"latencyMs": 1})


def read(*frames: bytes) -> list[Event]:
    reader = WIRE.stream_reader()
    return [*reader.feed(b"".join(frames)), *reader.close()]


def written(*parts: Part, stop: StopReason = StopReason.END) -> dict[str, Any]:
    whole = Answer(id="a", model="m", choices=(Choice(parts=parts, stop=stop),))
    found: dict[str, Any] = json.loads(DOOR.write_answer(whole))
    return found


@pytest.mark.parametrize(("word", "reason", "source"), tables.STOP_WORDS)
def test_a_reason_to_stop_is_read_and_goes_back_as_it_came(
    word: str, reason: StopReason, source: str
) -> None:
    body = answer({"text": "x"}, stopReason=word)
    assert WIRE.skim(body).stop is reason
    found = WIRE.read_answer(body)
    assert found.choices[0].stop is reason
    assert json.loads(DOOR.write_answer(found))["stopReason"] == word
    stops = [e for e in read(event("messageStop", stopReason=word)) if isinstance(e, Stopped)]
    assert [stop.reason for stop in stops] == [reason]
    assert source.startswith("https://docs.aws.amazon.com/")


def test_every_reason_of_another_wire_has_a_word() -> None:
    known = {word for word, _, _ in tables.STOP_WORDS}
    assert {written(Text(text="x"), stop=reason)["stopReason"] for reason in StopReason} <= known


def test_the_stop_sequence_that_was_met_is_told_where_it_was_asked_for() -> None:
    fields = {"stop_sequence": "END"}
    body = answer(stopReason="stop_sequence", additionalModelResponseFields=fields)
    assert WIRE.read_answer(body).choices[0].sequence == "END"
    stop = event("messageStop", stopReason="stop_sequence", additionalModelResponseFields=fields)
    assert [e.sequence for e in read(stop, METADATA) if isinstance(e, Stopped)] == ["END"]


@pytest.mark.parametrize(
    ("reported", "meant"),
    [
        (
            {
                "inputTokens": 3,
                "outputTokens": 5,
                "cacheReadInputTokens": 100,
                "cacheWriteInputTokens": 9,
            },
            Usage(input=3, output=5, cached_read=100, cache_write_5m=9),
        ),
        (
            {
                "inputTokens": 3,
                "outputTokens": 5,
                "cacheWriteInputTokens": 9,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": 5}],
            },
            Usage(input=3, output=5, cache_write_5m=5, cache_write_1h=4),
        ),
        ({"totalTokens": 1}, None),
        ({}, None),
    ],
)
def test_usage_does_not_overlap_and_nonsense_is_no_usage(
    reported: dict[str, Any], meant: Usage | None
) -> None:
    assert WIRE.skim(answer(usage=reported)).usage == meant
    assert WIRE.read_answer(answer(usage=reported)).usage == meant


def test_a_skim_counts_what_was_said() -> None:
    found = WIRE.skim(
        answer(
            {"text": "é"},
            {"reasoningContent": {"reasoningText": {"text": "abc"}}},
            {"toolUse": {"toolUseId": "t", "name": "n", "input": {}}},
            {"citationsContent": {"content": [{"text": "abcd"}]}},
        )
    )
    assert (found.output_bytes, found.has_content, found.complete) == (11, True, True)


def test_what_is_no_answer_is_a_failure_of_the_upstream() -> None:
    for body in (b"<html>", b"{}", b'{"output":{"message":{"content":3}}}'):
        assert isinstance(WIRE.skim(body).failed, UpstreamFailed)
        with pytest.raises(UpstreamFailed):
            WIRE.read_answer(body)


def test_an_answer_of_another_wire_is_written_with_what_bedrock_can_say() -> None:
    found = written(
        Refusal(text="No."),
        ToolCall(id="t", name="n", arguments='{"a'),
        Opaque(wire="other", kind="k", body={}),
        Audio(source=Inline("audio/wav", "AA=="), transcript="Heard."),
    )
    assert found["output"]["message"]["content"] == [
        {"text": "No."},
        {"toolUse": {"toolUseId": "t", "name": "n", "input": {"INVALID_JSON": '{"a'}}},
        {"text": "Heard."},
    ]
    assert found["stopReason"] == "content_filtered"
    assert found["metrics"] == {"latencyMs": 0}


def test_blocks_of_the_provider_keep_their_shape_in_an_answer() -> None:
    blocks = (
        {"newKind": {"a": 1}},
        {"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "type": "server_tool_use"}},
        {"image": {"format": "png", "source": {"bytes": "AA=="}}},
    )
    body = json.loads(DOOR.write_answer(WIRE.read_answer(answer(*blocks))))
    assert body["output"]["message"]["content"] == list(blocks)


def test_a_tool_call_without_arguments_has_an_empty_object() -> None:
    start = {"toolUse": {"toolUseId": "t", "name": "n"}}
    events = read(event("contentBlockStart", contentBlockIndex=0, start=start), STOP, METADATA)
    assert [e.text for e in events if isinstance(e, PartDelta)] == ["{}"]
    assert sum(isinstance(e, PartClosed) for e in events) == 1


def test_sealed_reasoning_in_pieces_is_one_text() -> None:
    blobs = [
        event(
            "contentBlockDelta",
            contentBlockIndex=0,
            delta={"reasoningContent": {"redactedContent": blob}},
        )
        for blob in ("YQ==", "Yg==")
    ]
    deltas = [e for e in read(*blobs, STOP, METADATA) if isinstance(e, PartDelta)]
    assert [(e.field, e.text) for e in deltas] == [("sealed", "YWI=")]


def test_blocks_of_new_kinds_pass_unread() -> None:
    events = read(
        event("contentBlockStart", contentBlockIndex=0, start={"image": {"format": "png"}}),
        event("contentBlockDelta", contentBlockIndex=0, delta={"image": {"source": {}}}),
        event("contentBlockStop", contentBlockIndex=0),
        event("brandNew", a=1),
        text("x", 1),
        STOP,
        METADATA,
    )
    assert [e.part for e in events if isinstance(e, PartOpened)] == [0]


def test_a_stream_ends_with_its_metadata_or_with_the_connection() -> None:
    reader = WIRE.stream_reader()
    assert not any(isinstance(e, Stopped) for e in reader.feed(text("x") + STOP))
    assert not reader.complete
    ended = reader.feed(METADATA)
    assert [type(e) for e in ended] == [UsageReported, Stopped]
    assert reader.complete
    assert isinstance(read(text("x"), STOP)[-1], Stopped)
    relay = WIRE.relay(REQUEST)
    passed = relay.feed(text("x") + STOP) + relay.close()
    assert relay.skim.complete
    (last,) = EventStreamReader().feed(relay.finish(b"{}"))
    assert passed == text("x")
    assert json.loads(last.payload) == {"stopReason": "end_turn", "portico": {}}


def test_a_stream_that_ends_without_its_stop_was_cut() -> None:
    (*_, failed) = read(text("x"))
    assert isinstance(failed, Failed)
    assert failed.error.detail["kind"] == "cut"
    relay = WIRE.relay(REQUEST)
    relay.feed(text("x"))
    relay.close()
    assert relay.skim.failed is not None
    assert relay.finish(b"{}") == b""


def test_a_relay_lets_content_go_at_once_and_holds_the_tail() -> None:
    relay = WIRE.relay(REQUEST)
    new = frame({":event-type": "new", ":message-type": "event"}, b"\x00")
    assert relay.feed(text("é") + new) == text("é") + new
    assert relay.feed(STOP + METADATA) == b""
    assert relay.skim.usage == Usage(input=3, output=5)
    assert (relay.skim.output_bytes, relay.skim.stop) == (2, StopReason.END)
    stop, metadata = EventStreamReader().feed(relay.finish(b'{"call":"c"}'))
    assert stop.raw == STOP
    assert json.loads(metadata.payload)["portico"] == {"call": "c"}


ERRORS: list[tuple[str, type[PorticoError]]] = list(tables.ERROR_BY_TYPE.items())


@pytest.mark.parametrize(("word", "kind"), ERRORS)
@pytest.mark.parametrize("place", ["header", "body"])
def test_an_upstreams_error_is_known_by_header_or_body(
    word: str, kind: type[PorticoError], place: str
) -> None:
    headers = {"x-amzn-errortype": f"{word}:http://internal.amazon.com/"}
    body = {"__type": f"com.amazon.coral.service#{word}", "message": "A secret."}
    if place == "header":
        error = WIRE.read_error(400, headers, b'{"Message":"A secret."}')
    else:
        error = WIRE.read_error(400, {}, json.dumps(body).encode())
    assert type(error) is kind
    assert error.detail == {"status": "400", "type": word}
    assert ("A secret." in error.message) is (kind is InvalidRequest)


@pytest.mark.parametrize("word", ["ThrottlingException", "ModelNotReadyException"])
def test_the_two_kinds_of_429_are_told_apart(word: str) -> None:
    error = WIRE.read_error(429, {"x-amzn-errortype": word, "retry-after": "3"}, b"{}")
    assert type(error) is (QuotaExhausted if word.startswith("Thr") else Overloaded)
    assert (error.retry, error.retry_after) == ("yes", 3.0)


@pytest.mark.parametrize(
    ("status", "kind"), [*tables.ERROR_BY_STATUS.items(), (500, UpstreamFailed)]
)
def test_an_unknown_error_goes_by_its_status(status: int, kind: type[PorticoError]) -> None:
    error = WIRE.read_error(status, {"x-amzn-errortype": "NewException"}, b"<html>")
    assert type(error) is kind
    assert error.detail == {"status": str(status), "type": "unknown"}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("internalServerException", UpstreamFailed),
        ("modelStreamErrorException", UpstreamFailed),
        ("validationException", InvalidRequest),
        ("throttlingException", QuotaExhausted),
        ("serviceUnavailableException", Overloaded),
        ("brandNewException", UpstreamFailed),
    ],
)
def test_an_exception_within_a_stream_ends_it(word: str, kind: type[PorticoError]) -> None:
    (*_, failed) = read(text("x"), exception(word, message="Bad."), text("y"))
    assert isinstance(failed, Failed)
    assert type(failed.error) is kind
    assert ("Bad." in failed.error.message) is (kind is InvalidRequest)
    relay = WIRE.relay(REQUEST)
    assert relay.feed(text("x") + exception(word, message="Bad.") + text("y")) == text("x")
    assert type(relay.skim.failed) is kind


def test_an_unmodelled_error_within_a_stream_ends_it_too() -> None:
    headers = {":error-code": "InternalFailure", ":error-message": "m", ":message-type": "error"}
    (failed,) = read(frame(headers, b""))
    assert isinstance(failed, Failed)
    assert failed.error.detail["type"] == "InternalFailure"


def test_an_error_tells_its_code_call_and_field_beside_the_type() -> None:
    body = json.loads(DOOR.write_error(InvalidRequest("No.", field="messages"), "call_1"))
    assert body == {
        "message": "No.",
        "__type": "ValidationException",
        "portico": {
            "call": "call_1",
            "code": "invalid_request",
            "fault": "caller",
            "retry": "no",
            "field": "messages",
        },
    }
