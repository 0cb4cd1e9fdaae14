"""Commands that need no server: a project is scaffolded and checked where it lies."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portico.main.cli.group import portico


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("PORTICO_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


def run(*words: str) -> Result:
    return CliRunner().invoke(portico, words)


def test_init_writes_a_project_that_check_accepts_and_never_overwrites(tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "new")).exit_code == 0
    assert run("check", str(tmp_path / "new")).exit_code == 0
    (tmp_path / "new/portico.yaml").write_text("workloads: {a: {ladder: [nothing]}}\n")
    assert run("init", str(tmp_path / "new")).exit_code == 2
    result = run("check", str(tmp_path / "new"))
    assert result.exit_code == 2
    assert result.stdout.startswith("portico.yaml:1:")


def test_check_with_json_gives_every_problem_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "portico.yaml").write_text("nonsense: 1\nworkloads:\n  a: {lane: fast}\n")
    result = run("check", str(tmp_path), "--json")
    shown = json.loads(result.stdout)
    assert (result.exit_code, shown["ok"]) == (2, False)
    assert {problem["line"] for problem in shown["problems"]} >= {1, 3}
