"""Roll-ups of what is there already, sessions, feedback, capacities."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from portico.adapters.journal.entries import decode
from portico.adapters.store.rollups import Known, Rollups
from portico.contract.receipt import Receipt

revision = "0005"
down_revision = "0004"

AT_ONCE = 5_000
BODIES = "SELECT number, body FROM receipts WHERE number > ? ORDER BY number LIMIT ?"
COUNTS = (
    "calls", "answered", "accepted", "judged", "attempts", "failed", "unpriced", "capped",
    "cap_hits",
)  # fmt: skip
AMOUNTS = (
    "tokens_in", "tokens_cached", "tokens_out", "cost_nano", "energy_low_nwh", "energy_high_nwh",
    "co2e_low_ng", "co2e_high_ng",
)  # fmt: skip
REACHED = ("reached", "model_reached", "unestimated", "model_unestimated")
DIMENSIONS = (
    "project", "team", "workload", "release", "prompt", "prompt_version", "key", "tags", "model",
    "provider",
)  # fmt: skip


def upgrade() -> None:
    _kinds()
    _rollups()
    _sessions()
    _feedback()
    _capacities()
    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError("the schema of the ledger in files is SQLite's")
    _fill(connection)


def _number() -> "sa.Column[int]":
    return sa.Column("number", sa.INTEGER, primary_key=True)


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.TEXT, nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.INTEGER, nullable=False)


def _key(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.INTEGER, primary_key=True, nullable=False, autoincrement=False)


def _kinds() -> None:
    sizes = ("size_low", "size_high")
    op.create_table(
        "rollup_kinds",
        _number(),
        *map(_text, DIMENSIONS),
        _whole("simulated"),
        _text("energy_method"),
        *map(_whole, sizes),
    )
    columns = [*DIMENSIONS, "simulated", "energy_method", *sizes]
    op.create_index("rollup_kinds_all", "rollup_kinds", columns, unique=True)


def _rollups() -> None:
    op.create_table(
        "rollups",
        *map(_key, ("grain", "start", "simulated", "kind", "part")),
        *map(_whole, (*COUNTS, *AMOUNTS, *REACHED)),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )


def _sessions() -> None:
    op.create_table("sessions", _number(), _text("name"))
    op.create_index("sessions_name", "sessions", ["name"], unique=True)
    op.create_table(
        "rollup_sessions",
        *map(_key, ("start", "session", "kind")),
        *map(_whole, ("calls", "tokens", "cost_nano", "first_ns", "last_ns")),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_index("rollup_sessions_session", "rollup_sessions", ["session"])


def _feedback() -> None:
    op.create_table(
        "feedback",
        _number(),
        _text("call"),
        _whole("at_ns"),
        _text("by"),
        sa.Column("score", sa.REAL),
        _text("label"),
        sa.Column("sealed", sa.BLOB, nullable=False),
    )
    op.create_index("feedback_call", "feedback", ["call"])


def _capacities() -> None:
    op.create_table(
        "capacities",
        _number(),
        *map(_text, ("project", "model")),
        *map(_whole, ("nano_per_hour", "since_ns", "until_ns")),
    )


def _fill(connection: sqlite3.Connection) -> None:
    """With the code that run time counts with: it writes the tables as they are made above. A
    revision that changes their columns gives this one a copy of its own."""
    known = Known()
    for receipts in _receipts(connection):
        for apart in (False, True):
            try:
                _count(connection, receipts, known, apart=apart)
            except OverflowError:
                continue
            break


def _count(
    connection: sqlite3.Connection, receipts: Sequence[Receipt], known: Known, *, apart: bool
) -> None:
    rollups = Rollups()
    for receipt in receipts:
        rollups.add(receipt)
    connection.execute("SAVEPOINT counting")
    try:
        rollups.write(connection, known, apart=apart)
    except OverflowError:
        connection.execute("ROLLBACK TO counting")
        raise
    connection.execute("RELEASE counting")
    rollups.learn(known)


def _receipts(connection: sqlite3.Connection) -> Iterator[list[Receipt]]:
    last = 0
    while rows := connection.execute(BODIES, (last, AT_ONCE)).fetchall():
        last = rows[-1][0]
        yield [receipt for _, body in rows if (receipt := _decoded(body)) is not None]


def _decoded(body: Any) -> Receipt | None:
    """None for what no release of Portico has written."""
    try:
        return decode(body)
    except msgspec.MsgspecError:
        return None
