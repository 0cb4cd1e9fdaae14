"""What every journal and the ledger over it promise: the one in files, and the fake that ships."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions, WhenFull
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.adapters.store.data import Data, open_data
from portico.contract.errors import InvalidRequest, Overloaded
from portico.contract.ports import Journal, Ledger
from portico.contract.receipt import Attempt, Intent, Receipt
from portico.contract.usage import Usage


class World(Protocol):
    """A journal with its ledger, whose database can be taken away, and whose process can die."""

    journal: Journal
    ledger: Ledger

    def take_database_away(self) -> None: ...

    def give_database_back(self) -> None: ...

    def die_and_start_again(self) -> None: ...

    def end(self) -> None: ...


class InMemory:
    def __init__(self, _: Path, when_full: WhenFull) -> None:
        self.memory = MemoryJournal(capacity=40_000, when_full=when_full)
        self.journal: Journal = self.memory
        self.ledger: Ledger = MemoryLedger(self.memory)

    def take_database_away(self) -> None:
        self.memory.database_away("locked")

    def give_database_back(self) -> None:
        self.memory.database_away("")

    def die_and_start_again(self) -> None:
        self.memory = self.memory.crashed()
        self.journal, self.ledger = self.memory, MemoryLedger(self.memory)

    def end(self) -> None:
        """Nothing to close."""


class InFiles:
    def __init__(self, directory: Path, when_full: WhenFull) -> None:
        self.directory = directory
        self.options = JournalOptions(
            segments=3, segment_bytes=16 * 1024, when_full=when_full, retry_s=0.02, linger_s=0.0
        )
        self.blocker: sqlite3.Connection | None = None
        self.data: Data = self.start()

    def start(self) -> Data:
        data = open_data(self.directory, journal=self.options, clock=SystemClock())
        self.journal: Journal = data.journal
        self.ledger: Ledger = data.ledger
        return data

    def take_database_away(self) -> None:
        self.blocker = sqlite3.connect(self.directory / "portico.db", isolation_level=None)
        self.blocker.execute("BEGIN EXCLUSIVE")

    def give_database_back(self) -> None:
        if self.blocker is not None:
            self.blocker.close()
            self.blocker = None

    def die_and_start_again(self) -> None:
        """Closing keeps intents open, as a death does; kills are in test_journal_kill.py."""
        self.data.close()
        self.data = self.start()

    def end(self) -> None:
        self.give_database_back()
        self.data.close()


Opens = Callable[[WhenFull], World]


@pytest.fixture(params=[InMemory, InFiles])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opens]:
    worlds: list[World] = []

    def open_world(when_full: WhenFull) -> World:
        worlds.append(request.param(tmp_path / "data", when_full))
        return worlds[-1]

    yield open_world
    for world in worlds:
        world.end()


@pytest.fixture
def world(opens: Opens) -> World:
    return opens("refuse")


def an_attempt(call: str, **changes: object) -> Attempt:
    known: dict[str, object] = {
        "id": f"{call}.1",
        "provider": "sim",
        "kind": "simulator",
        "model": "sim/echo",
        "model_id": "echo",
        "wire": "openai_chat",
        "status": "ok",
        "usage": Usage(input=3, output=4),
        "cost_nano": 700,
    }
    return Attempt(**(known | changes))  # type: ignore[arg-type]


def a_receipt(call: str) -> Receipt:
    attempt = an_attempt(call)
    return Receipt(
        call=call,
        received_ns=1,
        door="openai_chat",
        workload="default",
        attempts=(attempt,),
        usage=attempt.usage,
        cost_nano=700,
    )


def an_intent(call: str) -> Intent:
    lost = an_attempt(call, status="lost", cost_nano=900, usage=Usage())
    return Intent(receipt=Receipt(call=call, received_ns=1, door="openai_chat", attempts=(lost,)))


def refused_after(journal: Journal) -> list[str]:
    """Fills the journal with finished calls; those that were taken."""
    taken: list[str] = []
    while len(taken) < 1000:
        call = f"call_{len(taken):04d}"
        try:
            journal.intend(an_intent(call))
        except Overloaded:
            return taken
        journal.record(a_receipt(call))
        taken.append(call)
    raise AssertionError("the journal never filled")


def records(journal: Journal, call: str) -> bool:
    """Whether a call that no intent has announced is taken."""
    try:
        journal.record(a_receipt(call))
    except Overloaded:
        return False
    return True


def test_a_recorded_call_is_read_back_equal(world: World) -> None:
    async def main() -> None:
        world.journal.intend(an_intent("call_1"))
        world.journal.record(a_receipt("call_1"))
        assert await world.ledger.find("call_1") == a_receipt("call_1")
        assert await world.ledger.find("call_2") is None

    asyncio.run(main())


def test_a_refused_call_without_an_attempt_is_recorded(world: World) -> None:
    async def main() -> None:
        receipt = Receipt(call="call_1", received_ns=1, door="openai_chat", status="refused")
        world.journal.record(receipt)
        assert await world.ledger.find("call_1") == receipt

    asyncio.run(main())


def test_a_call_recorded_twice_is_in_the_ledger_once(world: World) -> None:
    async def main() -> None:
        for _ in range(2):
            world.journal.record(a_receipt("call_1"))
            await world.journal.committed()
        assert [r.call for r in await world.ledger.recent(10)] == ["call_1"]

    asyncio.run(main())


def test_a_call_under_way_is_not_in_the_ledger(world: World) -> None:
    async def main() -> None:
        world.journal.intend(an_intent("call_1"))
        assert await world.ledger.recent(10) == []

    asyncio.run(main())


def test_a_call_whose_process_died_is_lost_at_its_estimated_cost(world: World) -> None:
    async def main() -> None:
        world.journal.intend(an_intent("call_1"))
        world.journal.intend(an_intent("call_2"))
        world.journal.record(a_receipt("call_2"))
        world.die_and_start_again()
        lost = await world.ledger.find("call_1")
        assert lost is not None
        assert (lost.status, lost.cost_nano, lost.http_status) == ("lost", 900, 0)
        assert [a.status for a in lost.attempts] == ["lost"]
        assert await world.ledger.find("call_2") == a_receipt("call_2")

    asyncio.run(main())


def test_a_second_attempt_replaces_the_first_intent(world: World) -> None:
    async def main() -> None:
        world.journal.intend(an_intent("call_1"))
        first = an_attempt("call_1", status="failed", cost_nano=5)
        second = an_attempt("call_1", id="call_1.2", status="lost", cost_nano=900)
        both = Receipt(call="call_1", received_ns=1, door="d", attempts=(first, second))
        world.journal.intend(Intent(receipt=both))
        world.die_and_start_again()
        found = await world.ledger.find("call_1")
        assert found is not None
        assert [a.id for a in found.attempts] == ["call_1.1", "call_1.2"]
        assert found.cost_nano == 905

    asyncio.run(main())


def test_recent_pages_both_ways_without_a_gap(world: World) -> None:
    async def main() -> None:
        calls = [f"call_{n}" for n in (3, 1, 4, 5, 9, 2, 6)]  # recorded in no order of their ids
        for call in calls:
            world.journal.record(a_receipt(call))
        read = world.ledger.recent
        assert [r.call for r in await read(3)] == calls[-3:]
        assert [r.call for r in await read(3, before=calls[4])] == calls[1:4]
        assert [r.call for r in await read(3, after=calls[1])] == calls[2:5]
        assert [r.call for r in await read(10, after=calls[1], before=calls[4])] == calls[2:4]
        assert await read(10, after=calls[-1]) == []
        assert await read(0) == []

    asyncio.run(main())


def test_paging_from_a_call_that_is_not_there_says_so(world: World) -> None:
    async def main() -> None:
        with pytest.raises(InvalidRequest, match="no call 'call_x'") as caught:
            await world.ledger.recent(3, after="call_x")
        assert caught.value.field == "after"

    asyncio.run(main())


def test_while_the_database_is_away_entries_wait_and_nothing_is_lost(world: World) -> None:
    async def main() -> None:
        await world.journal.committed()
        world.take_database_away()
        world.journal.record(a_receipt("call_1"))
        assert world.journal.state().waiting == 1
        assert world.journal.state().waiting_bytes > 0
        world.give_database_back()
        await world.journal.committed()
        assert world.journal.state().waiting == 0
        assert world.journal.state().waiting_bytes == 0
        assert world.journal.state().error == ""
        assert await world.ledger.find("call_1") == a_receipt("call_1")

    asyncio.run(main())


def test_a_full_journal_refuses_calls_and_takes_them_again_once_loaded(world: World) -> None:
    async def main() -> None:
        await world.journal.committed()
        world.take_database_away()
        taken = refused_after(world.journal)
        assert taken
        world.give_database_back()
        await world.journal.committed()
        world.journal.intend(an_intent("call_after"))
        world.journal.record(a_receipt("call_after"))
        ledger = [r.call for r in await world.ledger.recent(1000)]
        assert ledger == [*taken, "call_after"]
        assert world.journal.state().lost == 0

    asyncio.run(main())


def test_a_call_under_way_is_recorded_though_the_journal_is_full(world: World) -> None:
    async def main() -> None:
        await world.journal.committed()
        world.take_database_away()
        world.journal.intend(an_intent("call_under_way"))
        taken = refused_after(world.journal)
        while records(world.journal, f"call_{len(taken):04d}"):
            taken.append(f"call_{len(taken):04d}")
        world.journal.record(a_receipt("call_under_way"))
        world.give_database_back()
        ledger = [r.call for r in await world.ledger.recent(1000)]
        assert ledger == [*taken, "call_under_way"]

    asyncio.run(main())


def test_a_full_journal_that_serves_on_counts_what_it_lost(opens: Opens) -> None:
    async def main() -> None:
        world = opens("serve")
        await world.journal.committed()
        world.take_database_away()
        calls = 0
        while not world.journal.state().lost:
            world.journal.intend(an_intent(f"call_{calls:04d}"))
            world.journal.record(a_receipt(f"call_{calls:04d}"))
            calls += 1
        world.give_database_back()
        assert len(await world.ledger.recent(1000)) == calls - 1
        assert world.journal.state().lost == 1

    asyncio.run(main())


def test_as_many_calls_as_were_let_under_way_can_all_be_recorded(world: World) -> None:
    async def main() -> None:
        await world.journal.committed()
        world.take_database_away()
        calls: list[str] = []
        with pytest.raises(Overloaded):
            start_calls(world.journal, calls)
        for call in calls:
            world.journal.record(msgspec.structs.replace(a_receipt(call), session="x" * 1500))
        world.give_database_back()
        assert [r.call for r in await world.ledger.recent(1000)] == calls
        assert len(calls) > 1

    asyncio.run(main())


def start_calls(journal: Journal, calls: list[str]) -> None:
    """Starts calls until one is refused; those that are under way are in `calls`."""
    for number in range(1000):
        journal.intend(an_intent(f"call_{number:04d}"))
        calls.append(f"call_{number:04d}")
