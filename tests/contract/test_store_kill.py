"""An apply and a rollback are there whole or not at all, wherever the process is killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.shipments import a_pointer, a_release, a_shipment

from portico.adapters.store.connection import opened
from portico.adapters.store.migrate import migrate
from portico.adapters.store.state import SqliteStore
from portico.contract.ports import Store

CHILD = Path(__file__).with_name("shipping_child.py")
ROOT = Path(__file__).parents[2]
KILLS = 60


def everything(store: Store) -> tuple[object, ...]:
    return (
        list(store.applied()),
        list(store.deployments()),
        [list(store.releases(workload, 99)) for workload in ("support", "voice", "mail")],
        list(store.versions("default")),
        list(store.acts(99)),
    )


def before_and_after(directory: Path, mode: str) -> tuple[list[bool], int]:
    """For every process whether it left what was to be, and how many of them were killed."""
    migrate(directory / "portico.db")
    store = SqliteStore(directory / "portico.db")
    releases = [a_release("rel_2"), a_release("rel_1"), a_release("rel_5", "voice")]
    pointers = [a_pointer("rel_1"), a_pointer("rel_5", "voice")]
    store.ship(a_shipment("d1", releases, pointers))
    before = everything(store)
    with opened(directory / "portico.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    command = [sys.executable, str(CHILD), mode, str(directory), str(KILLS)]
    paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": paths}
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment).stdout
    after = everything(SqliteStore(directory / f"{KILLS}.db"))
    assert after != before
    left = [everything(SqliteStore(directory / f"{number}.db")) for number in range(KILLS)]
    assert [each for each in left if each not in (before, after)] == []
    return [each == after for each in left], json.loads(said)["killed"]


@pytest.mark.parametrize("mode", ["ship", "repoint"])
def test_a_kill_before_the_commit_of_an_apply_or_a_rollback_leaves_nothing_of_it(
    tmp_path: Path, mode: str
) -> None:
    done, killed = before_and_after(tmp_path, mode)
    assert killed == KILLS
    assert not any(done)


def test_a_kill_in_the_middle_of_a_write_of_an_apply_leaves_all_of_it_or_nothing(
    tmp_path: Path,
) -> None:
    done, killed = before_and_after(tmp_path, "write")
    assert killed > KILLS / 2
    assert {True, False} == set(done)
