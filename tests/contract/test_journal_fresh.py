"""Entries that reach the database through memory, and when they go by the file instead."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.adapters.clock import SystemClock
from portico.adapters.journal.entries import INTENT, RECEIPT
from portico.adapters.journal.fresh import MOST_BYTES, Fresh
from portico.adapters.journal.journal import FileJournal
from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.sink import Entry, Position, SinkUnavailable
from portico.adapters.store.data import Data, open_data
from portico.contract.receipt import Attempt, Receipt

PATIENT = JournalOptions(segments=3, segment_bytes=16 * 1024, linger_s=3600.0)


def a_receipt(call: str, **fields: Any) -> Receipt:
    return Receipt(call=call, received_ns=1, door="d", **fields)


def an_attempt(identity: str) -> Attempt:
    return Attempt(id=identity, provider="p", kind="k", model="m", model_id="m")


def opened(directory: Path, options: JournalOptions) -> Data:
    return open_data(directory, journal=options, clock=SystemClock())


def column(directory: Path, query: str) -> list[Any]:
    with sqlite3.connect(directory / "portico.db") as connection:
        return [value for (value,) in connection.execute(query)]


class Watched:
    """A sink that notes what came, and fails while it is told to be away."""

    def __init__(self) -> None:
        self.away = False
        self.loads: list[Sequence[Entry]] = []
        self.position = Position()

    def open(self) -> Position:
        return self.position

    def load(self, entries: Sequence[Entry], before: Position, behind: Position) -> None:
        if self.away:
            raise SinkUnavailable("as told")
        assert before == self.position
        self.loads.append(entries)
        self.position = behind

    def settle_lost(self) -> None:
        """Nothing was left behind."""

    def persist(self) -> None:
        """Nothing to sync."""

    def close(self) -> None:
        """Nothing to close."""

    @property
    def entries(self) -> list[Entry]:
        return [entry for load in self.loads for entry in load]


def watched(directory: Path, sink: Watched) -> FileJournal:
    chosen = JournalOptions(segments=2, segment_bytes=4 * 1024 * 1024, retry_s=0.01, linger_s=0.0)
    return FileJournal(directory / "j", sink, chosen, loaded=Position(), clock=SystemClock())


def test_a_receipt_goes_to_the_database_as_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        sink = Watched()
        journal = watched(tmp_path, sink)
        await journal.committed()
        receipt = a_receipt("call_1")
        journal.record(receipt)
        await journal.committed()
        assert journal.close()
        (entry,) = sink.entries
        assert entry.receipt is receipt

    asyncio.run(main())


def test_what_was_taken_from_memory_and_not_loaded_comes_from_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        sink = Watched()
        journal = watched(tmp_path, sink)
        await journal.committed()
        sink.away = True
        journal.record(a_receipt("call_1"))
        while not journal.state().error:  # noqa: ASYNC110 - set by the loader's thread
            await asyncio.sleep(0)
        sink.away = False
        await journal.committed()
        journal.record(a_receipt("call_2"))
        await journal.committed()
        assert journal.close()
        assert [(e.kind, e.call) for e in sink.entries] == [(RECEIPT, ""), (RECEIPT, "call_2")]

    asyncio.run(main())


def test_while_the_database_is_away_memory_keeps_no_more_than_its_bound(tmp_path: Path) -> None:
    async def main() -> None:
        sink = Watched()
        journal = watched(tmp_path, sink)
        await journal.committed()
        sink.away = True
        calls = [f"call_{n:03d}" for n in range(300)]
        for call in calls:
            journal.record(a_receipt(call, session="x" * 10_000))
        sink.away = False
        await journal.committed()
        assert journal.close()
        through_memory = [e for e in sink.entries if e.receipt is not None]
        assert sum(len(e.payload) for e in through_memory) < MOST_BYTES + 11_000
        assert len(sink.entries) == 300
        assert all(call.encode() in e.payload for call, e in zip(calls, sink.entries, strict=True))

    asyncio.run(main())


@given(
    sizes=st.lists(st.integers(1, 50), max_size=30),
    missing=st.sets(st.integers(0, 29)),
    size=st.integers(1, 120),
)
def test_what_is_taken_follows_on_without_a_gap(
    sizes: list[int], missing: set[int], size: int
) -> None:
    fresh = Fresh()
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    for n, end in enumerate(ends):
        if n not in missing:
            fresh.put((7, end - sizes[n], end, INTENT, b"", str(n), None))
    at = 0
    for n, end in enumerate(ends):
        if at >= end:
            continue
        entries, behind = fresh.take(7, at, ends[-1], size)
        assert [e.call for e in entries] == [str(n + i) for i in range(len(entries))]
        assert bool(entries) == (n not in missing)
        assert behind == (ends[n + len(entries) - 1] if entries else at)
        at = behind if entries else end


def test_entries_of_an_earlier_segment_are_let_go() -> None:
    fresh = Fresh()
    fresh.put((7, 32, 64, INTENT, b"", "old", None))
    fresh.put((8, 32, 64, INTENT, b"", "new", None))
    assert fresh.take(8, 32, 64, 100) == ([Entry(INTENT, b"", "new")], 64)


def test_an_entry_that_is_not_published_yet_stays() -> None:
    fresh = Fresh()
    fresh.put((7, 32, 64, INTENT, b"", "first", None))
    fresh.put((7, 64, 96, INTENT, b"", "second", None))
    assert fresh.take(7, 32, 64, 100) == ([Entry(INTENT, b"", "first")], 64)
    assert fresh.take(7, 64, 96, 100) == ([Entry(INTENT, b"", "second")], 96)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 63, 64, 65, 137])
def test_every_row_of_a_transaction_arrives_however_many_there_are(
    tmp_path: Path, count: int
) -> None:
    data = opened(tmp_path, JournalOptions(linger_s=3600.0))
    calls = [f"call_{n:03d}" for n in range(count)]
    for call in calls:
        data.journal.record(a_receipt(call, attempts=(an_attempt(f"att_{call}"),)))
    assert data.close()
    assert column(tmp_path, "SELECT call FROM receipts ORDER BY number") == calls
    assert column(tmp_path, "SELECT call FROM attempts ORDER BY call") == calls


def test_a_receipt_that_cannot_be_read_back_is_kept_unread_and_holds_up_nobody(
    tmp_path: Path,
) -> None:
    async def main(data: Data) -> None:
        await data.journal.committed()
        data.journal.record(a_receipt("call_1", workload=None))
        data.journal.record(a_receipt("call_2"))
        await data.journal.committed()

    data = opened(tmp_path, JournalOptions(retry_s=0.01))
    asyncio.run(main(data))
    assert data.close()
    assert column(tmp_path, "SELECT call FROM receipts") == ["call_2"]
    (body,) = column(tmp_path, "SELECT body FROM unreadable")
    assert b"call_1" in body


def test_a_segment_that_is_full_is_loaded_without_lingering(tmp_path: Path) -> None:
    async def main(data: Data) -> None:
        await data.journal.committed()
        for n in range(40):
            data.journal.record(a_receipt(f"call_{n:02d}", session="x" * 500))
        async with asyncio.timeout(60):
            while data.journal.state().waiting > 20:  # noqa: ASYNC110 - set by the loader
                await asyncio.sleep(0)

    data = opened(tmp_path, PATIENT)
    asyncio.run(main(data))
    assert data.close()
