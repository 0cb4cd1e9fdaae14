"""The first schema: ledger, journal position, keys, applied projects, secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.TEXT, nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.INTEGER, nullable=False)


def _bytes(name: str) -> "sa.Column[bytes]":
    return sa.Column(name, sa.BLOB, nullable=False)


def _key(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.TEXT, primary_key=True, nullable=False)


def upgrade() -> None:
    _ledger()
    _journal()
    _control()


def _ledger() -> None:
    op.create_table(
        "receipts",
        sa.Column("number", sa.INTEGER, primary_key=True),
        _text("call"),
        _whole("received_ns"),
        *map(_text, ("workload", "model", "team", "key", "project", "subject")),
        *map(_text, ("release", "status")),
        *map(_whole, ("cost_nano", "tokens_in", "tokens_out", "simulated")),
        _bytes("body"),
    )
    op.create_index("receipts_call", "receipts", ["call"], unique=True)
    op.create_index("receipts_received", "receipts", ["received_ns"])
    op.create_table(
        "attempts",
        _key("id"),
        *map(_text, ("call", "model", "provider", "status")),
        *map(_whole, ("cost_nano", "started_ns")),
        *map(_whole, ("input", "cached_read", "cache_write_5m", "cache_write_1h")),
        *map(_whole, ("input_audio", "cached_audio", "output", "output_audio", "reasoning")),
        *map(_text, ("region", "address")),
        *map(_whole, ("private", "simulated")),
    )
    op.create_index("attempts_call", "attempts", ["call"])


def _journal() -> None:
    op.create_table("intents", _key("call"), _bytes("body"))
    op.create_table(
        "unreadable",
        sa.Column("number", sa.INTEGER, primary_key=True),
        _whole("kind"),
        _bytes("body"),
    )
    op.create_table(
        "journal_position",
        sa.Column("one", sa.INTEGER, sa.CheckConstraint("one = 1"), primary_key=True),
        _whole("sequence"),
        _whole("offset"),
    )
    op.execute("INSERT INTO journal_position (one, sequence, offset) VALUES (1, 0, 0)")


def _control() -> None:
    op.create_table(
        "keys",
        _key("id"),
        _bytes("verifier"),
        *map(_text, ("kind", "name", "workloads", "team")),
        _whole("created_ns"),
        sa.Column("expires_ns", sa.INTEGER),
        sa.Column("revoked_ns", sa.INTEGER),
    )
    op.create_table(
        "applied",
        _key("project"),
        _text("digest"),
        _whole("applied_ns"),
        *map(_text, ("by", "files")),
    )
    op.create_table("secrets", _key("name"), _bytes("value"))
