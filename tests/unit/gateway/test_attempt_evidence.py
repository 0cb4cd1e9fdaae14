"""What an attempt says of where it went and whether its model was agreed upon."""

import msgspec
import pytest
from tests.unit.gateway.harness import SNAPSHOT

from portico.adapters.memory.clock import FakeClock
from portico.contract.receipt import Attempt, Receipt
from portico.contract.snapshot import Model, Provider
from portico.gateway.live import compile_live
from portico.gateway.metrics import Metrics
from portico.gateway.shelf import Route
from portico.gateway.trail import AttemptTrail


def made(model: Model, provider: Provider) -> Attempt:
    live = compile_live(SNAPSHOT, SNAPSHOT.providers, {}, b"p" * 32)
    route: Route = msgspec.structs.replace(live.route("support"), model=model, provider=provider)
    return AttemptTrail("att_1", route, FakeClock(), 1).attempt


@pytest.mark.parametrize(
    ("of_model", "of_provider", "expected"),
    [
        ("eu-west-1", "us-east-1", "eu-west-1"),
        ("", "us-east-1", "us-east-1"),
        ("eu-west-1", "", "eu-west-1"),
        ("", "", ""),
    ],
)
def test_an_attempt_has_its_model_s_region_or_else_its_provider_s(
    of_model: str, of_provider: str, expected: str
) -> None:
    model = Model(name="small", provider="openai", id="gpt-5-mini", region=of_model)
    provider = Provider(name="openai", kind="openai", region=of_provider)
    assert made(model, provider).region == expected


@pytest.mark.parametrize("listed", [True, False])
def test_an_attempt_says_whether_portico_yaml_names_its_model(listed: bool) -> None:
    model = Model(name="openai/gpt-5", provider="openai", id="gpt-5", listed=listed)
    assert made(model, Provider(name="openai", kind="openai")).listed is listed


def test_attempts_are_counted_by_region() -> None:
    metrics = Metrics()
    attempts = tuple(
        Attempt(
            id=f"att_{n}", provider="p", kind="bedrock", model="m", model_id="m",
            region=region, status="ok",
        )
        for n, region in enumerate(("eu-west-1", "eu-west-1", "", "us-east-1"))
    )  # fmt: skip
    metrics.observe(Receipt(call="call_1", door="d", received_ns=0, attempts=attempts))
    counted = {
        sample.labels["region"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "portico_attempts_total"
    }
    assert counted == {"eu-west-1": 2, "": 1, "us-east-1": 1}
