"""What was written a moment ago, kept in memory, so that the loader need not read it back.

The file stays the truth: what is not here, or was taken and then not loaded, is read from there,
with its checksums. One thread puts, another takes; a deque's ends need no lock for that.
"""

from collections import deque
from collections.abc import Sequence

from portico.adapters.journal.sink import Entry
from portico.contract.receipt import Receipt

MOST_BYTES = 512 * 1024
"""Entries of this size together wait here at most; later ones wait in the file alone."""

Item = tuple[int, int, int, int, bytes, str, Receipt | None]
"""Segment, start and end of an entry, then the fields of `Entry`. A tuple: the call waits."""


class Fresh:
    """Entries with their places in the journal, in its order, perhaps with gaps."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._put = 0  # moved by the writer only
        self._taken = 0  # moved by the loader only

    def put(self, item: Item) -> None:
        """By the writer, before it publishes the end of the segment."""
        if self._put - self._taken < MOST_BYTES:
            self._put += item[2] - item[1]
            self._items.append(item)

    def take(self, sequence: int, start: int, stop: int, size: int) -> tuple[Sequence[Entry], int]:
        """Entries of a segment from offset `start` on, and the offset behind them.

        About `size` bytes of them, none past `stop`, and none at all where the first is not here.
        """
        items, at = self._items, start
        found: list[Entry] = []
        while items and at - start < size:
            number, first, end, kind, payload, call, receipt = items[0]
            if number == sequence and first == at and end <= stop:
                found.append(Entry(kind, payload, call, receipt))
                at = end
            elif (number, first) >= (sequence, at):
                break
            self._taken += end - first
            items.popleft()
        return found, at
