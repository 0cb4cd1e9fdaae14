"""The journal in files: recycling, torn tails, sizes, full and missing databases."""

import asyncio
import os
import sqlite3
from pathlib import Path

import msgspec
import pytest

from portico.adapters.clock import SystemClock
from portico.adapters.journal.entries import RECEIPT, encode, frame
from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.segments import START, found_in
from portico.adapters.store.data import Data, open_data
from portico.contract.errors import InvalidRequest, Overloaded
from portico.contract.money import Price, Rates
from portico.contract.receipt import Attempt, Intent, Receipt

SMALL = JournalOptions(segments=3, segment_bytes=16 * 1024, retry_s=0.02, linger_s=0.0)


def opened(directory: Path, options: JournalOptions = SMALL) -> Data:
    return open_data(directory, journal=options, clock=SystemClock())


def a_receipt(call: str, **changes: object) -> Receipt:
    return msgspec.structs.replace(Receipt(call=call, received_ns=1, door="d"), **changes)


def calls_in(directory: Path) -> list[str]:
    with sqlite3.connect(directory / "portico.db") as connection:
        return [c for (c,) in connection.execute("SELECT call FROM receipts ORDER BY number")]


def test_segments_are_used_again_many_times_over(tmp_path: Path) -> None:
    async def main(data: Data) -> None:
        for n in range(600):
            data.journal.record(a_receipt(f"call_{n:04d}", session="x" * 200))
            if n % 20 == 19:
                await data.journal.committed()

    data = opened(tmp_path)
    asyncio.run(main(data))
    assert data.close()
    assert calls_in(tmp_path) == [f"call_{n:04d}" for n in range(600)]
    segments = found_in(tmp_path / "journal")
    assert len(segments) == 3
    assert all(s.size == 16 * 1024 for s in segments)
    assert segments[-1].sequence > 10
    for segment in segments:
        segment.close()


def test_what_a_recycled_segment_held_before_is_never_an_entry(tmp_path: Path) -> None:
    old = frame(RECEIPT, encode(a_receipt("call_old")), sequence=4)
    data = opened(tmp_path)
    data.journal.record(a_receipt("call_new"))
    asyncio.run(data.journal.committed())
    assert data.close()
    segment = next(s for s in found_in(tmp_path / "journal") if s.scan(START))
    assert segment.scan(START) == 1
    os.pwrite(segment.fd, old, segment.end)  # behind the last entry, as a recycled segment has it
    assert segment.scan(START) == 1
    segment.renumber(segment.sequence + 10)
    assert segment.scan(START) == 0
    segment.close()


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_tail_ends_the_replay_and_nothing_before_it_is_lost(
    tmp_path: Path, cut: int
) -> None:
    data = opened(tmp_path)
    assert data.close()
    segment = found_in(tmp_path / "journal")[0]
    whole = frame(RECEIPT, encode(a_receipt("call_whole")), segment.sequence)
    torn = frame(RECEIPT, encode(a_receipt("call_torn")), segment.sequence)
    os.pwrite(segment.fd, whole + torn[:-cut], START)
    segment.close()
    data = opened(tmp_path)
    asyncio.run(data.journal.committed())
    assert data.close()
    assert calls_in(tmp_path) == ["call_whole"] if cut <= len(torn) else []


def test_a_journal_of_another_size_is_loaded_before_it_is_replaced(tmp_path: Path) -> None:
    assert opened(tmp_path).close()
    segment = found_in(tmp_path / "journal")[0]
    os.pwrite(segment.fd, frame(RECEIPT, encode(a_receipt("call_1")), segment.sequence), START)
    segment.close()
    larger = JournalOptions(segments=2, segment_bytes=32 * 1024)
    data = opened(tmp_path, larger)
    asyncio.run(data.journal.committed())
    assert data.close()
    assert calls_in(tmp_path) == ["call_1"]
    sizes = [p.stat().st_size for p in (tmp_path / "journal").iterdir()]
    assert sizes == [32 * 1024] * 2


def test_a_receipt_past_its_room_keeps_its_attempts_and_says_what_it_lost(tmp_path: Path) -> None:
    price = Price(rates=Rates(input=1, output=2), source="s" * 300)
    attempts = tuple(
        Attempt(
            id=f"a{n}", provider="p", kind="k", model="m", model_id="i", wire="w",
            status="failed", cost_nano=n, price=price,
        )
        for n in range(12)
    )  # fmt: skip
    receipt = a_receipt("call_1", attempts=attempts, cost_nano=66)
    options = msgspec.structs.replace(SMALL, reserve_bytes=256, segment_bytes=32 * 1024)

    async def main(data: Data) -> Receipt | None:
        data.journal.intend(Intent(receipt=a_receipt("call_1")))
        data.journal.record(receipt)
        return await data.ledger.find("call_1")

    data = opened(tmp_path, options)
    found = asyncio.run(main(data))
    assert data.close()
    assert found is not None
    assert [a.id for a in found.attempts] == [a.id for a in attempts]
    assert sum(a.cost_nano for a in found.attempts) == found.cost_nano == 66
    assert found.degraded == ("journal:prices",)


def test_a_receipt_far_too_large_keeps_its_call_and_cost(tmp_path: Path) -> None:
    tags = tuple((f"tag{n}", "x" * 100) for n in range(100))
    receipt = a_receipt("call_1", tags=tags, session="s" * 5000, subject="p" * 300, cost_nano=7)
    data = opened(tmp_path)

    async def main() -> Receipt | None:
        data.journal.record(receipt)
        return await data.ledger.find("call_1")

    found = asyncio.run(main())
    assert data.close()
    assert found is not None
    assert (found.cost_nano, found.tags, found.session) == (7, (), "s" * 256)
    assert "journal:tags" in found.degraded


def test_numbers_past_the_range_of_the_database_do_not_stop_the_loader(tmp_path: Path) -> None:
    data = opened(tmp_path)

    async def main() -> Receipt | None:
        data.journal.record(a_receipt("call_1", cost_nano=2**63 + 5))
        return await data.ledger.find("call_1")

    found = asyncio.run(main())
    assert data.close()
    assert found is not None
    assert found.cost_nano == 2**63 + 5


def test_an_entry_that_a_later_release_wrote_is_kept_unread(tmp_path: Path) -> None:
    assert opened(tmp_path).close()
    segment = found_in(tmp_path / "journal")[0]
    strange = msgspec.msgpack.encode({"call": "call_9", "received_ns": 1, "door": ["new"]})
    known = encode(a_receipt("call_1"))
    os.pwrite(
        segment.fd,
        frame(RECEIPT, strange, segment.sequence) + frame(RECEIPT, known, segment.sequence),
        START,
    )
    segment.close()
    data = opened(tmp_path)
    asyncio.run(data.journal.committed())
    assert data.close()
    assert calls_in(tmp_path) == ["call_1"]
    with sqlite3.connect(tmp_path / "portico.db") as connection:
        assert connection.execute("SELECT body FROM unreadable").fetchall() == [(strange,)]


def test_a_database_that_went_away_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    database, away = tmp_path / "portico.db", tmp_path / "elsewhere.db"

    async def main(data: Data) -> None:
        await data.journal.committed()
        database.rename(away)
        data.journal.record(a_receipt("call_1"))
        while not data.journal.state().error:  # noqa: ASYNC110 - set by the loader's thread
            await asyncio.sleep(0)
        assert "portico.db" in data.journal.state().error
        away.rename(database)
        await data.journal.committed()
        assert data.journal.state().error == ""

    data = opened(tmp_path)
    asyncio.run(main(data))
    assert data.close()
    assert calls_in(tmp_path) == ["call_1"]


def test_a_read_of_the_ledger_gives_up_with_the_reason(tmp_path: Path) -> None:
    async def main(data: Data) -> None:
        await data.journal.committed()
        blocker = sqlite3.connect(tmp_path / "portico.db", isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        data.journal.record(a_receipt("call_1"))
        with pytest.raises(Overloaded, match="cannot be read yet"):
            await type(data.ledger)(tmp_path / "portico.db", data.journal, flush_s=0.0).recent(1)
        blocker.close()

    data = opened(tmp_path)
    asyncio.run(main(data))
    assert data.close()


def test_whoever_waits_for_a_journal_that_is_closed_is_told(tmp_path: Path) -> None:
    async def main(data: Data) -> None:
        await data.journal.committed()
        blocker = sqlite3.connect(tmp_path / "portico.db", isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        data.journal.record(a_receipt("call_1"))
        waiting = asyncio.create_task(data.journal.committed())
        await asyncio.sleep(0)
        assert not await asyncio.to_thread(data.close, 0.0)
        with pytest.raises(Overloaded, match="closed before"):
            await waiting
        with pytest.raises(Overloaded):
            data.journal.record(a_receipt("call_2"))
        blocker.close()

    data = opened(tmp_path)
    asyncio.run(main(data))


def test_a_data_directory_is_served_by_one_process(tmp_path: Path) -> None:
    data = opened(tmp_path)
    with pytest.raises(InvalidRequest, match=rf"pid {os.getpid()}\)"):
        opened(tmp_path)
    assert data.close()
    assert opened(tmp_path).close()


def test_only_the_owner_may_read_a_data_directory(tmp_path: Path) -> None:
    data = opened(tmp_path / "new")
    modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "new").rglob("*") if p.is_file()}
    folders = {(tmp_path / "new").stat().st_mode, (tmp_path / "new/journal").stat().st_mode}
    assert data.close()
    assert modes == {0o600}
    assert {mode & 0o777 for mode in folders} == {0o700}


def test_a_journal_too_small_to_be_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="at least 2 segments"):
        opened(tmp_path, JournalOptions(segments=1))


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    data = opened(tmp_path)
    assert data.close()
    assert data.close()


@pytest.mark.parametrize("apart", [True, False])
def test_the_intent_of_a_finished_call_is_gone(tmp_path: Path, apart: bool) -> None:
    async def main(data: Data) -> None:
        data.journal.intend(Intent(receipt=a_receipt("call_1")))
        data.journal.intend(Intent(receipt=a_receipt("call_2")))
        if apart:
            await data.journal.committed()
        data.journal.record(a_receipt("call_1"))
        await data.journal.committed()

    data = opened(tmp_path)
    asyncio.run(main(data))
    with sqlite3.connect(tmp_path / "portico.db") as connection:
        assert connection.execute("SELECT call FROM intents").fetchall() == [("call_2",)]
    assert data.close()


def test_a_database_that_is_ahead_of_a_copied_journal_opens_all_the_same(tmp_path: Path) -> None:
    data = opened(tmp_path)
    for number in range(20):
        data.journal.record(a_receipt(f"call_{number:03d}"))
    data.close()
    (segment,) = [s for s in found_in(tmp_path / "journal") if s.scan(START)]
    os.truncate(segment.path, START + 100)
    segment.close()
    again = opened(tmp_path)
    again.journal.record(a_receipt("call_after"))
    again.close()
    assert calls_in(tmp_path) == [*(f"call_{number:03d}" for number in range(20)), "call_after"]
