"""Notes in memory, with the promises of the real ones and a switch for their database."""

import asyncio

from portico.adapters.memory.store import MemoryStore
from portico.adapters.notes.options import NotesOptions
from portico.adapters.notes.waiting import Waiting
from portico.contract.ports import Note, NotesState


class MemoryNotes:
    """Implements `contract.ports.Notes` over a store in memory. One loop's thread may call.

    While `error` is set the database takes nothing: notes wait, and the bounds fill.
    """

    def __init__(self, store: MemoryStore, options: NotesOptions | None = None) -> None:
        self._store = store
        self._waiting = Waiting(options or NotesOptions())
        self._error = ""
        self._complete = True
        self._changed = asyncio.Event()

    def keep(self, note: Note) -> None:
        self._waiting.add(note)
        self._write()

    async def flushed(self) -> None:
        while len(self._waiting):
            self._changed.clear()
            await self._changed.wait()

    def state(self) -> NotesState:
        waiting = self._waiting
        return NotesState(
            waiting=len(waiting),
            waiting_bytes=waiting.bytes,
            dropped=waiting.dropped,
            error=self._error,
        )

    def close(self, timeout_s: float = 5.0) -> bool:
        self._waiting.shut()
        self._complete = not self._waiting.give_up() and self._complete
        self._changed.set()
        return self._complete

    def database_away(self, error: str) -> None:
        """The database takes nothing from now on, because of `error`; empty: it is back."""
        self._error = error
        self._write()

    def _write(self) -> None:
        while not self._error and (batch := self._waiting.take()):
            self._store.take(batch)
            self._waiting.done(0)
        self._changed.set()
