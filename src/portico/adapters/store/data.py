"""A data directory, opened: the one place that knows what lies in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from portico.adapters.journal.journal import FileJournal
from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.sink import SinkUnavailable
from portico.adapters.store.ledger import SqliteLedger
from portico.adapters.store.lock import DirectoryLock
from portico.adapters.store.migrate import migrate
from portico.adapters.store.sink import SqliteSink
from portico.adapters.store.state import SqliteStore
from portico.contract.errors import Overloaded
from portico.contract.ports import Clock, Store

DATABASE = "portico.db"
JOURNAL = "journal"
CLOSE_S = 10.0

Choose = Callable[[Store], JournalOptions]
"""Bounds that depend on what is stored."""


@dataclass(frozen=True, slots=True)
class Data:
    """What one process serves from. Close it from any thread but a loop's."""

    directory: Path
    journal: FileJournal
    ledger: SqliteLedger
    store: SqliteStore
    lock: DirectoryLock

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Blocks, at most `timeout_s`, until the database has everything; whether it has.

        What it has not stays in the journal for the next start. The directory then stays
        locked until the process ends, because the loader may still be at work.
        """
        done = self.journal.close(timeout_s)
        if done:
            self.lock.release()
        return done


def open_data(directory: Path, *, journal: JournalOptions | Choose, clock: Clock) -> Data:
    """Creates (0700) or opens a data directory, and starts loading what its journal holds.

    `journal` may be a function of the store, for bounds that are stored there.

    Raises InvalidRequest where another process serves it or a newer release wrote it, and
    Overloaded where the disk is full or the database cannot be read.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = DirectoryLock(directory)
    try:
        return _opened(directory, journal, lock, clock)
    except BaseException:  # whatever stops the start, the lock goes
        lock.release()
        raise


def _opened(
    directory: Path, journal: JournalOptions | Choose, lock: DirectoryLock, clock: Clock
) -> Data:
    database = directory / DATABASE
    migrate(database)
    sink = SqliteSink(database)
    try:
        loaded = sink.open()
        sink.persist()
        sink.close()
    except (SinkUnavailable, OSError) as problem:
        raise Overloaded(f"{problem} Portico cannot start without reading it.") from problem
    store = SqliteStore(database)
    options = journal if isinstance(journal, JournalOptions) else journal(store)
    written = FileJournal(directory / JOURNAL, sink, options, loaded=loaded, clock=clock)
    return Data(directory, written, SqliteLedger(database, written), store, lock)
