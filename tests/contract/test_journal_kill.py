"""Promise 1: no answered call is missing from the ledger, none is counted twice, whatever dies."""

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.store.data import open_data

CHILD = Path(__file__).with_name("journal_child.py")
COUNTED = """
SELECT grain, sum(calls), sum(attempts), sum(cost_nano) FROM rollups GROUP BY grain ORDER BY grain
"""
OPTIONS = JournalOptions(segments=3, segment_bytes=16 * 1024, linger_s=0.0)


def child(*arguments: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(CHILD), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def reopened(directory: Path) -> dict[int, tuple[str, int]]:
    """The ledger after the next start: status and cost by number of the call."""
    data = open_data(directory, journal=OPTIONS, clock=SystemClock())
    asyncio.run(data.journal.committed())
    assert data.close()
    with sqlite3.connect(directory / "portico.db") as connection:
        rows = connection.execute("SELECT call, status, cost_nano FROM receipts").fetchall()
        calls = Counter(call for call, _, _ in rows)
        assert set(calls.values()) <= {1}
        parts = dict(connection.execute("SELECT call, sum(cost_nano) FROM attempts GROUP BY call"))
        assert parts == {call: cost for call, _, cost in rows}
        attempts = connection.execute("SELECT count(*) FROM attempts").fetchone()[0]
        assert attempts == len(rows)
        assert connection.execute("SELECT count(*) FROM intents").fetchone() == (0,)
        counted = connection.execute(COUNTED).fetchall()
        cost = sum(cost for _, _, cost in rows)
        assert counted == [(grain, len(rows), len(rows), cost) for grain in (1, 96) if rows]
    return {int(call[5:]): (status, cost) for call, status, cost in rows}


def check(ledger: dict[int, tuple[str, int]], answered: set[int]) -> None:
    assert {n for n in answered if ledger.get(n) != ("ok", 1)} == set()
    unanswered = {n: entry for n, entry in ledger.items() if n not in answered}
    assert set(unanswered.values()) <= {("ok", 1), ("lost", 1000)}
    highest = max(answered, default=0)
    assert set(range(1, highest + 1)) <= set(ledger), "a call under way is not even lost"


def test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(11)
    answered: set[int] = set()
    ledger: dict[int, tuple[str, int]] = {}
    for _ in range(10):
        process = child("endless", tmp_path, max(ledger, default=0) + 1)
        assert process.stdout is not None
        with process, process.stdout:
            for _ in range(chance.randrange(1, 400)):
                answered.add(int(process.stdout.readline()))
            process.kill()
            lines = process.stdout.read().split(b"\n")
        answered |= {int(line) for line in lines[:-1]}
        ledger = reopened(tmp_path)
        check(ledger, answered)
    assert len(answered) > 100


@pytest.mark.parametrize("step", [*range(1, 30), 60, 150, 400])
def test_a_death_between_any_two_steps_loses_nothing_and_doubles_nothing(
    tmp_path: Path, step: int
) -> None:
    answered: set[int] = set()
    ledger: dict[int, tuple[str, int]] = {}
    for _ in range(2):
        process = child("endless", tmp_path, max(ledger, default=0) + 1, step)
        out, _ = process.communicate()
        assert process.returncode == 9
        answered |= {int(line) for line in out.split()}
        ledger = reopened(tmp_path)
        check(ledger, answered)


def test_a_disk_that_fills_stops_the_database_but_no_receipt_is_lost(tmp_path: Path) -> None:
    process = child("full", tmp_path, 1)
    out, _ = process.communicate()
    assert process.returncode == 0
    report = json.loads(out)
    assert "takes nothing" in report["error"]
    assert report["waiting"] > 0
    assert report["after"] == ""
    ledger = reopened(tmp_path)
    assert [n for n, entry in ledger.items() if entry == ("ok", 1)] == report["taken"]
