"""Energy on receipts, headers, streams and metrics."""

import asyncio
import json
from typing import Any

import msgspec
from tests.unit.gateway.harness import (
    ANSWER,
    EVENT_HEADERS,
    SNAPSHOT,
    STREAM,
    Got,
    Site,
    answered,
)

from portico.adapters.memory.upstream import Scripted
from portico.contract.energy import EnergyBasis, EnergyCoefficients
from portico.contract.receipt import Attempt, Receipt
from portico.contract.snapshot import Snapshot
from portico.contract.usage import Usage
from portico.gateway.trail import _add_up
from portico.sustainability.energy import estimate


def takes(source: str = "its id") -> EnergyCoefficients:
    return EnergyCoefficients(
        token_pwh_low=2_000_000_000,
        token_pwh_high=9_000_000_000,
        request_nwh_high=1_000_000,
        grid_low=100_000,
        grid_high=400_000,
        basis=EnergyBasis(
            method="m 1", size_low=8, size_high=8, active_low=8, active_high=8,
            size_source=source, zone="IRL", grid_source="g", grid_date="2026-01-01",
        ),
    )  # fmt: skip


def weighed(by: EnergyCoefficients) -> Snapshot:
    models = tuple(msgspec.structs.replace(each, energy=by) for each in SNAPSHOT.models)
    return msgspec.structs.replace(SNAPSHOT, models=models)


def one(site: Site, **members: Any) -> Got:
    got: list[Got] = []

    async def main() -> None:
        got.append(await site.chat(**members))

    asyncio.run(main())
    return got[0]


def test_a_whole_answer_says_its_energy_and_carbon_as_intervals() -> None:
    site = Site([answered()], snapshot=weighed(takes()))
    got = one(site)
    assert got.headers["x-portico-energy-wh"] == "0.01-0.046"
    assert got.headers["x-portico-co2e-g"] == "0.001-0.0184"
    receipt = site.receipt
    (attempt,) = receipt.attempts
    assert receipt.energy == attempt.energy == estimate(receipt.usage, takes())
    assert attempt.energy_basis == takes().basis


def test_a_stream_says_them_at_its_end() -> None:
    site = Site([Scripted(headers=EVENT_HEADERS, body=STREAM)], snapshot=weighed(takes()))
    last = one(site, stream=True).events[-1]
    assert last["portico"]["energy_wh"] == [0.01, 0.046]
    assert last["portico"]["co2e_g"] == [0.001, 0.0184]


def test_where_there_is_no_estimate_nothing_is_said() -> None:
    site = Site([answered()])
    got = one(site)
    assert "x-portico-energy-wh" not in got.headers
    assert "x-portico-co2e-g" not in got.headers
    assert site.receipt.energy is None
    assert site.receipt.attempts[0].energy_basis is None


def simulated() -> Scripted:
    headers = (("content-type", "application/json"), ("x-portico-simulated", "true"))
    return Scripted(headers=headers, body=(json.dumps(ANSWER).encode(),))


def test_a_simulated_answer_has_an_estimate_only_for_a_size_that_was_written() -> None:
    site = Site([simulated()], snapshot=weighed(takes("ecologits 1")))
    one(site)
    assert site.receipt.energy is None
    site = Site([simulated()], snapshot=weighed(takes("portico.yaml")))
    got = one(site)
    assert site.receipt.simulated
    assert got.headers["x-portico-energy-wh"] == "0.01-0.046"


def test_metrics_have_both_bounds() -> None:
    site = Site([answered()], snapshot=weighed(takes()))
    one(site)
    registry = site.io.metrics.registry
    found = {
        bound: registry.get_sample_value(
            "portico_energy_wh_total", {"workload": "support", "model": "small", "bound": bound}
        )
        for bound in ("low", "high")
    }
    assert found == {"low": 0.01, "high": 0.046}


def attempt(tokens: int, *, known: bool) -> Attempt:
    usage = Usage(output=tokens)
    return Attempt(
        id="a", provider="p", kind="openai", model="m", model_id="m", usage=usage,
        energy=estimate(usage, takes()) if known else None,
    )  # fmt: skip


def added(*attempts: Attempt) -> Receipt:
    receipt = Receipt(call="call_1", received_ns=0, door="d", attempts=attempts)
    _add_up(receipt)
    return receipt


def test_a_receipt_s_energy_is_the_sum_of_its_attempts() -> None:
    first, second = attempt(5, known=True), attempt(7, known=True)
    summed = added(first, attempt(0, known=False), second).energy
    assert summed is not None
    assert first.energy is not None
    assert second.energy is not None
    assert summed.low_nwh == first.energy.low_nwh + second.energy.low_nwh
    assert summed.co2e_high_ng == first.energy.co2e_high_ng + second.energy.co2e_high_ng


def test_a_sum_that_would_lack_an_attempt_is_not_given() -> None:
    assert added(attempt(5, known=True), attempt(7, known=False)).energy is None
    assert added(attempt(0, known=False), attempt(0, known=False)).energy is None
