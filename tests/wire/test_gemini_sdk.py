"""Google's own SDK against the wire: what it sends is read, what is written it reads.

No network: its HTTP client has a transport that answers in memory.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from portico.contract.call import WireRequest
from portico.contract.conversation import Audio, Document, Image, Reasoning, Text, ToolCall
from portico.contract.embedding import EmbeddingAnswer
from portico.contract.errors import PorticoError, QuotaExhausted
from portico.contract.snapshot import Provider
from portico.contract.usage import Usage
from portico.contract.wires import Target
from portico.providers.gemini.connection import connect
from portico.wires import anthropic_messages, gemini, gemini_embeddings
from portico.wires.gemini import schema

MODEL = "gemini-3.8-flash"
TARGET = Target(model_id=MODEL, stream=False, max_output_tokens=64)
SIGNATURE = b"\xff\xfe opaque \x00"
Reply = Callable[[WireRequest], tuple[int, bytes, str]]


class Seen:
    """The SDK's requests, as the door and the connection see them."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.urls: list[str] = []
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.urls.append(str(request.url))
        self.bodies.append(request.content)
        door = gemini_embeddings.DOOR if "embed" in request.url.path.lower() else gemini.DOOR
        status, body, kind = self._reply(door.read(request.content, 100))
        return httpx2.Response(status, content=body, headers={"content-type": kind})

    def client(self) -> genai.Client:
        http = httpx2.Client(transport=httpx2.MockTransport(self))
        options = types.HttpOptions(
            httpx_client=http, base_url="http://portico", api_version="v1beta"
        )
        return genai.Client(api_key="pk", http_options=options)


def message(*content: Any, stop: str = "tool_use") -> bytes:
    """An Anthropic model's answer, as Gemini's door writes it."""
    body = {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": content,
        "stop_reason": stop,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }
    answer = anthropic_messages.WIRE.read_answer(json.dumps(body).encode())
    return gemini.DOOR.write_answer(answer)


def whole(body: bytes) -> Seen:
    return Seen(lambda _: (200, body, "application/json"))


def weather(city: str) -> str:
    """The weather of a city."""
    return city


def test_what_the_sdk_sends_is_read_and_goes_on_as_it_is() -> None:
    seen = whole(message({"type": "text", "text": "Hi"}, stop="end_turn"))
    parts = [
        types.Part.from_text(text="x"),
        types.Part.from_bytes(data=b"\xff\x00", mime_type="image/png"),
        types.Part.from_bytes(data=b"%PDF", mime_type="application/pdf"),
        types.Part.from_bytes(data=b"RIFF", mime_type="audio/wav"),
        types.Part.from_uri(file_uri="gs://b/x.png", mime_type="image/png"),
    ]
    thought = types.Part(text="hm", thought=True, thought_signature=SIGNATURE)
    call = types.Part.from_function_call(name="weather", args={"city": "Bern"})
    call.thought_signature = SIGNATURE
    config = types.GenerateContentConfig(
        system_instruction="S",
        max_output_tokens=9,
        temperature=0.5,
        response_mime_type="application/json",
        response_json_schema={"type": "object"},
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW),
        tools=[types.Tool(google_search=types.GoogleSearch()), weather],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=types.HarmBlockThreshold.OFF,
            )
        ],
    )
    contents = [
        types.Content(role="user", parts=parts),
        types.Content(role="model", parts=[thought, call]),
        types.Content(
            role="user",
            parts=[types.Part.from_function_response(name="weather", response={"sky": "blue"})],
        ),
    ]
    answer = seen.client().models.generate_content(model=MODEL, contents=contents, config=config)
    assert answer.text == "Hi"
    request = gemini.DOOR.read(seen.bodies[0], 100)
    found = gemini.DOOR.conversation(request)
    kinds = [type(part) for turn in found.turns for part in turn.parts]
    assert kinds[:6] == [Text, Text, Image, Document, Audio, Image]
    assert kinds[6:8] == [Reasoning, ToolCall]
    written = json.loads(gemini.WIRE.write_request(found, TARGET).body)
    sent = json.loads(seen.bodies[0])
    spelled = schema.one_spelling(sent)
    assert isinstance(spelled, dict)
    assert written["contents"][0] == spelled["contents"][0]
    assert written["contents"][2] == spelled["contents"][2]
    for name in ("safetySettings", "generationConfig"):
        assert written[name] == spelled[name]
    passed = gemini.WIRE.passthrough(request, TARGET).body
    assert passed == seen.bodies[0]


def test_what_the_door_writes_the_sdk_reads() -> None:
    body = message(
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "Looking"},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bern"}},
        {"type": "tool_use", "id": "t2", "name": "weather", "input": {"city": "Chur"}},
    )
    answer = whole(body).client().models.generate_content(model=MODEL, contents="x")
    assert answer.text == "Looking"
    assert [(call.id, call.args) for call in answer.function_calls or ()] == [
        ("t1", {"city": "Bern"}),
        ("t2", {"city": "Chur"}),
    ]
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.total_token_count == 8


def test_the_sdk_returns_a_signature_and_it_goes_back_to_the_model_that_gave_it() -> None:
    body = message({"type": "thinking", "thinking": "hm", "signature": "not base64!"})
    seen = whole(body)
    answer = seen.client().models.generate_content(model=MODEL, contents="x")
    assert answer.candidates
    assert answer.candidates[0].content is not None
    seen.client().models.generate_content(model=MODEL, contents=[answer.candidates[0].content])
    found = gemini.DOOR.conversation(gemini.DOOR.read(seen.bodies[1], 100))
    part = next(
        part for part in found.turns[0].parts if isinstance(part, Reasoning) and part.signature
    )
    assert part.signature == "not base64!"


def test_a_stream_is_read_by_the_sdk() -> None:
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]}
        for text in ("Hé", "llo")
    ]
    call = {"functionCall": {"name": "weather", "args": {"city": "Bern"}}}
    last = {"content": {"parts": [call], "role": "model"}, "finishReason": "STOP"}
    chunks.append({"candidates": [last], "usageMetadata": {"promptTokenCount": 1}})
    upstream = b"".join(b"data: " + json.dumps(found).encode() + b"\n\n" for found in chunks)

    def reply(request: WireRequest) -> tuple[int, bytes, str]:
        reader = gemini.WIRE.stream_reader()
        writer = gemini.DOOR.stream_writer(request)
        events = [*reader.feed(upstream), *reader.close()]
        out = b"".join(writer.write(event) for event in events)
        return 200, out + writer.finish(b'{"call":"call_1"}'), "text/event-stream"

    seen = Seen(reply)
    found = list(seen.client().models.generate_content_stream(model=MODEL, contents="x"))
    assert "".join(chunk.text or "" for chunk in found) == "Héllo"
    assert [made.name for chunk in found for made in chunk.function_calls or ()] == ["weather"]
    assert found[-1].candidates
    assert found[-1].candidates[0].finish_reason is types.FinishReason.STOP
    path = connect(Provider(name="g", kind="gemini", base_url="http://portico"), "pk")
    asked = path.request("chat", MODEL, b"", True, {})
    assert seen.urls == [asked.url]


@pytest.mark.parametrize("method", ["generate_content", "generate_content_stream"])
def test_an_error_reaches_the_sdk_as_its_own(method: str) -> None:
    error: PorticoError = QuotaExhausted("Wait a little.", retry_after=2)
    body = gemini.DOOR.write_error(error, "call_1")
    call = getattr(Seen(lambda _: (429, body, "application/json")).client().models, method)
    with pytest.raises(errors.ClientError) as raised:
        list(call(model=MODEL, contents="x"))
    assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert raised.value.message == "Wait a little."


def test_an_error_within_a_stream_reaches_the_sdk() -> None:
    def reply(request: WireRequest) -> tuple[int, bytes, str]:
        frame = gemini.DOOR.stream_writer(request).fail(QuotaExhausted("Wait a little."))
        return 200, frame, "text/event-stream"

    models = Seen(reply).client().models
    with pytest.raises(errors.APIError, match="Wait a little"):
        list(models.generate_content_stream(model=MODEL, contents="x"))


def test_embeddings_of_the_sdk_are_read_and_answered() -> None:
    vectors = EmbeddingAnswer(model="", vectors=((0.5, -1.0), (0.0, 2.0)), usage=Usage(input=3))

    def reply(request: WireRequest) -> tuple[int, bytes, str]:
        asked = gemini_embeddings.DOOR.embedding(request)
        assert asked.inputs == ("a", "b")
        assert asked.dimensions == 2
        return 200, gemini_embeddings.DOOR.write_vectors(vectors), "application/json"

    seen = Seen(reply)
    config = types.EmbedContentConfig(output_dimensionality=2)
    found = seen.client().models.embed_content(
        model="gemini-embedding-001", contents=["a", "b"], config=config
    )
    assert [entry.values for entry in found.embeddings or ()] == [[0.5, -1.0], [0.0, 2.0]]
    request = gemini_embeddings.DOOR.read(seen.bodies[0], 20)
    target = Target(model_id="gemini-embedding-001", stream=False, max_output_tokens=0)
    written = gemini_embeddings.WIRE.write_embedding(
        gemini_embeddings.DOOR.embedding(request), target
    )
    sent = json.loads(seen.bodies[0])
    for entry in sent["requests"]:
        assert entry["content"].pop("role") == "user"
    assert json.loads(written.body) == sent
