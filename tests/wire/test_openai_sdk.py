"""What this wire writes, as the openai SDK reads it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from portico.contract.call import WireRequest
from portico.contract.conversation import Audio as AudioPart
from portico.contract.conversation import Citation, Inline, Reasoning, Refusal, Text, ToolCall
from portico.contract.errors import (
    AnswerWithheld,
    ApprovalRequired,
    BudgetExhausted,
    DeadlineExceeded,
    GuardBlocked,
    InternalFault,
    InvalidRequest,
    Overloaded,
    PolicyDenied,
    PorticoError,
    QuotaExhausted,
    Unauthenticated,
    UnknownModel,
    UpstreamFailed,
)
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
from portico.wires.openai_chat import DOOR, WIRE

USAGE = Usage(input=3, cached_read=2, cache_write_1h=1, output=4, reasoning=1)
CITED = Citation(url="https://x.test", title="T", start=0, end=2)
ANSWER = Answer(
    id="msg_1",
    model="claude",
    created=1700000000,
    usage=USAGE,
    choices=(
        Choice(
            parts=(
                Reasoning(text="hm", signature="s"),
                Text(text="Hi", citations=(CITED, Citation(text="from a document"))),
                ToolCall(id="t", name="f", arguments='{"a":1}'),
                ToolCall(id="u", name="g", arguments=""),
            ),
            stop=StopReason.TOOL_CALLS,
        ),
        Choice(parts=(Refusal(text="no"),), stop=StopReason.REFUSAL),
        Choice(
            parts=(AudioPart(source=Inline("audio/wav", "AA"), transcript="x"),),
            stop=StopReason.LENGTH,
        ),
    ),
)
EVENTS: list[Event] = [
    Started(id="msg_1", model="claude"),
    PartOpened(part=0, kind="reasoning"),
    PartDelta(part=0, text="hm"),
    PartClosed(part=0),
    PartOpened(part=1, kind="text"),
    PartDelta(part=1, text="Hi ž"),
    CitationAdded(part=1, citation=CITED),
    PartClosed(part=1),
    PartOpened(part=2, kind="tool_call", id="t", name="f"),
    PartDelta(part=2, text='{"a":', field="arguments"),
    PartDelta(part=2, text="1}", field="arguments"),
    PartClosed(part=2),
    PartOpened(part=3, kind="tool_call", id="u", name="g"),
    PartDelta(part=3, text="{}", field="arguments"),
    PartClosed(part=3),
    UsageReported(usage=USAGE),
    Stopped(reason=StopReason.TOOL_CALLS),
]


def request(*, usage: bool) -> WireRequest:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
        "stream_options": {"include_usage": usage},
    }
    return DOOR.read(json.dumps(body).encode(), 20)


def client(status: int, body: bytes, kind: str = "application/json") -> openai.OpenAI:
    """The SDK in front of an upstream that answers with these bytes."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": kind})

    inner = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(
        api_key="k", base_url="http://portico.test/v1", max_retries=0, http_client=inner
    )


def streamed(body: bytes) -> Iterator[ChatCompletionChunk]:
    sdk = client(200, body, "text/event-stream")
    yield from sdk.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "x"}], stream=True
    )


def test_the_sdk_types_a_whole_answer() -> None:
    read = ChatCompletion.model_validate_json(DOOR.write_answer(ANSWER), strict=True)
    first, second, third = read.choices
    assert (first.message.content, first.finish_reason) == ("Hi", "tool_calls")
    assert [call.id for call in first.message.tool_calls or []] == ["t", "u"]
    assert [note.url_citation.url for note in first.message.annotations or []] == ["https://x.test"]
    assert (second.message.refusal, second.finish_reason) == ("no", "stop")
    assert third.message.audio is not None
    assert read.usage is not None
    assert (read.usage.prompt_tokens, read.usage.total_tokens) == (6, 10)


@pytest.mark.parametrize("usage", [True, False])
def test_the_sdk_reads_a_written_stream_to_its_end(usage: bool) -> None:
    writer = DOOR.stream_writer(request(usage=usage))
    body = b"".join(map(writer.write, EVENTS)) + writer.finish(b'{"call":"call_1"}')
    chunks = list(streamed(body))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    calls: dict[int, str] = {}
    for found in chunks:
        for choice in found.choices:
            for call in choice.delta.tool_calls or []:
                given = call.function.arguments if call.function else None
                calls[call.index] = calls.get(call.index, "") + (given or "")
    assert (text, calls) == ("Hi ž", {0: '{"a":1}', 1: "{}"})
    assert chunks[0].choices[0].delta.role == "assistant"
    last: Any = chunks[-1]
    assert last.portico == {"call": "call_1"}
    assert (last.usage is not None) == usage
    frames = [found[6:] for found in body.split(b"\n\n") if found and b"[DONE]" not in found]
    assert all(ChatCompletionChunk.model_validate_json(found, strict=True) for found in frames)


def test_the_sdk_reads_a_relayed_stream_with_portico_in_its_last_chunk() -> None:
    writer = DOOR.stream_writer(request(usage=True))
    upstream = b"".join(map(writer.write, EVENTS)) + writer.finish(b'{"call":"upstream"}')
    relay = WIRE.relay(request(usage=False))
    body = relay.feed(upstream) + relay.close() + relay.finish(b'{"call":"call_1"}')
    last: Any = list(streamed(body))[-1]
    assert (last.choices[0].finish_reason, last.portico) == ("tool_calls", {"call": "call_1"})


def test_the_sdk_raises_on_the_error_frame_of_a_broken_stream() -> None:
    relay = WIRE.relay(request(usage=False))
    writer = DOOR.stream_writer(request(usage=False))
    begun = relay.feed(b"".join(map(writer.write, EVENTS[:6])))
    chunks = streamed(begun + relay.fail(UpstreamFailed("it broke", detail={})))
    with pytest.raises(openai.APIError, match="it broke") as caught:
        list(chunks)
    assert caught.value.code == "upstream_failed"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x", field="n"), openai.BadRequestError),
        (GuardBlocked("x"), openai.BadRequestError),
        (Unauthenticated("x"), openai.AuthenticationError),
        (PolicyDenied("x"), openai.PermissionDeniedError),
        (UnknownModel("x"), openai.NotFoundError),
        (ApprovalRequired("x"), openai.ConflictError),
        (AnswerWithheld("x"), openai.UnprocessableEntityError),
        (BudgetExhausted("x"), openai.RateLimitError),
        (QuotaExhausted("x"), openai.RateLimitError),
        (InternalFault("x"), openai.InternalServerError),
        (UpstreamFailed("x"), openai.InternalServerError),
        (Overloaded("x"), openai.InternalServerError),
        (DeadlineExceeded("x"), openai.InternalServerError),
    ],
)
def test_every_error_has_the_sdks_exception_and_our_code(
    error: PorticoError, kind: type[openai.APIStatusError]
) -> None:
    sdk = client(error.status, DOOR.write_error(error, "call_1"))
    with pytest.raises(kind) as caught:
        sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert (caught.value.code, caught.value.param) == (error.code, error.field)
    body: Any = caught.value.body
    assert body["portico"] == {"call": "call_1", "fault": error.fault, "retry": error.retry}
