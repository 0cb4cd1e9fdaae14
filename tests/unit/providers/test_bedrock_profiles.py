"""What a Bedrock id stands for, and what is known of the models."""

from datetime import date

import pytest

from portico.providers.bedrock import facts, profiles
from portico.providers.bedrock.profiles import Resource

SONNET = "anthropic.claude-sonnet-4-6"
ACCOUNT = "arn:aws:bedrock:eu-west-1:123456789012"


@pytest.mark.parametrize(
    ("model_id", "found"),
    [
        (SONNET, Resource(kind="model", model=SONNET)),
        (
            f"eu.{SONNET}",
            Resource(kind="inference-profile", model=SONNET, geography="eu"),
        ),
        (
            f"{ACCOUNT}:inference-profile/global.{SONNET}",
            Resource(
                kind="inference-profile", model=SONNET, geography="global", region="eu-west-1"
            ),
        ),
        (
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0",
            Resource(kind="model", model="amazon.nova-lite-v1:0", region="us-gov-west-1"),
        ),
        ("amazon.nova-lite-v1:0:24k", Resource(kind="model", model="amazon.nova-lite-v1:0")),
        (
            f"{ACCOUNT}:application-inference-profile/abc123def456",
            Resource(kind="application-inference-profile", region="eu-west-1"),
        ),
        (
            f"{ACCOUNT}:provisioned-model/abc123def456",
            Resource(kind="provisioned-model", region="eu-west-1"),
        ),
        (
            f"{ACCOUNT}:imported-model/abc123def456",
            Resource(kind="imported-model", region="eu-west-1"),
        ),
        (
            f"{ACCOUNT}:default-prompt-router/anthropic.claude:1",
            Resource(kind="default-prompt-router", region="eu-west-1"),
        ),
        (
            "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/mine",
            Resource(kind="endpoint", region="eu-west-1"),
        ),
        ("arn:aws:bedrock:x", Resource(kind="arn")),
        ("arn:aws:bedrock:evil:1:provisioned-model/x", Resource(kind="provisioned-model")),
        ("mine/model", None),
        ("arn:aws:bedrock:\n", None),
    ],
)
def test_an_id_is_read_for_what_it_names(model_id: str, found: Resource | None) -> None:
    assert profiles.read(model_id) == found


@pytest.mark.parametrize("near", sorted(profiles.GEOGRAPHIES))
def test_a_profile_of_any_geography_leads_to_its_model(near: str) -> None:
    assert profiles.model_behind(f"{near}.{SONNET}") == SONNET
    assert profiles.place(f"{near}.{SONNET}", "eu-west-1") == f"eu-west-1/{near}"


def test_a_global_price_is_never_taken_from_the_region() -> None:
    assert profiles.priced_as(f"global.{SONNET}") == (f"global.{SONNET}",)
    assert profiles.priced_as(f"ca.{SONNET}") == (f"ca.{SONNET}", SONNET)
    assert profiles.priced_as(f"{ACCOUNT}:inference-profile/eu.{SONNET}") == (
        f"eu.{SONNET}",
        SONNET,
    )
    assert profiles.priced_as(f"{ACCOUNT}:provisioned-model/x") == ()


def test_a_receipt_says_the_region_that_an_arn_names() -> None:
    arn = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    assert profiles.place(arn, "eu-west-1") == "us-west-2/us"
    assert profiles.place("amazon.nova-lite-v1:0", "eu-west-1") == "eu-west-1"


def test_regions_have_the_profiles_of_their_geography() -> None:
    assert profiles.geographies("eu-central-1") == ("eu", "global")
    assert profiles.geographies("ap-northeast-1") == ("jp", "apac", "global")
    assert profiles.geographies("us-gov-east-1") == ("us-gov",)
    assert profiles.geographies("me-central-1") == ("global",)


def test_hourly_are_the_arns_that_no_token_price_holds_for() -> None:
    assert profiles.hourly(f"{ACCOUNT}:provisioned-model/x")
    assert not profiles.hourly(f"{ACCOUNT}:application-inference-profile/x")
    assert not profiles.hourly(SONNET)


def test_every_fact_has_a_page_a_day_and_an_id_of_bedrock() -> None:
    known = facts.known()
    assert len(known) > 20
    for name, found in known.items():
        assert profiles.read(name) == Resource(kind="model", model=name)
        assert found.source.startswith("https://"), name
        assert found.context is not None
        assert found.max_output is None or found.max_output <= found.context
        assert not found.retires or date.fromisoformat(found.retires)
        assert date.fromisoformat(found.date)
