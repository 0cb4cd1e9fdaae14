"""The notes' way into SQLite: one transaction a batch, sealed before it begins."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from portico.adapters.notes.sink import NotesUnavailable
from portico.adapters.store import queries, rows
from portico.adapters.store.connection import connect, explain, transaction
from portico.adapters.store.sealing import Sealer
from portico.contract.deployment import ObservedPrompt, Transcript
from portico.contract.errors import PorticoError
from portico.contract.ports import Note

BUSY_S = 0.1
"""Short: the writer tries again by itself."""

UNFIT = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What cannot be said in bytes: broken text, numbers out of range, values that are no JSON."""
REFUSED = (
    sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError,
    OverflowError, UnicodeError,
)  # fmt: skip
"""What SQLite says of a row that it will never take."""

Statement = tuple[str, rows.Row]


class SqliteNoteSink:
    """Implements `notes.sink.NoteSink`. A connection a batch, so a database that is moved away
    is noticed."""

    def __init__(self, path: Path, sealer: Sealer) -> None:
        self._path = path
        self._sealer = sealer

    def write(self, notes: Sequence[Note]) -> int:
        try:
            statements = [said for note in notes if (said := self._statement(note)) is not None]
        except PorticoError as problem:  # the key of stored content cannot be used
            raise NotesUnavailable(problem.message) from problem
        try:
            with (
                closing(connect(self._path, busy_s=BUSY_S)) as connection,
                transaction(connection),
            ):
                stored = sum(_stored(connection, each) for each in statements)
        except (sqlite3.Error, OSError) as problem:
            raise NotesUnavailable(self._explained(problem)) from problem
        return len(notes) - stored

    def _statement(self, note: Note) -> Statement | None:
        try:
            if isinstance(note, Transcript):
                return queries.PUT_TRANSCRIPT, rows.of_transcript(note, self._sealer.seal)
            if isinstance(note, ObservedPrompt):
                return queries.PUT_OBSERVED, rows.of_observed(note, self._sealer.seal)
            return queries.ADD_HAPPENING, rows.of_happening(note)
        except UNFIT:
            return None

    def _explained(self, problem: sqlite3.Error | OSError) -> str:
        if isinstance(problem, sqlite3.Error):
            return explain(self._path, problem)
        return f"The database {self._path.name} takes nothing: {problem}."


def _stored(connection: sqlite3.Connection, statement: Statement) -> bool:
    """A row that is refused takes none of the others with it."""
    try:
        connection.execute(*statement)
    except REFUSED:
        return False
    return True
