"""A load test of a workload is run, kept as evidence, and compared with the one before it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.house import Running, command, up

PROJECT = """
providers:
  sim: {kind: simulator}
models:
  inside: {provider: sim, id: echo, region: eu-west-1}
  broken: {provider: sim, id: "echo?fail=500@1"}
workloads:
  default: {ladder: [inside]}
  flaky: {ladder: [broken]}
  quiet: {ladder: [inside]}
"""


@pytest.fixture(scope="module")
def portico(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("bench")
    (directory / "portico.yaml").write_text(PROJECT)
    with up(directory) as running:
        yield running


def bench(portico: Running, *words: str) -> Any:
    done = portico.portico("bench", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("stream", ["--stream", "--no-stream"])
def test_a_load_test_is_kept_with_its_conditions_and_marked_where_it_was_simulated(
    portico: Running, stream: str
) -> None:
    kept = bench(portico, "quiet", "--calls", "7", "--concurrency", "2", stream)
    assert (kept["made"], kept["ok"], kept["errors"]) == (7, 7, [])
    assert kept["conditions"]["stream"] is (stream == "--stream")
    assert (kept["conditions"]["calls"], kept["conditions"]["concurrency"]) == (7, 2)
    assert kept["total"]["p50_us"] <= kept["total"]["p90_us"] <= kept["total"]["p99_us"]
    assert (kept["first_token"] is None) is (stream == "--no-stream")
    assert (kept["simulated"], kept["evidence"]) == (True, False)
    assert (kept["models"], kept["regions"], kept["cost_nano"]) == (["inside"], ["eu-west-1"], 0)
    assert kept["releases"][0].startswith("rel_")
    listed = portico.ask("/admin/v1/bench?workload=quiet").json["benches"]
    assert listed[-1] == kept


def test_what_is_kept_is_listed_newest_last_with_its_change(portico: Running) -> None:
    first = bench(portico, "default", "--calls", "3", "--prompt", "One", "--max-tokens", "5")
    second = bench(portico, "default", "--calls", "3", "--prompt", "Two")
    listed = bench(portico, "--list", "default")
    assert [each["id"] for each in listed] == [first["id"], second["id"]]
    assert first["change"] is None
    assert second["change"]["against"] == first["id"]
    assert second["change"]["differs"] == ["max_output_tokens", "prompts_digest"]
    shown = portico.portico("bench", "--list", "default")
    head, *rows = shown.stdout.splitlines()
    assert head.startswith("TIME (UTC)")
    assert [row.split()[2] for row in rows] == [first["id"], second["id"]]
    assert all("simulated, no evidence" in row for row in rows)


def test_a_load_test_with_failed_calls_ends_with_one_and_is_kept(portico: Running) -> None:
    done = portico.portico("bench", "flaky", "--calls", "4")
    assert done.returncode == 1, done.stderr
    assert "0 of 4 calls held" in done.stdout
    assert "4 of 4 calls, 4 failed" in done.stderr
    kept = bench(portico, "--list", "flaky")[-1]
    assert (kept["made"], kept["ok"]) == (4, 0)
    assert [count for _, count in kept["errors"]] == [4]


def test_the_calls_of_a_load_test_are_in_the_ledger_with_its_id(portico: Running) -> None:
    kept = bench(portico, "quiet", "--calls", "3")
    calls = json.loads(portico.portico("calls", "tail", "--json").stdout)
    tagged = [call for call in calls if ["bench", kept["id"]] in call["tags"]]
    assert len(tagged) == 3
    told = portico.portico("calls", "show", tagged[0]["id"])
    assert "region eu-west-1" in told.stdout


def test_a_workload_that_is_not_there_and_no_workload_are_usage(portico: Running) -> None:
    wrong = portico.portico("bench", "qiet")
    assert (wrong.returncode, "default, flaky, quiet" in wrong.stderr) == (2, True)
    assert portico.portico("bench").returncode == 2
    assert portico.portico("bench", "quiet", "--calls", "0").returncode == 2


def test_a_key_of_an_application_cannot_run_one(portico: Running) -> None:
    made = portico.portico("key", "create", "--workload", "quiet", "--json")
    key = json.loads(made.stdout)["key"]
    done = portico.portico("bench", "quiet", "--calls", "1", "--url", portico.url, "--key", key)
    assert done.returncode == 2
    assert portico.ask("/admin/v1/bench", key=key).status in (401, 403)


def test_without_a_server_a_load_test_has_no_answer(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    done = command("bench", "default", directory=tmp_path_factory.mktemp("nothing"))
    assert (done.returncode, done.stdout) == (3, "")


def test_the_catalogue_says_what_is_pinned_and_what_was_called(portico: Running) -> None:
    portico.chat("Hi", model="sim/extract")
    shown = portico.ask("/admin/v1/models?days=1").json
    models = {model["name"]: model for model in shown["models"]}
    assert models["inside"]["region"] == "eu-west-1"
    assert models["inside"]["pinned"] is None
    assert models["inside"]["facts"]["source"]
    assert models["sim/extract"]["use"]["calls"] >= 1
    assert (shown["calls"], shown["unlisted_calls"]) == (0, 0)  # simulated calls prove nothing
    assert shown["simulated_calls"] >= 1
