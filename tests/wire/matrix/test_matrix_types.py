"""What leaves fits the types of the libraries on the other side, whatever was translated."""

import base64
import json
from functools import cache
from typing import Any, Final

import pydantic
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from botocore.session import get_session
from botocore.validate import ParamValidator
from google.genai import types as gemini
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from tests.wire.matrix import page, upstreams
from tests.wire.matrix.features import DOORS, MODELS, WIRES, Feature, features
from tests.wire.matrix.run import carried, cell, pairs

FEATURES = [pytest.param(feature, id=page.slug(feature)) for feature in features()]
WHOLE: Final[dict[str, type[pydantic.BaseModel]]] = {
    "anthropic_messages": Message,
    "openai_chat": ChatCompletion,
}
EVENT: Final[dict[str, pydantic.TypeAdapter[Any]]] = {
    "anthropic_messages": pydantic.TypeAdapter(RawMessageStreamEvent),
    "openai_chat": pydantic.TypeAdapter(ChatCompletionChunk),
}
REQUEST: Final[dict[str, pydantic.TypeAdapter[Any]]] = {
    "anthropic_messages": pydantic.TypeAdapter(MessageCreateParamsNonStreaming),
    "openai_chat": pydantic.TypeAdapter(CompletionCreateParamsNonStreaming),
}


def accept(wire: str, body: dict[str, Any]) -> None:
    """Raises where the provider's own library would not take the request."""
    if wire == "bedrock_converse":
        accept_bedrock(body)
    elif wire == "gemini":
        accept_gemini(body)
    else:
        exhaust(REQUEST[wire].validate_python({"stream": False, **body}))


def exhaust(value: Any) -> None:
    """pydantic checks an Iterable only while it is read."""
    if isinstance(value, dict):
        for inner in value.values():
            exhaust(inner)
    elif hasattr(value, "__iter__") and not isinstance(value, str | bytes):
        for inner in value:
            exhaust(inner)


@cache
def converse() -> Any:
    """The shape of a request of Converse."""
    service = get_session().get_service_model("bedrock-runtime")
    return service.operation_model("Converse").input_shape


def accept_bedrock(body: dict[str, Any]) -> None:
    shape = converse()
    sent = with_bytes(shape, {"modelId": MODELS["bedrock_converse"], **body})
    report = ParamValidator().validate(sent, shape)
    assert not report.has_errors(), report.generate_report()


def with_bytes(shape: Any, value: Any) -> Any:
    """The JSON body as botocore takes it: blobs are bytes there."""
    if shape.type_name == "structure" and isinstance(value, dict) and shape.members:
        assert value.keys() <= shape.members.keys(), value.keys() - shape.members.keys()
        return {name: with_bytes(shape.members[name], inner) for name, inner in value.items()}
    if shape.type_name == "list":
        return [with_bytes(shape.member, inner) for inner in value]
    return base64.b64decode(value, validate=True) if shape.type_name == "blob" else value


def accept_gemini(body: dict[str, Any]) -> None:
    taken: dict[str, pydantic.TypeAdapter[Any]] = {
        "contents": pydantic.TypeAdapter(list[gemini.Content]),
        "systemInstruction": pydantic.TypeAdapter(gemini.Content),
        "generationConfig": pydantic.TypeAdapter(gemini.GenerationConfig),
        "tools": pydantic.TypeAdapter(list[gemini.Tool]),
        "toolConfig": pydantic.TypeAdapter(gemini.ToolConfig),
        "serviceTier": pydantic.TypeAdapter(gemini.ServiceTier),
    }
    for name, value in body.items():
        taken[name].validate_python(value)


@pytest.mark.parametrize("wire", WIRES)
def test_a_request_of_the_wrong_types_is_not_accepted(wire: str) -> None:
    talk = "contents" if wire == "gemini" else "messages"
    with pytest.raises((pydantic.ValidationError, AssertionError)):
        accept(wire, {talk: [{"role": 7}]})


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("feature", FEATURES)
def test_a_request_fits_the_types_of_the_providers_library(feature: Feature, wire: str) -> None:
    for door in DOORS:
        if door == wire:
            continue
        for name, side in cell(feature, door, wire).sides.items():
            if "streamed" in name or not name.startswith(("asked", "next")):
                continue
            if side.fate != "refused":
                assert isinstance(side.left, dict)
                accept(wire, side.left)


@pytest.mark.parametrize(("door", "wire"), pairs())
def test_an_answer_fits_the_types_of_the_callers_library(door: str, wire: str) -> None:
    for feature in features():
        side = cell(feature, door, wire).sides.get("answered")
        if side is not None and wire in feature.answered:
            WHOLE[door].model_validate(side.left)


@pytest.mark.parametrize(("door", "wire"), pairs())
def test_a_stream_fits_the_types_of_the_callers_library(door: str, wire: str) -> None:
    for feature in features():
        if wire not in feature.answered:
            continue
        _, came = carried(feature, door, wire, upstreams.stream(wire, feature.answered[wire]))
        lines = [line[6:] for line in came.decode().splitlines() if line.startswith("data: {")]
        assert lines
        for line in lines:
            EVENT[door].validate_python(json.loads(line))
