"""The limits that ruff holds catch a planted fault, with the settings of pyproject.toml."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]


def branches(count: int) -> str:
    """A function of cyclomatic complexity `count`: one, and one more for each `if`."""
    tests = "".join(f"    if n == {i}:\n        n = {i + 1}\n" for i in range(count - 1))
    return f'"""Many ways."""\n\n\ndef decide(n: int) -> int:\n{tests}    return n\n'


FAULTS: Final = {
    "complexity over 10": (branches(11), "C901"),
    "an unused import": ("import json\n", "F401"),
    "print in the package": ("print(1)\n", "T201"),
    "a blind except": ("try:\n    x = 1\nexcept Exception:  # it may fail\n    x = 2\n", "BLE001"),
    "a naive clock": ("import datetime\n\nnow = datetime.datetime.now()\n", "DTZ005"),
    "a task that nobody keeps": (
        "import asyncio\n\n\nasync def f() -> None:\n    asyncio.create_task(f())\n",
        "RUF006",
    ),
    "a line over 100 characters": (f"# {'word ' * 20}end\n", "E501"),
}


def codes(root: Path, text: str) -> set[str]:
    shutil.copy(ROOT / "pyproject.toml", root)
    path = root / "src/portico/gateway/decide.py"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json", "."],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return {finding["code"] for finding in json.loads(result.stdout)}


@pytest.mark.parametrize("fault", FAULTS)
def test_ruff_catches_each_planted_fault(fault: str, tmp_path: Path) -> None:
    text, code = FAULTS[fault]
    assert code in codes(tmp_path, text)


def test_ruff_passes_a_function_at_the_limit_of_complexity(tmp_path: Path) -> None:
    assert codes(tmp_path, branches(10)) == set()
