"""Coefficients of models, as a project compiles them."""

from datetime import date

from portico.contract.snapshot import Model, Snapshot
from portico.control.projects.compile import compile_project

PROJECT = """
project: default
providers:
  openai: {kind: openai, api_key: sk-x}
  local: {kind: openai, base_url: "http://127.0.0.1:11434/v1"}
  bedrock: {kind: bedrock, region: eu-west-1}
  sim: {kind: simulator}
models:
  small: {provider: openai, id: gpt-4o-mini}
  own: {provider: local, id: tuned, price: unpriced, size: 30e9, active_size: 3e9, region: SWE}
  opaque: {provider: local, id: other, price: {input: 1, output: 1}}
  near: {provider: bedrock, id: eu.anthropic.claude-haiku-4-5-20251001-v1:0}
  echo: {provider: sim, id: echo}
  sized: {provider: sim, id: echo, size: 8e9}
workloads:
  w: {ladder: [small]}
"""
TODAY = date(2026, 11, 23)


def compiled(text: str = PROJECT) -> Snapshot:
    snapshot = compile_project({"portico.yaml": text}, {}, TODAY).snapshot
    assert snapshot is not None
    return snapshot


def models() -> dict[str, Model]:
    return {model.name: model for model in compiled().models}


def test_a_written_size_is_known_and_anothers_is_a_range() -> None:
    found = models()
    own, small = found["own"].energy, found["small"].energy
    assert own is not None
    assert small is not None
    basis = own.basis
    assert (basis.size_low, basis.size_high) == (30_000_000_000, 30_000_000_000)
    assert (basis.active_high, basis.size_source) == (3_000_000_000, "portico.yaml")
    assert small.basis.size_low < small.basis.size_high
    assert small.basis.method.startswith("ecologits ")


def test_the_grid_is_that_of_the_region_else_of_the_provider() -> None:
    found = models()
    zones = {name: each.energy.basis.zone for name, each in found.items() if each.energy}
    assert zones["own"] == "SWE"
    assert zones["small"] == "USA"
    assert zones["near"] == "eu"
    assert zones["sized"] == "WOR"


def test_a_model_of_no_known_size_and_a_simulated_one_without_a_size_have_none() -> None:
    found = models()
    assert found["opaque"].energy is None
    assert found["echo"].energy is None
    assert found["sized"].energy is not None


def test_a_release_carries_the_estimates_of_its_models_and_is_not_named_by_them() -> None:
    plain = compiled()
    (release,) = [each for each in plain.releases if each.workload == "w"]
    ((model,),) = release.ladder
    assert model.energy == models()["small"].energy
    other = compiled(PROJECT.replace("id: gpt-4o-mini}", "id: gpt-4o-mini, size: 8e9}"))
    assert [each.id for each in other.releases if each.workload == "w"] == [release.id]


def test_more_active_parameters_than_there_are_is_an_error_at_its_line() -> None:
    text = PROJECT.replace("active_size: 3e9", "active_size: 31e9")
    found = compile_project({"portico.yaml": text}, {}, TODAY)
    assert found.snapshot is None
    (problem,) = found.problems
    assert problem.path == "models.own.active_size"
