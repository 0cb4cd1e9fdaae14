"""Each import contract of pyproject.toml catches a fault that is planted for it.

Faults are planted in a bare copy of the house: every room, and nothing in it. That the real
tree keeps the contracts is what the last test asks.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: Final = {c["id"]: c for c in PROJECT["tool"]["importlinter"]["contracts"]}
STOREYS: Final = tuple(
    tuple(room.strip() for room in layer.split("|")) for layer in CONTRACTS["storeys"]["layers"]
)
ROOMS: Final = tuple(itertools.chain.from_iterable(STOREYS))
PURE: Final = tuple(CONTRACTS["pure"]["source_modules"])
FORBIDDEN: Final = tuple(CONTRACTS["pure"]["forbidden_modules"])
CONTROL: Final = ("evals", "jobs", "keys", "ledger")


def bare_house(root: Path, files: dict[str, str]) -> Path:
    """Every room and some of control's, empty but for the given files."""
    packages = [f"portico/{room}" for room in ROOMS]
    packages += [f"portico/control/{room}" for room in CONTROL]
    for package in ["portico", *packages]:
        (root / "src" / package).mkdir(parents=True)
        (root / "src" / package / "__init__.py").touch()
    for name, text in files.items():
        path = root / "src/portico" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter over the package below `root`, and over no other of that name."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=root,
        env=dict(os.environ) | {"PYTHONPATH": str(root / "src"), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )


def broken(result: subprocess.CompletedProcess[str]) -> set[str]:
    """The ids of the contracts that import-linter says are broken."""
    assert re.search(r"Contracts: \d+ kept, \d+ broken", result.stdout), result.stdout
    return {
        contract["id"]
        for contract in CONTRACTS.values()
        if re.search(re.escape(contract["name"]) + r" BROKEN", result.stdout)
    }


def test_the_bare_house_keeps_every_contract(tmp_path: Path) -> None:
    result = lint(bare_house(tmp_path, {}))
    assert (result.returncode, broken(result)) == (0, set()), result.stdout


def test_imports_that_go_down_are_allowed_from_every_room(tmp_path: Path) -> None:
    files: dict[str, str] = {}
    for above, storey in enumerate(STOREYS):
        below = [room for lower in STOREYS[above + 1 :] for room in lower]
        text = "".join(f"import portico.{room}.thing\n" for room in below)
        files |= {f"{room}/thing.py": text for room in storey}
    result = lint(bare_house(tmp_path, files))
    assert (result.returncode, broken(result)) == (0, set()), result.stdout


def test_an_import_that_goes_up_breaks_the_storeys_from_every_room(tmp_path: Path) -> None:
    pairs = [
        (low, high)
        for high_storey, low_storey in itertools.combinations(STOREYS, 2)
        for high, low in itertools.product(high_storey, low_storey)
    ]
    check_each_import_is_named(tmp_path, pairs)


def test_an_import_between_rooms_of_one_storey_breaks_the_storeys(tmp_path: Path) -> None:
    pairs = [pair for storey in STOREYS for pair in itertools.permutations(storey, 2)]
    assert ("wires", "providers") in pairs
    check_each_import_is_named(tmp_path, pairs)


def check_each_import_is_named(root: Path, pairs: list[tuple[str, str]]) -> None:
    """Plants all the imports, in a module a pair so that none is reached by way of another."""
    targets = {f"{room}/thing.py": "" for room in ROOMS}
    planted = {f"{a}/to_{b}.py": f"from portico.{b} import thing\n" for a, b in pairs}
    result = lint(bare_house(root, targets | planted))
    assert result.returncode == 1
    assert broken(result) == {"storeys"}
    for importer, imported in pairs:
        place = f"portico.{importer}.to_{imported} -> portico.{imported}.thing (l.1)"
        assert place in result.stdout


def test_an_import_for_types_only_counts(tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from portico import gateway\n"
    result = lint(bare_house(tmp_path, {"cost/prices.py": text}))
    assert (result.returncode, broken(result)) == (1, {"storeys"})


def test_an_import_in_a_function_counts(tmp_path: Path) -> None:
    text = "def f():\n    from portico.main import settings  # to have it later\n"
    files = {"cost/prices.py": text, "main/settings.py": ""}
    result = lint(bare_house(tmp_path, files))
    assert (result.returncode, broken(result)) == (1, {"storeys"})


@pytest.mark.parametrize("name", ["billing/__init__.py", "billing.py"])
def test_a_room_that_no_storey_lists_fails_the_build(name: str, tmp_path: Path) -> None:
    result = lint(bare_house(tmp_path, {name: ""}))
    assert (result.returncode, broken(result)) == (1, {"storeys"})
    assert "portico.billing" in result.stdout


def test_no_pure_room_may_import_what_waits_or_speaks(tmp_path: Path) -> None:
    text = "".join(f"import {module}\n" for module in FORBIDDEN)
    files = {f"{room.removeprefix('portico.')}/impure.py": text for room in PURE}
    result = lint(bare_house(tmp_path, files))
    assert result.returncode == 1
    assert broken(result) == {"pure"}
    for room, module in itertools.product(PURE, FORBIDDEN):
        assert f"{room}.impure -> {module} (l." in result.stdout


def test_the_pure_rooms_are_all_rooms_below_the_gateway_storey() -> None:
    below = itertools.chain.from_iterable(STOREYS[2:])
    assert {f"portico.{room}" for room in below} == set(PURE)


def test_the_pure_rooms_may_import_what_only_computes(tmp_path: Path) -> None:
    text = "import hashlib\nimport json\nimport re\nimport msgspec\n"
    files = {f"{room.removeprefix('portico.')}/pure.py": text for room in PURE}
    result = lint(bare_house(tmp_path, files))
    assert (result.returncode, broken(result)) == (0, set()), result.stdout


def test_rooms_of_control_do_not_know_each_other(tmp_path: Path) -> None:
    files = {
        "control/keys/store.py": "from portico.control.evals import runs\n",
        "control/evals/runs.py": "",
        "control/ledger/rows.py": "from portico.control.keys import cards\n",
        "control/keys/cards.py": "",
    }
    result = lint(bare_house(tmp_path, files))
    assert (result.returncode, broken(result)) == (1, {"control"})
    assert "portico.control.keys.store -> portico.control.evals.runs" in result.stdout
    assert "portico.control.ledger.rows -> portico.control.keys.cards" in result.stdout


def test_rooms_of_control_may_know_jobs_and_ledger(tmp_path: Path) -> None:
    files = {
        "control/keys/__init__.py": "import portico.control.jobs\n",
        "control/keys/store.py": "from portico.control import ledger\n",
        "control/evals/runs.py": (
            "from portico.control.ledger import rows\nfrom portico.control.jobs.queue import x\n"
        ),
        "control/ledger/rows.py": "",
        "control/jobs/queue.py": "",
    }
    result = lint(bare_house(tmp_path, files))
    assert (result.returncode, broken(result)) == (0, set()), result.stdout


def test_this_tree_keeps_every_contract(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    result = lint(tmp_path)
    assert (result.returncode, broken(result)) == (0, set()), result.stdout
