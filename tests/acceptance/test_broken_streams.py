"""Streams that end in an error: from the simulator to each SDK, and through Portico.

Each provider puts such an error in its own way, after a status of 200; a caller of Portico sees
it in the way of its door, and the receipt has Portico's code for it.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import anthropic
import boto3
import openai
import pytest
from botocore.config import Config
from botocore.exceptions import EventStreamError
from google import genai
from google.genai import errors as genai_errors
from google.genai import types
from tests.acceptance.house import Running, simulate, up

WORDS = "a text of some tokens that breaks after the first of them"
USER: Any = [{"role": "user", "content": WORDS}]
ARN = "arn:aws:bedrock:eu-west-1::foundation-model"
EXCEPTIONS = {
    "throttling": "throttlingException",
    "unavailable": "serviceUnavailableException",
    "internal": "internalServerException",
    "model": "modelStreamErrorException",
    "validation": "validationException",
}
CODES = {
    "throttling": "quota_exhausted",
    "unavailable": "overloaded",
    "internal": "upstream_failed",
    "validation": "invalid_request",
}
"""What a break is in Portico's words, whatever the provider."""
PROVIDERS = ("openai", "anthropic", "bedrock", "gemini")
CASES = [(provider, kind) for provider in PROVIDERS for kind in CODES]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with simulate(tmp_path_factory.mktemp("simulator")) as running:
        yield running


def project(url: str) -> str:
    lines = [
        "providers:",
        f'  near_openai: {{kind: openai, base_url: "{url}/v1", api_key: any}}',
        f'  near_anthropic: {{kind: anthropic, base_url: "{url}", api_key: any}}',
        f'  near_bedrock: {{kind: bedrock, region: eu-west-1, base_url: "{url}", api_key: any}}',
        f'  near_gemini: {{kind: gemini, base_url: "{url}/v1beta", api_key: any}}',
        "models:",
    ]
    for provider, kind in CASES:
        name = f"echo?break={kind}"
        id_ = f"{ARN}/{name}" if provider == "bedrock" else name
        model = f'{{provider: near_{provider}, id: "{id_}", price: unpriced}}'
        lines.append(f"  {provider}_{kind}: {model}")
    lines.append("workloads:")
    for provider, kind in CASES:
        lines.append(f"  over_{provider}_{kind}: {{ladder: [{provider}_{kind}]}}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def portico(simulator: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("project")
    (directory / "portico.yaml").write_text(project(simulator.url))
    with up(directory) as running:
        yield running


@pytest.fixture
def bedrock(simulator: Running) -> Any:
    return boto3.client(
        "bedrock-runtime",
        region_name="eu-west-1",
        endpoint_url=simulator.url,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="example",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_boto3_raises_the_exception_within_a_stream(bedrock: Any, kind: str) -> None:
    messages = [{"role": "user", "content": [{"text": WORDS}]}]
    stream = bedrock.converse_stream(modelId=f"echo?break={kind}", messages=messages)["stream"]
    said: list[Any] = []
    with pytest.raises(EventStreamError) as broken:
        said.extend(stream)
    assert any("contentBlockDelta" in event for event in said)
    assert broken.value.response["Error"]["Code"] == EXCEPTIONS[kind]
    assert "as its model id asks" in broken.value.response["Error"]["Message"]


def test_boto3_gets_a_whole_answer_where_only_streams_break(bedrock: Any) -> None:
    messages = [{"role": "user", "content": [{"text": WORDS}]}]
    answer = bedrock.converse(modelId="echo?break=internal", messages=messages)
    assert answer["output"]["message"]["content"][0]["text"] == WORDS


def test_streams_break_at_their_rate(bedrock: Any) -> None:
    messages = [{"role": "user", "content": [{"text": WORDS}]}]
    broken = 0
    for _ in range(20):
        model = "echo?break=model@0.5&seed=1"
        stream = bedrock.converse_stream(modelId=model, messages=messages)["stream"]
        try:
            list(stream)
        except EventStreamError:
            broken += 1
    assert 0 < broken < 20


@pytest.mark.parametrize(("kind", "code"), [("throttling", 429), ("unavailable", 503)])
def test_google_genai_raises_the_error_within_a_stream(
    simulator: Running, kind: str, code: int
) -> None:
    client = genai.Client(
        api_key="any", http_options=types.HttpOptions(base_url=simulator.url, api_version="v1beta")
    )
    with pytest.raises(genai_errors.APIError) as broken:
        list(
            client.models.generate_content_stream(model=quote(f"echo?break={kind}"), contents=WORDS)
        )
    assert broken.value.code == code


def test_the_openai_sdk_raises_the_error_within_a_stream(simulator: Running) -> None:
    client = openai.OpenAI(base_url=f"{simulator.url}/v1", api_key="any", max_retries=0)
    with pytest.raises(openai.APIError, match="as its model id asks") as broken:
        list(
            client.chat.completions.create(
                model="echo?break=throttling", messages=USER, stream=True
            )
        )
    assert broken.value.type == "rate_limit_error"


def test_the_anthropic_sdk_raises_the_error_within_a_stream(simulator: Running) -> None:
    client = anthropic.Anthropic(base_url=simulator.url, api_key="any", max_retries=0)
    with (
        pytest.raises(anthropic.APIStatusError) as broken,
        client.messages.stream(
            model="echo?break=unavailable", max_tokens=99, messages=USER
        ) as stream,
    ):
        list(stream)
    assert isinstance(broken.value.body, dict)
    assert broken.value.body["error"]["type"] == "overloaded_error"


def told(portico: Running, call: str) -> Any:
    """The error that the receipt of a call has."""
    return json.loads(portico.portico("calls", "show", call, "--json").stdout)["error"]


@pytest.mark.parametrize(("provider", "kind"), CASES)
def test_through_portico_a_break_is_an_error_of_the_door_and_its_code_in_the_receipt(
    portico: Running, provider: str, kind: str
) -> None:
    model = f"over_{provider}_{kind}"
    chat = openai.OpenAI(base_url=f"{portico.url}/v1", api_key=portico.key, max_retries=0)
    chunks = chat.chat.completions.with_raw_response.create(model=model, messages=USER, stream=True)
    said: list[Any] = []
    with pytest.raises(openai.APIError) as broken:
        said.extend(chunks.parse())
    text = "".join(chunk.choices[0].delta.content or "" for chunk in said)
    assert text
    assert WORDS.startswith(text)
    error: Any = broken.value.body
    assert error["code"] == CODES[kind]
    assert told(portico, chunks.headers["x-portico-call"]) == CODES[kind]
    messages = anthropic.Anthropic(base_url=portico.url, api_key=portico.key, max_retries=0)
    with (
        pytest.raises(anthropic.APIStatusError) as failed,
        messages.messages.stream(model=model, max_tokens=99, messages=USER) as stream,
    ):
        list(stream)
    body: Any = failed.value.body
    assert body["portico"]["code"] == CODES[kind]
    assert told(portico, failed.value.response.headers["x-portico-call"]) == CODES[kind]
