"""The thread that moves the journal into the database, in order, each entry once.

What makes it once: a transaction holds the rows and the position behind them, and the position
is read again whenever the database is opened anew. A segment is used again only after what it
held is on the disk of the database. Nothing here drops an entry: a database that takes nothing
is tried again until it does.
"""

import threading
import time
from collections.abc import Callable, Sequence

from portico.adapters.journal.entries import Found
from portico.adapters.journal.files import SegmentFiles
from portico.adapters.journal.fresh import Fresh
from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.segments import START, Segment
from portico.adapters.journal.sink import Entry, Position, Sink, SinkUnavailable
from portico.contract.ports import Clock

FIRST_RETRY_S = 0.02


class Loader:
    """One thread. `loaded` and `loaded_bytes` count what is in the database."""

    def __init__(
        self,
        files: SegmentFiles,
        sink: Sink,
        options: JournalOptions,
        *,
        start: Position,
        clock: Clock,
    ) -> None:
        self._files = files
        self._sink = sink
        self._options = options
        self._clock = clock
        self._position = start
        self._connected = False
        self._settled = False
        self._old = files.found_entries
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stop = threading.Event()
        self._idle = True
        self._failures = 0
        self._sync_at = 0.0
        self._give_up_at = 0.0
        self._doubtful = (start, 0, 0)
        self._on_progress: Callable[[], None] = _nothing
        self._thread = threading.Thread(target=self._run, name="portico-journal", daemon=True)
        self.fresh = Fresh()
        self.loaded = 0
        self.loaded_bytes = 0
        self._database_error = ""
        self._disk_error = ""

    @property
    def error(self) -> str:
        """Why entries wait, or are not on the disk; empty while all is well."""
        return self._database_error or self._disk_error

    @property
    def settled(self) -> bool:
        """Everything that an earlier process left is in the database."""
        return self._settled

    def start(self, on_progress: Callable[[], None]) -> None:
        """`on_progress` is called in the loader's thread after every step forward."""
        self._on_progress = on_progress
        self._thread.start()

    # --- called by the writer's thread -----------------------------------------------------

    def notice(self) -> None:
        """There is a new entry. Costs next to nothing when the loader knows already."""
        if self._idle:
            self._idle = False
            self._wake.set()

    def hurry(self) -> None:
        """Somebody waits: do not linger."""
        self._hurry.set()
        self._wake.set()

    def stop(self, timeout_s: float) -> bool:
        """Loads what is left, within the time given. Whether everything is in the database."""
        self._give_up_at = self._clock.monotonic() + timeout_s
        self._stop.set()
        self.hurry()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self._failures

    # --- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        ending = False
        while not ending:
            stopping = self._stop.is_set()
            self._hurry.clear()
            self._wake.clear()
            self._idle = True  # before reading what there is: a later entry wakes us again
            self._try()
            self._sync_if_due()
            ending = stopping and (not self._failures or self._clock.monotonic() > self._give_up_at)
            if not ending:
                self._rest()
        self._sync_if_due(now=True)
        self._sink.close()

    def _try(self) -> None:
        try:
            self._catch_up()
        except (SinkUnavailable, OSError) as problem:
            self._failed(str(problem))
        except Exception as problem:  # noqa: BLE001 - the thread outlives a defect, naming it
            self._failed(f"The loader met a defect: {problem!r}.")
        else:
            self._progressed()

    def _failed(self, why: str) -> None:
        self._connected = False
        self._failures += 1
        self._database_error = why
        self._on_progress()

    def _progressed(self) -> None:
        self._failures = 0
        self._database_error = ""
        self._on_progress()

    def _catch_up(self) -> None:
        if not self._connected:
            self._connect()
        if not self._settled:
            while self.loaded < self._old and self._step():
                pass
            self._sink.settle_lost()
            self._settled = True
            self.loaded += 1
        while self._step():
            self._progressed()
            self._sync_if_due()

    def _connect(self) -> None:
        """A transaction that seemed to fail may have been committed: the database knows."""
        position = self._sink.open()
        if position > self._position and position == self._doubtful[0]:
            self._advance()
        self._connected = True

    def _step(self) -> bool:
        """Loads one batch or frees one segment; False when there is nothing left to do."""
        segment = self._current()
        if segment is None:
            return False
        sealed = segment.sealed  # read before `end`: once sealed, the end does not move
        start = self._start(segment)
        if start < segment.end:
            self._load(segment, start)
            return True
        if sealed:
            self._sink.persist()
            self._files.recycle(segment)
        return sealed

    def _current(self) -> Segment | None:
        chain = self._files.chain
        return chain[0] if chain else None

    def _start(self, segment: Segment) -> int:
        here = segment.sequence == self._position.sequence
        return max(START, self._position.offset) if here else START

    def _load(self, segment: Segment, start: int) -> None:
        size, stop = self._options.batch_bytes, segment.end
        entries, end = self.fresh.take(segment.sequence, start, stop, size)
        if not entries:
            found = self._read(segment, start)
            entries, end = [Entry(f.kind, f.payload) for f in found], found[-1].end
        behind = Position(segment.sequence, end)
        self._doubtful = (behind, len(entries), end - start)
        self._sink.load(entries, self._position, behind)
        self._advance()

    def _advance(self) -> None:
        self._position, entries, size = self._doubtful
        self.loaded += entries
        self.loaded_bytes += size

    def _read(self, segment: Segment, start: int) -> Sequence[Found]:
        found = segment.batch(start, segment.end, self._options.batch_bytes)
        if not found:
            raise OSError(f"The journal file {segment.path} cannot be read back at {start}.")
        return found

    # --- resting ---------------------------------------------------------------------------

    def _rest(self) -> None:
        if self._failures:
            pause = min(FIRST_RETRY_S * 2 ** min(self._failures - 1, 16), self._options.retry_s)
            if self._stop.wait(pause):
                time.sleep(FIRST_RETRY_S)  # the last tries, until it is time to give up
            return
        dirty = self._files.dirty
        if self._wake.wait(max(0.0, self._sync_at - self._clock.monotonic()) if dirty else None):
            self._hurry.wait(self._options.linger_s)

    def _sync_if_due(self, *, now: bool = False) -> None:
        reading = self._clock.monotonic()
        if reading < self._sync_at and not now:
            return
        try:
            self._files.sync()
        except OSError as problem:
            self._disk_error = f"The journal cannot be put on the disk: {problem}."
        else:
            self._disk_error = ""
        self._sync_at = reading + self._options.fsync_s


def _nothing() -> None:
    """Nobody listens yet."""
