"""Embeddings on Bedrock: each family its own body, both ways."""

import json
from typing import Any

import pytest

from portico.contract.embedding import EmbeddingRequest
from portico.contract.errors import InvalidRequest, UpstreamFailed
from portico.contract.usage import Usage
from portico.contract.wires import Target
from portico.wires.bedrock_embeddings import FAMILIES, WIRE

TITAN = "amazon.titan-embed-text-v2:0"


def asked(*inputs: str, **more: Any) -> EmbeddingRequest:
    return EmbeddingRequest(wire="openai_embeddings", inputs=inputs, **more)


def written(request: EmbeddingRequest, model: str) -> dict[str, Any]:
    target = Target(model_id=model, stream=False, max_output_tokens=0)
    body: dict[str, Any] = json.loads(WIRE.write_embedding(request, target).body)
    return body


@pytest.mark.parametrize(
    ("model", "request_", "body"),
    [
        (TITAN, asked("a"), {"inputText": "a"}),
        (f"arn:aws:bedrock:eu-west-1::foundation-model/{TITAN}", asked("a", dimensions=256),
         {"inputText": "a", "dimensions": 256}),
        ("amazon.titan-embed-text-v1", asked("a"), {"inputText": "a"}),
        ("eu.cohere.embed-v4:0", asked("a", "b", dimensions=512),
         {"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"],
          "output_dimension": 512}),
        ("cohere.embed-multilingual-v3", asked("a"),
         {"texts": ["a"], "input_type": "search_document", "embedding_types": ["float"]}),
    ],
)  # fmt: skip
def test_each_family_has_its_body(
    model: str, request_: EmbeddingRequest, body: dict[str, Any]
) -> None:
    assert written(request_, model) == body


@pytest.mark.parametrize(
    ("model", "request_", "field"),
    [
        (TITAN, asked("a", "b"), "input"),
        (TITAN, asked(), "input"),
        ("cohere.embed-english-v3", asked(*"a" * 97), "input"),
        ("cohere.embed-english-v3", asked("a", dimensions=5), "dimensions"),
        ("amazon.titan-embed-text-v1", asked("a", dimensions=5), "dimensions"),
        ("anthropic.claude-opus-5", asked("a"), "model"),
    ],
)
def test_what_a_family_cannot_take_is_refused_by_name(
    model: str, request_: EmbeddingRequest, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        written(request_, model)
    assert refused.value.field == field


def test_the_callers_id_of_the_person_is_dropped_and_listed() -> None:
    target = Target(model_id=TITAN, stream=False, max_output_tokens=0)
    assert WIRE.write_embedding(asked("a", end_user="ann"), target).dropped == ("end_user",)


@pytest.mark.parametrize(
    ("body", "vectors", "usage"),
    [
        ({"embedding": [0.5, 1], "inputTextTokenCount": 3}, ((0.5, 1.0),), Usage(input=3)),
        ({"embeddings": {"float": [[0.5], [1]]}, "id": "x"}, ((0.5,), (1.0,)), None),
        ({"embeddings": [[0.5]], "response_type": "embeddings_floats"}, ((0.5,),), None),
        ({"embedding": [1], "inputTextTokenCount": None}, ((1.0,),), None),
    ],
)
def test_the_vectors_of_each_family_are_read(
    body: dict[str, Any], vectors: tuple[tuple[float, ...], ...], usage: Usage | None
) -> None:
    data = json.dumps(body).encode()
    found = WIRE.read_vectors(data)
    assert (found.vectors, found.usage) == (vectors, usage)
    assert (WIRE.skim(data).usage, WIRE.skim(data).complete) == (usage, True)


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"<html>", b'{"embeddings":{"int8":[[1]]}}', b'{"embedding":["x"]}']
)
def test_what_holds_no_vectors_is_a_failure_of_the_upstream(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        WIRE.read_vectors(body)


def test_conversations_and_foreign_bodies_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        WIRE.read_answer(b"{}")


def test_every_family_has_its_source() -> None:
    assert all(row.source.startswith("https://docs.aws.amazon.com/bedrock/") for row in FAMILIES)
