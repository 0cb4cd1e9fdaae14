"""The catalogue as evidence: pinned versions, retirements, facts, and calls."""

from datetime import date

import pytest

from portico.contract.ledger import ModelUse, Use
from portico.contract.money import Price, Rates
from portico.contract.snapshot import Facts, Model, Provider, Snapshot
from portico.control.models.api import window
from portico.control.models.versions import PINNED, pinned
from portico.control.models.view import Catalogue, Window, catalogue

TODAY = date(2026, 11, 23)
WINDOW = Window("2026-10-24T00:00:00+00:00", "2026-11-23T00:00:00+00:00", TODAY)


@pytest.mark.parametrize(
    ("kind", "id_", "expected"),
    [
        ("openai", "gpt-4o-2024-08-06", True),
        ("openai", "gpt-4-0613", True),
        ("openai", "gpt-4-0125-preview", True),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::A1b2", True),
        ("openai", "gpt-4o", False),
        ("openai", "gpt-5-mini", False),
        ("openai", "qwen3:8b", False),
        ("openai", "model-2024-99-99", False),
        ("anthropic", "claude-sonnet-4-5-20250929", True),
        ("anthropic", "claude-sonnet-4-5", False),
        ("anthropic", "claude-3-5-sonnet-latest", False),
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", True),
        ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", True),
        ("bedrock", "amazon.nova-lite-v1:0:300k", True),
        ("bedrock", "openai.gpt-oss-120b-1:0", True),
        ("bedrock", "arn:aws:bedrock:eu-west-1:1:provisioned-model/abc", False),
        ("gemini", "gemini-2.0-flash-001", True),
        ("gemini", "gemini-2.5-flash-preview-09-2025", True),
        ("gemini", "gemini-2.5-pro", False),
        ("gemini", "gemini-flash-latest", False),
        ("simulator", "echo", None),
    ],
)
def test_an_id_is_pinned_where_it_names_one_version(
    kind: str, id_: str, expected: bool | None
) -> None:
    assert pinned(kind, Model(name="m", provider="p", id=id_)) is expected


def test_of_an_arn_the_model_behind_it_counts() -> None:
    behind = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc"
    assert pinned("bedrock", Model(name="m", provider="p", id=arn, stands_for=behind)) is True


def test_every_hosted_provider_has_its_versions() -> None:
    assert set(PINNED) == {"openai", "anthropic", "bedrock", "gemini"}


PRICE = Price(rates=Rates(input=1, output=1), source="portico.yaml", date="2026-11-20")
FACTS = Facts(context=1000, retires="2026-11-23", source="https://example.com", date="2026-01-01")
SNAPSHOT = Snapshot(
    project="default",
    providers=(
        Provider(name="bedrock", kind="bedrock", region="eu-west-1"),
        Provider(name="openai", kind="openai"),
    ),
    models=(
        Model(name="large", provider="bedrock", id="x-v1:0", price=PRICE, facts=FACTS),
        Model(name="openai/gpt-5", provider="openai", id="gpt-5", listed=False),
    ),
    workloads=(),
)


def used(model: str, provider: str, region: str, attempts: int, **more: bool) -> ModelUse:
    known = {"listed": True, "simulated": False} | more
    return ModelUse(
        model=model, provider=provider, region=region, attempts=attempts, failed=1,
        calls=attempts - 1, **known,
    )  # fmt: skip


USE = Use(
    calls=9,
    unlisted_calls=2,
    simulated_calls=4,
    models=(
        used("gone", "openai", "", 2),
        used("large", "bedrock", "eu-west-1", 3),
        used("large", "bedrock", "us-east-1", 4),
        used("openai/gpt-5", "openai", "", 5, listed=False),
        used("openai/gpt-5", "openai", "", 6, listed=False, simulated=True),
    ),
)


def read(listed: bool | None = None) -> Catalogue:
    return catalogue(SNAPSHOT, USE, WINDOW, listed)


def test_a_model_is_shown_with_its_facts_price_region_and_calls() -> None:
    large, small = read().models
    assert (large.pinned, large.region, large.listed) == (True, "eu-west-1", True)
    assert (large.retires, large.retired, large.facts_stale) == ("2026-11-23", True, True)
    assert (large.price_source, large.price_date) == ("portico.yaml", "2026-11-20")
    assert (large.use.attempts, large.use.failed, large.use.calls) == (7, 2, 5)
    assert large.use.regions == {"eu-west-1": 3, "us-east-1": 4}
    assert (small.pinned, small.listed, small.priced, small.facts) == (False, False, False, None)
    assert small.use.attempts == 11


def test_calls_are_summed_up_and_models_that_are_gone_are_named() -> None:
    shown = read()
    assert (shown.calls, shown.unlisted_calls, shown.simulated_calls) == (9, 2, 4)
    assert shown.regions == {"": 7, "eu-west-1": 3, "us-east-1": 4}
    assert [(other.name, other.use.attempts) for other in shown.others] == [("gone", 2)]


def test_the_list_can_be_narrowed_without_changing_what_is_counted() -> None:
    assert [model.name for model in read(listed=True).models] == ["large"]
    assert [model.name for model in read(listed=False).models] == ["openai/gpt-5"]
    assert [other.name for other in read(listed=True).others] == ["gone"]


def test_a_window_ends_now_in_utc() -> None:
    found = window(1_795_392_000_123_456_789, 30)
    assert found.until == "2026-11-23T00:00:00+00:00"
    assert found.since == "2026-10-24T00:00:00+00:00"
    assert found.today == TODAY
