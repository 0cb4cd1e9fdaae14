"""From a project directory to the snapshot that the gateway serves."""

import datetime
from collections.abc import Mapping

import msgspec
import pytest

from portico.contract.money import Rates
from portico.contract.snapshot import Bounds, Model, Provider, Snapshot, Workload
from portico.control.projects import (
    Compiled,
    Durability,
    compile_project,
    wanted_files,
)
from portico.control.projects.activity import INACTIVE

TODAY = datetime.date(2026, 11, 23)
SIM = """\
providers:
  sim: {kind: simulator}
models:
  echo: {provider: sim, id: echo}
  slow: {provider: sim, id: "echo?ttft=1s"}
workloads:
  w: {ladder: [slow]}
"""
DESIGN = """\
project: default
providers:
  openai:    {kind: openai, api_key: "${OPENAI_API_KEY}"}
  claude:    {kind: anthropic, api_key: "${ANTHROPIC_API_KEY}"}
  bedrock:   {kind: bedrock, region: eu-west-1, assume_role: "arn:aws:iam::1:role/portico"}
  local:     {kind: openai, base_url: "http://127.0.0.1:11434/v1"}
  sim:       {kind: simulator}
models:
  small:     {provider: openai, id: gpt-5-mini, quota: {requests_per_minute: 500}}
  large:     {provider: claude, id: claude-sonnet-4-5}
  large-pt:  {provider: bedrock, id: "arn:aws:bedrock:x", throughput: provisioned}
  own:       {provider: local, id: "qwen3:8b", price: {input: 0.05, output: 0.10}, size: 8e9}
workloads:
  support:
    team: care
    lane: chat
    prompt: support
    ladder: [small, {pool: [large-pt, large]}]
    latency: {first_token: 800ms, total: 8s}
    trust: {checks: [grounding, agreement], risk: 0.05, otherwise: [escalate, abstain]}
    guards:
      input: {pii: tokenise, secrets: block, injection: block}
      output: {pii: redact, links: {allow: [example.com]}, prompt_leak: block}
    cache: {exact: 1h, semantic: {threshold: 0.95, ttl: 1h}}
    budget: {usd: 50, per: day, soft: 0.8}
    max_output_tokens: 2000
    transcripts: redacted
    rollout: {gate: support, canary: [5, 25, 50, 100], watch: [error, quality, latency, cost]}
tools:
  send_email: {sinks: [to, bcc], external: true}
  read_inbox: {returns: {free_text: [body], record: [from, date]}}
"""
DESIGN_FILES = {
    "portico.yaml": DESIGN,
    "prompts/support.md": "Be kind.",
    "evals/support/suite.yaml": "name: support",
}
KEYS = {"OPENAI_API_KEY": "sk-secret-1", "ANTHROPIC_API_KEY": "sk-secret-2"}


def compiled(files: Mapping[str, str], environment: Mapping[str, str] | None = None) -> Compiled:
    result = compile_project(files, environment or {}, TODAY)
    assert result.problems == ()
    return result


def snapshot(text: str, environment: Mapping[str, str] | None = None) -> Snapshot:
    result = compiled({"portico.yaml": text}, environment).snapshot
    assert result is not None
    return result


def discovered(environment: Mapping[str, str]) -> Snapshot:
    result = compiled({}, environment).snapshot
    assert result is not None
    return result


def model(of: Snapshot, name: str) -> Model:
    return next(model for model in of.models if model.name == name)


def workload(of: Snapshot, name: str) -> Workload:
    return next(workload for workload in of.workloads if workload.name == name)


def provider(of: Snapshot, name: str) -> Provider:
    return next(provider for provider in of.providers if provider.name == name)


# --- without a file ----------------------------------------------------------------------------


def test_without_a_file_and_keys_the_simulator_serves_and_a_warning_says_so() -> None:
    result = compiled({})
    assert result.snapshot is not None
    assert [p.kind for p in result.snapshot.providers] == ["simulator"]
    assert [m.name for m in result.snapshot.models] == ["sim/echo", "sim/extract", "sim/embed"]
    assert workload(result.snapshot, "default").ladder == (("sim/echo",),)
    assert any("simulator" in warning for warning in result.warnings)
    assert result.snapshot.warnings == result.warnings


def test_a_key_in_the_environment_brings_its_provider_with_models_and_prices() -> None:
    found = discovered({"OPENAI_API_KEY": "sk-1"})
    assert provider(found, "openai").api_key == "${OPENAI_API_KEY}"
    assert not provider(found, "openai").network.allow_private
    mini = model(found, "openai/gpt-5-mini")
    assert not mini.listed
    assert mini.price is not None
    assert mini.price.rates.input == 250_000
    assert all(m.price is not None for m in found.models)


def test_both_keys_bring_both_providers_and_the_first_gives_the_default() -> None:
    found = discovered({"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b"})
    assert [p.name for p in found.providers] == ["openai", "anthropic"]
    assert workload(found, "default").ladder[0][0].startswith("openai/")
    assert model(found, "anthropic/claude-sonnet-4-5-20250929").price is not None


def test_a_base_url_in_the_environment_keeps_the_model_list_and_may_be_private() -> None:
    result = compiled({}, {"OPENAI_API_KEY": "a", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    assert result.snapshot is not None
    assert provider(result.snapshot, "openai").base_url == "http://127.0.0.1:9/v1"
    assert provider(result.snapshot, "openai").network.allow_private
    assert model(result.snapshot, "openai/gpt-4o").price is not None
    assert any("OPENAI_BASE_URL" in warning for warning in result.warnings)


def test_a_default_is_not_chosen_that_its_provider_retires_within_a_month() -> None:
    environment = {"OPENAI_API_KEY": "a"}
    before = compile_project({}, environment, datetime.date(2026, 9, 1)).snapshot
    after = compile_project({}, environment, datetime.date(2026, 12, 1)).snapshot
    assert before is not None
    assert after is not None
    assert workload(before, "default").ladder == (("openai/gpt-5-mini",),)
    assert workload(after, "default").ladder == (("openai/gpt-5.4-mini",),)


def test_a_file_without_providers_takes_those_of_the_environment() -> None:
    found = snapshot("models: {m: {provider: sim, id: extract}}")
    assert workload(found, "default").ladder == (("m",),)


# --- with a file -------------------------------------------------------------------------------


def test_the_project_of_the_design_compiles() -> None:
    result = compiled(DESIGN_FILES, KEYS)
    assert result.snapshot is not None
    support = workload(result.snapshot, "support")
    assert support.team == "care"
    assert support.ladder == (("small",), ("large-pt", "large"))
    assert (support.first_token_s, support.total_s) == (0.8, 8.0)
    assert support.max_output_tokens == 2000
    own = model(result.snapshot, "own")
    assert own.price is not None
    assert own.price.rates == Rates(input=50_000, output=100_000)
    assert own.size == 8e9
    assert model(result.snapshot, "large-pt").price is None
    assert provider(result.snapshot, "local").network.allow_private


def test_each_key_without_effect_is_warned_about_with_its_line() -> None:
    warnings = compiled(DESIGN_FILES, KEYS).warnings
    expected = {
        "models.small.quota (portico.yaml:9)",
        "workloads.support.ladder (portico.yaml:18)",
        "workloads.support.trust (portico.yaml:20)",
        "workloads.support.guards (portico.yaml:21)",
        "workloads.support.cache (portico.yaml:24)",
        "workloads.support.transcripts (portico.yaml:27)",
        "workloads.support.rollout (portico.yaml:28)",
        "tools (portico.yaml:29)",
    }
    said = {warning.partition(" is understood but not active yet")[0] for warning in warnings}
    assert expected <= said


@pytest.mark.parametrize("line", ["transcripts: off", "transcripts: null", "trust: {}"])
def test_a_key_that_asks_for_nothing_is_not_warned_about(line: str) -> None:
    text = SIM.replace("{ladder: [slow]}", f"{{ladder: [slow], {line}}}")
    assert compiled({"portico.yaml": text}).warnings == ()


def test_a_section_whose_lines_are_all_commented_out_is_as_good_as_absent() -> None:
    found = snapshot("providers:\n  # openai: {}\nmodels:\nworkloads:\nlimits: {body: }\n")
    assert workload(found, "default").ladder == (("sim/echo",),)


def test_every_inactive_key_has_a_reason() -> None:
    assert all(reason and not reason.endswith(".") for reason in INACTIVE.values())


def test_models_of_the_file_come_first_and_are_not_listed_twice() -> None:
    found = snapshot(SIM)
    assert [m.name for m in found.models] == ["echo", "slow", "sim/extract", "sim/embed"]
    assert all(m.listed for m in found.models)


def test_the_workload_default_always_exists() -> None:
    assert workload(snapshot(SIM), "default").ladder == (("echo",),)
    own = snapshot(SIM.replace("  w:", "  default:"))
    assert [w.ladder for w in own.workloads] == [(("slow",),)]


def test_a_model_that_only_embeds_is_not_the_default() -> None:
    found = snapshot(SIM.replace("  echo:", "  vectors: {provider: sim, id: embed}\n  echo:"))
    assert workload(found, "default").ladder == (("echo",),)


def test_a_ladder_may_name_a_model_of_the_providers_own_list() -> None:
    found = snapshot(SIM.replace("[slow]", "[sim/embed]"))
    assert workload(found, "w").ladder == (("sim/embed",),)


def test_a_provider_at_another_address_brings_no_list_and_needs_prices() -> None:
    text = 'providers: {p: {kind: openai, base_url: "http://h/v1"}}\nmodels: {m: {provider: p, id: '
    result = compile_project({"portico.yaml": text + "gpt-4o}}"}, {}, TODAY)
    assert [p.path for p in result.problems] == ["models.m.price"]
    found = snapshot(text + "gpt-4o, price: unpriced}}")
    assert [m.name for m in found.models] == ["m"]
    assert found.models[0].price is None


def test_a_known_address_decides_whose_prices_hold() -> None:
    base = "https://r.openai.azure.com"
    found = snapshot(
        "providers:\n"
        f"  p: {{kind: openai, base_url: '{base}', api_key: '${{K}}', api_version: v}}\n"
        "models: {m: {provider: p, id: gpt-4o}}\n",
        {"K": "k"},
    )
    assert found.models[0].price is not None
    assert provider(found, "p").api_version == "v"


def test_numbers_may_come_from_the_environment() -> None:
    text = SIM.replace("[slow]", "[slow], max_output_tokens: '${CAP:-500}', team: '${TEAM}'")
    found = workload(snapshot(text, {"TEAM": "7"}), "w")
    assert found.max_output_tokens == 500
    assert found.team == "7"


def test_the_lane_gives_the_deadline_that_a_workload_does_not_name() -> None:
    text = SIM.replace("[slow]", "[slow], lane: voice, latency: {first_token: 1s}")
    found = workload(snapshot(text + "lanes: {voice: {latency: {total: 5s}}}\n"), "w")
    assert (found.first_token_s, found.total_s) == (1.0, 5.0)


def test_limits_and_durability_reach_the_process() -> None:
    limits = "limits: {body: 1MB, headers: 16KiB, nesting: 50, read_body: 5s, drain: 1m}\n"
    durability = "durability: {mode: commit, fsync: 100ms, journal: 2MiB, when_full: serve}\n"
    result = compiled({"portico.yaml": SIM + limits + durability})
    assert result.snapshot is not None
    assert result.snapshot.bounds == Bounds(
        body_bytes=1_000_000, header_bytes=16_384, nesting=50, read_body_s=5, drain_s=60
    )
    assert result.durability == Durability(
        commit=True, fsync_s=0.1, journal_bytes=2 * 1024 * 1024, serve_when_full=True
    )
    assert compiled({"portico.yaml": SIM + "durability: commit"}).durability.commit


def test_defaults_of_the_schema_are_those_of_the_snapshot() -> None:
    result = compiled({"portico.yaml": SIM})
    assert result.snapshot is not None
    assert result.snapshot.bounds == Bounds()
    assert result.durability == Durability()


def test_timeouts_and_sizes_of_a_provider_reach_its_network() -> None:
    text = SIM.replace(
        "{kind: simulator}",
        "{kind: simulator, timeouts: {connect: 1s, first_byte: 2s, between_chunks: 3s},"
        " max_response: 1MB, ca_file: ca.pem, proxy: 'http://proxy'}",
    )
    network = provider(snapshot(text), "sim").network
    assert (network.connect_s, network.first_byte_s, network.between_chunks_s) == (1, 2, 3)
    assert (network.max_response_bytes, network.ca_file) == (1_000_000, "ca.pem")
    assert network.proxy == "http://proxy"


def test_a_script_of_the_simulator_is_embedded_and_brings_its_model() -> None:
    text = SIM.replace("{kind: simulator}", "{kind: simulator, script: a.yaml}")
    script = "- answer: hello\n"
    result = compiled({"portico.yaml": text, "a.yaml": script}).snapshot
    assert result is not None
    assert provider(result, "sim").script == script
    assert model(result, "sim/script").listed
    assert wanted_files(text) == ("a.yaml",)


def test_a_model_that_is_about_to_retire_is_warned_about() -> None:
    text = (
        'providers: {o: {kind: openai, api_key: "${K}"}}\nmodels: {m: {provider: o, id: gpt-5}}\n'
    )
    warnings = compiled({"portico.yaml": text}, {"K": "k"}).warnings
    assert any("models.m (portico.yaml:2)" in w and "2026-12-11" in w for w in warnings)


# --- digest and release ------------------------------------------------------------------------


def test_secrets_are_not_in_the_snapshot_but_as_references() -> None:
    result = compiled(DESIGN_FILES, KEYS).snapshot
    body = msgspec.json.encode(result)
    assert b"sk-secret" not in body
    assert b"${OPENAI_API_KEY}" in body


def test_a_key_that_is_written_out_is_warned_about_and_not_part_of_the_digest() -> None:
    text = SIM + ""
    text = text.replace("models:", "  p: {kind: openai, api_key: sk-canary}\nmodels:")
    result = compiled({"portico.yaml": text})
    assert any("providers.p.api_key (portico.yaml:3)" in w for w in result.warnings)
    assert not any("canary" in w for w in result.warnings)
    assert snapshot(text).digest == snapshot(text.replace("canary", "other")).digest


def test_the_digest_changes_with_the_meaning_and_not_with_the_day_or_the_secrets() -> None:
    first = compile_project(DESIGN_FILES, KEYS, TODAY).snapshot
    later = compile_project(
        DESIGN_FILES, KEYS | {"OPENAI_API_KEY": "new"}, datetime.date(2026, 11, 24)
    )
    other = {**DESIGN_FILES, "portico.yaml": DESIGN.replace("2000", "3000")}
    changed = compile_project(other, KEYS, TODAY).snapshot
    assert first is not None
    assert later.snapshot is not None
    assert changed is not None
    assert first.digest == later.snapshot.digest
    assert first.digest != changed.digest


def test_a_release_is_named_by_what_shapes_an_answer_and_by_nothing_else() -> None:
    release = workload(snapshot(SIM), "w").release
    assert release.startswith("rel_")
    assert len(release) >= 16
    same = SIM.replace("[slow]", "[slow], team: other, latency: {total: 5s}")
    assert workload(snapshot(same), "w").release == release
    for change in ("[echo]", "[slow, echo]", "[slow], max_output_tokens: 5"):
        assert workload(snapshot(SIM.replace("[slow]", change)), "w").release != release
    renamed = SIM.replace("slow", "late")
    assert workload(snapshot(renamed), "w").release == release


def test_a_snapshot_can_be_kept_and_read_again() -> None:
    found = snapshot(SIM)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Snapshot) == found
