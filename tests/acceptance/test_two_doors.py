"""An application with the OpenAI or the Anthropic SDK changes its base URL and is served."""

import json
from collections.abc import Iterator

import anthropic
import openai
import pytest
from tests.acceptance.house import Running, simulate, up

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_TOOLS = [
    {"type": "function", "function": {"name": "weather", "description": "d", "parameters": TOOL}}
]
ANTHROPIC_TOOLS = [{"name": "weather", "description": "d", "input_schema": TOOL}]
TWO_CALLS = 'call weather {"city": "Rome"}\ncall weather {"city": "Oslo"}'

PROJECT = """
providers:
  sim: {kind: simulator}
  near_openai: {kind: openai, base_url: "%(url)s/v1", api_key: any}
  near_anthropic: {kind: anthropic, base_url: "%(url)s", api_key: any}
  near_bedrock: {kind: bedrock, region: eu-west-1, base_url: "%(url)s", api_key: any}
  near_gemini: {kind: gemini, base_url: "%(url)s/v1beta", api_key: any}
models:
  inside: {provider: sim, id: echo}
  openai_echo: {provider: near_openai, id: echo, price: {input: 1, output: 2}}
  anthropic_echo: {provider: near_anthropic, id: echo, price: {input: 1, output: 2}}
  bedrock_echo: {provider: near_bedrock, id: echo, price: {input: 1, output: 2}}
  gemini_echo: {provider: near_gemini, id: echo, price: {input: 1, output: 2}}
  embedder: {provider: near_openai, id: embed, price: unpriced}
  titan: {provider: near_bedrock, id: "amazon.titan-embed-text-v2:0", price: unpriced}
  gemini_embedder: {provider: near_gemini, id: embed, price: unpriced}
  cut_openai: {provider: near_openai, id: "echo?cut=700", price: unpriced}
  cut_anthropic: {provider: near_anthropic, id: "echo?cut=700", price: unpriced}
  cut_bedrock: {provider: near_bedrock, id: "%(arn)s/echo?cut=700", price: unpriced}
  cut_gemini: {provider: near_gemini, id: "echo?cut=700", price: unpriced}
  busy_openai: {provider: near_openai, id: "echo?fail=429&retry_after=9", price: unpriced}
  busy_anthropic: {provider: near_anthropic, id: "echo?fail=429&retry_after=9", price: unpriced}
  busy_bedrock: {provider: near_bedrock, id: "%(arn)s/echo?fail=429&retry_after=9", price: unpriced}
  busy_gemini: {provider: near_gemini, id: "echo?fail=429&retry_after=9", price: unpriced}
workloads:
  default: {ladder: [inside]}
  over_openai: {ladder: [openai_echo]}
  over_anthropic: {ladder: [anthropic_echo]}
  over_bedrock: {ladder: [bedrock_echo]}
  over_gemini: {ladder: [gemini_echo]}
  vectors: {ladder: [embedder]}
  titan_vectors: {ladder: [titan]}
  gemini_vectors: {ladder: [gemini_embedder]}
  cut_over_openai: {ladder: [cut_openai]}
  cut_over_anthropic: {ladder: [cut_anthropic]}
  cut_over_bedrock: {ladder: [cut_bedrock]}
  cut_over_gemini: {ladder: [cut_gemini]}
  busy_over_openai: {ladder: [busy_openai]}
  busy_over_anthropic: {ladder: [busy_anthropic]}
  busy_over_bedrock: {ladder: [busy_bedrock]}
  busy_over_gemini: {ladder: [busy_gemini]}
"""
ARN = "arn:aws:bedrock:eu-west-1::foundation-model"
PROVIDERS = ("openai", "anthropic", "bedrock", "gemini")
WORKLOADS = ("default", "over_openai", "over_anthropic", "over_bedrock", "over_gemini")


@pytest.fixture(scope="module")
def portico(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("project")
    with simulate(directory) as simulator:
        (directory / "portico.yaml").write_text(PROJECT % {"url": simulator.url, "arn": ARN})
        with up(directory) as running:
            yield running


def openai_client(running: Running) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{running.url}/v1", api_key=running.key, max_retries=0)


def anthropic_client(running: Running) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=running.url, api_key=running.key, max_retries=0)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_openai_sdk_gets_a_whole_answer(portico: Running, workload: str) -> None:
    raw = openai_client(portico).chat.completions.with_raw_response.create(
        model=workload, messages=[{"role": "user", "content": "Hello Portico"}]
    )
    answer = raw.parse()
    assert answer.choices[0].message.content == "Hello Portico"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    for name in ("call", "model", "release", "cost-usd", "trust", "cache", "attempts"):
        assert raw.headers[f"x-portico-{name}"]
    assert raw.headers["server-timing"]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_openai_sdk_gets_a_stream_that_ends_with_the_portico_member(
    portico: Running, workload: str
) -> None:
    chunks = list(
        openai_client(portico).chat.completions.create(
            model=workload,
            messages=[{"role": "user", "content": "Hello Portico"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "Hello Portico"
    assert chunks[-1].usage is not None
    extra = chunks[-1].model_extra
    assert extra is not None
    assert extra["portico"]["call"].startswith("call_")


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_openai_sdk_gets_parallel_tool_calls(
    portico: Running, workload: str, stream: bool
) -> None:
    client = openai_client(portico)
    request = {
        "model": workload,
        "messages": [{"role": "user", "content": TWO_CALLS}],
        "tools": OPENAI_TOOLS,
    }
    if stream:
        with client.chat.completions.stream(**request) as events:  # type: ignore[arg-type]
            answer = events.get_final_completion()
    else:
        answer = client.chat.completions.create(**request)  # type: ignore[call-overload]
    calls = answer.choices[0].message.tool_calls or []
    assert answer.choices[0].finish_reason == "tool_calls"
    cities = [json.loads(call.function.arguments)["city"] for call in calls]
    assert cities == ["Rome", "Oslo"]
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_anthropic_sdk_gets_a_whole_answer(portico: Running, workload: str) -> None:
    answer = anthropic_client(portico).messages.create(
        model=workload, max_tokens=100, messages=[{"role": "user", "content": "Hello Portico"}]
    )
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Hello Portico"
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_anthropic_sdk_gets_a_stream(portico: Running, workload: str) -> None:
    with anthropic_client(portico).messages.stream(
        model=workload, max_tokens=100, messages=[{"role": "user", "content": "Hello Portico"}]
    ) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_message()
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Hello Portico"
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_anthropic_sdk_gets_parallel_tool_calls(
    portico: Running, workload: str, stream: bool
) -> None:
    client = anthropic_client(portico)
    request = {
        "model": workload,
        "max_tokens": 200,
        "messages": [{"role": "user", "content": TWO_CALLS}],
        "tools": ANTHROPIC_TOOLS,
    }
    if stream:
        with client.messages.stream(**request) as events:  # type: ignore[arg-type]
            answer = events.get_final_message()
    else:
        answer = client.messages.create(**request)  # type: ignore[call-overload]
    blocks = [block for block in answer.content if block.type == "tool_use"]
    assert [block.input["city"] for block in blocks] == ["Rome", "Oslo"]
    assert answer.stop_reason == "tool_use"


def test_a_tool_s_result_goes_back_through_either_door(portico: Running) -> None:
    for workload in WORKLOADS:
        answer = openai_client(portico).chat.completions.create(
            model=workload,
            messages=[
                {"role": "user", "content": "What is the weather in Rome?"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "Sunny in Rome"},
            ],
            tools=OPENAI_TOOLS,  # type: ignore[arg-type]
        )
        assert answer.choices[0].message.content == "Sunny in Rome"


@pytest.mark.parametrize(
    ("workload", "texts"),
    [("vectors", ["one", "two"]), ("gemini_vectors", ["one", "two"]), ("titan_vectors", ["one"])],
)
def test_embeddings_are_served(portico: Running, workload: str, texts: list[str]) -> None:
    answer = openai_client(portico).embeddings.create(model=workload, input=texts)
    assert len(answer.data) == len(texts)
    assert len(answer.data[0].embedding) > 10
    assert answer.usage.prompt_tokens == len(texts)


def test_errors_have_each_sdk_s_own_class(portico: Running) -> None:
    client, other = openai_client(portico), anthropic_client(portico)
    with pytest.raises(openai.NotFoundError, match="over_openai"):
        client.chat.completions.create(
            model="over_opnai", messages=[{"role": "user", "content": "x"}]
        )
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="pk_no_key").models.list()
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="default", messages=[])
    with pytest.raises(anthropic.NotFoundError):
        other.messages.create(
            model="nothing", max_tokens=5, messages=[{"role": "user", "content": "x"}]
        )
    with pytest.raises(anthropic.AuthenticationError):
        other.with_options(api_key="pk_no_key").models.list()
    with pytest.raises(anthropic.BadRequestError):
        other.messages.create(model="default", max_tokens=-1, messages=[])


@pytest.mark.parametrize("fault", ["fail=500@1", "fail=429@1", "fail=503@1"])
def test_a_provider_s_failure_reaches_either_sdk_as_its_own_class(
    portico: Running, fault: str
) -> None:
    for provider in ("sim", "near_openai", "near_anthropic"):
        model = f"{provider}/echo?{fault}" if provider == "sim" else None
        if model is None:
            continue
        with pytest.raises(openai.APIStatusError) as caught:
            openai_client(portico).chat.completions.create(
                model=model, messages=[{"role": "user", "content": "x"}]
            )
        assert caught.value.response.headers["x-portico-error"]
        with pytest.raises(anthropic.APIStatusError):
            anthropic_client(portico).messages.create(
                model=model, max_tokens=5, messages=[{"role": "user", "content": "x"}]
            )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_s_limit_reaches_either_sdk_as_a_rate_limit_with_its_delay(
    portico: Running, provider: str
) -> None:
    model = f"busy_over_{provider}"
    with pytest.raises(openai.RateLimitError) as caught:
        openai_client(portico).chat.completions.create(
            model=model, messages=[{"role": "user", "content": "x"}]
        )
    assert caught.value.response.headers["retry-after"] == "9"
    with pytest.raises(anthropic.RateLimitError):
        anthropic_client(portico).messages.create(
            model=model, max_tokens=5, messages=[{"role": "user", "content": "x"}]
        )


CUT = ("sim/echo?cut=700", *(f"cut_over_{provider}" for provider in PROVIDERS))


@pytest.mark.parametrize("model", CUT)
def test_a_stream_that_is_cut_raises_in_either_sdk(portico: Running, model: str) -> None:
    text = "a long enough text to be cut in the middle of its stream " * 5
    with pytest.raises(openai.APIError):
        list(
            openai_client(portico).chat.completions.create(
                model=model, messages=[{"role": "user", "content": text}], stream=True
            )
        )
    with (
        pytest.raises(anthropic.APIError),
        anthropic_client(portico).messages.stream(
            model=model,
            max_tokens=500,
            messages=[{"role": "user", "content": text}],
        ) as stream,
    ):
        for _ in stream:
            pass


def test_calls_show_explains_a_call_stage_by_stage(portico: Running) -> None:
    answer = portico.chat("Explain me", model="over_anthropic")
    call = answer.headers["x-portico-call"]
    shown = portico.portico("calls", "show", call)
    assert shown.returncode == 0, shown.stderr
    for word in (call, "over_anthropic", "near_anthropic", "upstream", "journal", "translated"):
        assert word in shown.stdout
    told = json.loads(portico.portico("calls", "show", call, "--json").stdout)
    assert told["call"] == call
    tail = json.loads(portico.portico("calls", "tail", "--json", "--limit", "5").stdout)
    assert tail[-1]["id"] == call
