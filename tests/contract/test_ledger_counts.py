"""What every ledger counts and looks up: SQLite, and the fake that ships."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.adapters.store.data import open_data
from portico.contract.errors import InvalidRequest
from portico.contract.ledger import ModelUse, Use
from portico.contract.ports import Ledger
from portico.contract.receipt import Attempt, AttemptStatus, Receipt

Opens = Callable[[Path, Sequence[Receipt]], Iterator[Ledger]]


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
    *,
    listed: bool = True,
    simulated: bool = False,
    region: str = "",
    status: AttemptStatus = "ok",
) -> Attempt:
    return Attempt(
        id="",
        provider="p",
        kind="openai",
        model=model,
        model_id=model,
        listed=listed,
        simulated=simulated,
        region=region,
        status=status,
    )


def receipt(number: int, *attempts: Attempt) -> Receipt:
    for index, each in enumerate(attempts):
        each.id = f"att_{number}_{index}"
    return Receipt(call=f"call_{number}", received_ns=number, door="d", attempts=attempts)


def use_of(model: str, attempts: int, calls: int, **more: object) -> ModelUse:
    known: dict[str, object] = {
        "model": model, "provider": "p", "region": "", "listed": True, "simulated": False,
        "attempts": attempts, "failed": 0, "calls": calls,
    }  # fmt: skip
    return ModelUse(**(known | more))  # type: ignore[arg-type]


CALLS: tuple[Callable[[], Receipt], ...] = (
    lambda: receipt(1, attempt("early")),
    lambda: receipt(2, attempt("a", region="eu", status="failed"), attempt("b")),
    lambda: receipt(3, attempt("a", region="eu"), attempt("a", region="eu")),
    lambda: receipt(4, attempt("p/raw", listed=False)),
    lambda: receipt(5, attempt("sim/echo", simulated=True)),
    lambda: receipt(6, attempt("p/fake", listed=False, simulated=True)),
    lambda: receipt(7),
    lambda: receipt(8, attempt("late")),
)


def used(opens: Opens, directory: Path, since: int, until: int) -> Use:
    with contextmanager(opens)(directory, [make() for make in CALLS]) as ledger:
        return asyncio.run(ledger.use(since, until))


def test_calls_in_the_window_are_counted_once_and_simulated_ones_apart(
    opens: Opens, tmp_path: Path
) -> None:
    use = used(opens, tmp_path, 2, 8)
    assert (use.calls, use.unlisted_calls, use.simulated_calls) == (3, 1, 2)
    assert use.models == (
        use_of("a", 3, 2, region="eu", failed=1),
        use_of("b", 1, 1),
        use_of("p/fake", 1, 1, listed=False, simulated=True),
        use_of("p/raw", 1, 1, listed=False),
        use_of("sim/echo", 1, 1, simulated=True),
    )


def test_a_window_without_calls_counts_nothing(opens: Opens, tmp_path: Path) -> None:
    assert used(opens, tmp_path, 9, 99) == Use()


def test_several_calls_are_found_at_once_and_the_unknown_left_out(
    opens: Opens, tmp_path: Path
) -> None:
    with contextmanager(opens)(tmp_path, [make() for make in CALLS]) as ledger:
        found = asyncio.run(ledger.several(["call_3", "call_x", "call_1", "call_3"]))
        assert sorted(each.call for each in found) == ["call_1", "call_3"]
        assert asyncio.run(ledger.several([])) == []
        with pytest.raises(InvalidRequest, match="500"):
            asyncio.run(ledger.several(["call_1"] * 501))
