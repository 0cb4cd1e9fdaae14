"""Ledgers to test: SQLite in files, and the fake that ships. Both with what is fed to them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.adapters.memory.store import MemoryStore
from portico.adapters.store.data import open_data
from portico.adapters.store.ledger import SqliteLedger
from portico.contract.ports import Journal, Store
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage

QUARTER_NS = 900 * 10**9
DAY_NS = 96 * QUARTER_NS


class Kept:
    """A ledger, the journal before it and the store beside it."""

    def __init__(self, ledger: SqliteLedger | MemoryLedger, journal: Journal, store: Store) -> None:
        self.ledger = ledger
        self.journal = journal
        self.store = store

    def record(self, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            self.journal.record(receipt)


class Opens(Protocol):
    def __call__(self, directory: Path, receipts: Sequence[Receipt] = ()) -> Iterator[Kept]: ...


def in_memory(_: Path, receipts: Sequence[Receipt] = ()) -> Iterator[Kept]:
    journal, store = MemoryJournal(), MemoryStore()
    kept = Kept(MemoryLedger(journal, store), journal, store)
    kept.record(receipts)
    yield kept


def in_files(directory: Path, receipts: Sequence[Receipt] = ()) -> Iterator[Kept]:
    data = open_data(directory, journal=JournalOptions(linger_s=0.0), clock=SystemClock())
    kept = Kept(data.ledger, data.journal, data.store)
    kept.record(receipts)
    yield kept
    assert data.close()


BOTH = (in_memory, in_files)
opened = contextmanager


def an_attempt(model: str = "small", **more: object) -> Attempt:
    known: dict[str, object] = {
        "id": "", "provider": f"of-{model}", "kind": "openai", "model": model, "model_id": model,
        "status": "ok", "usage": Usage(input=100, cached_read=20, output=7), "cost_nano": 5,
    }  # fmt: skip
    return Attempt(**(known | more))  # type: ignore[arg-type]


def a_call(call: str, received_ns: int, *attempts: Attempt, **more: object) -> Receipt:
    """One attempt where none is given; the identities of attempts are the call's."""
    made = attempts or (an_attempt(),)
    for place, attempt in enumerate(made):
        attempt.id = f"{call}-{place}"
    known: dict[str, object] = {
        "call": call, "received_ns": received_ns, "door": "d", "project": "default",
        "team": "care", "workload": "support", "attempts": made,
        "cost_nano": sum(each.cost_nano for each in made),
    }  # fmt: skip
    return Receipt(**(known | more))  # type: ignore[arg-type]
