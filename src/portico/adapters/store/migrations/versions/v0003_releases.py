"""Prompt versions, releases and pointers to them, the audit trail, and what notes are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TAKEN = "WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)"
NEVER_CHANGED = "BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END"
NEVER_CUT = "BEGIN SELECT RAISE(ABORT, 'the audit trail is never cut'); END"


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.TEXT, nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.INTEGER, nullable=False)


def _bytes(name: str) -> "sa.Column[bytes]":
    return sa.Column(name, sa.BLOB, nullable=False)


def _key(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.TEXT, primary_key=True, nullable=False)


def _number() -> "sa.Column[int]":
    return sa.Column("number", sa.INTEGER, primary_key=True)


def upgrade() -> None:
    for name in ("prompt", "prompt_version", "prompt_source", "parameters"):
        added = sa.Column(name, sa.TEXT, nullable=False, server_default=sa.text("''"))
        op.add_column("receipts", added)
    _releases()
    _audit()
    _notes()


def _releases() -> None:
    op.create_table(
        "prompt_versions",
        _number(),
        *map(_text, ("project", "version", "name")),
        _whole("created_ns"),
        *map(_text, ("author", "message")),
        _bytes("body"),
    )
    op.create_index(
        "prompt_versions_version", "prompt_versions", ["project", "version"], unique=True
    )
    op.create_table(
        "releases",
        _key("id"),
        *map(_text, ("workload", "project")),
        *map(_whole, ("place", "created_ns")),
        *map(_text, ("by", "message")),
        _bytes("body"),
    )
    op.create_index("releases_place", "releases", ["workload", "place"])
    op.create_table(
        "deployments",
        _key("workload"),
        *map(_text, ("project", "live", "candidate")),
        sa.Column("share", sa.REAL, nullable=False),
        _whole("since_ns"),
        *map(_text, ("by", "why", "action")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        _number(),
        _whole("at_ns"),
        *map(_text, ("who", "action", "project", "target", "why", "before", "after")),
    )
    op.execute(f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit {NEVER_CHANGED}")
    op.execute(f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit {NEVER_CUT}")
    op.execute(f"CREATE TRIGGER audit_replace BEFORE INSERT ON audit {TAKEN} {NEVER_CHANGED}")


def _notes() -> None:
    op.create_table(
        "happenings",
        _number(),
        _whole("at_ns"),
        *map(_text, ("kind", "workload", "subject", "detail")),
    )
    op.create_table(
        "observed_prompts",
        *map(_key, ("workload", "fingerprint")),
        _bytes("sketch"),
        *map(_whole, ("first_ns", "last_ns", "calls")),
        _bytes("sealed"),
    )
    op.create_table(
        "transcripts",
        _key("call"),
        *map(_text, ("workload", "team", "subject")),
        *map(_whole, ("received_ns", "stream")),
        _bytes("sealed"),
    )
    op.create_index("transcripts_received", "transcripts", ["workload", "received_ns"])
