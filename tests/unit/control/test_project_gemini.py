"""Projects with Gemini: from the environment and from portico.yaml."""

import datetime

import pytest

from portico.contract.snapshot import Model, Snapshot
from portico.control.projects.compile import compile_project

DAY = datetime.date(2026, 11, 23)
FILE = """
providers:
  google: {kind: gemini, api_key: "${GEMINI_API_KEY}"}
models:
  flash: {provider: google, id: gemini-3.8-flash}
  pro: {provider: google, id: gemini-2.5-pro}
  vectors: {provider: google, id: gemini-embedding-2}
workloads:
  w: {ladder: [flash]}
"""
SET = {"GEMINI_API_KEY": "k"}


def snapshot(files: dict[str, str], environment: dict[str, str]) -> Snapshot:
    result = compile_project(files, environment, DAY)
    assert result.problems == ()
    assert result.snapshot is not None
    return result.snapshot


def model(found: Snapshot, name: str) -> Model:
    return next(model for model in found.models if model.name == name)


@pytest.mark.parametrize("variable", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_a_key_in_the_environment_is_a_provider_with_its_models(variable: str) -> None:
    found = snapshot({}, {variable: "k"})
    (provider,) = found.providers
    assert (provider.name, provider.kind) == ("gemini", "gemini")
    assert provider.api_key == f"${{{variable}}}"
    default = next(workload for workload in found.workloads if workload.name == "default")
    assert default.ladder == (("gemini/gemini-3.5-flash-lite",),)
    flash = model(found, "gemini/gemini-3.8-flash")
    assert flash.price is not None
    assert flash.facts is not None
    assert flash.facts.max_output == 65536


def test_geminis_own_variable_goes_before_googles() -> None:
    found = snapshot({}, {"GOOGLE_API_KEY": "a", "GEMINI_API_KEY": "b"})
    assert [provider.api_key for provider in found.providers] == ["${GEMINI_API_KEY}"]


def test_the_addresss_variable_of_googles_sdk_is_heard() -> None:
    result = compile_project({}, {**SET, "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9"}, DAY)
    assert result.snapshot is not None
    assert result.snapshot.providers[0].base_url == "http://127.0.0.1:9"
    assert any("GOOGLE_GEMINI_BASE_URL" in warning for warning in result.warnings)


def test_only_models_that_the_gemini_api_serves_are_listed() -> None:
    names = [found.id for found in snapshot({}, SET).models]
    assert "gemini-embedding-001" in names
    assert [name for name in names if not name.startswith("gemini-")] == []


def test_models_of_the_file_have_prices_facts_and_tiers() -> None:
    found = snapshot({"portico.yaml": FILE}, SET)
    assert model(found, "flash").price is not None
    pro = model(found, "pro").price
    assert pro is not None
    assert [tier.above for tier in pro.tiers] == [200_000]
    vectors = model(found, "vectors")
    assert vectors.price is not None
    assert vectors.facts is not None
    assert vectors.facts.output == ("embedding",)


def test_a_model_that_retires_soon_is_warned_about() -> None:
    result = compile_project({"portico.yaml": FILE}, SET, DAY)
    assert any("gemini-2.5-pro on 2026-12-01" in warning for warning in result.warnings)
    assert not any("not active yet" in warning for warning in result.warnings)


def test_a_provider_without_a_key_is_an_error_that_says_what_to_write() -> None:
    text = FILE.replace(', api_key: "${GEMINI_API_KEY}"', "")
    (found,) = compile_project({"portico.yaml": text}, SET, DAY).problems
    assert "api_key is missing" in found.message
    assert "${GEMINI_API_KEY}" in found.hint


def test_a_region_means_nothing_to_gemini() -> None:
    text = FILE.replace("kind: gemini,", "kind: gemini, region: europe-west1,")
    (found,) = compile_project({"portico.yaml": text}, SET, DAY).problems
    assert found.path == "providers.google.region"
