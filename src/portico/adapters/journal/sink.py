"""Where the journal's entries go, as the loader sees it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from portico.contract.receipt import Receipt


class SinkUnavailable(Exception):
    """The database takes nothing at the moment. The message says why; the loader tries again."""


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in the journal: everything before it has been loaded."""

    sequence: int = 0
    offset: int = 0


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry on its way to the database.

    `call` and, of a receipt, `receipt` say what the payload says, where that is known unread.
    """

    kind: int
    payload: bytes
    call: str = ""
    receipt: Receipt | None = None


class Sink(Protocol):
    """One database, used by one thread. Every method may raise SinkUnavailable."""

    def open(self) -> Position:
        """Connects anew; says up to where the journal is in the database."""
        ...

    def load(self, entries: Sequence[Entry], before: Position, behind: Position) -> None:
        """Stores entries and the position behind them: all, or nothing.

        Refuses where the database does not stand at `before`.
        """
        ...

    def settle_lost(self) -> None:
        """Turns the intents that are left into receipts of lost calls."""
        ...

    def persist(self) -> None:
        """Returns when what was loaded outlives a loss of power."""
        ...

    def close(self) -> None: ...
