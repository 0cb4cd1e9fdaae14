"""Prompts and releases of a project as it is compiled."""

import datetime
from collections.abc import Mapping

import msgspec
import pytest

from portico.contract.snapshot import Release, Snapshot
from portico.control.projects import Compiled, compile_project

TODAY = datetime.date(2026, 11, 23)
YAML = """\
providers:
  sim: {kind: simulator}
  own: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: sk-canary, headers: {x-a: b}}
models:
  echo: {provider: sim, id: echo}
  mine: {provider: own, id: m, price: {input: 1, output: 2}}
workloads:
  support: {ladder: [echo, mine], prompt: support, guards: {input: {pii: flag}}}
"""
PROMPT = "---\nparameters: {temperature: 0.5, max_output_tokens: 70}\n---\nBe kind.\n"
FILES = {"portico.yaml": YAML, "prompts/support.md": PROMPT}


def compiled(files: Mapping[str, str]) -> Compiled:
    return compile_project(files, {}, TODAY)


def snapshot(files: Mapping[str, str]) -> Snapshot:
    found = compiled(files)
    assert found.problems == ()
    assert found.snapshot is not None
    return found.snapshot


def release(files: Mapping[str, str], workload: str = "support") -> Release:
    (found,) = [each for each in snapshot(files).releases if each.workload == workload]
    return found


def test_a_release_holds_prompt_ladder_providers_and_guards_and_names_its_workload() -> None:
    found = release(FILES)
    (live,) = [each for each in snapshot(FILES).workloads if each.name == "support"]
    assert live.release == found.id
    assert found.prompt is not None
    assert (found.prompt.name, found.prompt.template) == ("support", "Be kind.\n")
    assert [[model.name for model in rung] for rung in found.ladder] == [["echo"], ["mine"]]
    assert [provider.name for provider in found.providers] == ["sim", "own"]
    assert found.guards == {"input": {"pii": "flag"}}
    assert found.max_output_tokens == 70


def test_a_workloads_own_cap_wins_over_its_prompts() -> None:
    files = {**FILES, "portico.yaml": YAML.replace("prompt:", "max_output_tokens: 9, prompt:")}
    assert release(files).max_output_tokens == 9


def test_no_secret_is_in_a_release() -> None:
    body = msgspec.json.encode(release(FILES))
    assert b"canary" not in body
    assert b"x-a" not in body


@pytest.mark.parametrize(
    ("before", "after"),
    [("[echo, mine]", "[mine]"), ("pii: flag", "pii: block"), ("id: m,", "id: n,")],
)
def test_what_shapes_an_answer_makes_another_release(before: str, after: str) -> None:
    assert release({**FILES, "portico.yaml": YAML.replace(before, after)}).id != release(FILES).id


@pytest.mark.parametrize(
    ("before", "after"),
    [("input: 1,", "input: 3,"), ("canary", "other"), ("support: {", "support: {lane: batch, ")],
)
def test_prices_secrets_and_lanes_make_none(before: str, after: str) -> None:
    assert release({**FILES, "portico.yaml": YAML.replace(before, after)}).id == release(FILES).id


def test_an_included_text_is_part_of_the_release() -> None:
    files = {
        **FILES,
        "prompts/support.md": '{% include "prompts/parts/tone.md" %}',
        "prompts/parts/tone.md": "Be kind to {{ city }}.",
    }
    files["prompts/support.md"] = (
        "---\nvariables: {type: object, properties: {city: {type: string}}}\n---\n"
        + files["prompts/support.md"]
    )
    first = release(files)
    files["prompts/parts/tone.md"] += "!"
    assert release(files).id != first.id


def test_a_prompt_in_a_folder_has_the_whole_name() -> None:
    files = {
        "portico.yaml": YAML.replace("prompt: support", "prompt: care/support"),
        "prompts/care/support.md": "One.",
        "prompts/support.md": "Two.",
    }
    found = release(files).prompt
    assert found is not None
    assert (found.name, found.template) == ("care/support", "One.")
    assert {each.name for each in compiled(files).prompts} == {"care/support", "support"}


def test_every_fault_of_every_prompt_is_told_with_its_own_file_and_line() -> None:
    files = {
        **FILES,
        "prompts/support.md": "Fine.\n{{ unclosed\n",
        "prompts/unused.md": "---\nnonsense: 1\n---\nText.",
    }
    found = compiled(files).problems
    assert {(each.file, each.line) for each in found} >= {("prompts/unused.md", 2)}
    assert {each.file for each in found} == {"prompts/support.md", "prompts/unused.md"}


def test_a_part_of_other_prompts_need_not_make_sense_by_itself() -> None:
    files = {
        **FILES,
        "prompts/support.md": '{% set who = "you" %}{% include "prompts/part.md" %}',
        "prompts/part.md": "For {{ who }}.",
    }
    assert [each.name for each in compiled(files).prompts] == ["support"]


def test_prompts_that_include_each_other_are_found_though_nobody_uses_them() -> None:
    files = {
        **FILES,
        "prompts/a.md": '{% include "prompts/b.md" %}',
        "prompts/b.md": '{% include "prompts/a.md" %}',
    }
    assert any("a.md" in each.file or "b.md" in each.file for each in compiled(files).problems)


def test_the_default_that_nobody_declares_has_a_release_and_is_said_to_be_implied() -> None:
    found = {each.name: each for each in snapshot(FILES).workloads}
    assert found["default"].implied
    assert not found["support"].implied
    assert found["default"].release == release(FILES, "default").id


def test_transcripts_are_kept_where_they_are_full_and_redacted_ones_are_warned_about() -> None:
    full = {**FILES, "portico.yaml": YAML.replace("prompt:", "transcripts: full, prompt:")}
    assert snapshot(full).workloads[0].transcripts
    redacted = {**FILES, "portico.yaml": YAML.replace("prompt:", "transcripts: redacted, prompt:")}
    assert not snapshot(redacted).workloads[0].transcripts
    assert any("nothing is kept until" in each for each in snapshot(redacted).warnings)
    assert not any("transcripts" in each for each in snapshot(full).warnings)
