"""Whose AWS identity a call of a workload is signed for."""

import msgspec
import pytest

from portico.contract.errors import InvalidRequest
from portico.contract.ports import AwsIdentity
from portico.contract.snapshot import Model, Provider, Snapshot, Workload
from portico.gateway.live import Live, compile_live
from portico.gateway.shelf import Route

ROLE = "arn:aws:iam::123456789012:role/portico"
OWN = "arn:aws:iam::123456789012:role/care"
NOVA = "amazon.nova-lite-v1:0"
PROVIDER = Provider(
    name="aws",
    kind="bedrock",
    region="eu-west-1",
    assume_role=ROLE,
    session_tags=(("app", "portico"), ("team", "all")),
)


def live(*workloads: Workload, provider: Provider = PROVIDER, tier: str = "") -> Live:
    models = (
        Model(name="m", provider="aws", id=NOVA),
        Model(name="t", provider="aws", id="amazon.nova-pro-v1:0", service_tier=tier),
    )
    snapshot = Snapshot(project="p", providers=(provider,), models=models, workloads=workloads)
    return compile_live(snapshot, (provider,), {}, b"pepper")


def identity(route: Route) -> AwsIdentity:
    assert route.connection.identity is not None
    return route.connection.identity


def test_a_workload_with_nothing_of_its_own_shares_its_providers_connection() -> None:
    found = live(Workload(name="w", ladder=(("m",),)), Workload(name="v", ladder=(("m",),)))
    assert found.route("w").connection is found.route("v").connection
    assert found.route(NOVA).connection is found.route("v").connection
    assert identity(found.route("w")) == AwsIdentity(
        region="eu-west-1", role_arn=ROLE, session_tags=PROVIDER.session_tags
    )


def test_a_workload_calls_with_its_own_role_and_its_tags_over_the_providers() -> None:
    tags = (("team", "care"), ("workload", "w"))
    found = live(Workload(name="w", ladder=(("m",),), assume_role=OWN, session_tags=tags))
    own = identity(found.route("w"))
    assert own.role_arn == OWN
    assert own.session_tags == (("app", "portico"), ("team", "care"), ("workload", "w"))
    assert identity(found.route(f"aws/{NOVA}")).role_arn == ROLE


def test_workloads_that_call_as_the_same_share_one_connection() -> None:
    found = live(
        Workload(name="a", ladder=(("m",),), assume_role=OWN),
        Workload(name="b", ladder=(("m",),), assume_role=OWN),
    )
    assert found.route("a").connection is found.route("b").connection


def test_a_model_with_a_service_tier_asks_for_it_under_every_name() -> None:
    found = live(Workload(name="w", ladder=(("t",),)), tier="priority")
    for name in ("w", "aws/amazon.nova-pro-v1:0"):
        route = found.route(name)
        request = route.connection.request("chat", route.model.id, b"{}", False, {})
        assert request.body == b'{"serviceTier":{"type":"priority"}}'
    plain = found.route(NOVA).connection
    assert plain.request("chat", NOVA, b"{}", False, {}).body == b"{}"


def test_a_role_that_is_none_keeps_the_snapshot_from_compiling() -> None:
    with pytest.raises(InvalidRequest, match="assume_role"):
        live(Workload(name="w", ladder=(("m",),), assume_role="care"))
    with pytest.raises(InvalidRequest, match="region"):
        live(provider=msgspec.structs.replace(PROVIDER, region=""))
