"""A prompt's turns and settings on the wires that no door speaks, and at the edges of a call."""

import concurrent.futures
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.acceptance.doors import DOORS, openai_client
from tests.acceptance.house import Running, up
from tests.acceptance.recorder import Recorder, Sent, recording
from tests.acceptance.shipping import done, ship, write

PROMPT = """\
---
variables: {product: string}
parameters: {temperature: 0.25, stop: [HALT]}
---
You help with {{ product }}.
--- user ---
May I return the {{ product }}?
--- assistant ---
Yes, within 30 days.
"""
ARN = "arn:aws:bedrock:eu-west-1::foundation-model"
PROJECT = """\
providers:
  sim: {kind: simulator}
  near_openai: {kind: openai, base_url: "%(url)s/v1", api_key: any}
  near_bedrock: {kind: bedrock, region: eu-west-1, base_url: "%(url)s", api_key: any}
  near_gemini: {kind: gemini, base_url: "%(url)s/v1beta", api_key: any}
models:
  slow: {provider: sim, id: "echo?tps=20"}
  openai_echo: {provider: near_openai, id: echo, price: unpriced}
  bedrock_echo: {provider: near_bedrock, id: "%(arn)s/echo", price: unpriced}
  gemini_echo: {provider: near_gemini, id: echo, price: unpriced}
  embedder: {provider: near_openai, id: embed, price: unpriced}
workloads:
  over_openai: {prompt: support, ladder: [openai_echo]}
  over_bedrock: {prompt: support, ladder: [bedrock_echo]}
  over_gemini: {prompt: support, ladder: [gemini_echo]}
  slow: {prompt: support, ladder: [slow]}
  vectors: {prompt: support, ladder: [embedder]}
"""


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    with recording(tmp_path_factory.mktemp("simulator")) as found:
        yield found


@pytest.fixture(scope="module")
def portico(tmp_path_factory: pytest.TempPathFactory, recorder: Recorder) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("project")
    yaml = PROJECT % {"url": recorder.url, "arn": ARN}
    write(directory, {"portico.yaml": yaml, "prompts/support.md": PROMPT})
    with up(directory) as running:
        yield running


def bedrock_said(sent: Sent) -> tuple[list[tuple[str, str]], Any, Any]:
    body, settings = sent.body, sent.body["inferenceConfig"]
    system = [("system", part["text"]) for part in body["system"]]
    turns = [(each["role"], part["text"]) for each in body["messages"] for part in each["content"]]
    return system + turns, settings["temperature"], settings["stopSequences"]


def gemini_said(sent: Sent) -> tuple[list[tuple[str, str]], Any, Any]:
    body, settings = sent.body, sent.body["generationConfig"]
    names = {"model": "assistant"}
    system = [("system", part["text"]) for part in body["systemInstruction"]["parts"]]
    turns = [
        (names.get(each["role"], each["role"]), part["text"])
        for each in body["contents"]
        for part in each["parts"]
    ]
    return system + turns, settings["temperature"], settings["stopSequences"]


@pytest.mark.parametrize(
    ("workload", "read"), [("over_bedrock", bedrock_said), ("over_gemini", gemini_said)]
)
@pytest.mark.parametrize("door", DOORS)
def test_the_prompt_reaches_the_other_wires_too(
    portico: Running, recorder: Recorder, door: str, workload: str, read: Any
) -> None:
    assert DOORS[door](portico, workload, variables={"product": "lamp"}).text == "Hello Portico"
    turns, temperature, stops = read(recorder.last)
    assert turns == [
        ("system", "You help with lamp."),
        ("user", "May I return the lamp?"),
        ("assistant", "Yes, within 30 days."),
        ("user", "Hello Portico"),
    ]
    assert (temperature, stops) == (0.25, ["HALT"])
    assert "product" not in json.dumps(recorder.last.body)


def test_options_in_the_header_do_as_those_in_the_body(
    portico: Running, recorder: Recorder
) -> None:
    header = {"x-portico-options": json.dumps({"variables": {"product": "sofa"}})}
    for path in ("/v1/chat/completions", "/v1/messages"):
        messages = [{"role": "user", "content": "x"}]
        body = {"model": "over_openai", "max_tokens": 9, "messages": messages}
        assert portico.ask(path, body, headers=header).status == 200
        assert "You help with sofa." in json.dumps(recorder.last.body)
        assert "x-portico-options" not in recorder.last.headers


def test_embeddings_cannot_take_a_prompt_and_are_refused_before_the_provider(
    portico: Running, recorder: Recorder
) -> None:
    before = len(recorder.sent)
    with pytest.raises(openai.BadRequestError):
        openai_client(portico).embeddings.create(
            model="vectors",
            input=["one"],
            extra_body={"portico": {"variables": {"product": "lamp"}}},
        )
    assert len(recorder.sent) == before


def test_a_stream_under_way_ends_under_the_release_it_began_with(portico: Running) -> None:
    old = portico.chat(model="slow", portico={"variables": {"product": "a"}})
    assert old.status == 200
    ship(portico, {"prompts/support.md": PROMPT.replace("You help", "You assist")})
    before = live(portico)
    events = openai_client(portico).chat.completions.create(
        model="slow",
        messages=[{"role": "user", "content": "word " * 40}],
        stream=True,
        extra_body={"portico": {"variables": {"product": "lamp"}}},
    )
    first = next(iter(events))
    done(portico, "rollback", "slow")
    assert live(portico) == old.headers["x-portico-release"] != before
    text = "".join(part.choices[0].delta.content or "" for part in (first, *events) if part.choices)
    assert text == "word " * 40
    call = events.response.headers["x-portico-call"]
    assert portico.ask(f"/admin/v1/calls/{call}").json["release"] == before


def live(running: Running) -> str:
    found = running.ask("/admin/v1/workloads").json["workloads"]
    return str(next(each["release"] for each in found if each["name"] == "slow"))


def test_values_of_one_call_are_in_no_other_s_prompt(portico: Running, recorder: Recorder) -> None:
    words = [f"thing{number:03}" for number in range(60)]
    start = len(recorder.sent)

    def ask(word: str) -> str:
        return DOORS["openai whole"](portico, "over_openai", word, variables={"product": word}).text

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, words)) == words
    for sent in recorder.sent[start:]:
        asked = sent.body["messages"][-1]["content"]
        assert [word for word in words if word in json.dumps(sent.body)] == [asked]


@pytest.mark.parametrize("release", ["", "../..", "rel_" + "0" * 5000, "\u0000"])
def test_a_release_that_is_none_is_a_bad_request(portico: Running, release: str) -> None:
    options = {"release": release, "variables": {"product": "lamp"}}
    answer = portico.chat(model="over_openai", portico=options)
    if release == "":
        assert answer.status == 200
        return
    assert answer.status == 400
    assert answer.headers["x-portico-error"] == "invalid_request"
    assert len(answer.body) < 2000


def test_a_release_is_pinned_on_workloads_only(portico: Running) -> None:
    release = portico.chat(model="over_openai", portico={"variables": {"product": "x"}}).headers[
        "x-portico-release"
    ]
    with pytest.raises((openai.BadRequestError, openai.PermissionDeniedError)):
        openai_client(portico).chat.completions.create(
            model="near_openai/echo",
            messages=[{"role": "user", "content": "x"}],
            extra_body={"portico": {"release": release}},
        )
