"""The journal's way into SQLite: one transaction a batch, with the position in it."""

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path

import msgspec

from portico.adapters.journal.entries import INTENT, call_of, decode, encode, lost
from portico.adapters.journal.sink import Entry, Position, SinkUnavailable
from portico.adapters.store import queries, rollup_queries
from portico.adapters.store.connection import connect, explain, transaction
from portico.adapters.store.rollups import (
    LARGEST,
    Known,
    Rollups,
    tokens_in,
    tokens_out,
    write_rows,
)
from portico.contract.receipt import Attempt, Receipt

BUSY_S = 0.1
"""Short: the loader tries again by itself."""

Row = tuple[str | int | bytes, ...]
UNESTIMATED: Row = (0, 0, 0, 0, 0, 0, "")
_usage = attrgetter(
    "input", "cached_read", "cache_write_5m", "cache_write_1h", "input_audio", "cached_audio",
    "output", "output_audio", "reasoning",
)  # fmt: skip


class SqliteSink:
    """Implements `journal.sink.Sink`. The connection belongs to the thread that opened it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._under_way: frozenset[str] = frozenset()
        """The calls whose intents are in the database."""
        self._file = (0, 0)
        self._known = Known()

    def open(self) -> Position:
        self.close()
        with self._told():
            connection = self._connection = connect(self._path, busy_s=BUSY_S)
            self._file = self._identity()
            self._known = Known()
            self._under_way = frozenset(c for c, _ in connection.execute(queries.INTENTS))
            return Position(*connection.execute(queries.POSITION).fetchone())

    def load(self, entries: Sequence[Entry], before: Position, behind: Position) -> None:
        batch = _Batch()
        for entry in entries:
            batch.add(entry)
        self._store(batch, (before, behind))

    def settle_lost(self) -> None:
        self._check()
        batch = _Batch()
        with self._told():
            left = self._opened().execute(queries.INTENTS).fetchall()
        for call, body in left:
            batch.add_lost(call, body)
        self._store(batch, None)

    def _store(self, batch: "_Batch", moved: tuple[Position, Position] | None) -> None:
        try:
            self._write(batch, moved)
        except OverflowError:
            batch.clamp()
            self._write(batch, moved)

    def _write(self, batch: "_Batch", moved: tuple[Position, Position] | None) -> None:
        with self._writing() as connection:
            left = batch.write(connection, self._under_way, self._known)
            if moved is not None:
                _move(connection, *moved)
        self._under_way = left
        batch.rollups.learn(self._known)

    def persist(self) -> None:
        """SQLite's WAL is not synced at each commit (synchronous = NORMAL); here it is."""
        self._check()
        log = self._path.with_name(self._path.name + "-wal")
        try:
            fd = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # checkpointed, and synced by SQLite
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._told():
                connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._check()
        connection = self._opened()
        with self._told(), transaction(connection):
            yield connection

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise SinkUnavailable(f"The database {self._path} is not open.")
        return self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise SinkUnavailable(explain(self._path, problem)) from problem

    def _check(self) -> None:
        """A file that was moved away takes writes without an error; nobody would find them."""
        if self._identity() != self._file:
            raise SinkUnavailable(f"The database {self._path} is not the file that was opened.")

    def _identity(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as problem:
            raise SinkUnavailable(f"The database {self._path} is gone: {problem}.") from problem
        return found.st_dev, found.st_ino


class _Batch:
    """Rows of one transaction. Only intents without a receipt behind them become rows."""

    def __init__(self) -> None:
        self._intents: dict[str, bytes] = {}
        self._receipts: dict[str, Receipt] = {}
        self._bodies: list[bytes] = []
        self._done: set[str] = set()
        self._unreadable: list[Row] = []
        self._clamped = False
        self.rollups = Rollups()
        """Of the receipts that the last `write` found to be new."""

    def add(self, entry: Entry) -> None:
        try:
            if entry.kind == INTENT:
                self._intents[entry.call or call_of(entry.payload)] = entry.payload
            else:
                self.add_receipt(entry.receipt or decode(entry.payload), entry.payload)
        except msgspec.MsgspecError:
            self._unreadable.append((entry.kind, entry.payload))

    def add_receipt(self, receipt: Receipt, body: bytes) -> None:
        self._intents.pop(receipt.call, None)
        self._done.add(receipt.call)
        if receipt.call not in self._receipts:  # the first one stays, as in the table
            self._receipts[receipt.call] = receipt
            self._bodies.append(body)

    def add_lost(self, call: str, body: bytes) -> None:
        try:
            receipt = lost(decode(body))
        except msgspec.MsgspecError:
            self._unreadable.append((INTENT, body))
            self._done.add(call)
        else:
            self.add_receipt(receipt, encode(receipt))

    def clamp(self) -> None:
        """Numbers past SQLite's range keep their true value in the body only."""
        self._clamped = True

    def write(
        self, connection: sqlite3.Connection, under_way: frozenset[str], known: Known
    ) -> frozenset[str]:
        """`under_way`: calls with an intent in the database; returns them as they are then."""
        done = under_way & self._done
        new = self._write_receipts(connection)
        attempts = [_attempt_row(each.call, a) for each in new for a in each.attempts]
        write_rows(connection, queries.ADD_ATTEMPTS, self._bounded(attempts))
        self.rollups = Rollups()
        for receipt in new:
            self.rollups.add(receipt)
        self.rollups.write(connection, known, apart=self._clamped)
        connection.executemany(queries.DROP_INTENT, [(call,) for call in done])
        write_rows(connection, queries.PUT_INTENTS, tuple(self._intents.items()))
        if self._unreadable:
            connection.executemany(queries.ADD_UNREADABLE, self._unreadable)
        return (under_way - done).union(self._intents)

    def _write_receipts(self, connection: sqlite3.Connection) -> Collection[Receipt]:
        """Those that were not there yet: only they are counted."""
        receipts = self._receipts
        last = connection.execute(rollup_queries.LAST_NUMBER).fetchone()[0]
        before = connection.total_changes
        rows = [*map(_receipt_row, receipts.values(), self._bodies)]
        write_rows(connection, queries.ADD_RECEIPTS, self._bounded(rows))
        if connection.total_changes - before == len(receipts):
            return receipts.values()
        new = connection.execute(rollup_queries.NEW_SINCE, (last,)).fetchall()
        return [receipts[call] for (call,) in new]

    def _bounded(self, rows: list[Row]) -> list[Row]:
        return [*map(_clamped, rows)] if self._clamped else rows


def _move(connection: sqlite3.Connection, before: Position, behind: Position) -> None:
    moved = connection.execute(
        queries.MOVE_POSITION,
        {
            "sequence": behind.sequence,
            "offset": behind.offset,
            "before_sequence": before.sequence,
            "before_offset": before.offset,
        },
    )
    if moved.rowcount != 1:
        raise SinkUnavailable(
            "The database was replaced or is loaded by somebody else: it does not stand where "
            f"this process left it (segment {before.sequence}, offset {before.offset}). "
            "Restart Portico; what is in the journal is kept."
        )


def _receipt_row(receipt: Receipt, body: bytes) -> Row:
    usage = receipt.usage
    return (
        receipt.call, receipt.received_ns, receipt.workload, receipt.model, receipt.team,
        receipt.key, receipt.project, receipt.subject, receipt.release, receipt.status,
        receipt.cost_nano, tokens_in(usage), tokens_out(usage),
        int(receipt.simulated), body, receipt.prompt, receipt.prompt_version,
        receipt.prompt_source, " ".join(receipt.parameters),
    )  # fmt: skip


def _attempt_row(call: str, attempt: Attempt) -> Row:
    return (
        attempt.id, call, attempt.model, attempt.provider, attempt.status, attempt.cost_nano,
        attempt.started_ns, *_usage(attempt.usage), attempt.region, attempt.address,
        int(attempt.private), int(attempt.simulated), int(attempt.listed), *_energy(attempt),
    )  # fmt: skip


def _energy(attempt: Attempt) -> Row:
    energy, basis = attempt.energy, attempt.energy_basis
    if energy is None or basis is None:
        return UNESTIMATED
    return (
        energy.low_nwh, energy.high_nwh, energy.co2e_low_ng, energy.co2e_high_ng,
        basis.size_low, basis.size_high, basis.method,
    )  # fmt: skip


def _clamped(row: Row) -> Row:
    return tuple(max(-LARGEST, min(v, LARGEST)) if isinstance(v, int) else v for v in row)
