"""Applies and rolls back in processes that die: `python shipping_child.py MODE DIRECTORY COUNT`.

COUNT processes ship into a copy of `portico.db` each (`0.db`, `1.db`, …) and are killed: in the
modes `ship` and `repoint` at a step of SQLite's machine, anywhere in the transaction; in the mode
`write` in the middle of a write to a file, anywhere in the commit and in the checkpoint behind
it. One more copy is shipped into in peace. Prints as JSON how many were killed.
"""

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from tests.contract.shipments import (
    a_pointer,
    a_release,
    a_shipment,
    an_act,
)

from portico.adapters.store.state import SqliteStore
from portico.contract.deployment import Shipment

SEED = 5
LARGE = "x" * 200_000
SMALLEST = 32 * 1024
"""The size of the file by which SQLite's connections share a WAL: it must be writable."""
connect = sqlite3.connect


def the_shipment() -> Shipment:
    shipment = a_shipment("d2", [a_release("rel_3"), a_release("rel_4", "mail")], base="d1")
    files = {"portico.yaml": LARGE}
    return msgspec.structs.replace(
        shipment, applied=msgspec.structs.replace(shipment.applied, files=files)
    )


def run(mode: str, database: Path) -> None:
    store = SqliteStore(database)
    if mode != "repoint":
        store.ship(the_shipment())
    else:
        store.repoint(a_pointer("rel_2"), "rel_1", an_act("support", "rel_1", "rel_2"))


def killed(mode: str, database: Path, prepare: Callable[[], object]) -> bool:
    """In a process of its own, which `prepare` makes die."""
    child = os.fork()
    if not child:
        prepare()
        run(mode, database)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def bounded(size: int) -> None:
    """A write that reaches beyond `size` bytes of any file is cut there, and kills."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def watched(step: int) -> list[int]:
    """SQLite's instructions are counted from now on; `step` is the last one that runs."""
    steps = [0]

    def next_step() -> int:
        steps[0] += 1
        if steps[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def counting(*arguments: object, **more: object) -> sqlite3.Connection:
        opened: sqlite3.Connection = connect(*arguments, **more)  # type: ignore[call-overload]
        opened.set_progress_handler(next_step, 1)
        return opened

    sqlite3.connect = counting  # type: ignore[assignment]
    return steps


def main(mode: str, directory: Path, count: int) -> None:
    places = [directory / f"{number}.db" for number in range(count + 1)]
    for place in places:
        shutil.copy(directory / "portico.db", place)
    steps = watched(0)
    run(mode, places.pop())
    sqlite3.connect = connect
    chance = random.Random(SEED)
    if mode == "write":
        sizes = (chance.randrange(SMALLEST, 2 * len(LARGE)) for _ in places)
        died = [killed(mode, p, partial(bounded, s)) for p, s in zip(places, sizes, strict=True)]
    else:
        chosen = chance.sample(range(1, steps[0]), count)
        died = [killed(mode, p, partial(watched, s)) for p, s in zip(places, chosen, strict=True)]
    print(json.dumps({"killed": sum(died)}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
