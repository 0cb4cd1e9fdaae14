"""Each rule of tools/house.py catches a fault that is planted for it, and nothing else."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest
from tools import house

ROOT: Final = Path(__file__).parents[3]
ROOM: Final = "src/portico/gateway/pipeline.py"

CLEAN: Final = '''\
"""A module that keeps every rule while coming near to each."""

import asyncio
import os
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from portico.contract.call import Call

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE: Final[Mapping[str, int]] = {"a": 1}
_ORDER = ["a", "b"]
__all__ = ["Room"]
pair = (1, 2)


class Room:
    def __init__(self, a: int, b: int, c: int, /, d: int, *, e: int, f: int) -> None:
        self.seen: list[int] = [a, b, c, d, e, f]

    async def serve(self, call: Call, work: Awaitable[None]) -> None:
        import json  # this way the command starts without it

        # heavy, and few calls need them
        import csv
        import xml

        task = asyncio.ensure_future(work)
        try:
            await task
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything at all
            self.seen.append(len(str(error)))
        except (ValueError, KeyError):
            self.seen.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.serve(call, work))
        with suppress(OSError):
            os.remove(json.dumps(TABLE["a"]))
        counts = {"x": 1}
        counts["x"] += 1
        print(csv, xml)
'''


def grow(root: Path, files: dict[str, str]) -> Path:
    """A small tree with the given files; each folder below src/portico is a package."""
    (root / "src/portico").mkdir(parents=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def said(root: Path, files: dict[str, str]) -> list[str]:
    return [str(finding) for finding in house.inspect(grow(root, files))]


def lines(count: int) -> str:
    return "x = 1\n" * count


def function(count: int) -> str:
    return "def long() -> None:\n" + "    pass\n" * (count - 1)


FAULTS: Final = {
    "a file that is too long": (ROOM.replace("pipeline", "x"), lines(401), "401: 401 lines, 400"),
    "a pipeline that is too long": (ROOM, lines(251), "251: 251 lines, 250 at most"),
    "a style sheet that is too long": ("src/portico/main/page.css", lines(401), "401 lines"),
    "a test that is too long": ("tests/unit/test_x.py", lines(401), "401 lines"),
    "a function that is too long": (ROOM, function(61), "1: long has 61 lines, 60 at most"),
    "too many parameters": (ROOM, "def f(a, /, b, c, *d, e, f, **g): ...\n", "1: f takes 7"),
    "too many parameters of a method": (
        ROOM,
        "class A:\n    def f(self, a, b, c, d, e, f, g): ...\n",
        "2: f takes 7 parameters, 6 at most",
    ),
    "a bare except": (ROOM, "try:\n    f()\nexcept:\n    pass\n", "3: catches everything"),
    "except Exception": (
        ROOM,
        "try:\n    f()\nexcept Exception as e:\n    pass  # it may fail here\n",
        "3: catches everything",
    ),
    "except BaseException, among others": (
        ROOM,
        "try:\n    f()\nexcept (OSError, BaseException):\n    pass\n",
        "3: catches everything",
    ),
    "except* Exception": (ROOM, "try:\n    f()\nexcept* Exception:\n    pass\n", "3: catches"),
    "except with a directive for a reason": (
        ROOM,
        "try:\n    f()\nexcept Exception:  # noqa: BLE001, S110  # pragma: no cover\n    pass\n",
        "3: catches everything",
    ),
    "suppress everything": (
        ROOM,
        "import contextlib\nwith contextlib.suppress(Exception):\n    f()\n",
        "2: catches everything",
    ),
    "os.environ": (ROOM, "import os\nx = os.environ['A']\n", "2: reads the environment"),
    "os.getenv by another name": (
        ROOM,
        "import os as system\nx = system.getenv('A')\n",
        "2: reads the environment",
    ),
    "environ, imported": (ROOM, "from os import environ\n", "1: reads the environment"),
    "a task that is not kept": (
        ROOM,
        "import asyncio\nasync def f(g):\n    asyncio.create_task(g())\n",
        "3: create_task whose task is neither kept nor awaited",
    ),
    "a future that is thrown away": (
        ROOM,
        "from asyncio import ensure_future\nasync def f(g):\n    _ = ensure_future(g())\n",
        "3: ensure_future whose task",
    ),
    "a list of the module": (ROOM, "seen = []\n", "1: seen is mutable state"),
    "a dict of the module, typed": (ROOM, "seen: dict[str, int] = {}\n", "1: seen is mutable"),
    "a set by a call, below try": (
        ROOM,
        "try:\n    import re\nexcept ImportError:\n    seen = set()\n",
        "4: seen is mutable state",
    ),
    "a container in capitals that no constant is": (
        ROOM,
        "from collections import defaultdict\nCOUNTS = defaultdict(int)\n",
        "2: COUNTS is mutable state",
    ),
    "a lock of the module": (
        "tools/x.py",
        "import threading\nLOCK = threading.Lock()\n",
        "2: LOCK is mutable state",
    ),
    "global": (ROOM, "n = 0\ndef f():\n    global n\n    n = 1\n", "3: global n"),
    "a table that a function writes to": (
        ROOM,
        "TABLE = {}\ndef f():\n    TABLE['a'] = 1\n",
        "3: changes the constant TABLE",
    ),
    "a table of another module that a function writes to": (
        ROOM,
        "from portico.contract import call\ndef f():\n    call.TABLE.update(a=1)\n",
        "3: changes the constant TABLE",
    ),
    "a table that a function deletes from": (
        ROOM,
        "TABLE = {}\ndef f():\n    del TABLE['a']\n",
        "3: changes the constant TABLE",
    ),
    "an import in a function": (ROOM, "def f():\n    import json\n", "2: import in a function"),
    "an import in a function, silenced but not explained": (
        ROOM,
        "def f():\n    from json import loads  # noqa: PLC0415\n",
        "2: import in a function",
    ),
    "an import in a function after explained code": (
        ROOM,
        "def f():\n    x = 1  # the reason of another line\n    import json\n",
        "3: import in a function",
    ),
    "a module without a name of its own": (
        "src/portico/gateway/utils.py",
        "",
        "1: the name utils says nothing",
    ),
    "a room without a name of its own": (
        "src/portico/gateway/call_helpers/x.py",
        "",
        "1: the name call_helpers says nothing",
    ),
    "urllib.request in a pure room": (
        "src/portico/cost/prices.py",
        "import urllib.request\n",
        "1: cost/ is pure and imports urllib.request",
    ),
    "urllib.request in a pure room, from its package": (
        "src/portico/wires/sse.py",
        "from urllib import parse, request\n",
        "1: wires/ is pure and imports urllib.request",
    ),
    "a file that is not Python": (ROOM, "def f(:\n", "1: not Python"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_house_py_catches_each_planted_fault_and_says_where(fault: str, tmp_path: Path) -> None:
    path, text, message = FAULTS[fault]
    findings = said(tmp_path, {path: text})
    assert len(findings) == 1
    assert findings[0].startswith(f"{path}:")
    assert message in findings[0]


def test_house_py_passes_code_that_comes_near_every_limit(tmp_path: Path) -> None:
    assert said(tmp_path, {ROOM: CLEAN, "tests/unit/test_y.py": function(60)}) == []


EXEMPT: Final = {
    "a file of 400 lines": ("src/portico/gateway/x.py", lines(400)),
    "a migration of any length": ("src/portico/adapters/migrations/versions/x.py", lines(500)),
    "data of any length": ("src/portico/providers/openai/facts.json", lines(500)),
    "the environment in settings": ("src/portico/main/settings.py", "from os import environ\n"),
    "the environment in tests": ("tests/unit/test_x.py", "import os\nx = os.environ['A']\n"),
    "another object's environ": (ROOM, "def f(scope):\n    return scope.environ\n"),
    "urllib.parse in a pure room": ("src/portico/cost/x.py", "from urllib import parse\n"),
    "urllib.request above": ("src/portico/adapters/x.py", "import urllib.request\n"),
    "a tuple of the module": (ROOM, "order = ('a', 'b')\n"),
    "a list of a function": (
        ROOM,
        "def f():\n    seen = []\n    seen.append(1)\n    return seen\n",
    ),
    "a reason beside an import": (ROOM, "def f():\n    import csv  # only when asked for\n"),
}


@pytest.mark.parametrize("case", EXEMPT)
def test_house_py_lets_pass_what_the_rules_exempt(case: str, tmp_path: Path) -> None:
    path, text = EXEMPT[case]
    assert said(tmp_path, {path: text}) == []


CYCLES: Final = {
    "two modules": {
        "src/portico/cost/__init__.py": "",
        "src/portico/cost/a.py": "from portico.cost import b\n",
        "src/portico/cost/b.py": "from portico.cost.a import x\n",
    },
    "three modules, one of them for types only": {
        "src/portico/cost/a.py": "import portico.cost.b\n",
        "src/portico/cost/b.py": "from .c import x\n",
        "src/portico/cost/c.py": (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import a\n"
        ),
    },
    "a room and its module": {
        "src/portico/cost/__init__.py": "from portico.cost.a import x\n",
        "src/portico/cost/a.py": "from portico.cost import y\n",
    },
    "an import in a function": {
        "src/portico/cost/a.py": "import portico.cost.b\n",
        "src/portico/cost/b.py": "def f():\n    import portico.cost.a  # to start sooner\n",
    },
}


@pytest.mark.parametrize("case", CYCLES)
def test_house_py_catches_import_cycles(case: str, tmp_path: Path) -> None:
    findings = said(tmp_path, CYCLES[case])
    assert len(findings) == 1
    assert re.search(r"import cycle: (\S+) -> .*\1$", findings[0])


def test_a_room_may_offer_what_its_modules_define(tmp_path: Path) -> None:
    files = {
        "src/portico/cost/__init__.py": "from portico.cost.a import x\n",
        "src/portico/cost/a.py": "from portico.cost.b import x\n",
        "src/portico/cost/b.py": "x = 1\n",
        "src/portico/gateway/c.py": "from portico.cost import x\n",
    }
    assert said(tmp_path, files) == []


def test_the_command_prints_places_and_exits_1_on_findings_and_0_without(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools/house.py"), str(tmp_path)]
    grow(tmp_path, {ROOM: "seen = []\n"})
    bad = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (1, f"{ROOM}:1: seen is mutable state of the module\n")
    (tmp_path / ROOM).write_text("seen = ()\n", encoding="utf-8")
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout) == (0, "")


def test_a_root_without_source_is_a_usage_error(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools/house.py"), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "no src/" in result.stderr


def test_house_py_knows_the_same_pure_rooms_as_the_import_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {c["id"]: c for c in project["tool"]["importlinter"]["contracts"]}
    pure = {module.removeprefix("portico.") for module in contracts["pure"]["source_modules"]}
    assert pure == house.PURE_ROOMS


def test_this_tree_keeps_the_house_rules() -> None:
    assert [str(finding) for finding in house.inspect(ROOT)] == []
