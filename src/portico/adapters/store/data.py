"""A data directory, opened: the one place that knows what lies in it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from portico.adapters.journal.journal import FileJournal
from portico.adapters.journal.options import JournalOptions
from portico.adapters.journal.sink import SinkUnavailable
from portico.adapters.notes.notes import WrittenNotes
from portico.adapters.notes.options import NotesOptions
from portico.adapters.store.ledger import SqliteLedger
from portico.adapters.store.lock import DirectoryLock
from portico.adapters.store.migrate import migrate
from portico.adapters.store.noting import SqliteNoteSink
from portico.adapters.store.sealing import KEY_FILE, Sealer
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
    notes: WrittenNotes
    lock: DirectoryLock

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Blocks, at most `timeout_s`, until the database has everything; whether it has.

        Receipts that it has not stay in the journal for the next start; notes are lost. While a
        thread may still be at work the directory stays locked, until the process ends.
        """
        until = time.monotonic() + timeout_s
        noted = self.notes.close(timeout_s / 2)
        loaded = self.journal.close(max(0.0, until - time.monotonic()))
        if loaded and not self.notes.at_work:
            self.lock.release()
        return noted and loaded


def open_data(
    directory: Path,
    *,
    journal: JournalOptions | Choose,
    clock: Clock,
    notes: NotesOptions = NotesOptions(),  # noqa: B008 - immutable
) -> Data:
    """Creates (0700) or opens a data directory, and starts loading what its journal holds.

    `journal` may be a function of the store, for bounds that are stored there.

    Raises InvalidRequest where another process serves it or a newer release wrote it, and
    Overloaded where the disk is full or the database cannot be read.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = DirectoryLock(directory)
    try:
        database = directory / DATABASE
        sealer = Sealer(directory / KEY_FILE)
        migrate(database)
        store = SqliteStore(database, sealer)
        options = journal if isinstance(journal, JournalOptions) else journal(store)
        written = _journal(directory, options, clock)
    except BaseException:  # whatever stops the start, the lock goes
        lock.release()
        raise
    return Data(
        directory=directory,
        journal=written,
        ledger=SqliteLedger(database, written, sealer=sealer),
        store=store,
        notes=WrittenNotes(SqliteNoteSink(database, sealer), notes, clock=clock),
        lock=lock,
    )


def _journal(directory: Path, options: JournalOptions, clock: Clock) -> FileJournal:
    sink = SqliteSink(directory / DATABASE)
    try:
        loaded = sink.open()
        sink.persist()
        sink.close()
    except (SinkUnavailable, OSError) as problem:
        raise Overloaded(f"{problem} Portico cannot start without reading it.") from problem
    return FileJournal(directory / JOURNAL, sink, options, loaded=loaded, clock=clock)
