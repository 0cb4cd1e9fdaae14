"""`portico simulate` speaks all four wires: each provider's own SDK is served by it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from google import genai
from google.genai import errors as genai_errors
from google.genai import types
from tests.acceptance.house import Running, simulate
from urllib3.exceptions import ProtocolError

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TWO_CALLS = 'call weather {"city": "Rome"}\ncall weather {"city": "Oslo"}'
USER = {"role": "user", "content": [{"text": "Hello Portico"}]}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with simulate(tmp_path_factory.mktemp("simulator")) as running:
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


@pytest.fixture
def gemini(simulator: Running) -> genai.Client:
    return genai.Client(
        api_key="any", http_options=types.HttpOptions(base_url=simulator.url, api_version="v1beta")
    )


def test_boto3_gets_a_whole_answer_with_usage(bedrock: Any) -> None:
    answer = bedrock.converse(modelId="echo", messages=[USER])
    assert answer["output"]["message"]["content"][0]["text"] == "Hello Portico"
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["outputTokens"] > 0


def test_boto3_decodes_a_stream_of_real_frames(bedrock: Any) -> None:
    stream = bedrock.converse_stream(modelId="echo", messages=[USER])["stream"]
    events = list(stream)
    deltas = [
        event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event
    ]
    assert "".join(delta.get("text", "") for delta in deltas) == "Hello Portico"
    assert "metadata" in events[-1]


def test_boto3_gets_parallel_tool_calls(bedrock: Any) -> None:
    tool = {"toolSpec": {"name": "weather", "inputSchema": {"json": CITY}}}
    answer = bedrock.converse(
        modelId="echo",
        messages=[{"role": "user", "content": [{"text": TWO_CALLS}]}],
        toolConfig={"tools": [tool]},
    )
    blocks = [
        block["toolUse"] for block in answer["output"]["message"]["content"] if "toolUse" in block
    ]
    assert [block["input"]["city"] for block in blocks] == ["Rome", "Oslo"]
    assert answer["stopReason"] == "tool_use"


def test_boto3_raises_the_service_s_own_exceptions(bedrock: Any) -> None:
    with pytest.raises(ClientError) as throttled:
        bedrock.converse(modelId="echo?fail=429@1", messages=[USER])
    assert throttled.value.response["Error"]["Code"] == "ThrottlingException"
    with pytest.raises(ClientError) as broken:
        bedrock.converse(modelId="echo?fail=500@1", messages=[USER])
    assert broken.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_google_genai_gets_a_whole_answer_with_usage(gemini: genai.Client) -> None:
    answer = gemini.models.generate_content(model="echo", contents="Hello Portico")
    assert answer.text == "Hello Portico"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count


def test_google_genai_gets_a_stream(gemini: genai.Client) -> None:
    chunks = list(gemini.models.generate_content_stream(model="echo", contents="Hello Portico"))
    assert "".join(chunk.text or "" for chunk in chunks) == "Hello Portico"
    candidates = chunks[-1].candidates
    assert candidates is not None
    assert candidates[0].finish_reason == types.FinishReason.STOP


def test_google_genai_gets_parallel_tool_calls(gemini: genai.Client) -> None:
    weather = types.FunctionDeclaration(name="weather", parameters_json_schema=CITY)
    answer = gemini.models.generate_content(
        model="echo",
        contents=TWO_CALLS,
        config=types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])]),
    )
    calls = answer.function_calls or []
    assert [json.dumps(call.args) for call in calls] == ['{"city": "Rome"}', '{"city": "Oslo"}']


def test_google_genai_raises_its_own_errors(gemini: genai.Client) -> None:
    """This SDK takes an id with settings only if it is percent-encoded."""
    with pytest.raises(genai_errors.ClientError) as throttled:
        gemini.models.generate_content(model=quote("echo?fail=429@1"), contents="x")
    assert throttled.value.code == 429
    with pytest.raises(genai_errors.ServerError):
        gemini.models.generate_content(model=quote("echo?fail=500@1"), contents="x")
    assert throttled.value.status == "RESOURCE_EXHAUSTED"


def test_boto3_embeds_with_the_bodies_of_titan_and_cohere(bedrock: Any) -> None:
    titan = {"inputText": "a cat", "dimensions": 8}
    answer = bedrock.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps(titan))
    found = json.loads(answer["body"].read())
    assert len(found["embedding"]) == 8
    assert found["inputTextTokenCount"] == 2
    cohere = {"texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"]}
    answer = bedrock.invoke_model(modelId="cohere.embed-v4:0", body=json.dumps(cohere))
    assert len(json.loads(answer["body"].read())["embeddings"]["float"]) == 2


def test_boto3_is_cut_off_in_the_middle_of_a_stream(bedrock: Any) -> None:
    stream = bedrock.converse_stream(modelId="echo?cut=400", messages=[USER])["stream"]
    with pytest.raises((BotoCoreError, ProtocolError)):
        list(stream)


def test_google_genai_embeds_counts_and_lists_models(gemini: genai.Client) -> None:
    answer = gemini.models.embed_content(
        model="embed",
        contents=["a cat", "a dog"],
        config=types.EmbedContentConfig(output_dimensionality=8),
    )
    assert [len(found.values or ()) for found in answer.embeddings or ()] == [8, 8]
    assert gemini.models.count_tokens(model="echo", contents="Hello").total_tokens == 2
    assert "models/echo" in [model.name for model in gemini.models.list()]


def test_google_genai_gets_thoughts_and_a_fault_s_delay(gemini: genai.Client) -> None:
    thinking = types.ThinkingConfig(thinking_budget=1000, include_thoughts=True)
    answer = gemini.models.generate_content(
        model=quote("echo?ttft=1ms&tps=10000", safe=""),
        contents="Hello Portico",
        config=types.GenerateContentConfig(thinking_config=thinking, stop_sequences=[" P"]),
    )
    assert answer.candidates is not None
    content = answer.candidates[0].content
    assert content is not None
    assert [bool(part.thought) for part in content.parts or ()] == [True, False]
    assert answer.text == "Hello"
    with pytest.raises(genai_errors.ServerError) as away:
        gemini.models.generate_content(
            model=quote("echo?fail=503&retry_after=2", safe=""), contents="x"
        )
    assert "'retryDelay': '2s'" in str(away.value)
