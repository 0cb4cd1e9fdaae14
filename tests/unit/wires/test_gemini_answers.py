"""Whole answers and errors of Gemini, read, written and skimmed."""

import json
from typing import Any

import pytest
from google.genai import types

from portico.contract.conversation import Opaque, Reasoning, Text, ToolCall
from portico.contract.errors import (
    InvalidRequest,
    Overloaded,
    PorticoError,
    QuotaExhausted,
    UpstreamFailed,
)
from portico.contract.usage import StopReason, Usage
from portico.wires import anthropic_messages, gemini, openai_chat
from portico.wires.gemini import signatures, tables

Body = dict[str, Any]
SIGNATURE = "//4gb3BhcXVl"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
RETRY = "type.googleapis.com/google.rpc.RetryInfo"


def answer(*parts: Body, **candidate: Any) -> Body:
    content = {"parts": list(parts), "role": "model"}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0, **candidate}],
        "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6},
        "modelVersion": "gemini-3.8-flash",
        "responseId": "r1",
    }


FULL = answer(
    {"text": "hm", "thought": True, "thoughtSignature": SIGNATURE},
    {"text": "Grüezi", "thoughtSignature": SIGNATURE},
    {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": SIGNATURE},
    {"functionCall": {"id": "own", "name": "f", "args": {}}},
    {"executableCode": {"language": "PYTHON", "code": "1"}},
    {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
    safetyRatings=[],
    avgLogprobs=-0.5,
)


def raw(body: Body) -> bytes:
    return json.dumps(body).encode()


def test_an_answer_is_read_whole() -> None:
    found = gemini.WIRE.read_answer(raw(FULL))
    assert (found.id, found.model) == ("r1", "gemini-3.8-flash")
    thought, text, beside, call, named, code, image = found.choices[0].parts
    assert isinstance(thought, Reasoning)
    assert thought.signature == signatures.OURS + SIGNATURE
    assert isinstance(text, Text)
    assert text.text == "Grüezi"
    assert isinstance(beside, Reasoning)
    assert isinstance(call, ToolCall)
    assert signatures.split(call.id) == (None, SIGNATURE)
    assert isinstance(named, ToolCall)
    assert named.id == "own"
    assert [part.kind for part in (code, image) if isinstance(part, Opaque)] == [
        "executableCode",
        "inlineData",
    ]
    assert found.choices[0].stop is StopReason.TOOL_CALLS


def test_an_answer_at_its_own_door_is_as_it_came() -> None:
    written = json.loads(gemini.DOOR.write_answer(gemini.WIRE.read_answer(raw(FULL))))
    assert written == FULL


@pytest.mark.parametrize("door", [openai_chat.DOOR, anthropic_messages.DOOR])
def test_every_answer_can_be_written_at_the_other_doors(door: Any) -> None:
    written = json.loads(door.write_answer(gemini.WIRE.read_answer(raw(FULL))))
    assert "Grüezi" in json.dumps(written, ensure_ascii=False)
    assert "executableCode" not in json.dumps(written)


def test_another_wires_answer_is_written_for_googles_sdk() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "not base64!"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": content,
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 2},
    }
    written = gemini.DOOR.write_answer(anthropic_messages.WIRE.read_answer(raw(message)))
    found = types.GenerateContentResponse.model_validate_json(written)
    assert found.text == "Hi"
    assert found.function_calls is not None
    assert (found.function_calls[0].id, found.function_calls[0].args) == ("toolu_1", {"a": 1})
    assert found.usage_metadata is not None
    assert found.usage_metadata.prompt_token_count == 5
    assert found.usage_metadata.total_token_count == 10
    again = gemini.WIRE.read_answer(written).choices[0].parts[0]
    assert isinstance(again, Reasoning)
    assert again.signature == "not base64!"


def test_counts_do_not_overlap() -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 30,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 60},
            {"modality": "AUDIO", "tokenCount": 40},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 20,
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 8}],
        "thoughtsTokenCount": 7,
    }
    found = gemini.WIRE.read_answer(raw({**answer({"text": "x"}), "usageMetadata": usage})).usage
    assert found == Usage(
        input=45,
        cached_read=20,
        input_audio=30,
        cached_audio=10,
        output=19,
        output_audio=8,
        reasoning=7,
    )


@pytest.mark.parametrize("usage", [None, {}, {"totalTokenCount": 1}])
def test_usage_that_counts_nothing_is_none(usage: Any) -> None:
    found = gemini.WIRE.read_answer(raw({**answer({"text": "x"}), "usageMetadata": usage}))
    assert found.usage is None


@pytest.mark.parametrize(("word", "reason"), [row[:2] for row in tables.STOP_WORDS])
def test_every_finish_reason_has_a_meaning(word: str, reason: StopReason) -> None:
    body = raw(answer({"text": "x"}, finishReason=word))
    assert gemini.WIRE.read_answer(body).choices[0].stop is reason
    assert gemini.WIRE.skim(body).stop is reason


def test_every_finish_reason_of_googles_sdk_is_in_the_table() -> None:
    known = {word for word, *_ in tables.STOP_WORDS}
    beyond = {"FINISH_REASON_UNSPECIFIED"}
    assert {reason.value for reason in types.FinishReason} - beyond == known
    assert set(tables.STOP_TO_WORD) == set(StopReason)


def test_a_blocked_prompt_is_an_answer_that_was_filtered() -> None:
    body = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 4},
        "modelVersion": "m",
        "responseId": "r",
    }
    found = gemini.WIRE.read_answer(raw(body))
    assert [(choice.parts, choice.stop) for choice in found.choices] == [
        ((), StopReason.CONTENT_FILTER)
    ]
    assert json.loads(gemini.DOOR.write_answer(found)) == body
    skim = gemini.WIRE.skim(raw(body))
    assert (skim.failed, skim.stop, skim.complete) == (None, StopReason.CONTENT_FILTER, True)
    chat = json.loads(openai_chat.DOOR.write_answer(found))
    assert chat["choices"][0]["finish_reason"] == "content_filter"


def test_logprobs_come_in_openais_shape() -> None:
    token = {"token": "é", "tokenId": 5, "logProbability": -0.25}
    result = {"chosenCandidates": [token], "topCandidates": [{"candidates": [token]}]}
    found = gemini.WIRE.read_answer(raw(answer({"text": "é"}, logprobsResult=result)))
    entry = {"token": "é", "logprob": -0.25, "bytes": [195, 169]}
    expected = {"content": [{**entry, "top_logprobs": [entry]}], "refusal": None}
    chat = json.loads(openai_chat.DOOR.write_answer(found))
    assert chat["choices"][0]["logprobs"] == expected
    back = json.loads(gemini.DOOR.write_answer(openai_chat.WIRE.read_answer(raw(chat))))
    chosen = back["candidates"][0]["logprobsResult"]["chosenCandidates"]
    assert chosen == [{"token": "é", "logProbability": -0.25}]


def test_grounding_is_cited_with_places_in_characters() -> None:
    support = {
        "segment": {"startIndex": 3, "endIndex": 9, "text": "Zürich"},
        "groundingChunkIndices": [0, 7],
    }
    metadata = {
        "groundingChunks": [{"web": {"uri": "https://x", "title": "X"}}],
        "groundingSupports": [support],
    }
    body = answer({"text": "é Zürich"}, groundingMetadata=metadata)
    part = gemini.WIRE.read_answer(raw(body)).choices[0].parts[0]
    assert isinstance(part, Text)
    (citation,) = part.citations
    assert (citation.url, citation.title, citation.start) == ("https://x", "X", 2)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"candidates":[]}', b'{"candidates":[5]}'])
def test_what_is_no_answer_fails_as_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        gemini.WIRE.read_answer(body)
    assert gemini.WIRE.skim(body).failed is not None


def error(status: int, word: str, *details: Body, headers: Any = {}) -> PorticoError:  # noqa: B006
    inner = {"code": status, "status": word, "message": "Said.", "details": list(details)}
    return gemini.WIRE.read_error(status, headers, raw({"error": inner}))


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "INVALID_ARGUMENT", InvalidRequest),
        (400, "FAILED_PRECONDITION", UpstreamFailed),
        (401, "UNAUTHENTICATED", UpstreamFailed),
        (403, "PERMISSION_DENIED", UpstreamFailed),
        (404, "NOT_FOUND", UpstreamFailed),
        (429, "RESOURCE_EXHAUSTED", QuotaExhausted),
        (500, "INTERNAL", UpstreamFailed),
        (503, "UNAVAILABLE", Overloaded),
        (504, "DEADLINE_EXCEEDED", UpstreamFailed),
        (503, "NEW_WORD", Overloaded),
    ],
)
def test_errors_are_read_by_their_word(status: int, word: str, kind: type[PorticoError]) -> None:
    found = error(status, word)
    assert type(found) is kind
    assert ("Said." in found.message) is (kind is InvalidRequest)
    assert found.detail["status"] == str(status)


def test_a_bad_key_is_not_the_callers_fault() -> None:
    detail = {"@type": INFO, "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    found = error(400, "INVALID_ARGUMENT", detail)
    assert type(found) is UpstreamFailed
    assert "api_key" in found.message
    assert found.detail["type"] == "API_KEY_INVALID"


def test_the_time_to_wait_is_read() -> None:
    found = error(429, "RESOURCE_EXHAUSTED", {"@type": RETRY, "retryDelay": "17.5s"})
    assert found.retry_after == 17.5
    assert error(429, "RESOURCE_EXHAUSTED", headers={"retry-after": "3"}).retry_after == 3
    assert error(429, "RESOURCE_EXHAUSTED", {"retryDelay": "soon"}).retry_after is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 5}', b'[{"error": {}}]'])
def test_an_error_of_any_shape_is_read_by_its_status(body: bytes) -> None:
    assert type(gemini.WIRE.read_error(503, {}, body)) is Overloaded


def test_an_error_is_written_in_googles_shape() -> None:
    written = QuotaExhausted("Wait.", retry_after=2.5, field="model")
    body = json.loads(gemini.DOOR.write_error(written, "call_1"))["error"]
    assert (body["code"], body["status"], body["message"]) == (429, "RESOURCE_EXHAUSTED", "Wait.")
    info, retry = body["details"]
    assert info["reason"] == "QUOTA_EXHAUSTED"
    assert info["metadata"] == {
        "call": "call_1",
        "fault": "caller",
        "retry": "yes",
        "field": "model",
    }
    assert retry["retryDelay"] == "2.5s"
