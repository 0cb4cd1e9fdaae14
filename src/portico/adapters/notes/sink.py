"""Where notes go, as their writer sees it."""

from collections.abc import Sequence
from typing import Protocol

from portico.contract.ports import Note


class NotesUnavailable(Exception):
    """The database takes nothing at the moment. The message says why; the writer tries again."""


class NoteSink(Protocol):
    """One database, written to by one thread."""

    def write(self, notes: Sequence[Note]) -> int:
        """Stores notes in one transaction. How many were refused for good, and are not stored.

        Raises NotesUnavailable where none of them is stored now, and may be later.
        """
        ...
