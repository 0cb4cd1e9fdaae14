"""Applications that send their own system prompt have its versions anyway, and may adopt them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.doors import DOORS, Said
from tests.acceptance.house import Running, up
from tests.acceptance.waiting import eventually

PROJECT = """\
providers: {sim: {kind: simulator}}
models: {one: {provider: sim, id: echo}}
workloads:
  desk: {ladder: [one], transcripts: full}
  quiet: {ladder: [one]}
"""
OWN = (
    "You are the assistant of Acme's help desk. Today is {date}. You are speaking with {name}.\n"
    "Answer in two sentences at most, and cite the handbook where it helps.\n{rule}"
)
STRICT, MILD = "Never promise a refund.", "Offer a refund when somebody is upset."
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Barbara Liskov")


@pytest.fixture
def portico(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "portico.yaml").write_text(PROJECT)
    with up(tmp_path) as running:
        yield running


def say(running: Running, workload: str, rule: str, *, day: int = 20) -> list[Said]:
    """The same application, on other days, for other people, through every door."""
    return [
        ask(
            running,
            workload,
            f"Where is my parcel, asks {name}?",
            system=OWN.format(date=f"2026-11-{day + number}", name=name, rule=rule),
        )
        for number, (name, ask) in enumerate(zip(PEOPLE, DOORS.values(), strict=True))
    ]


def receipts(running: Running, said: list[Said]) -> list[dict[str, Any]]:
    return [running.ask(f"/admin/v1/calls/{each.call}").json for each in said]


def names(running: Running, said: list[Said]) -> set[str]:
    return {receipt["prompt"] for receipt in receipts(running, said)}


def listed(running: Running) -> dict[str, dict[str, Any]]:
    shown = running.portico("prompt", "list", "--json")
    assert shown.returncode == 0, shown.stderr
    return {each["name"]: each for each in json.loads(shown.stdout)["prompts"]}


def happened(running: Running) -> list[dict[str, Any]]:
    return running.ask("/admin/v1/happenings").json["happenings"]  # type: ignore[no-any-return]


def test_values_do_not_make_another_prompt_and_instructions_do(portico: Running) -> None:
    first = say(portico, "desk", STRICT)
    (strict,) = names(portico, first)
    assert strict.startswith("observed:")
    assert {each["prompt_source"] for each in receipts(portico, first)} == {"observed"}
    (mild,) = names(portico, say(portico, "desk", MILD))
    assert mild.startswith("observed:")
    assert mild != strict
    assert names(portico, say(portico, "desk", STRICT, day=11)) == {strict}


def test_a_new_observed_prompt_happens_once_and_is_listed_with_its_calls(portico: Running) -> None:
    (strict,) = names(portico, say(portico, "desk", STRICT))
    (mild,) = names(portico, say(portico, "desk", MILD))
    say(portico, "desk", STRICT, day=11)
    eventually(lambda: {strict, mild} <= {each["subject"] for each in happened(portico)})
    found = [each for each in happened(portico) if each["kind"] == "prompt_observed"]
    assert sorted(each["subject"] for each in found) == sorted((strict, mild))
    assert {each["workload"] for each in found} == {"desk"}
    assert PEOPLE[0] not in json.dumps(found)
    prompts = listed(portico)
    assert (prompts[strict]["calls"], prompts[mild]["calls"]) == (8, 4)
    assert prompts[strict]["source"] == prompts[mild]["source"] == "observed"
    assert prompts[strict]["workloads"] == ["desk"]
    assert prompts[strict]["tokens_in"] > prompts[mild]["tokens_in"] > 0
    shown = portico.portico("prompt", "show", strict)
    assert "Today is {{ value_1 }}" in shown.stdout
    assert STRICT in shown.stdout


def test_the_same_prompt_has_its_name_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "portico.yaml").write_text(PROJECT)
    environment = {"PORTICO_ADMIN_KEY": "an-admin-key-of-mine"}
    with up(tmp_path, environment=environment) as running:
        (strict,) = names(running, say(running, "desk", STRICT))
    with up(tmp_path, environment=environment) as running:
        running.ready = {**running.ready, "admin_key": "an-admin-key-of-mine"}
        assert names(running, say(running, "desk", STRICT, day=11)) == {strict}
        assert len(happened(running)) == 1


def test_a_call_without_a_system_prompt_has_none_to_name(portico: Running) -> None:
    for found in receipts(portico, [ask(portico, "desk") for ask in DOORS.values()]):
        assert found.get("prompt", "") == ""
        assert found.get("prompt_source", "") == ""


def test_an_adopted_prompt_is_a_file_with_a_suite_of_what_was_said(portico: Running) -> None:
    said = say(portico, "desk", STRICT)
    (strict,) = names(portico, said)
    eventually(lambda: strict in listed(portico))
    adopted = eventually(lambda: adopt(portico, strict, cases=len(said)))
    assert isinstance(adopted, Path)
    text = adopted.read_text()
    assert STRICT in text
    assert strict.removeprefix("observed:") in text
    for person in PEOPLE:
        assert person not in text
    assert portico.portico("check").returncode == 0
    suite = portico.directory / "evals" / "desk"
    assert "name: desk" in (suite / "suite.yaml").read_text()
    cases = [json.loads(line) for line in (suite / "cases.jsonl").read_text().splitlines()]
    assert {each["id"] for each in cases} == {each.call for each in said}
    for case in cases:
        assert case["expected"] == case["input"]
        assert case["input"].removesuffix("?").endswith(case["variables"]["value_2"])


def adopt(running: Running, observed: str, *, cases: int) -> Path | None:
    """None as long as the transcripts of the calls are not written."""
    body = {"fingerprint": observed, "name": "desk"}
    if running.ask("/admin/v1/prompts/adopt", body).json["cases"] < cases:
        return None
    made = running.portico("prompt", "adopt", observed, "desk")
    assert made.returncode == 0, made.stderr
    return running.directory / "prompts" / "desk.md"


def test_after_the_adoption_receipts_name_the_file_though_the_application_is_unchanged(
    portico: Running,
) -> None:
    (strict,) = names(portico, say(portico, "desk", STRICT))
    eventually(lambda: strict in listed(portico))
    made = portico.portico("prompt", "adopt", strict, "desk")
    assert made.returncode == 0, made.stderr
    assert portico.portico("apply").returncode == 0
    for found in receipts(portico, say(portico, "desk", STRICT, day=11)):
        assert found["prompt"] == "desk"
        assert found["prompt_source"] == "adopted"
        assert found["prompt_version"].startswith("ver_")
    prompts = listed(portico)
    assert prompts["desk"]["source"] == "adopted"
    assert strict not in prompts
    acts = portico.ask("/admin/v1/audit").json["acts"]
    assert [act for act in acts if act["action"] == "adopt" and strict in json.dumps(act)]


def test_where_no_transcripts_are_kept_the_prompt_comes_without_a_suite(portico: Running) -> None:
    (strict,) = names(portico, say(portico, "quiet", STRICT))
    eventually(lambda: strict in listed(portico))
    made = portico.portico("prompt", "adopt", strict, "quiet")
    assert made.returncode == 0, made.stderr
    assert "no suite is written" in made.stderr
    assert (portico.directory / "prompts" / "quiet.md").exists()
    assert not (portico.directory / "evals").exists()
    assert portico.portico("check").returncode == 0
    again = portico.portico("prompt", "adopt", strict, "quiet")
    assert again.returncode == 2
    assert "already" in again.stderr


def test_the_text_of_observed_prompts_is_in_no_file_and_no_log(portico: Running) -> None:
    (strict,) = names(portico, say(portico, "desk", STRICT))
    eventually(lambda: strict in listed(portico))
    data = portico.directory / ".portico"
    texts = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    for path, content in texts.items():
        assert b"help desk" not in content, path
        assert b"Lovelace" not in content, path
    assert "help desk" not in portico.log
    assert "help desk" not in portico.ask("/metrics").body.decode()
