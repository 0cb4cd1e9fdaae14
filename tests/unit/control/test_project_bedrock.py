"""What portico.yaml and the environment say about Bedrock."""

import datetime
from collections.abc import Mapping

import pytest

from portico.contract.snapshot import Model, Provider, Snapshot, Workload
from portico.control.projects import Compiled, compile_project
from portico.control.projects.problems import Problem

TODAY = datetime.date(2026, 11, 23)
SONNET = "anthropic.claude-sonnet-4-6"
ACCOUNT = "arn:aws:bedrock:eu-west-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/portico"


def project(
    provider: str = "{kind: bedrock, region: eu-west-1}",
    model: str = f"{{provider: aws, id: eu.{SONNET}}}",
    workload: str = "{ladder: [m]}",
) -> str:
    return f"providers:\n  aws: {provider}\nmodels:\n  m: {model}\nworkloads:\n  w: {workload}\n"


def compiled(text: str, environment: Mapping[str, str] | None = None) -> Compiled:
    files = {"portico.yaml": text} if text else {}
    return compile_project(files, environment or {}, TODAY)


def snapshot(text: str, environment: Mapping[str, str] | None = None) -> Snapshot:
    result = compiled(text, environment)
    assert result.snapshot is not None, result.problems
    return result.snapshot


def only(text: str, environment: Mapping[str, str] | None = None) -> Problem:
    (problem,) = compiled(text, environment).problems
    return problem


def model(text: str) -> Model:
    return next(model for model in snapshot(text).models if model.name == "m")


def provider(found: Snapshot) -> Provider:
    return next(provider for provider in found.providers if provider.kind == "bedrock")


def workload(found: Snapshot, name: str) -> Workload:
    return next(workload for workload in found.workloads if workload.name == name)


# --- providers ---------------------------------------------------------------------------------


def test_a_provider_is_compiled_with_all_that_it_says() -> None:
    text = project(
        f"{{kind: bedrock, region: eu-west-1, profile: work, assume_role: '{ROLE}',"
        " session_tags: {team: care, app: portico}, base_url: 'https://vpce.example'}"
    )
    found = provider(snapshot(text))
    assert (found.region, found.profile, found.assume_role) == ("eu-west-1", "work", ROLE)
    assert found.session_tags == (("app", "portico"), ("team", "care"))
    assert found.base_url == "https://vpce.example"
    assert found.network.allow_private
    assert not any("not active yet" in warning for warning in snapshot(text).warnings)


def test_a_region_may_come_from_the_environment_and_must_come_from_somewhere() -> None:
    text = project("{kind: bedrock}")
    assert provider(snapshot(text, {"AWS_REGION": "eu-north-1"})).region == "eu-north-1"
    assert provider(snapshot(text, {"AWS_DEFAULT_REGION": "us-east-1"})).region == "us-east-1"
    found = only(text)
    assert (found.path, found.line) == ("providers.aws", 2)
    assert found.message == "the key region is missing"
    assert "AWS_REGION" in found.hint


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("region: Ireland", "region"),
        ("region: eu-west-1, assume_role: portico", "assume_role"),
        ("region: eu-west-1, base_url: 'https://x.example/a//b'", "base_url"),
        ("region: eu-west-1, session_tags: {a: b}", "session_tags"),
        (f"region: eu-west-1, assume_role: '{ROLE}', session_tags: {{'a!': b}}", "session_tags.a!"),
        (f"region: eu-west-1, api_key: '${{K}}', assume_role: '{ROLE}'", "assume_role"),
        ("region: eu-west-1, api_key: '${K}', profile: work", "profile"),
        ("region: eu-west-1, organization: o", "organization"),
    ],
)
def test_what_bedrock_cannot_use_is_a_problem_at_its_key(written: str, path: str) -> None:
    found = only(project(f"{{kind: bedrock, {written}}}"), {"K": "ABSK-secret"})
    assert found.path == f"providers.aws.{path}"
    assert "ABSK" not in str(found)


@pytest.mark.parametrize("key", ["profile: work", "session_tags: {a: b}", "region: eu-west-1"])
def test_keys_of_aws_mean_nothing_to_others(key: str) -> None:
    text = f"providers: {{o: {{kind: openai, api_key: '${{K}}', {key}}}}}"
    assert only(text, {"K": "x"}).path == f"providers.o.{key.partition(':')[0]}"


def test_an_api_key_stays_a_reference() -> None:
    text = project("{kind: bedrock, region: eu-west-1, api_key: '${AWS_BEARER_TOKEN_BEDROCK}'}")
    found = snapshot(text, {"AWS_BEARER_TOKEN_BEDROCK": "ABSK-secret"})
    assert provider(found).api_key == "${AWS_BEARER_TOKEN_BEDROCK}"


# --- models ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "stands_for", "region", "rates"),
    [
        (f"eu.{SONNET}", SONNET, "eu-west-1/eu", (3_300_000, 16_500_000)),
        (f"ca.{SONNET}", SONNET, "eu-west-1/ca", (3_300_000, 16_500_000)),
        (f"global.{SONNET}", SONNET, "eu-west-1/global", (3_000_000, 15_000_000)),
        (SONNET, "", "eu-west-1", (3_300_000, 16_500_000)),
        (
            f"{ACCOUNT}:inference-profile/global.{SONNET}",
            SONNET,
            "eu-west-1/global",
            (3_000_000, 15_000_000),
        ),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "amazon.nova-lite-v1:0",
            "us-east-1",
            (60_000, 240_000),
        ),
    ],
)
def test_a_profile_has_price_facts_and_place_of_the_model_behind_it(
    id_: str, stands_for: str, region: str, rates: tuple[int, int]
) -> None:
    found = model(project(model=f"{{provider: aws, id: '{id_}'}}"))
    assert (found.id, found.stands_for, found.region) == (id_, stands_for, region)
    assert found.price is not None
    assert (found.price.rates.input, found.price.rates.output) == rates
    assert found.facts is not None
    assert found.facts.source.startswith("https://")


def test_cached_tokens_have_their_published_price() -> None:
    price = model(project()).price
    assert price is not None
    assert (price.rates.cached_read, price.rates.cache_write_5m) == (330_000, 4_125_000)


def test_an_application_profile_needs_to_be_told_what_it_stands_for() -> None:
    arn = f"{ACCOUNT}:application-inference-profile/abc123def456"
    found = only(project(model=f"{{provider: aws, id: '{arn}'}}"))
    assert found.path == "models.m.price"
    assert "stands_for" in found.hint
    told = model(project(model=f"{{provider: aws, id: '{arn}', stands_for: eu.{SONNET}}}"))
    assert told.price is not None
    assert told.price.rates.input == 3_300_000
    assert told.stands_for == f"eu.{SONNET}"
    assert told.facts is not None
    assert told.facts.context == 1_000_000


@pytest.mark.parametrize(
    "written",
    [
        f"id: '{ACCOUNT}:provisioned-model/abc123def456'",
        f"id: '{ACCOUNT}:imported-model/abc123def456'",
        "id: amazon.nova-lite-v1:0, throughput: provisioned",
        "id: 'arn:aws:bedrock:…:provisioned-model/…', throughput: provisioned",
    ],
)
def test_what_is_paid_by_the_hour_is_unpriced_and_that_is_said(written: str) -> None:
    text = project(model=f"{{provider: aws, {written}}}")
    assert model(text).price is None
    assert model(text).throughput == "provisioned"
    (warning,) = snapshot(text).warnings
    assert warning.startswith("models.m (portico.yaml:4): provisioned throughput is paid by the")
    priced = project(model=f"{{provider: aws, {written}, price: {{input: 1, output: 2}}}}")
    assert model(priced).price is not None
    assert snapshot(priced).warnings == ()


def test_a_service_tier_needs_its_own_price() -> None:
    text = project(model=f"{{provider: aws, id: eu.{SONNET}, service_tier: flex}}")
    assert only(text).path == "models.m.price"
    priced = text.replace("service_tier: flex", "service_tier: flex, price: {input: 1, output: 2}")
    assert model(priced).service_tier == "flex"
    assert model(text.replace("flex", "default")).service_tier == ""
    echo = "models: {m: {provider: s, id: echo, service_tier: flex}}"
    assert only(f"providers: {{s: {{kind: simulator}}}}\n{echo}").path == "models.m.id"


def test_an_id_that_aws_would_not_read_is_a_problem() -> None:
    found = only(project(model="{provider: aws, id: 'mine/model', price: unpriced}"))
    assert found.path == "models.m.id"


def test_an_unknown_model_is_never_priced_at_nothing() -> None:
    found = only(project(model="{provider: aws, id: amazon.nova-light-v1:0}"))
    assert found.path == "models.m.price"
    assert "amazon.nova-lite-v1:0" in found.hint


def test_another_region_is_another_release() -> None:
    here = workload(snapshot(project()), "w").release
    there = project("{kind: bedrock, region: eu-central-1}")
    assert workload(snapshot(there), "w").release != here


# --- workloads ---------------------------------------------------------------------------------


def test_a_workload_may_call_as_somebody_of_its_own() -> None:
    text = project(
        workload=f"{{ladder: [m], aws: {{assume_role: '{ROLE}', session_tags: {{team: care}}}}}}"
    )
    found = workload(snapshot(text), "w")
    assert (found.assume_role, found.session_tags) == (ROLE, (("team", "care"),))
    assert workload(snapshot(project()), "w").assume_role == ""


@pytest.mark.parametrize(
    ("provider", "aws", "path"),
    [
        ("region: eu-west-1", "assume_role: portico", ".assume_role"),
        ("region: eu-west-1", "session_tags: {team: care}", ".session_tags"),
        ("region: eu-west-1, api_key: '${K}'", f"assume_role: '{ROLE}'", ""),
    ],
)
def test_a_workload_that_cannot_call_so_is_a_problem(provider: str, aws: str, path: str) -> None:
    text = project(f"{{kind: bedrock, {provider}}}", workload=f"{{ladder: [m], aws: {{{aws}}}}}")
    assert only(text, {"K": "x"}).path == f"workloads.w.aws{path}"


def test_a_workload_without_bedrock_has_nobody_to_call_as() -> None:
    text = (
        "providers: {s: {kind: simulator}}\nmodels: {m: {provider: s, id: echo}}\n"
        f"workloads: {{w: {{ladder: [m], aws: {{assume_role: '{ROLE}'}}}}}}"
    )
    assert only(text).path == "workloads.w.aws"


# --- what is found -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variable", ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"]
)
def test_credentials_and_a_region_make_a_provider_with_models_and_a_default(variable: str) -> None:
    found = snapshot("", {variable: "x", "AWS_REGION": "eu-west-1"})
    ours = provider(found)
    assert (ours.name, ours.region) == ("bedrock", "eu-west-1")
    key = "${AWS_BEARER_TOKEN_BEDROCK}" if "BEARER" in variable else ""
    assert ours.api_key == key
    assert workload(found, "default").ladder == (("bedrock/eu.amazon.nova-lite-v1:0",),)


@pytest.mark.parametrize(
    ("region", "first"),
    [
        ("us-east-1", "us.amazon.nova-lite-v1:0"),
        ("ap-northeast-1", "apac.amazon.nova-lite-v1:0"),
        ("us-gov-west-1", "us-gov.amazon.nova-lite-v1:0"),
        ("sa-east-1", "amazon.nova-lite-v1:0"),
    ],
)
def test_the_default_is_a_small_model_that_the_region_has(region: str, first: str) -> None:
    found = snapshot("", {"AWS_PROFILE": "x", "AWS_REGION": region})
    assert workload(found, "default").ladder == ((f"bedrock/{first}",),)


def test_the_list_is_bounded_and_every_model_in_it_has_a_price_and_can_be_called() -> None:
    found = snapshot("", {"AWS_PROFILE": "x", "AWS_REGION": "eu-west-1"})
    ids = {model.id for model in found.models}
    assert 40 < len(ids) == len(found.models) < 200
    assert all(model.price is not None for model in found.models)
    assert {f"eu.{SONNET}", f"global.{SONNET}", "amazon.titan-embed-text-v2:0"} <= ids
    assert not any(id_.startswith(("regional.", "us.")) for id_ in ids)
    assert "amazon.nova-premier-v1:0" not in ids  # retired


def test_models_of_bedrock_take_no_bare_names_from_their_makers() -> None:
    keys = {"ANTHROPIC_API_KEY": "x", "OPENAI_API_KEY": "x"}
    aws = {"AWS_PROFILE": "x", "AWS_REGION": "us-east-1"}
    others = {model.id for model in snapshot("", keys).models}
    both = [model.id for model in snapshot("", keys | aws).models]
    assert others
    assert len(both) == len(set(both))
    assert all(both.count(id_) == 1 for id_ in others)


def test_an_endpoint_of_the_environment_is_used_and_may_be_private() -> None:
    environment = {
        "AWS_PROFILE": "x",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9",
    }
    ours = provider(snapshot("", environment))
    assert (ours.base_url, ours.network.allow_private) == ("http://127.0.0.1:9", True)


def test_credentials_without_a_region_are_named_in_a_warning() -> None:
    found = snapshot("", {"AWS_PROFILE": "x"})
    assert [provider.kind for provider in found.providers] == ["simulator"]
    assert any("AWS_PROFILE is set, but not AWS_REGION" in warning for warning in found.warnings)


def test_what_is_no_region_is_named_in_a_warning() -> None:
    found = snapshot("", {"AWS_PROFILE": "x", "AWS_REGION": "Ireland/"})
    assert [provider.kind for provider in found.providers] == ["simulator"]
    assert any("AWS_REGION is no name" in warning for warning in found.warnings)


def test_another_provider_that_was_found_first_stays_the_default() -> None:
    found = snapshot("", {"OPENAI_API_KEY": "x", "AWS_PROFILE": "x", "AWS_REGION": "eu-west-1"})
    assert [provider.kind for provider in found.providers] == ["openai", "bedrock"]
    assert workload(found, "default").ladder[0][0].startswith("openai/")
