"""What leaves for a caller is what Anthropic's own SDK reads, types and all."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pydantic
import pytest
from anthropic.types import Message, RawMessageStreamEvent

from portico.contract import errors
from portico.contract.conversation import Citation, Reasoning, Refusal, Text, ToolCall
from portico.contract.events import (
    Answer,
    Choice,
    CitationAdded,
    Event,
    PartClosed,
    PartDelta,
    PartOpened,
    Started,
    Stopped,
    UsageReported,
)
from portico.contract.usage import StopReason, Usage
from portico.wires.anthropic_messages import DOOR

STREAM_EVENT: pydantic.TypeAdapter[RawMessageStreamEvent] = pydantic.TypeAdapter(
    RawMessageStreamEvent
)
REQUEST = DOOR.read(
    b'{"model":"m","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"Hi"}]}', 9
)
CITATION = Citation(text="a", url="https://x.test", title="X")
USAGE = Usage(input=3, cached_read=1, cache_write_1h=2, output=9, reasoning=4)

EVENTS: tuple[Event, ...] = (
    Started(id="chatcmpl-1", model="gpt-5"),
    PartOpened(part=0, kind="reasoning"),
    PartDelta(part=0, text="Hm"),
    PartDelta(part=0, text="sig", field="signature"),
    PartClosed(part=0),
    PartOpened(part=1, kind="text"),
    PartDelta(part=1, text="Hé"),
    PartDelta(part=1, text="llo"),
    CitationAdded(part=1, citation=CITATION),
    PartClosed(part=1),
    PartOpened(part=2, kind="tool_call", id="call_1", name="look"),
    PartDelta(part=2, text='{"city": "Par', field="arguments"),
    PartDelta(part=2, text='is"}', field="arguments"),
    PartClosed(part=2),
    UsageReported(usage=USAGE),
    Stopped(reason=StopReason.TOOL_CALLS),
)


def stream() -> bytes:
    writer = DOOR.stream_writer(REQUEST)
    return b"".join(map(writer.write, EVENTS)) + writer.finish(b'{"call":"call_1"}')


def client(status: int, body: bytes, kind: str) -> anthropic.Anthropic:
    """The SDK with a transport in memory: no socket, one try."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": kind})

    return anthropic.Anthropic(
        api_key="pk_test",
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(reply)),
    )


def ask(sdk: anthropic.Anthropic) -> Message:
    return sdk.messages.create(
        model="support", max_tokens=10, messages=[{"role": "user", "content": "Hi"}]
    )


def data() -> Iterator[dict[str, Any]]:
    for line in stream().split(b"\n"):
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def test_a_whole_answer_is_a_message_of_the_sdk() -> None:
    answer = Answer(
        id="chatcmpl-1",
        model="gpt-5",
        choices=(
            Choice(
                parts=(
                    Reasoning(text="Hm"),
                    Text(text="Hello", citations=(CITATION,)),
                    Refusal(text="but no"),
                    ToolCall(id="call_1", name="look", arguments='{"a":1}'),
                ),
                stop=StopReason.STOP_SEQUENCE,
                sequence="END",
            ),
        ),
        usage=USAGE,
    )
    body = DOOR.write_answer(answer)
    message = Message.model_validate_json(body)
    assert [block.type for block in message.content] == ["thinking", "text", "text", "tool_use"]
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 9)
    assert ask(client(200, body, "application/json")) == message


def test_an_answer_without_usage_is_still_a_message_of_the_sdk() -> None:
    choice = Choice(parts=(), stop=StopReason.OTHER)
    body = DOOR.write_answer(Answer(id="", model="", choices=(choice,)))
    assert Message.model_validate_json(body).usage.output_tokens == 0


def test_every_event_of_a_stream_is_one_of_the_sdks() -> None:
    kinds = [STREAM_EVENT.validate_python(event).type for event in data()]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_the_sdk_puts_a_stream_together() -> None:
    sdk = client(200, stream(), "text/event-stream")
    with sdk.messages.stream(
        model="support", max_tokens=10, messages=[{"role": "user", "content": "Hi"}]
    ) as got:
        message = got.get_final_message()
    thinking, text, call = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature) == ("Hm", "sig")
    assert text.type == "text"
    assert text.text == "Héllo"
    assert text.citations is not None
    assert text.citations[0].type == "web_search_result_location"
    assert call.type == "tool_use"
    assert call.input == {"city": "Paris"}
    assert message.stop_reason == "tool_use"
    assert message.usage.input_tokens == 3
    assert message.usage.cache_creation_input_tokens == 2
    assert message.usage.output_tokens == 9


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.InvalidRequest("x"), anthropic.BadRequestError),
        (errors.BodyTooLarge("x"), anthropic.RequestTooLargeError),
        (errors.Unauthenticated("x"), anthropic.AuthenticationError),
        (errors.PolicyDenied("x"), anthropic.PermissionDeniedError),
        (errors.UnknownModel("x"), anthropic.NotFoundError),
        (errors.ApprovalRequired("x"), anthropic.ConflictError),
        (errors.AnswerWithheld("x"), anthropic.UnprocessableEntityError),
        (errors.QuotaExhausted("x"), anthropic.RateLimitError),
        (errors.Overloaded("x"), anthropic.InternalServerError),
        (errors.UpstreamFailed("x"), anthropic.InternalServerError),
        (errors.DeadlineExceeded("x"), anthropic.InternalServerError),
    ],
)
def test_the_sdk_raises_its_own_class_for_every_error(
    error: errors.PorticoError, expected: type[anthropic.APIStatusError]
) -> None:
    sdk = client(error.status, DOOR.write_error(error, "call_1"), "application/json")
    with pytest.raises(expected) as raised:
        ask(sdk)
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["portico"]["code"] == error.code


def test_the_sdk_raises_when_a_stream_ends_in_an_error() -> None:
    writer = DOOR.stream_writer(REQUEST)
    broken = writer.write(EVENTS[0]) + writer.fail(errors.UpstreamFailed("It broke."))
    sdk = client(200, broken, "text/event-stream")
    events = sdk.messages.create(
        model="support",
        max_tokens=10,
        stream=True,
        messages=[{"role": "user", "content": "Hi"}],
    )
    with pytest.raises(anthropic.APIStatusError, match="It broke"):
        list(events)
