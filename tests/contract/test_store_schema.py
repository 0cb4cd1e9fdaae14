"""The schema: defined once, reached by the migrations, and never run by an older release."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from portico.adapters.store import migrate as migration
from portico.adapters.store.migrate import HERE, REVISIONS, migrate
from portico.adapters.store.schema import METADATA, TRIGGERS
from portico.contract.errors import InternalFault, InvalidRequest

Rows = list[tuple[object, ...]]


def shape(database: Path) -> dict[str, Rows]:
    """Tables and indexes with their columns, whatever their SQL looks like, and triggers."""
    with sqlite3.connect(database) as connection:
        names = connection.execute("SELECT name, type FROM sqlite_master ORDER BY name").fetchall()
        ask = {
            "table": "PRAGMA table_xinfo({})",
            "index": "PRAGMA index_xinfo({})",
            "trigger": "SELECT sql FROM sqlite_master WHERE name = '{}'",
        }
        return {name: connection.execute(ask[kind].format(name)).fetchall() for name, kind in names}


def content(database: Path, table: str) -> Rows:
    with sqlite3.connect(database) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def at_no_revision(database: Path) -> None:
    """A database from before the first schema: Alembic's table, and something to lose."""
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("CREATE TABLE keepsake (text TEXT)")
        connection.execute("INSERT INTO keepsake VALUES ('precious')")
    connection.close()


def test_a_new_database_equals_what_the_migrations_lead_to(tmp_path: Path) -> None:
    new, migrated = tmp_path / "new.db", tmp_path / "migrated.db"
    assert migrate(new) is None
    at_no_revision(migrated)
    migrate(migrated)
    with sqlite3.connect(migrated) as connection:
        connection.execute("DROP TABLE keepsake")
    expected, found = shape(migrated), shape(new)
    for both in (expected, found):
        both.pop("alembic_version")
        both.pop("sqlite_autoindex_alembic_version_1", None)
    assert found == expected
    assert content(new, "alembic_version") == content(migrated, "alembic_version")
    assert content(new, "journal_position") == content(migrated, "journal_position")


def test_the_migrations_lead_to_the_schema_as_it_is_defined(tmp_path: Path) -> None:
    database = tmp_path / "portico.db"
    migration._upgrade(database, tmp_path / "copy.db")
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    assert difference == []
    with sqlite3.connect(database) as plain:
        made = plain.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert sorted(sql for (sql,) in made) == sorted(TRIGGERS)


def test_the_revisions_that_run_time_knows_are_the_migrations_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == REVISIONS


def test_an_older_database_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    database = tmp_path / "portico.db"
    at_no_revision(database)
    copy = migrate(database)
    assert copy is not None
    assert content(copy, "keepsake") == content(database, "keepsake") == [("precious",)]
    assert content(copy, "alembic_version") == []
    assert content(database, "alembic_version") == [(REVISIONS[-1],)]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert migrate(database) is None


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    database = tmp_path / "portico.db"
    at_no_revision(database)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE secrets (name TEXT)")  # the last table of the first schema
    before = shape(database)
    with pytest.raises(InternalFault, match=r"left as it was.*secrets already exists"):
        migrate(database)
    assert shape(database) == before


def test_a_database_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "portico.db"
    migrate(database)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = database.read_bytes()
    with pytest.raises(InvalidRequest, match=r"schema 9999.*newer release"):
        migrate(database)
    assert database.read_bytes() == before


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "portico.db") as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(InvalidRequest, match="not a database of Portico"):
        migrate(tmp_path / "portico.db")


@pytest.mark.parametrize("first", [True, False])
def test_a_start_imports_neither_sqlalchemy_nor_alembic(tmp_path: Path, first: bool) -> None:
    if not first:
        migrate(tmp_path / "portico.db")
    script = (
        "import sys; from pathlib import Path\n"
        "from portico.adapters.clock import SystemClock\n"
        "from portico.adapters.journal.options import JournalOptions\n"
        "from portico.adapters.store.data import open_data\n"
        "open_data(Path(sys.argv[1]), journal=JournalOptions(), clock=SystemClock()).close()\n"
        "print({'sqlalchemy', 'alembic'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"set()\n"


def test_the_copy_of_a_database_has_what_was_still_in_its_write_ahead_log(tmp_path: Path) -> None:
    database = tmp_path / "portico.db"
    at_no_revision(database)
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO keepsake VALUES ('late')")
    copy = tmp_path / "copy.db"
    migration._copy(database, copy)
    writer.close()
    assert content(copy, "keepsake") == [("precious",), ("late",)]
