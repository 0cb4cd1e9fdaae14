"""The simulator's four wires at its ASGI door, read by our own sides of the same wires."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest

from portico.adapters.simulator.app import Message, SimulatorApp
from portico.adapters.simulator.routes import ROUTES
from portico.contract.errors import QuotaExhausted
from portico.contract.events import PartDelta
from portico.contract.wires import ProviderWire
from portico.wires.anthropic_messages import WIRE as ANTHROPIC
from portico.wires.bedrock_converse import WIRE as BEDROCK
from portico.wires.bedrock_embeddings import WIRE as BEDROCK_VECTORS
from portico.wires.event_stream import EventStreamReader
from portico.wires.gemini import WIRE as GEMINI
from portico.wires.gemini_embeddings import WIRE as GEMINI_VECTORS
from portico.wires.openai_chat import WIRE as OPENAI

TEXT = "Grüße an alle"
TURN = {"role": "user", "content": TEXT}


class Wire(msgspec.Struct, frozen=True):
    """How a chat is asked for, whole and streamed; {id} is the encoded id of the model."""

    reader: ProviderWire
    whole: str
    stream: str
    body: Mapping[str, Any]
    named: bool = False
    """The body names the model and whether to stream."""


WIRES = {
    "openai": Wire(
        OPENAI, "/v1/chat/completions", "/v1/chat/completions", {"messages": [TURN]}, True
    ),
    "anthropic": Wire(
        ANTHROPIC, "/v1/messages", "/v1/messages", {"messages": [TURN], "max_tokens": 99}, True
    ),
    "bedrock": Wire(
        BEDROCK,
        "/model/{id}/converse",
        "/model/{id}/converse-stream",
        {"messages": [{"role": "user", "content": [{"text": TEXT}]}]},
    ),
    "gemini": Wire(
        GEMINI,
        "/v1beta/models/{id}:generateContent",
        "/v1beta/models/{id}:streamGenerateContent?alt=sse",
        {"contents": [{"parts": [{"text": TEXT}]}]},
    ),
}
EACH = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES.keys())
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


class Got(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


NEVER = -1


def send(
    target: str, body: object = None, app: SimulatorApp | None = None, leaves_at: int = NEVER
) -> Got:
    """A request to path and query, GET without a body, of a client that leaves after bytes."""
    path, _, query = target.partition("?")
    scope: Message = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
    }
    written = b"" if body is None else msgspec.json.encode(body)
    messages: list[Message] = [{"type": "http.request", "body": written}]
    sent: list[Message] = []

    async def main() -> None:
        enough = asyncio.Event()

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await enough.wait()
            return {"type": "http.disconnect"}

        async def take(message: Message) -> None:
            sent.append(message)
            if sum(len(part.get("body", b"")) for part in sent) == leaves_at:
                enough.set()

        await (app or SimulatorApp())(scope, receive, take)

    asyncio.run(main())
    head, *parts = sent
    return Got(
        status=head["status"],
        headers={name.decode(): value.decode() for name, value in head["headers"]},
        body=b"".join(part["body"] for part in parts),
        complete=not parts[-1]["more_body"],
    )


def chat(
    wire: Wire,
    model: str,
    stream: bool,
    app: SimulatorApp | None = None,
    leaves_at: int = NEVER,
) -> Got:
    target = (wire.stream if stream else wire.whole).replace("{id}", quote(model, safe=""))
    named = {"model": model, "stream": stream} if wire.named else {}
    return send(target, {**wire.body, **named}, app, leaves_at)


def said(wire: Wire, got: Got, stream: bool) -> str:
    if not stream:
        parts = wire.reader.read_answer(got.body).choices[0].parts
        return "".join(getattr(part, "text", "") for part in parts)
    reader = wire.reader.stream_reader()
    events = [*reader.feed(got.body), *reader.close()]
    assert reader.complete
    return "".join(event.text for event in events if isinstance(event, PartDelta))


@EACH
@BOTH
@pytest.mark.parametrize("model", ["echo", "echo?ttft=1ms&tps=100000", "echo?slow=1:1ms&seed=3"])
def test_every_wire_says_the_same_at_any_pace(wire: Wire, stream: bool, model: str) -> None:
    got = chat(wire, model, stream)
    assert (got.status, got.complete) == (200, True)
    assert said(wire, got, stream) == TEXT


@EACH
@BOTH
def test_every_answer_says_once_that_it_is_simulated(wire: Wire, stream: bool) -> None:
    got = chat(wire, "echo", stream)
    assert got.headers["x-portico-simulated"] == "true"
    assert got.body.count(b'"simulated":true') == 1
    assert b'"portico"' not in got.body


@EACH
@BOTH
def test_a_cut_breaks_every_wire_after_its_bytes(wire: Wire, stream: bool) -> None:
    got = chat(wire, "echo?cut=40", stream)
    assert (got.status, len(got.body), got.complete) == (200, 40, False)


@EACH
@BOTH
def test_a_stall_hangs_on_every_wire_until_the_client_leaves(wire: Wire, stream: bool) -> None:
    got = chat(wire, "echo?stall=30@1", stream, leaves_at=30)
    assert (got.status, len(got.body), got.complete) == (200, 30, False)


@EACH
def test_a_failure_is_read_as_what_it_is_with_its_delay(wire: Wire) -> None:
    got = chat(wire, "echo?fail=429&retry_after=3", True)
    assert got.status == 429
    assert got.headers["retry-after"] == "3"
    error = wire.reader.read_error(429, got.headers, got.body)
    assert (type(error), error.retry_after) == (QuotaExhausted, 3)


def test_the_same_requests_fail_on_every_wire() -> None:
    def statuses(wire: Wire) -> list[int]:
        app = SimulatorApp()
        return [chat(wire, "echo?fail=500@0.4&seed=7", False, app).status for _ in range(20)]

    runs = [statuses(wire) for wire in WIRES.values()]
    assert set(runs[0]) == {200, 500}
    assert all(run == runs[0] for run in runs)


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("echo?fail=408", 408, "ModelTimeoutException"),
        ("echo?fail=424", 424, "ModelErrorException"),
        ("echo?fail=429", 429, "ThrottlingException"),
        ("echo?fail=500", 500, "InternalServerException"),
        ("echo?fail=503", 503, "ServiceUnavailableException"),
        ("nope", 404, "ResourceNotFoundException"),
        ("echo?x=1", 400, "ValidationException"),
    ],
)
def test_bedrock_names_its_exception_in_a_header(model: str, status: int, kind: str) -> None:
    got = chat(WIRES["bedrock"], model, True)
    assert (got.status, got.headers["x-amzn-errortype"]) == (status, kind)
    assert got.json["message"]


@pytest.mark.parametrize(
    ("model", "status", "word"),
    [
        ("echo?fail=429", 429, "RESOURCE_EXHAUSTED"),
        ("echo?fail=500", 500, "INTERNAL"),
        ("echo?fail=503", 503, "UNAVAILABLE"),
        ("nope", 404, "NOT_FOUND"),
        ("echo?x=1", 400, "INVALID_ARGUMENT"),
    ],
)
def test_gemini_s_errors_are_google_s(model: str, status: int, word: str) -> None:
    error = chat(WIRES["gemini"], model, True).json["error"]
    assert (error["code"], error["status"]) == (status, word)
    assert error["message"]


def test_a_binary_stream_is_sealed_frames_marked_in_the_first() -> None:
    got = chat(WIRES["bedrock"], "echo", True)
    assert got.headers["content-type"] == "application/vnd.amazon.eventstream"
    reader = EventStreamReader()
    frames = reader.feed(got.body)
    assert reader.failure is None
    assert frames[0].header(":event-type") == "messageStart"
    assert json.loads(frames[0].payload) == {"simulated": True, "role": "assistant"}
    assert frames[-1].header(":event-type") == "metadata"
    assert json.loads(frames[-1].payload)["usage"]["outputTokens"] == 4


def test_a_stream_of_gemini_without_alt_sse_is_one_json_array() -> None:
    array = send("/v1beta/models/echo:streamGenerateContent", WIRES["gemini"].body)
    lines = chat(WIRES["gemini"], "echo", True).body.decode().splitlines()
    assert array.headers["content-type"] == "application/json"
    assert array.json == [json.loads(line.removeprefix("data: ")) for line in lines if line]


def test_an_id_whose_settings_were_sent_as_a_query_is_read_with_them() -> None:
    got = send("/model/echo?fail=424@1/converse", WIRES["bedrock"].body)
    assert got.status == 424
    got = send("/v1beta/models/echo?fail=501:streamGenerateContent?alt=sse", WIRES["gemini"].body)
    assert got.status == 501


def test_an_arn_stands_for_its_last_part() -> None:
    arn = "arn:aws:bedrock:eu-west-1::foundation-model/echo?fail=503@1"
    assert chat(WIRES["bedrock"], arn, False).status == 503


@pytest.mark.parametrize(
    "body",
    [
        {"inputText": "a cat", "dimensions": 8},
        {"texts": ["a cat"], "output_dimension": 8, "embedding_types": ["float"]},
        {"texts": ["a cat"], "output_dimension": 8},
    ],
)
@pytest.mark.parametrize("model", ["embed", "amazon.titan-embed-text-v2:0", "eu.cohere.embed-v4:0"])
def test_bedrock_embeds_in_the_shape_of_the_body(body: object, model: str) -> None:
    got = send(f"/model/{quote(model, safe='')}/invoke", body)
    assert [len(vector) for vector in BEDROCK_VECTORS.read_vectors(got.body).vectors] == [8]
    assert got.json["simulated"] is True


def test_gemini_embeds_in_a_batch_and_alone() -> None:
    request = {"content": {"parts": [{"text": "a cat"}]}, "outputDimensionality": 8}
    batch = send("/v1beta/models/embed:batchEmbedContents", {"requests": [request] * 2})
    found = GEMINI_VECTORS.read_vectors(batch.body)
    assert [len(vector) for vector in found.vectors] == [8, 8]
    assert found.usage is not None
    assert found.usage.input == 4
    alone = send("/v1beta/models/embed:embedContent", request).json
    assert alone["embedding"]["values"] == pytest.approx(list(found.vectors[0]))


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/model/echo/invoke", {"inputText": "a"}),
        ("/model/embed/invoke", {}),
        ("/model/embed/invoke", []),
        ("/v1beta/models/embed:embedContent", {}),
        ("/v1beta/models/embed:batchEmbedContents", {"requests": []}),
        ("/v1beta/models/echo:countTokens", {"generateContentRequest": 1}),
        ("/v1beta/models/echo:countTokens", []),
        ("/model/embed/converse", WIRES["bedrock"].body),
    ],
)
def test_a_request_that_cannot_be_served_is_refused(target: str, body: object) -> None:
    got = send(target, body)
    assert got.status == 400
    assert got.json["simulated"] is True


@pytest.mark.parametrize("wrapped", [False, True])
def test_gemini_counts_contents_and_whole_requests(wrapped: bool) -> None:
    body = WIRES["gemini"].body
    asked = {"generateContentRequest": {"model": "models/echo", **body}} if wrapped else body
    assert send("/v1beta/models/echo:countTokens", asked).json["totalTokens"] == 4


@pytest.mark.parametrize(
    ("path", "listed", "name"),
    [
        ("/v1/models", "data", "id"),
        ("/foundation-models", "modelSummaries", "modelId"),
        ("/v1beta/models?pageSize=50", "models", "name"),
    ],
)
def test_every_provider_s_probe_lists_the_models(path: str, listed: str, name: str) -> None:
    found = send(path).json
    assert found["simulated"] is True
    names = [item[name].removeprefix("models/") for item in found[listed]]
    assert names == ["echo", "extract", "embed"]


def test_the_docs_list_every_path() -> None:
    text = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    assert [route.path for route in ROUTES if f"`{route.method} {route.path}`" not in text] == []


@pytest.mark.parametrize(
    ("response", "echoed"),
    [
        ({"output": "Sunny"}, "Sunny"),
        ({"output": '{"a":1}'}, '{"output":"{\\"a\\":1}"}'),
        ({"output": "Sunny", "n": 1}, '{"output":"Sunny","n":1}'),
        ({"output": 1}, '{"output":1}'),
    ],
)
def test_gemini_s_echo_repeats_what_a_function_returned(response: object, echoed: str) -> None:
    contents = [
        {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": response}}]},
    ]
    got = send("/v1beta/models/echo:generateContent", {"contents": contents})
    assert got.json["candidates"][0]["content"]["parts"] == [{"text": echoed}]
