"""The set of segments: which hold entries, which are free, and what sequence number is next."""

import errno
import threading
from collections import deque
from pathlib import Path

from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.segments import LEAST_BYTES, START, Segment, allocate, found_in
from portico.adapters.journal.sink import Position
from portico.contract.errors import InvalidRequest, Overloaded

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SegmentFiles:
    """`chain` holds the segments with entries, oldest first; `free` those that may be taken.

    The writer appends to the chain, the loader takes from its front; the lock covers just that.
    """

    def __init__(self, directory: Path, options: JournalOptions, loaded: Position) -> None:
        if options.segment_bytes < LEAST_BYTES or options.segments < 2:
            raise InvalidRequest(
                f"A journal needs at least 2 segments of {LEAST_BYTES} bytes; "
                f"{options.segments} of {options.segment_bytes} were asked for."
            )
        self._directory = directory
        self._options = options
        self._lock = threading.Lock()
        self.chain: deque[Segment] = deque()
        self.free: deque[Segment] = deque()
        self.found_entries = 0
        self.found_bytes = 0
        self._next = loaded.sequence + 1
        self.capacity = 0
        """Bytes that all segments hold together."""
        directory.mkdir(mode=0o700, exist_ok=True)
        spare = self._adopt(loaded)
        self._provide(spare)
        self._measure()

    def _adopt(self, loaded: Position) -> list[Segment]:
        """Chains what is not in the database yet; returns the rest."""
        spare = []
        for segment in found_in(self._directory):
            self._next = max(self._next, segment.sequence + 1)
            start = loaded.offset if segment.sequence == loaded.sequence else START
            count = segment.scan(start) if segment.sequence >= max(1, loaded.sequence) else 0
            if not count:
                spare.append(segment)
                continue
            segment.sealed = True
            self.chain.append(segment)
            self.found_entries += count
            self.found_bytes += segment.end - max(start, START)
        return spare

    def _provide(self, spare: list[Segment]) -> None:
        """Makes as many free segments as the options ask for, or as the disk has room for."""
        for segment in spare:
            if self._fits(segment) and self._missing() > 0:
                self._release(segment)
            else:
                segment.discard()
        self._grow()
        if not self.free and not self.chain:
            raise Overloaded(
                f"There is no room for a journal in {self._directory}: the disk is full. "
                f"Free {self._options.segment_bytes} bytes or more and start again."
            )

    def _missing(self) -> int:
        with self._lock:
            return self._options.segments - sum(self._fits(s) for s in (*self.chain, *self.free))

    def _grow(self) -> None:
        """Allocates what is missing; a full disk leaves the journal smaller, not broken."""
        while self._missing() > 0:
            try:
                self._release(allocate(self._directory, self._options.segment_bytes))
            except OSError as problem:
                if problem.errno not in DISK_FULL:
                    raise
                return

    def _fits(self, segment: Segment) -> bool:
        return segment.size == self._options.segment_bytes

    def _release(self, segment: Segment) -> None:
        segment.renumber(self._next)
        self._next += 1
        self.free.append(segment)

    def take(self) -> Segment:
        """The next free segment, now at the end of the chain; its forerunner is sealed."""
        with self._lock:
            segment = self.free.popleft()
            if self.chain:
                self.chain[-1].sealed = True
            self.chain.append(segment)
            return segment

    def recycle(self, segment: Segment) -> None:
        """Frees the oldest segment, whose entries are safe in the database."""
        with self._lock:
            self.chain.popleft()
        if self._fits(segment):
            self._release(segment)
        else:
            segment.discard()
        self._grow()
        self._measure()

    def _measure(self) -> None:
        with self._lock:
            self.capacity = sum(s.size - START for s in (*self.chain, *self.free))

    def sync(self) -> None:
        with self._lock:
            used = tuple(self.chain)
        for segment in used:
            segment.sync()

    @property
    def dirty(self) -> bool:
        with self._lock:
            return any(s.end != s.synced for s in self.chain)

    def close(self) -> None:
        for segment in (*self.chain, *self.free):
            segment.close()
        self.chain.clear()
        self.free.clear()
