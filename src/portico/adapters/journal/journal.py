"""The journal that a call meets: two short writes to a preallocated file.

Law of the file: `intend` and `record` are called by one thread (the event loop's) and never
wait; the loader's thread reads what they have published and never writes to it.
"""

import asyncio
import os
import threading
from pathlib import Path

from portico.adapters.journal.entries import HEAD, INTENT, RECEIPT, Kind, encode, frame
from portico.adapters.journal.files import SegmentFiles
from portico.adapters.journal.loader import Loader
from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.room import Room, Shape, admits
from portico.adapters.journal.segments import START, Segment
from portico.adapters.journal.sink import Position, Sink
from portico.adapters.journal.trim import fitted
from portico.contract.errors import Overloaded
from portico.contract.ports import Clock, JournalState
from portico.contract.receipt import Intent, Receipt

INTENT_GROWTH = 4
"""A receipt may grow to this many times its intent before it is trimmed."""


class FileJournal:
    """Implements `contract.ports.Journal`.

    Opening finds what an earlier process left; the loader puts it into the database first.
    Raises Overloaded where the disk has no room for a single segment.
    """

    def __init__(
        self,
        directory: Path,
        sink: Sink,
        options: JournalOptions,
        *,
        loaded: Position,
        clock: Clock,
    ) -> None:
        self._options = options
        self._files = SegmentFiles(directory, options, loaded)
        self._shape = Shape.of(options.segment_bytes - START)
        self._segment: Segment | None = None
        self._offset = 0
        self._left = 0
        self._held: dict[str, int] = {}
        self._reserved = 0
        self._lost = 0
        self._written = self._files.found_entries + 1  # and one step: settling lost calls
        self._written_bytes = self._files.found_bytes
        self._lock = threading.Lock()
        self._waiters: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._closed = False
        self._finished = False
        self._loader = Loader(self._files, sink, options, start=loaded, clock=clock)
        self._fresh = self._loader.fresh
        self._loader.start(self._announce)
        self._loader.hurry()

    # --- the hot path ----------------------------------------------------------------------

    def intend(self, intent: Intent) -> None:
        """Raises Overloaded where the journal has no room left and the project refuses then."""
        receipt = intent.receipt
        call = receipt.call
        payload = encode(receipt)
        size = HEAD.size + len(payload)
        held = self._held.get(call, 0)
        wanted = max(held, min(self._shape.bound, self._wish(size)))
        if size > self._shape.bound:
            payload = self._trimmed(receipt, self._shape.bound)
            size = HEAD.size + len(payload)
        admitted = bool(payload) and self._admits(size, self._reserved + wanted - held)
        if admitted and self._write(INTENT, payload, call):
            self._held[call] = wanted
            self._reserved += wanted - held
        else:
            self._full("the attempt was not started")

    def record(self, receipt: Receipt) -> None:
        """Raises Overloaded for a receipt that no intent has reserved room for, when full."""
        held = self._held.pop(receipt.call, 0)
        payload = encode(receipt)
        size = HEAD.size + len(payload)
        others = self._reserved - held
        whole: Receipt | None = receipt
        if size > held and (size > self._shape.bound or not self._admits(size, others)):
            largest = self._shape.bound
            payload = self._trimmed(receipt, largest if self._admits(largest, others) else held)
            whole = None
        self._reserved = others
        if not payload or not self._write(RECEIPT, payload, receipt.call, whole):
            self._unrecorded()

    def _wish(self, size: int) -> int:
        return max(self._options.reserve_bytes, INTENT_GROWTH * size)

    def _trimmed(self, receipt: Receipt, room: int) -> bytes:
        """Empty where there is no room even for the receipt's bare bones."""
        return (fitted(receipt, room - HEAD.size) or b"") if room else b""

    def _admits(self, size: int, reserved: int) -> bool:
        if size + reserved + self._shape.bound <= self._left:
            return True  # the same answer, sooner: it all fits into the segment at hand
        room = Room(self._left, len(self._files.free))
        return admits(self._shape, room, size, reserved)

    def _write(self, kind: Kind, payload: bytes, call: str, receipt: Receipt | None = None) -> bool:
        """One write. False where the file took less than all; the next entry overwrites it."""
        if self._closed:
            return False
        size = HEAD.size + len(payload)
        if size > self._left or self._segment is None:
            self._segment = self._files.take()
            self._offset, self._left = START, self._shape.segment
            self._loader.hurry()  # room is worth more than a large transaction
        segment, start = self._segment, self._offset
        sequence = segment.sequence
        try:
            done = os.pwrite(segment.fd, frame(kind, payload, sequence), start)
        except OSError:
            done = 0
        if done != size:
            return False
        self._offset = end = start + size
        self._left -= size
        self._fresh.put((sequence, start, end, kind, payload, call, receipt))
        segment.end = end
        self._written += 1
        self._written_bytes += size
        self._loader.notice()
        return True

    def _full(self, consequence: str) -> None:
        self._loader.hurry()
        if self._options.when_full == "refuse":
            raise Overloaded(
                f"The journal takes no more, so {consequence}. {self._why()}", retry_after=1.0
            )

    def _unrecorded(self) -> None:
        self._full("the call was not recorded")
        self._lost += 1

    def _why(self) -> str:
        """Without the reason itself, which names files: a caller is told, not the operator."""
        if self._closed:
            return "Portico is stopping; try again in a moment."
        away = "The database takes nothing, for the reason that /readyz gives. "
        return f"{away if self._loader.error else ''}Try again in a moment."

    # --- what others ask -------------------------------------------------------------------

    async def committed(self) -> None:
        """Waits as long as the database takes; bound it with `asyncio.timeout`.

        Raises Overloaded where the journal is closed before that.
        """
        target = self._written
        if self._loader.loaded >= target:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiters.append((target, loop, future))
        self._loader.hurry()
        try:
            await future
        finally:
            with self._lock:
                self._waiters = [w for w in self._waiters if w[2] is not future]
        if self._loader.loaded < target:
            raise Overloaded("The journal was closed before the database had everything.")

    def state(self) -> JournalState:
        loader = self._loader
        unsettled = 0 if loader.settled else 1
        return JournalState(
            waiting=max(0, self._written - loader.loaded - unsettled),
            waiting_bytes=max(0, self._written_bytes - loader.loaded_bytes),
            capacity_bytes=self._files.capacity,
            lost=self._lost,
            error=loader.error,
        )

    def close(self, timeout_s: float = 10.0) -> bool:
        """Blocks until everything is in the database, at most `timeout_s`.

        Whether it is; what is not stays in the journal for the next start.
        """
        self._closed = True
        if self._finished:
            return True
        self._finished = self._loader.stop(timeout_s)
        self._announce(final=True)
        if self._finished:
            self._files.close()
        return self._finished

    def _announce(self, *, final: bool = False) -> None:
        """Lets those go whose entries are in the database; at the end, everybody."""
        with self._lock:
            due = [w for w in self._waiters if final or w[0] <= self._loader.loaded]
        for _, loop, future in due:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_finish, future)


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
