"""What every ledger sums of energy: SQLite, and the fake that ships."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.adapters.store.data import open_data
from portico.contract.energy import Energy, EnergyBasis
from portico.contract.ledger import EnergyKey, EnergyPart, EnergyUse
from portico.contract.ports import Ledger
from portico.contract.receipt import Attempt, AttemptStatus, Receipt
from portico.contract.usage import Usage

Opens = Callable[[Path, Sequence[Receipt]], Iterator[Ledger]]
DAY_NS = 86_400 * 10**9
SMALL, LARGE = (8, 8), (30, 90)


def in_memory(_: Path, receipts: Sequence[Receipt]) -> Iterator[Ledger]:
    journal = MemoryJournal()
    for receipt in receipts:
        journal.record(receipt)
    yield MemoryLedger(journal)


def in_files(directory: Path, receipts: Sequence[Receipt]) -> Iterator[Ledger]:
    data = open_data(directory, journal=JournalOptions(linger_s=0.0), clock=SystemClock())
    for receipt in receipts:
        data.journal.record(receipt)
    yield data.ledger
    data.close()


@pytest.fixture(params=[in_memory, in_files])
def opens(request: pytest.FixtureRequest) -> Opens:
    chosen: Opens = request.param
    return chosen


def attempt(
    model: str,
    size: tuple[int, int] | None,
    tokens: int,
    *,
    status: AttemptStatus = "ok",
    simulated: bool = False,
    factor: int = 1,
) -> Attempt:
    made = Attempt(
        id="", provider="p", kind="openai", model=model, model_id=model, status=status,
        usage=Usage(input=7, output=tokens), simulated=simulated,
    )  # fmt: skip
    if size is not None:
        made.energy = Energy(
            low_nwh=tokens * factor,
            high_nwh=3 * tokens * factor,
            co2e_low_ng=tokens,
            co2e_high_ng=9 * tokens,
        )
        made.energy_basis = EnergyBasis(
            method="m 1", size_low=size[0], size_high=size[1], active_low=1, active_high=1,
            size_source="s", zone="Z", grid_source="g", grid_date="2026-01-01",
        )  # fmt: skip
    return made


def receipt(number: int, *attempts: Attempt, workload: str = "w", team: str = "t") -> Receipt:
    for index, each in enumerate(attempts):
        each.id = f"att_{number}_{index}"
    return Receipt(
        call=f"call_{number}", received_ns=number * DAY_NS, door="d", attempts=attempts,
        workload=workload, team=team,
    )  # fmt: skip


def part(size: tuple[int, int], attempts: int, tokens: int) -> EnergyPart:
    return EnergyPart(
        method="m 1", size_low=size[0], size_high=size[1], attempts=attempts, tokens_out=tokens,
        low_nwh=tokens, high_nwh=3 * tokens, co2e_low_ng=tokens, co2e_high_ng=9 * tokens,
    )  # fmt: skip


def unknown(attempts: int, tokens: int) -> EnergyPart:
    return EnergyPart(
        method="", size_low=0, size_high=0, attempts=attempts, tokens_out=tokens,
        low_nwh=0, high_nwh=0, co2e_low_ng=0, co2e_high_ng=0,
    )  # fmt: skip


def calls() -> list[Receipt]:
    return [
        receipt(1, attempt("small", SMALL, 10)),
        receipt(2, attempt("small", SMALL, 5, status="failed"), attempt("large", LARGE, 20)),
        receipt(3, attempt("own", None, 4), workload="x"),
        receipt(4, attempt("small", SMALL, 2), workload="x", team="u"),
        receipt(5, attempt("echo", SMALL, 100, simulated=True)),
        receipt(6, attempt("own", None, 0, status="failed"), workload="y"),
        receipt(7),
    ]


def summed(
    opens: Opens, directory: Path, by: EnergyKey, since: int = 0, until: int = 100
) -> Sequence[EnergyUse]:
    opened = opens(directory, calls())
    ledger = next(opened)
    found = asyncio.run(ledger.energy(since * DAY_NS, until * DAY_NS, by))
    assert next(opened, None) is None
    return found


def use(
    key: str, calls: int, without: int, *parts: EnergyPart, simulated: bool = False
) -> EnergyUse:
    return EnergyUse(
        key=key, simulated=simulated, calls=calls, unestimated_calls=without, parts=parts
    )


def test_energy_is_summed_by_workload_and_size(opens: Opens, tmp_path: Path) -> None:
    assert list(summed(opens, tmp_path, "workload")) == [
        use("w", 2, 0, part(SMALL, 2, 15), part(LARGE, 1, 20)),
        use("w", 1, 0, part(SMALL, 1, 100), simulated=True),
        use("x", 2, 1, unknown(1, 4), part(SMALL, 1, 2)),
        use("y", 1, 0, unknown(1, 0)),
    ]


def test_energy_is_summed_by_model_and_by_team(opens: Opens, tmp_path: Path) -> None:
    by_model = summed(opens, tmp_path / "a", "model")
    assert [(each.key, each.calls, each.unestimated_calls) for each in by_model] == [
        ("echo", 1, 0), ("large", 1, 0), ("own", 2, 1), ("small", 3, 0),
    ]  # fmt: skip
    by_team = summed(opens, tmp_path / "b", "team")
    assert [(each.key, each.simulated, each.calls) for each in by_team] == [
        ("t", False, 4), ("t", True, 1), ("u", False, 1),
    ]  # fmt: skip


def test_energy_is_summed_by_day_in_the_window_alone(opens: Opens, tmp_path: Path) -> None:
    assert list(summed(opens, tmp_path, "day", 1, 3)) == [
        use("1970-01-02", 1, 0, part(SMALL, 1, 10)),
        use("1970-01-03", 1, 0, part(SMALL, 1, 5), part(LARGE, 1, 20)),
    ]


def test_sums_beyond_what_a_database_s_integers_hold_are_exact(
    opens: Opens, tmp_path: Path
) -> None:
    huge = 2**61
    many = [receipt(n, attempt("small", SMALL, 3, factor=huge // 9)) for n in range(1, 40)]
    opened = opens(tmp_path, many)
    found = asyncio.run(next(opened).energy(0, 100 * DAY_NS, "model"))
    assert next(opened, None) is None
    assert found[0].parts[0].high_nwh == 39 * 9 * (huge // 9)
