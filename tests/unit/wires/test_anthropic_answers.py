"""Whole answers, usage and errors on the Anthropic wire."""

import json
from typing import Any

import pytest

from portico.contract import errors
from portico.contract.conversation import Citation, Opaque, Reasoning, Refusal, Text, ToolCall
from portico.contract.events import Answer, Choice
from portico.contract.usage import StopReason, Usage
from portico.wires.anthropic_messages import DOOR, WIRE
from portico.wires.anthropic_messages.tables import ERROR_WORD, STOP_WORDS
from portico.wires.anthropic_messages.usage import read_usage, write_usage

ANSWER: dict[str, Any] = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [
        {"type": "thinking", "thinking": "Hm…", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        {
            "type": "text",
            "text": "Hello",
            "citations": [
                {
                    "type": "char_location",
                    "cited_text": "H",
                    "document_index": 0,
                    "document_title": "T",
                    "start_char_index": 1,
                    "end_char_index": 2,
                }
            ],
        },
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": 1}},
        {
            "type": "tool_use",
            "id": "toolu_1",
            "name": "look",
            "input": {"a": [1, 2]},
            "caller": {"type": "direct"},
        },
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "container": {"id": "c", "expires_at": "2026-01-01T00:00:00Z"},
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 6},
        "service_tier": "standard",
    },
}


def answer(*parts: Any, stop: StopReason = StopReason.END, **members: Any) -> Answer:
    return Answer(id="x-1", model="m", choices=(Choice(parts=parts, stop=stop),), **members)


def written(found: Answer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(DOOR.write_answer(found))
    return body


def test_an_answer_is_read_whole() -> None:
    found = WIRE.read_answer(json.dumps(ANSWER).encode())
    (choice,) = found.choices
    assert (found.id, found.model, choice.stop) == ("msg_01", "claude-opus-5", "tool_calls")
    reasoning, sealed, text, search, call = choice.parts
    assert reasoning == Reasoning(text="Hm…", signature="sig")
    assert sealed == Reasoning(sealed="sealed")
    assert isinstance(text, Text)
    (cited,) = text.citations
    assert (cited.text, cited.title, cited.start, cited.end) == ("H", "T", 1, 2)
    assert isinstance(search, Opaque)
    assert search.kind == "server_tool_use"
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"a":[1,2]}'
    assert found.usage == Usage(
        input=10, cached_read=5, cache_write_5m=3, cache_write_1h=4, output=20, reasoning=6
    )


def test_an_answer_read_and_written_keeps_every_member() -> None:
    assert written(WIRE.read_answer(json.dumps(ANSWER).encode())) == ANSWER


def test_a_skim_finds_what_the_receipt_needs() -> None:
    body = json.dumps(ANSWER).encode()
    skim = WIRE.skim(body)
    assert (skim.model, skim.stop, skim.complete) == (
        "claude-opus-5",
        StopReason.TOOL_CALLS,
        True,
    )
    assert skim.usage == WIRE.read_answer(body).usage
    assert skim.output_bytes == len("Hm…".encode()) + 5 + len('{"q": 1}') + len('{"a": [1, 2]}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"type":"error"}',
        b'{"content":1}',
        b'{"type":"\xff"}',
        b'{"type":' + b"[" * 9999,
        b'{"x":' + b"[" * 9999,
    ],
)
def test_a_body_that_is_no_message_is_the_upstreams_failure(body: bytes) -> None:
    failed = WIRE.skim(body).failed
    assert isinstance(failed, errors.UpstreamFailed)
    with pytest.raises(errors.UpstreamFailed):
        WIRE.read_answer(body)


@pytest.mark.parametrize(("word", "reason"), [row[:2] for row in STOP_WORDS])
def test_every_stop_reason_goes_both_ways(word: str, reason: StopReason) -> None:
    found = WIRE.read_answer(json.dumps({**ANSWER, "stop_reason": word}).encode())
    assert found.choices[0].stop is reason
    assert written(answer(stop=reason))["stop_reason"] == word


def test_stop_reasons_of_other_wires_have_a_word() -> None:
    assert written(answer(stop=StopReason.CONTENT_FILTER))["stop_reason"] == "refusal"
    assert written(answer(stop=StopReason.OTHER))["stop_reason"] == "end_turn"
    refused = written(answer(Refusal(text="I will not.")))
    assert refused["stop_reason"] == "refusal"
    assert refused["content"] == [{"type": "text", "text": "I will not."}]


def test_a_stop_reason_that_is_new_to_us_is_other() -> None:
    found = WIRE.read_answer(json.dumps({**ANSWER, "stop_reason": "weariness"}).encode())
    assert found.choices[0].stop is StopReason.OTHER


def test_another_wires_answer_leaves_without_its_own_members() -> None:
    body = written(
        answer(
            Text(text="See", citations=(Citation(url="https://x.test", title="X"),)),
            Reasoning(text="Hm"),
            Opaque(wire="openai_chat", kind="x", body={}),
            extra={"system_fingerprint": "fp"},
        )
    )
    assert "system_fingerprint" not in body
    assert body["content"] == [
        {
            "type": "text",
            "text": "See",
            "citations": [
                {
                    "type": "web_search_result_location",
                    "cited_text": "",
                    "url": "https://x.test",
                    "title": "X",
                    "encrypted_index": "",
                }
            ],
        },
        {"type": "thinking", "thinking": "Hm", "signature": ""},
    ]


def test_arguments_that_are_no_object_reach_the_caller_as_text() -> None:
    for text in ('{"cut', "[1]", '{"a":' + "[" * 9999):
        body = written(answer(ToolCall(id="a", name="n", arguments=text)))
        assert body["content"][0]["input"] == {"INVALID_JSON": text}


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (None, None),
        ({}, None),
        ({"service_tier": "standard"}, None),
        ({"input_tokens": 3}, Usage(input=3)),
        ({"input_tokens": 2.0, "output_tokens": 1}, Usage(input=2, output=1)),
        ({"input_tokens": 1, "cache_creation_input_tokens": 9}, Usage(input=1, cache_write_5m=9)),
        (
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_1h_input_tokens": 4},
            },
            Usage(input=1, cache_write_5m=5, cache_write_1h=4),
        ),
    ],
)
def test_usage_is_read_whatever_it_says(reported: Any, usage: Usage | None) -> None:
    assert read_usage(reported) == usage


def test_audio_tokens_count_as_input_and_output() -> None:
    usage = Usage(input=1, input_audio=2, cached_read=3, cached_audio=4, output=5, output_audio=6)
    body = write_usage(usage)
    assert (body["input_tokens"], body["cache_read_input_tokens"], body["output_tokens"]) == (
        3,
        7,
        11,
    )


def leaves(kind: type[errors.PorticoError]) -> list[type[errors.PorticoError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


@pytest.mark.parametrize("kind", leaves(errors.PorticoError))
def test_every_error_has_a_word_and_says_whose_fault_it_is(
    kind: type[errors.PorticoError],
) -> None:
    body = json.loads(DOOR.write_error(kind("It broke.", field="messages"), "call_1"))
    assert body == {
        "type": "error",
        "error": {"type": ERROR_WORD[kind.status], "message": "It broke."},
        "request_id": "call_1",
        "portico": {
            "call": "call_1",
            "code": kind.code,
            "fault": kind.fault,
            "retry": kind.retry,
            "field": "messages",
        },
    }


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "invalid_request_error", errors.InvalidRequest),
        (413, "request_too_large", errors.BodyTooLarge),
        (401, "authentication_error", errors.UpstreamFailed),
        (402, "billing_error", errors.UpstreamFailed),
        (403, "permission_error", errors.UpstreamFailed),
        (404, "not_found_error", errors.UpstreamFailed),
        (429, "rate_limit_error", errors.QuotaExhausted),
        (500, "api_error", errors.UpstreamFailed),
        (504, "timeout_error", errors.UpstreamFailed),
        (529, "overloaded_error", errors.Overloaded),
        (200, "overloaded_error", errors.Overloaded),
        (429, "a_new_error", errors.QuotaExhausted),
        (529, "", errors.Overloaded),
        (418, "", errors.UpstreamFailed),
    ],
)
def test_an_upstreams_error_is_read_by_type_then_by_status(
    status: int, word: str, kind: type[errors.PorticoError]
) -> None:
    body = {"type": "error", "error": {"type": word, "message": "your prompt was: secret"}}
    error = WIRE.read_error(status, {"retry-after": "7"}, json.dumps(body).encode())
    assert type(error) is kind
    assert error.retry_after == 7
    assert error.detail["status"] == str(status)
    assert "secret" not in str(error.detail)
    assert ("secret" in error.message) is issubclass(kind, errors.InvalidRequest)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"<html>", b"[]", b'{"error":"x"}', b'{"error":{"type":1}}', b"[" * 9999]
)
def test_an_error_reply_of_any_shape_is_read(body: bytes) -> None:
    error = WIRE.read_error(502, {"retry-after": "soon"}, body)
    assert type(error) is errors.UpstreamFailed
    assert error.retry_after is None
    assert error.detail == {"status": "502", "type": "unknown"}


def test_a_long_message_of_an_upstream_is_cut() -> None:
    body = {"error": {"type": "invalid_request_error", "message": "x" * 5000}}
    assert len(WIRE.read_error(400, {}, json.dumps(body).encode()).message) < 600
