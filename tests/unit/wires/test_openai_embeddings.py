"""The embeddings wire: what the door takes, what passes, what is learnt."""

import json

import pytest

from portico.contract.errors import InvalidRequest, UpstreamFailed
from portico.contract.usage import Usage
from portico.contract.wires import Target
from portico.wires.openai_embeddings import DOOR, WIRE

TARGET = Target(model_id="emb-x", stream=False, max_output_tokens=0)


def body(**members: object) -> bytes:
    return json.dumps({"model": "m", "input": "hi", **members}).encode()


@pytest.mark.parametrize("given", ["a", ["a", "b"], [1, 2], [[1], [2, 3]]])
def test_texts_and_tokens_are_taken(given: object) -> None:
    request = DOOR.read(body(input=given), 10)
    assert (request.operation, request.model, request.stream) == ("embeddings", "m", False)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": [[1], [-1]]}, "input[1][0]"),
        ({"input": ["x"] * 2049}, "input"),
        ({"model": ""}, "model"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_anything_else_is_refused_by_name(members: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DOOR.read(body(**members), 10)
    assert caught.value.field == field


def test_a_passthrough_changes_the_model_only() -> None:
    request = DOOR.read(b'{ "input" : "x", "model":"m" }', 10)
    assert WIRE.passthrough(request, TARGET).body == b'{ "input" : "x", "model":"emb-x" }'


def test_a_skim_knows_the_usage() -> None:
    answer = {
        "object": "list",
        "model": "emb-x",
        "data": [{"embedding": [0.1]}],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    skim = WIRE.skim(json.dumps(answer).encode())
    assert (skim.model, skim.usage, skim.complete) == ("emb-x", Usage(input=5), True)
    assert isinstance(WIRE.skim(b"{}").failed, UpstreamFailed)


def test_embeddings_are_not_translated() -> None:
    request = DOOR.read(body(), 10)
    with pytest.raises(InvalidRequest):
        DOOR.conversation(request)
    with pytest.raises(InvalidRequest):
        WIRE.read_answer(b"{}")
