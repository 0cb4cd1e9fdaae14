"""Notes that a thread writes into the database, off the loop.

A note is sealed and written within `linger_s`, or as soon as somebody waits for it. A database
that takes nothing is tried again until it does; meanwhile notes wait within their bounds, and
what does not fit is dropped and counted.
"""

import asyncio
import logging
import threading
import time
from typing import Final

from portico.adapters.notes.options import NotesOptions
from portico.adapters.notes.sink import NoteSink, NotesUnavailable
from portico.adapters.notes.waiting import Waiting
from portico.contract.ports import Clock, Note, NotesState

FIRST_RETRY_S: Final = 0.02
LAST_TRY_S: Final = 0.5
"""At the end, what the last try may take and still be within the time given."""

log = logging.getLogger(__name__)


class WrittenNotes:
    """Implements `contract.ports.Notes`. Its thread sleeps while there is nothing to write."""

    def __init__(self, sink: NoteSink, options: NotesOptions, *, clock: Clock) -> None:
        self._sink = sink
        self._options = options
        self._clock = clock
        self._waiting = Waiting(options)
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stop = threading.Event()
        self._idle = True
        self._failures = 0
        self._give_up_at = 0.0
        self._error = ""
        self._lock = threading.Lock()
        self._waiters: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._complete = True
        self._thread = threading.Thread(target=self._run, name="portico-notes", daemon=True)
        self._thread.start()

    # --- called by whoever keeps notes -----------------------------------------------------

    def keep(self, note: Note) -> None:
        kept = self._waiting.add(note)
        if self._waiting.bytes > self._options.batch_bytes and not self._hurry.is_set():
            self._hurry.set()
        if kept and self._idle:
            self._idle = False
            self._wake.set()

    async def flushed(self) -> None:
        """Waits as long as the database takes; bound it with `asyncio.timeout`."""
        target = self._waiting.accepted
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._waiting.finished >= target:
                return
            self._waiters.append((target, loop, future))
        self._hurry.set()
        self._wake.set()
        try:
            await future
        finally:
            with self._lock:
                self._waiters = [w for w in self._waiters if w[2] is not future]

    def state(self) -> NotesState:
        waiting = self._waiting
        return NotesState(
            waiting=len(waiting),
            waiting_bytes=waiting.bytes,
            dropped=waiting.dropped,
            error=self._error,
        )

    def close(self, timeout_s: float = 5.0) -> bool:
        """What is not written by then is dropped and counted; nothing is kept any more."""
        self._waiting.shut()
        self._give_up_at = self._clock.monotonic() + timeout_s - LAST_TRY_S
        self._stop.set()
        self._hurry.set()
        self._wake.set()
        self._thread.join(timeout_s)
        return not self.at_work and self._complete

    @property
    def at_work(self) -> bool:
        """Its thread may still write to the database."""
        return self._thread.is_alive()

    # --- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        ending = False
        while not ending:
            stopping = self._stop.is_set()
            self._hurry.clear()
            self._wake.clear()
            self._idle = True  # before looking what there is: a later note wakes us again
            self._catch_up()
            ending = stopping and (not self._failures or self._clock.monotonic() > self._give_up_at)
            if not ending:
                self._rest()
        self._complete = not self._waiting.give_up()
        self._announce()

    def _catch_up(self) -> None:
        while batch := self._waiting.take():
            try:
                refused = self._sink.write(batch)
            except NotesUnavailable as problem:
                self._failures += 1
                self._error = str(problem)
                return
            except Exception as problem:  # noqa: BLE001 - the thread outlives a defect, naming it
                # Without the traceback, whose last line may quote a note.
                log.error("%d notes lost to a defect: %s", len(batch), type(problem).__name__)  # noqa: TRY400 - see above
                refused = len(batch)
            self._failures, self._error = 0, ""
            self._waiting.done(refused)
            self._announce()

    def _rest(self) -> None:
        if self._failures:
            pause = min(FIRST_RETRY_S * 2 ** min(self._failures - 1, 16), self._options.retry_s)
            if self._stop.wait(pause):
                time.sleep(FIRST_RETRY_S)  # the last tries, until it is time to give up
            return
        self._wake.wait()
        self._hurry.wait(self._options.linger_s)

    def _announce(self) -> None:
        """Lets those go whose notes are written or dropped."""
        with self._lock:
            finished = self._waiting.finished
            due = [waiter for waiter in self._waiters if waiter[0] <= finished]
        for _, loop, future in due:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_finish, future)


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
