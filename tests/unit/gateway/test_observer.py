"""Naming prompts as they pass costs a bounded share of the time."""

import asyncio

from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.notes import MemoryNotes
from portico.adapters.memory.store import MemoryStore
from portico.gateway.observing import CHARACTERS_A_SECOND, MOST_CHARACTERS, Observer

LONG = MOST_CHARACTERS // 2


def text(number: int, length: int = LONG) -> str:
    words = f"The {number}th rule of house {number} says {number} things about it. "
    return (words * (length // len(words) + 1))[:length]


def test_what_is_new_goes_unnamed_once_there_is_no_time_to_spare_and_the_known_keep_names() -> None:
    clock = FakeClock()
    observer = Observer(MemoryNotes(MemoryStore()), clock)
    first = observer.see("w", text(1))
    assert first
    assert observer.see("w", text(2))
    assert observer.see("w", text(3)) == ""
    assert observer.see("w", text(1)) == first
    clock.advance(LONG / CHARACTERS_A_SECOND)
    assert observer.see("w", text(3))


def test_a_restart_gives_the_same_names() -> None:
    store = MemoryStore()
    notes = MemoryNotes(store)
    observer = Observer(notes, FakeClock())
    named = observer.see("w", "You help customers of the shop.")
    observer.keep()
    asyncio.run(notes.flushed())
    again = Observer(notes, FakeClock(), store.observed())
    assert again.see("w", "You help customers of the shop.") == named
