"""The database may be away: calls go on, it is said, and nothing is lost when it is back."""

import json
import sqlite3
from pathlib import Path

from tests.acceptance.house import Running, up
from tests.acceptance.waiting import eventually

PROJECT = """
providers: {sim: {kind: simulator}}
models: {one: {provider: sim, id: echo}}
workloads: {default: {ladder: [one]}}
durability: {journal: 1MB}
"""


def answered(running: Running) -> list[str]:
    """Calls until one is refused; the ids of those that were answered."""
    ids = []
    while (got := running.chat("x")).status == 200:
        ids.append(got.headers["x-portico-call"])
    assert got.status == 503
    assert got.headers["x-portico-error"] == "overloaded"
    return ids


def recorded(running: Running) -> set[str]:
    found = running.portico("calls", "tail", "--json", "--limit", "1000")
    assert found.returncode == 0, found.stderr
    return {call["id"] for call in json.loads(found.stdout) if call["status"] == "ok"}


def test_calls_go_on_with_a_locked_database_until_the_journal_is_full(tmp_path: Path) -> None:
    (tmp_path / "portico.yaml").write_text(PROJECT)
    with up(tmp_path) as running:
        assert running.chat("before").status == 200
        other = sqlite3.connect(tmp_path / ".portico" / "portico.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        first = running.chat("during").headers["x-portico-call"]
        eventually(lambda: running.ask("/readyz").json["status"] == "degraded")
        assert "locked" in running.ask("/readyz").json["degraded"][0]
        metrics = running.ask("/metrics").body.decode()
        assert "portico_database_ok 0.0" in metrics
        assert "portico_journal_waiting 0.0" not in metrics
        ids = answered(running)
        assert len(ids) > 3
        other.execute("ROLLBACK")
        other.close()
        eventually(lambda: running.ask("/readyz").json["status"] == "ready")
        eventually(lambda: running.chat("after").status == 200)
        assert {first, *ids} <= recorded(running)
