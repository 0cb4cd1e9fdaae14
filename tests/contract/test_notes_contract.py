"""What all notes promise: those that a thread writes into SQLite, and the fake that ships."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from tests.contract.noted import a_happening, a_transcript, an_observed

from portico.adapters.clock import SystemClock
from portico.adapters.memory.notes import MemoryNotes
from portico.adapters.memory.store import MemoryStore
from portico.adapters.notes.notes import WrittenNotes
from portico.adapters.notes.options import NotesOptions
from portico.adapters.notes.waiting import size_of
from portico.adapters.store.migrate import migrate
from portico.adapters.store.noting import SqliteNoteSink
from portico.adapters.store.sealing import KEY_FILE, Sealer
from portico.adapters.store.state import SqliteStore
from portico.contract.ports import Notes, NotesState, Store


class World(Protocol):
    """Notes and the store that they end up in, whose database can be taken away."""

    notes: Notes
    store: Store

    def take_database_away(self) -> None: ...

    def give_database_back(self) -> None: ...


class InMemory:
    def __init__(self, _: Path, options: NotesOptions) -> None:
        self.memory = MemoryStore()
        self.store: Store = self.memory
        self.written = MemoryNotes(self.memory, options)
        self.notes: Notes = self.written

    def take_database_away(self) -> None:
        self.written.database_away("locked")

    def give_database_back(self) -> None:
        self.written.database_away("")


class InSqlite:
    def __init__(self, directory: Path, options: NotesOptions) -> None:
        self.database = directory / "portico.db"
        migrate(self.database)
        sealer = Sealer(directory / KEY_FILE)
        self.store: Store = SqliteStore(self.database, sealer)
        sink = SqliteNoteSink(self.database, sealer)
        self.notes: Notes = WrittenNotes(sink, options, clock=SystemClock())
        self.blocker: sqlite3.Connection | None = None

    def take_database_away(self) -> None:
        self.blocker = sqlite3.connect(self.database, isolation_level=None)
        self.blocker.execute("BEGIN IMMEDIATE")

    def give_database_back(self) -> None:
        if self.blocker is not None:
            self.blocker.close()
            self.blocker = None


Opens = Callable[[NotesOptions], World]
QUICK = NotesOptions(linger_s=0.0, retry_s=0.02)


@pytest.fixture(params=[InMemory, InSqlite])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opens]:
    worlds: list[World] = []

    def open_world(options: NotesOptions) -> World:
        worlds.append(request.param(tmp_path, options))
        return worlds[-1]

    yield open_world
    for world in worlds:
        world.give_database_back()
        world.notes.close()


@pytest.fixture
def world(opens: Opens) -> World:
    return opens(QUICK)


def flush(world: World) -> None:
    asyncio.run(world.notes.flushed())


def test_what_was_kept_comes_back_equal_from_the_store(world: World) -> None:
    kept = (a_transcript("call_1"), an_observed("f1"), a_happening("observed:f1"))
    for note in kept:
        world.notes.keep(note)
    flush(world)
    assert world.store.transcript("call_1") == kept[0]
    assert list(world.store.transcripts("support", 9)) == [kept[0]]
    assert list(world.store.observed()) == [kept[1]]
    assert list(world.store.happenings(9)) == [msgspec.structs.replace(kept[2], number=1)]
    assert world.notes.state() == NotesState()


def test_nothing_kept_is_flushed_at_once(world: World) -> None:
    flush(world)
    assert world.notes.state() == NotesState()


def test_an_observed_prompt_replaces_the_one_of_its_workload_and_fingerprint(world: World) -> None:
    others = (an_observed("f2", first_ns=9), an_observed("f1", workload="voice"))
    for note in (an_observed("f1", calls=1), *others):
        world.notes.keep(note)
    flush(world)
    newer = an_observed("f1", "Du bist {{ value_1 }}.", calls=2)
    world.notes.keep(newer)
    flush(world)
    assert list(world.store.observed()) == [newer, *others]


def test_an_observed_prompt_that_waits_is_replaced_where_it_waits(opens: Opens) -> None:
    world = opens(msgspec.structs.replace(QUICK, most=2))
    world.take_database_away()
    for calls in range(1, 200):
        world.notes.keep(an_observed("f1", calls=calls))
    assert world.notes.state().dropped == 0
    world.give_database_back()
    flush(world)
    assert [each.calls for each in world.store.observed()] == [199]


def test_while_the_database_is_away_notes_wait_and_then_are_written(world: World) -> None:
    world.take_database_away()

    async def main() -> None:
        for number in range(5):
            world.notes.keep(a_happening(f"observed:{number}"))
        flushed = asyncio.ensure_future(world.notes.flushed())
        while not world.notes.state().error:  # noqa: ASYNC110 - set by the writer's thread
            await asyncio.sleep(0)
        assert world.notes.state().waiting == 5
        assert not flushed.done()
        world.give_database_back()
        await flushed

    asyncio.run(main())
    assert [each.subject[-1] for each in world.store.happenings(9)] == ["4", "3", "2", "1", "0"]
    assert world.notes.state() == NotesState()


def test_what_does_not_fit_is_dropped_and_counted(opens: Opens) -> None:
    world = opens(msgspec.structs.replace(QUICK, most=3))
    world.take_database_away()
    for number in range(5):
        world.notes.keep(a_happening(f"observed:{number}"))
    assert (world.notes.state().waiting, world.notes.state().dropped) == (3, 2)
    world.give_database_back()
    flush(world)
    assert [each.subject for each in world.store.happenings(9)] == [
        "observed:2",
        "observed:1",
        "observed:0",
    ]
    world.notes.keep(a_happening("observed:late"))
    flush(world)
    assert [each.subject for each in world.store.happenings(1)] == ["observed:late"]
    assert world.notes.state() == NotesState(dropped=2)


def test_bytes_that_wait_are_bounded(opens: Opens) -> None:
    size = size_of(a_transcript("call_1", 1, "x" * 1000))
    world = opens(msgspec.structs.replace(QUICK, most_bytes=2 * size))
    world.take_database_away()
    for number in range(4):
        world.notes.keep(a_transcript(f"call_{number}", number, "x" * 1000))
    state = world.notes.state()
    assert (state.waiting, state.waiting_bytes, state.dropped) == (2, 2 * size, 2)
    world.give_database_back()
    flush(world)
    assert [each.call for each in world.store.transcripts("support", 9)] == ["call_1", "call_0"]


def test_a_note_larger_than_all_room_is_dropped(opens: Opens) -> None:
    world = opens(msgspec.structs.replace(QUICK, most_bytes=10_000))
    world.notes.keep(a_transcript("call_1", 1, "x" * 10_000))
    world.notes.keep(an_observed("f1", "short"))
    world.notes.keep(an_observed("f1", "x" * 10_000))
    flush(world)
    assert world.store.transcript("call_1") is None
    assert [each.text for each in world.store.observed()] == ["short"]
    assert world.notes.state() == NotesState(dropped=2)


def test_closing_writes_what_waits_and_later_notes_are_dropped(world: World) -> None:
    for number in range(1000):
        world.notes.keep(a_happening(f"observed:{number}"))
    assert world.notes.close()
    world.notes.keep(a_happening("late"))
    assert world.notes.close()
    flush(world)
    assert len(world.store.happenings(2000)) == 1000
    assert world.notes.state() == NotesState(dropped=1)


def test_closing_without_a_database_says_so_and_counts_what_is_lost(world: World) -> None:
    world.take_database_away()
    for number in range(3):
        world.notes.keep(a_happening(f"observed:{number}"))
    assert not world.notes.close(timeout_s=0.5)
    state = world.notes.state()
    assert (state.waiting, state.waiting_bytes, state.dropped) == (0, 0, 3)
    flush(world)
    assert list(world.store.happenings(9)) == []


def test_transcripts_come_newest_first_and_are_forgotten_by_age(world: World) -> None:
    for number in (3, 1, 2, 4):
        world.notes.keep(a_transcript(f"call_{number}", number))
    world.notes.keep(a_transcript("call_0", 1, workload="voice"))
    flush(world)
    newest = world.store.transcripts("support", 3)
    assert [each.call for each in newest] == ["call_4", "call_3", "call_2"]
    assert world.store.forget_transcripts(3) == 3
    assert world.store.forget_transcripts(3) == 0
    assert [each.call for each in world.store.transcripts("support", 9)] == ["call_4", "call_3"]
    assert world.store.transcript("call_0") is None


def test_many_transcripts_are_forgotten_at_once(world: World) -> None:
    for number in range(2500):
        world.notes.keep(a_transcript(f"call_{number}", number))
    flush(world)
    assert world.store.forget_transcripts(2400) == 2400
    assert len(world.store.transcripts("support", 9999)) == 100


def test_a_transcript_of_the_same_call_is_kept_once(world: World) -> None:
    world.notes.keep(a_transcript("call_1", 1, "first"))
    world.notes.keep(a_transcript("call_1", 1, "second"))
    flush(world)
    assert [each.request for each in world.store.transcripts("support", 9)] == [b"second"]


def test_happenings_are_numbered_from_one_and_read_backwards_page_by_page(world: World) -> None:
    for subject in "abcde":
        world.notes.keep(msgspec.structs.replace(a_happening(subject), number=77))
    flush(world)
    first = world.store.happenings(2)
    assert [(each.number, each.subject) for each in first] == [(5, "e"), (4, "d")]
    second = world.store.happenings(9, before=first[-1].number)
    assert [each.number for each in second] == [3, 2, 1]
    assert list(world.store.happenings(0)) == []


def test_several_may_wait_for_the_flush_and_one_that_gives_up_disturbs_nobody(
    world: World,
) -> None:
    world.take_database_away()

    async def main() -> None:
        world.notes.keep(a_happening("observed:1"))
        waiting = [asyncio.ensure_future(world.notes.flushed()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        world.give_database_back()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in results] == [asyncio.CancelledError, type(None), type(None)]

    asyncio.run(main())


@pytest.mark.parametrize(
    "unfit",
    [
        msgspec.structs.replace(a_happening("x"), detail={"a": object()}),
        msgspec.structs.replace(a_happening("x"), at_ns=2**63),
        msgspec.structs.replace(a_happening("x"), subject="\ud800"),
        an_observed("\ud800"),
        an_observed("f9", "\ud800"),
        an_observed("f9", calls=2**63),
        a_transcript("\ud800"),
        a_transcript("call_9", 2**63),
    ],
    ids=lambda note: type(note).__name__,
)
def test_what_the_database_will_never_take_is_dropped_and_the_rest_written(
    tmp_path: Path, unfit: object
) -> None:
    world = InSqlite(tmp_path, QUICK)
    for note in (a_happening("before"), unfit, a_happening("after"), a_transcript("call_1")):
        world.notes.keep(note)  # type: ignore[arg-type]
    flush(world)
    assert [each.subject for each in world.store.happenings(9)] == ["after", "before"]
    assert world.store.transcript("call_1") is not None
    assert world.notes.state() == NotesState(dropped=1)
    assert world.notes.close()


def test_a_defect_of_the_sink_loses_its_batch_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def __init__(self) -> None:
            self.taken = 0

        def write(self, notes: object) -> int:
            self.taken += 1
            if self.taken == 1:
                raise KeyError("the text of a prompt")
            return 0

    notes = WrittenNotes(Broken(), QUICK, clock=SystemClock())
    for _ in range(2):
        notes.keep(a_happening("x"))
        asyncio.run(notes.flushed())
    assert notes.state() == NotesState(dropped=1)
    assert "lost to a defect: KeyError" in caplog.text
    assert "the text of a prompt" not in caplog.text
    assert notes.close()


def test_a_database_that_was_moved_away_is_named_and_written_to_when_it_is_back(
    tmp_path: Path,
) -> None:
    world = InSqlite(tmp_path, QUICK)
    world.database.rename(tmp_path / "away.db")

    async def main() -> None:
        world.notes.keep(a_happening("observed:1"))
        while not world.notes.state().error:  # noqa: ASYNC110 - set by the writer's thread
            await asyncio.sleep(0)
        assert "portico.db takes nothing" in world.notes.state().error
        (tmp_path / "away.db").rename(world.database)
        await world.notes.flushed()

    asyncio.run(main())
    assert len(world.store.happenings(9)) == 1
    assert world.notes.close()
