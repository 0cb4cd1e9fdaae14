"""The bounded queue between the one who keeps a note and the one who writes it.

Law of the file: what is being written counts as waiting until it is written or given up, so the
bounds hold for all that is in memory. Every method may be called by any thread.
"""

import itertools
import sys
import threading
from collections import OrderedDict

from portico.adapters.notes.options import NotesOptions
from portico.contract.deployment import ObservedPrompt, Transcript
from portico.contract.ports import Note

OVERHEAD = 512
"""Bytes of a note beside its texts: objects, names, its place in the queue."""
INTEGER = 40
"""Bytes of an integer of a sketch, with its place in it."""


def size_of(note: Note) -> int:
    """Bytes of memory, about. Never raises, whatever a note holds."""
    if isinstance(note, Transcript):
        return OVERHEAD + sum(map(sys.getsizeof, (note.request, note.options, note.answer)))
    if isinstance(note, ObservedPrompt):
        return OVERHEAD + sys.getsizeof(note.text) + INTEGER * len(note.sketch)
    return OVERHEAD + sum(map(sys.getsizeof, note.detail.values()))


Name = int | tuple[str, str]
"""The number of a note, or what an observed prompt is known by."""


class Waiting:
    """Notes in the order of their keeping. `accepted` and `finished` count them."""

    def __init__(self, options: NotesOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._notes: OrderedDict[Name, tuple[Note, int]] = OrderedDict()
        self._numbers = itertools.count()
        self._batch: list[tuple[Note, int]] = []
        self._open = True
        self.accepted = 0
        self.finished = 0
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self.accepted - self.finished

    def add(self, note: Note) -> bool:
        """Whether there was room. An observed prompt takes the place of its older self."""
        size = size_of(note)
        name: Name = (
            (note.workload, note.fingerprint)
            if isinstance(note, ObservedPrompt)
            else next(self._numbers)
        )
        with self._lock:
            older = self._notes.get(name)
            grows = size - (older[1] if older else 0)
            full = older is None and len(self) >= self._options.most
            if not self._open or full or self.bytes + grows > self._options.most_bytes:
                self.dropped += 1
                return False
            self._notes[name] = (note, size)
            self.bytes += grows
            self.accepted += older is None
        return True

    def take(self) -> list[Note]:
        """The next batch, the same again until it is `done`; empty when nothing waits."""
        with self._lock:
            if not self._batch:
                self._fill()
            return [note for note, _ in self._batch]

    def _fill(self) -> None:
        size = 0
        while self._notes and len(self._batch) < self._options.batch:
            name = next(iter(self._notes))
            size += self._notes[name][1]
            if self._batch and size > self._options.batch_bytes:
                return
            self._batch.append(self._notes.pop(name))

    def done(self, refused: int) -> None:
        """The batch is written, but for so many that were refused for good."""
        with self._lock:
            self.finished += len(self._batch)
            self.dropped += refused
            self.bytes -= sum(size for _, size in self._batch)
            self._batch.clear()

    def shut(self) -> None:
        """Takes nothing more."""
        with self._lock:
            self._open = False

    def give_up(self) -> int:
        """Drops and counts whatever waits. How many that were."""
        with self._lock:
            lost = len(self)
            self.finished += lost
            self.dropped += lost
            self.bytes = 0
            self._batch.clear()
            self._notes.clear()
        return lost
