"""Promise 10: secrets, prompts and answers are not in logs, metrics, errors or the store."""

import json
import sqlite3
from pathlib import Path

from tests.acceptance.house import Running, up
from tests.acceptance.waiting import eventually

MARK = "marked-content-7f3a"
SECRET = "sk-marked-secret-91"
PROJECT = """
providers:
  sim: {kind: simulator}
  dead: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: "${DEAD_KEY}"}
models:
  one: {provider: sim, id: echo}
  gone: {provider: dead, id: m, price: unpriced}
workloads:
  default: {ladder: [one]}
  dead: {ladder: [gone]}
"""


def provoke(running: Running) -> list[str]:
    """Calls that go well and calls that go wrong, all with marked text. Returns the errors."""
    running.chat(MARK)
    running.chat(MARK, stream=True)
    errors = [
        running.chat(MARK, model="dead"),
        running.chat(MARK, model="dead", stream=True),
        running.chat(MARK, model="sim/echo?fail=500@1"),
        running.chat(MARK, model="sim/echo?cut=50", stream=True),
        running.chat(MARK, temperature=MARK),
        running.chat(MARK, tools=MARK),
        running.ask("/v1/messages", {"model": "default", "messages": MARK}),
        running.ask("/v1/chat/completions", [MARK]),
        running.ask("/v1/models", key=f"pk_{MARK}_x"),
    ]
    return [answer.body.decode() for answer in errors if answer.status != 200]


def test_marked_content_is_nowhere_but_in_the_answers(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "portico.yaml").write_text(PROJECT)
    with up(project, environment={"DEAD_KEY": SECRET}) as running:
        errors = provoke(running)
        assert len(errors) >= 7
        seen = {
            "errors": "".join(errors),
            "metrics": running.ask("/metrics").body.decode(),
            "readyz": running.ask("/readyz").body.decode(),
            "status": running.ask("/admin/v1/status").body.decode(),
            "receipts": running.portico("calls", "tail", "--json").stdout,
        }
    seen["log"] = running.log
    for path in (project / ".portico").rglob("*"):
        if path.is_file():
            seen[path.name] = path.read_bytes().decode("latin-1")
    for place, text in seen.items():
        assert MARK not in text, place
        assert SECRET not in text, place


def test_commit_mode_has_the_receipt_in_the_database_before_the_answer(tmp_path: Path) -> None:
    (tmp_path / "portico.yaml").write_text("durability: commit\n")
    with up(tmp_path) as running:
        for stream in (False, True):
            call = running.chat("x", stream=stream).headers["x-portico-call"]
            database = sqlite3.connect(f"file:{tmp_path}/.portico/portico.db?mode=ro", uri=True)
            found = database.execute("SELECT count(*) FROM receipts WHERE call = ?", (call,))
            assert found.fetchone() == (1,)
            database.close()


def test_a_change_of_durability_says_that_it_waits_for_a_restart(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        (tmp_path / "portico.yaml").write_text("durability: commit\n")
        applied = running.portico("apply", "--json")
        assert any("durability" in text for text in json.loads(applied.stdout)["warnings"])
        eventually(lambda: running.chat().status == 200)
