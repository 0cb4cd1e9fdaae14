"""The tables, defined once. Migrations lead to exactly this; `schema.sql` is printed from it.

Run time does not import this module: it speaks the queries of `queries.py`.
"""

from sqlalchemy import (
    BLOB,
    INTEGER,
    TEXT,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    Table,
    text,
)

METADATA = MetaData()
USAGE = (
    "input",
    "cached_read",
    "cache_write_5m",
    "cache_write_1h",
    "input_audio",
    "cached_audio",
    "output",
    "output_audio",
    "reasoning",
)


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, TEXT, primary_key=key, nullable=False)


def _whole(name: str) -> Column[int]:
    return Column(name, INTEGER, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, BLOB, nullable=False)


RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("number", INTEGER, primary_key=True),  # the order in which calls were recorded
    _text("call"),
    _whole("received_ns"),
    _text("workload"),
    _text("model"),
    _text("team"),
    _text("key"),
    _text("project"),
    _text("subject"),
    _text("release"),
    _text("status"),
    _whole("cost_nano"),
    _whole("tokens_in"),
    _whole("tokens_out"),
    _whole("simulated"),
    _bytes("body"),  # the whole receipt, msgpack
)
Index("receipts_call", RECEIPTS.c.call, unique=True)
Index("receipts_received", RECEIPTS.c.received_ns)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    _text("id", key=True),
    _text("call"),
    _text("model"),
    _text("provider"),
    _text("status"),
    _whole("cost_nano"),
    _whole("started_ns"),
    *(_whole(name) for name in USAGE),
    _text("region"),
    _text("address"),
    _whole("private"),
    _whole("simulated"),
    Column("listed", INTEGER, nullable=False, server_default=text("1")),
)
Index("attempts_call", ATTEMPTS.c.call)

INTENTS = Table("intents", METADATA, _text("call", key=True), _bytes("body"))

UNREADABLE = Table(
    "unreadable",  # entries that a later release wrote and this one cannot read
    METADATA,
    Column("number", INTEGER, primary_key=True),
    _whole("kind"),
    _bytes("body"),
)

JOURNAL_POSITION = Table(
    "journal_position",
    METADATA,
    Column("one", INTEGER, CheckConstraint("one = 1"), primary_key=True),
    _whole("sequence"),
    _whole("offset"),
)

KEYS = Table(
    "keys",
    METADATA,
    _text("id", key=True),
    _bytes("verifier"),
    _text("kind"),
    _text("name"),
    _text("workloads"),  # a JSON array of names
    _text("team"),
    _whole("created_ns"),
    Column("expires_ns", INTEGER),
    Column("revoked_ns", INTEGER),
)

APPLIED = Table(
    "applied",
    METADATA,
    _text("project", key=True),
    _text("digest"),
    _whole("applied_ns"),
    _text("by"),
    _text("files"),  # a JSON object: relative path to text
)

SECRETS = Table("secrets", METADATA, _text("name", key=True), _bytes("value"))

BENCH_RESULTS = Table(
    "bench_results",
    METADATA,
    Column("number", INTEGER, primary_key=True),  # the order in which they were stored
    _text("id"),
    _text("workload"),
    _whole("started_ns"),
    _whole("simulated"),
    _bytes("body"),  # the whole result, msgpack
)
Index("bench_results_id", BENCH_RESULTS.c.id, unique=True)
