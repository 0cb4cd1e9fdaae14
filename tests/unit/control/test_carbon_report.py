"""Energy and carbon over the administrative API."""

import json

import msgspec
import pytest
from tests.unit.control.office import Office

from portico.contract.energy import Energy, EnergyBasis
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage
from portico.control.ledger.carbon import CarbonReport

DAY_NS = 86_400 * 10**9


def recorded(number: int, size: tuple[int, int] | None, tokens: int, **more: object) -> Receipt:
    attempt = Attempt(
        id=f"att_{number}", provider="p", kind="openai", model=f"m{number}", model_id="m",
        status="ok", usage=Usage(output=tokens), simulated=bool(more.get("simulated")),
    )  # fmt: skip
    if size is not None:
        attempt.energy = Energy(
            low_nwh=10**9, high_nwh=3 * 10**9, co2e_low_ng=10**8, co2e_high_ng=9 * 10**8
        )
        attempt.energy_basis = EnergyBasis(
            method="m 1", size_low=size[0], size_high=size[1], active_low=1, active_high=1,
            size_source="s", zone="Z", grid_source="g", grid_date="2026-01-01",
        )  # fmt: skip
    return Receipt(
        call=f"call_{number}", received_ns=20_000 * DAY_NS + number, door="d", workload="w",
        attempts=(attempt,),
    )  # fmt: skip


def office() -> Office:
    made = Office()
    made.journal.record(recorded(1, (8, 8), 30))
    made.journal.record(recorded(2, (20, 60), 10))
    made.journal.record(recorded(3, None, 5))
    made.journal.record(recorded(4, (8, 8), 1000, simulated=True))
    return made


def report(at: Office, query: str) -> CarbonReport:
    status, body = at.ask("GET", "/carbon", query=query)
    assert status == 200
    return msgspec.convert(body, CarbonReport)


WINDOW = "from=2024-10-04&to=2024-10-04"


def test_energy_and_carbon_are_intervals_and_sizes_are_weighted_by_tokens() -> None:
    found = report(office(), WINDOW)
    total = found.total
    assert total.energy_wh is not None
    assert total.co2e_g is not None
    assert (total.energy_wh.low, total.energy_wh.high) == (2.0, 6.0)
    assert (total.co2e_g.low, total.co2e_g.high) == (0.2, 1.8)
    assert total.sizes is not None
    assert (total.sizes.low, total.sizes.high) == (11.0, 21.0)
    assert (total.sizes.tokens, total.sizes.known_share) == (40, 0.75)
    assert found.methods == ("m 1",)


def test_calls_without_an_estimate_are_counted_and_simulated_ones_are_in_no_total() -> None:
    found = report(office(), WINDOW)
    assert (found.total.calls, found.total.without_estimate) == (3, 1)
    assert found.total.share_without == pytest.approx(1 / 3)
    assert found.simulated_calls == 1
    assert [(line.key, line.simulated, line.weight.calls) for line in found.lines] == [
        ("w", False, 3), ("w", True, 1),
    ]  # fmt: skip


def test_the_report_is_by_what_was_asked_for() -> None:
    by_model = report(office(), WINDOW + "&by=model")
    assert [line.key for line in by_model.lines] == ["m1", "m2", "m3", "m4"]
    assert [line.key for line in report(office(), WINDOW + "&by=day").lines] == ["2024-10-04"] * 2


def test_a_window_without_calls_has_nothing_and_no_share() -> None:
    total = report(office(), "from=2020-01-01&to=2020-01-02").total
    assert (total.calls, total.share_without, total.sizes) == (0, None, None)
    assert (total.energy_wh, total.co2e_g) == (None, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2024-10-05&to=2024-10-04", "from"),
        ("from=yesterday", "from"),
        ("from=0001-01-01", "from"),
        ("to=9999-12-31", "to"),
        ("by=moon", "by"),
        ("days=0", "days"),
    ],
)
def test_a_window_that_is_none_is_refused(query: str, field: str) -> None:
    status, body = office().ask("GET", "/carbon", query=query)
    assert status == 400
    assert body["error"]["field"] == field
    assert json.dumps(body)
