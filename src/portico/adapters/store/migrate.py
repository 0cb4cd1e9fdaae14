"""Brings a database to this release's schema.

A normal start and a new database need neither SQLAlchemy nor Alembic: the revision is read with
sqlite3, and a new database is made from `schema.sql`, which a test holds equal to what the
migrations lead to.
"""

import os
import sqlite3
from pathlib import Path

from portico.adapters.store.connection import opened, transaction
from portico.contract.errors import InternalFault, InvalidRequest

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""All schemas since the first, oldest first; the last is this release's."""
HERE = Path(__file__).parent
_OF_THE_DATABASE = "SELECT version_num FROM alembic_version"
_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table'"


def migrate(path: Path) -> Path | None:
    """Creates the database, or brings an older one up to date.

    Returns the copy that was kept of an older one, if there was any. Raises InvalidRequest for
    a database that a newer release has written, or that is not Portico's.
    """
    created = _touch(path)
    with opened(path) as connection:
        if created or not connection.execute(_TABLES).fetchone()[0]:
            _create(connection)
            return None
        revision = _revision(connection, path)
    if revision == REVISIONS[-1]:
        return None
    copy = path.with_name(f"{path.name}.before-{REVISIONS[-1]}")
    _copy(path, copy)
    _upgrade(path, copy)
    return copy


def _touch(path: Path) -> bool:
    """The file exists afterwards, and only its owner may read it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    statements = (HERE / "schema.sql").read_text().split(";\n")
    with transaction(connection):
        for statement in filter(str.strip, statements):
            connection.execute(statement)


def _revision(connection: sqlite3.Connection, path: Path) -> str:
    try:
        row = connection.execute(_OF_THE_DATABASE).fetchone()
    except sqlite3.OperationalError as problem:
        if "no such table" not in str(problem):
            raise
        raise InvalidRequest(
            f"{path} is not a database of Portico. Move it away and start again."
        ) from problem
    revision = row[0] if row else ""
    if revision and revision not in REVISIONS:
        raise InvalidRequest(
            f"The database {path} has schema {revision}, which a newer release of Portico has "
            f"written; this one knows schemas up to {REVISIONS[-1]}. Install the newer release, "
            "or restore a backup that was made before it."
        )
    return str(revision)


def _copy(path: Path, copy: Path) -> None:
    """With SQLite's own backup, so that what is still in the WAL is in the copy."""
    _touch(copy)
    with opened(path, mode="ro") as source, opened(copy) as target:
        source.backup(target)


def _upgrade(path: Path, copy: Path) -> None:
    # Alembic and SQLAlchemy cost 0.3 s and 30 MB: only a database that is too old pays for them.
    from alembic import command  # an upgrade is rare (see above)
    from alembic.config import Config  # an upgrade is rare (see above)
    from sqlalchemy.exc import SQLAlchemyError  # an upgrade is rare (see above)

    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.attributes["url"] = f"sqlite:///{path.resolve()}"
    try:
        command.upgrade(config, "head")
    except SQLAlchemyError as problem:
        raise InternalFault(
            f"The database {path} could not be brought to schema {REVISIONS[-1]} and was left as "
            f"it was: {problem}. A copy is in {copy}; go on with the release that wrote it."
        ) from problem
