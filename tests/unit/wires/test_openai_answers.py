"""Whole answers, usage and errors of the chat completions wire."""

import json
from typing import Any

import pytest

from portico.contract.conversation import Citation, Opaque, Reasoning, Refusal, Text, ToolCall
from portico.contract.errors import (
    BodyTooLarge,
    BudgetExhausted,
    InvalidRequest,
    Overloaded,
    PorticoError,
    QuotaExhausted,
    UnknownModel,
    UpstreamFailed,
)
from portico.contract.events import Answer, Choice, Failed
from portico.contract.usage import StopReason, Usage
from portico.wires.openai_chat import DOOR, WIRE, usage

ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-x",
    "system_fingerprint": "fp",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Prague is ž",
                "refusal": None,
                "reasoning_content": "hm",
                "annotations": [
                    {
                        "type": "url_citation",
                        "url_citation": {
                            "start_index": 0,
                            "end_index": 6,
                            "title": "T",
                            "url": "https://x.test",
                        },
                    }
                ],
                "tool_calls": [
                    {
                        "id": "c",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"a": 1}'},
                        "extra_content": {"s": 1},
                    },
                    {"id": "d", "type": "custom", "custom": {"name": "g", "input": "x"}},
                ],
                "vendor": {"a": 1},
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
            "vendor_choice": 2,
        }
    ],
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0},
    },
}


def body(answer: object) -> bytes:
    return json.dumps(answer).encode()


def message(**members: object) -> bytes:
    choice = {"index": 0, "message": members, "finish_reason": "stop"}
    return body({"id": "x", "model": "m", "choices": [choice]})


def test_an_answer_is_read_into_the_words_of_the_contract() -> None:
    answer = WIRE.read_answer(body(ANSWER))
    choice = answer.choices[0]
    citation = Citation(text="Prague", url="https://x.test", title="T", start=0, end=6)
    assert choice.parts[:3] == (
        Reasoning(text="hm"),
        Text(text="Prague is ž", citations=(citation,)),
        ToolCall(id="c", name="f", arguments='{"a": 1}', extra={"extra_content": {"s": 1}}),
    )
    assert isinstance(choice.parts[3], Opaque)
    assert choice.stop is StopReason.TOOL_CALLS
    assert answer.usage == Usage(input=6, cached_read=4, output=7, reasoning=3)


def test_an_answer_of_this_wire_is_written_as_it_came() -> None:
    assert json.loads(DOOR.write_answer(WIRE.read_answer(body(ANSWER)))) == ANSWER


def test_a_skim_knows_model_stop_usage_and_bytes() -> None:
    skim = WIRE.skim(body(ANSWER))
    assert (skim.model, skim.stop, skim.complete) == ("gpt-x", StopReason.TOOL_CALLS, True)
    assert skim.usage == Usage(input=6, cached_read=4, output=7, reasoning=3)
    assert skim.output_bytes == len("hm") + len("Prague is ž".encode()) + len('{"a": 1}')


@pytest.mark.parametrize("reply", [b"<html>", b"[]", b"{}", b"", b'{"choices": 5}', b"\xff"])
def test_a_reply_that_is_no_answer_is_the_upstreams_failure(reply: bytes) -> None:
    skim = WIRE.skim(reply)
    assert isinstance(skim.failed, UpstreamFailed)
    with pytest.raises(UpstreamFailed):
        WIRE.read_answer(reply)


@pytest.mark.parametrize(
    "reply",
    [
        b'{"choices": [{"message": {"content": "x", "odd": "\xff"}}]}',
        b'{"choices": [{"message": {"content": "x", "odd": 1e999}}]}',
        b'{"choices": [{"message": {"content": "x", "odd": '
        + b"[" * 200_000
        + b"]" * 200_000
        + b"}}]}",
    ],
)
def test_what_only_a_translation_looks_at_fails_there_and_not_with_a_crash(reply: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        WIRE.read_answer(reply)
    assert [type(event) for event in WIRE.stream_reader().feed(b"data: " + reply + b"\n\n")] == [
        Failed
    ]


def test_a_time_that_is_none_is_left_out() -> None:
    choices = [{"message": {"content": "x"}}]
    assert WIRE.read_answer(body({"choices": choices, "created": 1e300})).created is None


def test_an_answer_without_a_choice_cannot_be_translated() -> None:
    with pytest.raises(UpstreamFailed):
        WIRE.read_answer(b'{"choices": []}')


def test_an_error_under_a_good_status_is_a_failure() -> None:
    reply = b'{"error": {"message": "secret text", "code": 429}}'
    failed = WIRE.skim(reply).failed
    assert isinstance(failed, QuotaExhausted)
    assert "secret" not in failed.message


def test_a_refusal_stops_as_a_refusal_and_is_written_with_its_text() -> None:
    answer = WIRE.read_answer(message(content=None, refusal="I cannot"))
    assert answer.choices[0].parts == (Refusal(text="I cannot"),)
    assert answer.choices[0].stop is StopReason.REFUSAL
    written = json.loads(DOOR.write_answer(answer))["choices"][0]
    assert (written["message"]["refusal"], written["finish_reason"]) == ("I cannot", "stop")


def test_reasoning_under_its_other_name_goes_back_under_that_name() -> None:
    answer = WIRE.read_answer(message(content="x", reasoning="hm"))
    assert json.loads(DOOR.write_answer(answer))["choices"][0]["message"]["reasoning"] == "hm"


def test_an_answer_of_another_wire_leaves_its_own_members_behind() -> None:
    answer = Answer(
        id="msg_1",
        model="claude",
        choices=(
            Choice(
                parts=(
                    Opaque(wire="anthropic_messages", kind="server_tool_use", body={"id": "s"}),
                    Text(text="a"),
                    Text(text="bc", citations=(Citation(url="https://x.test", start=1, end=2),)),
                ),
                stop=StopReason.STOP_SEQUENCE,
                sequence="END",
            ),
        ),
        extra={"wire": "anthropic_messages", "container": 1},
    )
    written = json.loads(DOOR.write_answer(answer))
    choice = written["choices"][0]
    assert "container" not in written
    assert (choice["message"]["content"], choice["finish_reason"]) == ("abc", "stop")
    assert choice["message"]["annotations"][0]["url_citation"]["start_index"] == 2
    assert "tool_calls" not in choice["message"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", StopReason.END),
        ("length", StopReason.LENGTH),
        ("content_filter", StopReason.CONTENT_FILTER),
        ("a_new_word", StopReason.OTHER),
        (None, StopReason.OTHER),
    ],
)
def test_every_finish_reason_has_a_meaning(word: str | None, reason: StopReason) -> None:
    choice = {"message": {"content": "x"}, "finish_reason": word}
    assert WIRE.skim(body({"choices": [choice]})).stop is reason


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            Usage(input=10, output=5),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {
                    "cached_tokens": 30,
                    "audio_tokens": 20,
                    "cache_write_tokens": 10,
                },
                "completion_tokens_details": {"audio_tokens": 5, "reasoning_tokens": 8},
            },
            Usage(
                input=40,
                cached_read=30,
                cache_write_5m=10,
                input_audio=20,
                output=45,
                output_audio=5,
                reasoning=8,
            ),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4},
            Usage(input=6, cached_read=4, output=5),
        ),
        (
            {
                "prompt_tokens": 12,
                "completion_tokens": 1,
                "total_tokens": 399,
                "completion_tokens_details": {"reasoning_tokens": 386},
            },
            Usage(input=12, output=387, reasoning=386),
        ),
        ({"prompt_tokens": 3.0, "completion_tokens": 2}, Usage(input=3, output=2)),
        ({"prompt_tokens": None, "completion_tokens": None}, None),
        ({}, None),
        ("x", None),
        (None, None),
    ],
)
def test_usage_is_read_without_overlap_and_without_trust(
    given: object, counted: Usage | None
) -> None:
    assert usage.read(given) == counted


def test_usage_that_is_written_reads_back_the_same() -> None:
    given = Usage(input=1, cached_read=2, cache_write_5m=3, input_audio=4, output=5, reasoning=2)
    assert usage.read(usage.write(given)) == given


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"type": "invalid_request_error", "message": "bad"}, InvalidRequest),
        (422, {"type": "invalid_request_error", "message": "bad"}, InvalidRequest),
        (413, {"message": "bad"}, BodyTooLarge),
        (401, {"type": "authentication_error", "message": "bad"}, UpstreamFailed),
        (400, {"code": "invalid_api_key", "message": "bad"}, UpstreamFailed),
        (403, {"message": "bad"}, UpstreamFailed),
        (404, {"code": "model_not_found", "message": "bad"}, UpstreamFailed),
        (408, {"message": "bad"}, UpstreamFailed),
        (409, {"message": "bad"}, UpstreamFailed),
        (429, {"type": "tokens", "code": "rate_limit_exceeded"}, QuotaExhausted),
        (429, {"type": "insufficient_quota", "message": "bad"}, UpstreamFailed),
        (500, {"type": "server_error", "message": "bad"}, UpstreamFailed),
        (503, {"message": "bad"}, Overloaded),
        (302, {"message": "bad"}, UpstreamFailed),
    ],
)
def test_an_upstreams_error_is_told_in_portico_words(
    status: int, error: dict[str, str], kind: type[PorticoError]
) -> None:
    found = WIRE.read_error(status, {}, body({"error": error}))
    assert type(found) is kind
    assert found.detail["status"] == str(status)
    assert ("bad" in found.message) == (issubclass(kind, InvalidRequest))


@pytest.mark.parametrize(
    "reply",
    [
        b'{"error": "too long"}',
        b'{"message": "too long"}',
        b'{"detail": "too long"}',
        b'{"error": {"detail": "too long"}}',
        b'[{"error": {"message": "too long"}}]',
    ],
)
def test_the_error_shapes_of_compatible_servers_are_read(reply: bytes) -> None:
    found = WIRE.read_error(400, {}, reply)
    assert "too long" in found.message


def test_an_upstreams_message_is_cut_and_names_its_parameter() -> None:
    error = {"message": "x" * 2000, "param": "messages[0].content", "type": "a sentence, no word"}
    found = WIRE.read_error(400, {}, body({"error": error}))
    assert len(found.message) < 600
    assert (found.field, found.detail["type"]) == ("messages[0].content", "unknown")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        (
            {
                "retry-after": "Mon, 23 Nov 2026 12:00:30 GMT",
                "date": "Mon, 23 Nov 2026 12:00:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-4"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert WIRE.read_error(429, headers, b"").retry_after == seconds


def test_an_error_is_written_for_the_sdk_and_says_whose_fault_it_is() -> None:
    written = json.loads(DOOR.write_error(UnknownModel("no such model", field="model"), "call_1"))
    assert written["error"] == {
        "message": "no such model",
        "type": "not_found_error",
        "param": "model",
        "code": "unknown_model",
        "portico": {"call": "call_1", "fault": "caller", "retry": "no"},
    }
    spent = json.loads(DOOR.write_error(BudgetExhausted("spent"), "call_1"))
    assert spent["error"]["type"] == "insufficient_quota"
