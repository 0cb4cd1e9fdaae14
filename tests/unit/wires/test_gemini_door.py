"""What Gemini's door takes and refuses."""

import json
from typing import Any

import pytest

from portico.contract.conversation import Image, Text
from portico.contract.errors import InvalidRequest
from portico.wires.gemini import DOOR

ONE: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}


def refused(body: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as error:
        DOOR.read(json.dumps(body).encode(), 20)
    return error.value


def test_a_body_is_read_without_model_and_stream() -> None:
    config = {"maxOutputTokens": 9, "candidateCount": 2}
    request = DOOR.read(json.dumps({**ONE, "generationConfig": config}).encode(), 20)
    assert (request.model, request.stream, request.wire) == ("", False, "gemini")
    assert (request.max_output_tokens, request.choices) == (9, 2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "contents[].parts[].text"),
        ({**ONE, "generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
        ({**ONE, "generation_config": {"top_k": "x"}}, "generationConfig.topK"),
        ({**ONE, "tools": [{"functionDeclarations": [{}]}]}, "tools[].functionDeclarations[].name"),
        ({**ONE, "portico": {"sesion": "x"}}, "portico.sesion"),
    ],
)
def test_a_wrong_member_is_named(body: Any, field: str) -> None:
    found = refused(body).field or ""
    assert "".join(c for c in found if not c.isdigit()) == field


def test_either_spelling_and_single_parts_are_read() -> None:
    body = {
        "contents": {"role": "USER", "parts": {"text": "x"}},
        "system_instruction": {"parts": {"text": "S"}},
        "generation_config": {"max_output_tokens": 3},
    }
    request = DOOR.read(json.dumps(body).encode(), 20)
    assert request.max_output_tokens == 3
    found = DOOR.conversation(request)
    assert [turn.role for turn in found.turns] == ["system", "user"]
    assert found.turns[1].parts == (Text(text="x"),)


def test_inner_names_in_snake_case_are_read_but_not_those_of_the_caller() -> None:
    blob = {"inline_data": {"mime_type": "image/png", "data": "AA=="}}
    call = {"function_call": {"name": "f", "args": {"mime_type": 1}}}
    body = {"contents": [{"role": "model", "parts": [blob, call]}]}
    image, called = DOOR.conversation(DOOR.read(json.dumps(body).encode(), 20)).turns[0].parts
    assert isinstance(image, Image)
    assert '"mime_type":1' in getattr(called, "arguments", "")


def test_a_role_that_does_not_exist_is_refused_by_name() -> None:
    body = {"contents": [{"role": "robot", "parts": [{"text": "x"}]}]}
    request = DOOR.read(json.dumps(body).encode(), 20)
    with pytest.raises(InvalidRequest) as error:
        DOOR.conversation(request)
    assert error.value.field == "contents[0].role"
