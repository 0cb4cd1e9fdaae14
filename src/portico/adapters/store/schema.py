"""The tables, defined once. Migrations lead to exactly this; `schema.sql` is printed from it.

Run time does not import this module: it speaks the queries of `queries.py`.
"""

from sqlalchemy import (
    BLOB,
    INTEGER,
    REAL,
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

ENERGY = (
    "energy_low_nwh",
    "energy_high_nwh",
    "co2e_low_ng",
    "co2e_high_ng",
    "size_low",
    "size_high",
)

MEASURES = (
    "calls",
    "answered",
    "accepted",
    "judged",
    "attempts",
    "failed",
    "unpriced",
    "capped",
    "cap_hits",
    "tokens_in",
    "tokens_cached",
    "tokens_out",
    "cost_nano",
    *ENERGY[:4],
    "reached",
    "model_reached",
    "unestimated",
    "model_unestimated",
)


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, TEXT, primary_key=key, nullable=False)


def _added(name: str) -> Column[str]:
    """A text that rows from before it have empty."""
    return Column(name, TEXT, nullable=False, server_default=text("''"))


def _whole(name: str) -> Column[int]:
    return Column(name, INTEGER, nullable=False)


def _whole_key(name: str) -> Column[int]:
    return Column(name, INTEGER, primary_key=True, nullable=False, autoincrement=False)


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
    *(_added(name) for name in ("prompt", "prompt_version", "prompt_source")),
    _added("parameters"),  # their names, joined by spaces
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
    *(Column(name, INTEGER, nullable=False, server_default=text("0")) for name in ENERGY),
    _added("energy_method"),  # empty where there is no estimate
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

PROMPT_VERSIONS = Table(
    "prompt_versions",
    METADATA,
    Column("number", INTEGER, primary_key=True),  # the order in which they were stored
    _text("project"),
    _text("version"),
    _text("name"),
    _whole("created_ns"),
    _text("author"),
    _text("message"),
    _bytes("body"),  # the whole version, msgpack
)
Index("prompt_versions_version", PROMPT_VERSIONS.c.project, PROMPT_VERSIONS.c.version, unique=True)

RELEASES = Table(
    "releases",
    METADATA,
    _text("id", key=True),  # a hash that holds the workload and the project
    _text("workload"),
    _text("project"),
    _whole("place"),  # among its workload's: when it was shipped or last pointed to
    _whole("created_ns"),
    _text("by"),
    _text("message"),
    _bytes("body"),  # the whole release, msgpack
)
Index("releases_place", RELEASES.c.workload, RELEASES.c.place)

DEPLOYMENTS = Table(
    "deployments",
    METADATA,
    _text("workload", key=True),
    _text("project"),
    _text("live"),
    _text("candidate"),
    Column("share", REAL, nullable=False),
    _whole("since_ns"),
    *(_text(name) for name in ("by", "why", "action")),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", INTEGER, primary_key=True),
    _whole("at_ns"),
    *(_text(name) for name in ("who", "action", "project", "target", "why", "before", "after")),
)
_REFUSED = "BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END"
_CUT = "BEGIN SELECT RAISE(ABORT, 'the audit trail is never cut'); END"
_TAKEN = "WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)"
TRIGGERS = (
    f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit {_REFUSED}",
    f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit {_CUT}",
    f"CREATE TRIGGER audit_replace BEFORE INSERT ON audit {_TAKEN} {_REFUSED}",
)
"""Alembic does not compare these; a test does."""

HAPPENINGS = Table(
    "happenings",
    METADATA,
    Column("number", INTEGER, primary_key=True),
    _whole("at_ns"),
    *(_text(name) for name in ("kind", "workload", "subject")),
    _text("detail"),  # a JSON object
)

OBSERVED_PROMPTS = Table(
    "observed_prompts",
    METADATA,
    _text("workload", key=True),
    _text("fingerprint", key=True),
    _bytes("sketch"),  # msgpack
    _whole("first_ns"),
    _whole("last_ns"),
    _whole("calls"),
    _bytes("sealed"),  # the text, encrypted
)

TRANSCRIPTS = Table(
    "transcripts",
    METADATA,
    _text("call", key=True),
    *(_text(name) for name in ("workload", "team", "subject")),
    _whole("received_ns"),
    _whole("stream"),
    _bytes("sealed"),  # the whole transcript, msgpack, encrypted
)
Index("transcripts_received", TRANSCRIPTS.c.workload, TRANSCRIPTS.c.received_ns)

ROLLUP_KINDS = Table(
    "rollup_kinds",  # what attempts are counted by, beside the time
    METADATA,
    Column("number", INTEGER, primary_key=True),
    *(_text(name) for name in ("project", "team", "workload", "release", "prompt")),
    *(_text(name) for name in ("prompt_version", "key")),
    _text("tags"),  # a JSON array of pairs in their order, or empty
    *(_text(name) for name in ("model", "provider")),
    _whole("simulated"),
    _text("energy_method"),  # empty where there is no estimate
    *(_whole(name) for name in ("size_low", "size_high")),
)
Index("rollup_kinds_all", *ROLLUP_KINDS.c[1:], unique=True)

ROLLUPS = Table(
    "rollups",
    METADATA,
    _whole_key("grain"),  # quarters of an hour in a row: 1, or 96 for a day in UTC
    _whole_key("start"),  # quarters of an hour since the epoch
    _whole_key("simulated"),
    _whole_key("kind"),
    _whole_key("part"),  # more than one where a sum does not fit into 64 bits
    *(_whole(name) for name in MEASURES),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

SESSIONS = Table("sessions", METADATA, Column("number", INTEGER, primary_key=True), _text("name"))
Index("sessions_name", SESSIONS.c.name, unique=True)

ROLLUP_SESSIONS = Table(
    "rollup_sessions",
    METADATA,
    _whole_key("start"),
    _whole_key("session"),
    _whole_key("kind"),
    *(_whole(name) for name in ("calls", "tokens", "cost_nano", "first_ns", "last_ns")),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
Index("rollup_sessions_session", ROLLUP_SESSIONS.c.session)

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("number", INTEGER, primary_key=True),
    _text("call"),
    _whole("at_ns"),
    _text("by"),
    Column("score", REAL),
    _text("label"),
    _bytes("sealed"),  # the comment, encrypted; empty where there is none
)
Index("feedback_call", FEEDBACK.c.call)

CAPACITIES = Table(
    "capacities",
    METADATA,
    Column("number", INTEGER, primary_key=True),
    *(_text(name) for name in ("project", "model")),
    *(_whole(name) for name in ("nano_per_hour", "since_ns")),
    _whole("until_ns"),  # 0: it goes on
)
