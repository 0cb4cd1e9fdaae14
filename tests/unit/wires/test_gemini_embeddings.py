"""Embeddings: OpenAI's door to a Gemini model and back."""

import json
import struct
from base64 import b64decode
from typing import Any

import pytest

from portico.contract.embedding import EmbeddingAnswer, EmbeddingRequest
from portico.contract.errors import InvalidRequest, PorticoError, QuotaExhausted, UpstreamFailed
from portico.contract.usage import Usage
from portico.contract.wires import Target
from portico.wires import gemini_embeddings, openai_chat, openai_embeddings

TARGET = Target(model_id="gemini-embedding-001", stream=False, max_output_tokens=0)
VECTORS = ((0.5, -1.25), (0.0, 2.0))


def asked(**members: Any) -> EmbeddingRequest:
    body = json.dumps({"model": "m", **members}).encode()
    return openai_embeddings.DOOR.embedding(openai_embeddings.DOOR.read(body, 20))


def test_texts_leave_as_a_batch_that_names_the_model_in_each_request() -> None:
    request = asked(input=["a", "b"], dimensions=2, user="u", encoding_format="base64")
    written = gemini_embeddings.WIRE.write_embedding(request, TARGET)
    model = "models/gemini-embedding-001"
    assert json.loads(written.body) == {
        "requests": [
            {"model": model, "content": {"parts": [{"text": text}]}, "outputDimensionality": 2}
            for text in "ab"
        ]
    }
    assert written.dropped == ("user",)
    assert request.encoding == "base64"
    assert asked(input="a") == EmbeddingRequest(wire="openai_embeddings", inputs=("a",))


@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2]]])
def test_token_ids_are_refused_because_only_their_tokenizer_reads_them(tokens: Any) -> None:
    with pytest.raises(InvalidRequest, match="token ids") as refused:
        asked(input=tokens)
    assert refused.value.field == "input"


def test_vectors_come_back_as_numbers() -> None:
    body = {
        "embeddings": [{"values": list(vector)} for vector in VECTORS],
        "usageMetadata": {"promptTokenCount": 7},
    }
    answer = gemini_embeddings.WIRE.read_vectors(json.dumps(body).encode())
    assert answer.vectors == VECTORS
    assert answer.usage == Usage(input=7)
    written = json.loads(openai_embeddings.DOOR.write_vectors(answer))
    assert [entry["embedding"] for entry in written["data"]] == [list(v) for v in VECTORS]
    assert [entry["index"] for entry in written["data"]] == [0, 1]
    assert written["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    skim = gemini_embeddings.WIRE.skim(json.dumps(body).encode())
    assert (skim.usage, skim.complete, skim.failed) == (Usage(input=7), True, None)


def test_vectors_come_back_as_little_endian_floats_in_base64() -> None:
    answer = EmbeddingAnswer(model="m", vectors=VECTORS, encoding="base64")
    written = json.loads(openai_embeddings.DOOR.write_vectors(answer))
    texts = [entry["embedding"] for entry in written["data"]]
    assert tuple(struct.unpack("<2f", b64decode(text)) for text in texts) == VECTORS


def test_a_number_beyond_32_bits_is_the_providers_fault() -> None:
    answer = EmbeddingAnswer(model="m", vectors=((1e300,),), encoding="base64")
    with pytest.raises(UpstreamFailed, match="32 bits"):
        openai_embeddings.DOOR.write_vectors(answer)


def test_the_openai_wire_embeds_for_other_doors() -> None:
    batch = {"requests": [{"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 2}]}
    request = gemini_embeddings.DOOR.read(json.dumps(batch).encode(), 20)
    asked_for = gemini_embeddings.DOOR.embedding(request)
    target = Target(model_id="text-embedding-3-small", stream=False, max_output_tokens=0)
    written = openai_embeddings.WIRE.write_embedding(asked_for, target)
    assert json.loads(written.body) == {
        "model": "text-embedding-3-small",
        "input": ["a"],
        "encoding_format": "float",
        "dimensions": 2,
    }
    rows = [
        {"index": 1, "embedding": [2.0]},
        {"index": 0, "embedding": [1.0]},
    ]
    body = {"data": rows, "model": "x", "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    answer = openai_embeddings.WIRE.read_vectors(json.dumps(body).encode())
    assert answer.vectors == ((1.0,), (2.0,))
    back = json.loads(gemini_embeddings.DOOR.write_vectors(answer))
    assert back == {
        "embeddings": [{"values": [1.0]}, {"values": [2.0]}],
        "usageMetadata": {"promptTokenCount": 3},
    }


def test_a_batch_that_asks_for_two_lengths_is_refused() -> None:
    requests = [
        {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": length} for length in (1, 2)
    ]
    request = gemini_embeddings.DOOR.read(json.dumps({"requests": requests}).encode(), 20)
    with pytest.raises(InvalidRequest):
        gemini_embeddings.DOOR.embedding(request)


@pytest.mark.parametrize("wire", [gemini_embeddings.WIRE, openai_embeddings.WIRE])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings":[{}],"data":[{}]}', b"[1]"])
def test_what_holds_no_vectors_fails_as_the_providers_fault(wire: Any, body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        wire.read_vectors(body)


def test_an_error_object_is_read_for_what_it_means() -> None:
    error = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x"}}
    body = json.dumps(error).encode()
    with pytest.raises(QuotaExhausted):
        gemini_embeddings.WIRE.read_vectors(body)
    assert isinstance(gemini_embeddings.WIRE.read_error(429, {}, body), QuotaExhausted)


def test_a_wire_of_embeddings_holds_no_conversation() -> None:
    request = openai_chat.DOOR.read(b'{"model":"m","messages":[{"role":"user","content":"x"}]}', 9)
    with pytest.raises(PorticoError, match="embeds texts"):
        gemini_embeddings.WIRE.write_request(openai_chat.DOOR.conversation(request), TARGET)
