"""Opening the database, and its errors in Portico's words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portico.contract.errors import Overloaded

BUSY_S = 5.0
"""How long a statement of the control plane waits for the lock of another writer."""


def connect(path: Path, *, mode: str = "rw", busy_s: float = BUSY_S) -> sqlite3.Connection:
    """`mode`: "ro", "rw" or "rwc" (creates the file). Transactions are opened by hand."""
    place = path.resolve().as_uri()
    connection = sqlite3.connect(
        f"{place}?mode={mode}", uri=True, timeout=busy_s, isolation_level=None
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@contextmanager
def opened(path: Path, *, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """A connection for one piece of work. Raises Overloaded where the database is away."""
    try:
        connection = connect(path, mode=mode)
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as problem:
        raise Overloaded(explain(path, problem), retry_after=1.0) from problem


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; takes the write lock at once, so that it cannot fail half way for it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # all or nothing, whatever interrupts
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def explain(path: Path, problem: sqlite3.Error) -> str:
    name = getattr(problem, "sqlite_errorname", "") or type(problem).__name__
    return f"The database {path.name} takes nothing: {problem} ({name})."
