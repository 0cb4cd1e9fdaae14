"""The loader against a database that fails in every way: each entry arrives once, in order."""

import asyncio
import errno
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.adapters.clock import SystemClock
from portico.adapters.journal.entries import call_of
from portico.adapters.journal.journal import FileJournal
from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.segments import START
from portico.adapters.journal.sink import Entry, Position, Sink, SinkUnavailable
from portico.contract.errors import Overloaded
from portico.contract.receipt import Intent, Receipt

OPTIONS = JournalOptions(
    segments=2, segment_bytes=16 * 1024, retry_s=0.001, linger_s=0.0, batch_bytes=2048
)


class FlakySink:
    """A database whose operations fail as planned: "before" they act, "behind", or not at all."""

    def __init__(self, plan: Iterator[str]) -> None:
        self.plan = plan
        self.calls: list[str] = []
        self.position = Position()

    def step(self, moment: str, outcome: str) -> None:
        if outcome == moment:
            raise SinkUnavailable("as planned")

    def open(self) -> Position:
        self.step("before", next(self.plan))
        return self.position

    def load(self, entries: Sequence[Entry], before: Position, behind: Position) -> None:
        outcome = next(self.plan)
        self.step("before", outcome)
        assert before == self.position
        self.calls += [call_of(entry.payload) for entry in entries]
        self.position = behind
        self.step("behind", outcome)

    def settle_lost(self) -> None:
        self.step("before", next(self.plan))

    def persist(self) -> None:
        self.step("before", next(self.plan))

    def close(self) -> None:
        """Nothing to close."""


def opened(directory: Path, sink: Sink) -> FileJournal:
    return FileJournal(directory / "journal", sink, OPTIONS, loaded=Position(), clock=SystemClock())


def a_receipt(call: str) -> Receipt:
    return Receipt(call=call, received_ns=1, door="d", session="x" * 300)


def records(journal: FileJournal, call: str) -> bool:
    try:
        journal.record(a_receipt(call))
    except Overloaded:
        return False
    return True


async def record(journal: FileJournal, calls: Sequence[str]) -> None:
    for call in calls:
        while not records(journal, call):
            await journal.committed()
    await journal.committed()


@settings(max_examples=25, deadline=None)
@given(plan=st.lists(st.sampled_from(["fine", "before", "behind"]), max_size=40))
def test_each_entry_arrives_once_and_in_order_whatever_fails(
    tmp_path_factory: pytest.TempPathFactory, plan: list[str]
) -> None:
    sink = FlakySink(itertools.chain(plan, itertools.repeat("fine")))
    journal = opened(tmp_path_factory.mktemp("data"), sink)
    calls = [f"call_{n:04d}" for n in range(120)]  # more than the journal holds at once
    asyncio.run(record(journal, calls))
    assert journal.state().waiting == 0
    assert journal.close()
    assert sink.calls == calls


def test_a_segment_is_not_used_again_before_the_database_is_on_the_disk(tmp_path: Path) -> None:
    class NeverDurable(FlakySink):
        durable = False

        def persist(self) -> None:
            if not self.durable:
                raise SinkUnavailable("not on the disk yet")

    async def main() -> None:
        sink = NeverDurable(itertools.repeat("fine"))
        journal = opened(tmp_path, sink)
        taken = [f"call_{n:04d}" for n in range(1000) if records(journal, f"call_{n:04d}")]
        assert 0 < len(taken) * 300 < 2 * (OPTIONS.segment_bytes - START)
        assert len(sink.calls) < len(taken)
        sink.durable = True
        await record(journal, ["call_more"])
        assert journal.close()
        assert sink.calls == [*taken, "call_more"]

    asyncio.run(main())


def test_a_defect_in_the_database_adapter_is_named_and_survived(tmp_path: Path) -> None:
    class Defective(FlakySink):
        defective = True

        def settle_lost(self) -> None:
            if self.defective:
                raise ZeroDivisionError

    async def main() -> None:
        sink = Defective(itertools.repeat("fine"))
        journal = opened(tmp_path, sink)
        while not journal.state().error:  # noqa: ASYNC110 - set by the loader's thread
            await asyncio.sleep(0)
        assert "ZeroDivisionError" in journal.state().error
        sink.defective = False
        await record(journal, ["call_1"])
        assert journal.state().error == ""
        assert journal.close()

    asyncio.run(main())


def test_a_write_that_fails_is_refused_and_the_next_one_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(fd: int, data: bytes, offset: int) -> int:
        raise OSError(errno.EIO, "input/output error")

    def short(fd: int, data: bytes, offset: int) -> int:
        return write(fd, data[: len(data) // 2], offset)

    async def main() -> None:
        sink = FlakySink(itertools.repeat("fine"))
        journal = opened(tmp_path, sink)
        for failing in (broken, short):
            with monkeypatch.context() as patch:
                patch.setattr(os, "pwrite", failing)
                with pytest.raises(Overloaded, match="not started"):
                    journal.intend(Intent(receipt=a_receipt("call_1")))
                with pytest.raises(Overloaded, match="not recorded"):
                    journal.record(a_receipt("call_1"))
        await record(journal, ["call_2"])
        assert journal.close()
        assert sink.calls == ["call_2"]

    write = os.pwrite
    asyncio.run(main())


@pytest.mark.parametrize("had", [1, 2, 5])
def test_a_disk_without_room_gives_a_smaller_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, had: int
) -> None:
    full_after(monkeypatch, had)
    journal = opened(tmp_path, FlakySink(itertools.repeat("fine")))
    assert journal.state().capacity_bytes == min(had, 2) * (OPTIONS.segment_bytes - START)
    asyncio.run(record(journal, ["call_1", "call_2"]))
    assert journal.close()


def test_a_disk_without_any_room_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_after(monkeypatch, 0)
    with pytest.raises(Overloaded, match="disk is full"):
        opened(tmp_path, FlakySink(itertools.repeat("fine")))
    assert list((tmp_path / "journal").iterdir()) == []


def full_after(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """The disk has room for so many files."""
    fallocate, count = os.posix_fallocate, itertools.count()

    def limited(fd: int, offset: int, size: int) -> None:
        if next(count) >= files:
            raise OSError(errno.ENOSPC, "no space left on device")
        fallocate(fd, offset, size)

    monkeypatch.setattr(os, "posix_fallocate", limited)
