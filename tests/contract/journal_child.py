"""A process that a test kills: `python journal_child.py MODE DIRECTORY FIRST [STEP]`.

`endless` records calls and prints each once it is recorded. `step` dies at the STEP-th thing
that the loader or the writer does. `full` meets a disk with no room for the database.
"""

import asyncio
import itertools
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.store.data import open_data
from portico.adapters.store.sink import SqliteSink
from portico.contract.errors import Overloaded
from portico.contract.receipt import Attempt, Intent, Receipt

OPTIONS = JournalOptions(
    segments=3, segment_bytes=16 * 1024, retry_s=0.02, linger_s=0.0, batch_bytes=4096
)


def a_receipt(number: int, status: str) -> Receipt:
    attempt = Attempt(
        id=f"att_{number:06d}", provider="p", kind="k", model="m", model_id="i", wire="w",
        status="ok" if status == "ok" else "lost", cost_nano=1 if status == "ok" else 1000,
    )  # fmt: skip
    return Receipt(
        call=f"call_{number:06d}",
        received_ns=number,
        door="d",
        status="ok",
        attempts=(attempt,),
        cost_nano=attempt.cost_nano,
    )


def endless(directory: Path, first: int) -> None:
    """Every call is finished at once, but for one in seven, which stays under way for a while."""
    journal = open_data(directory, journal=OPTIONS, clock=SystemClock()).journal

    async def main() -> None:
        for number in itertools.count(first):
            while True:
                try:
                    journal.intend(Intent(receipt=a_receipt(number, "lost")))
                    break
                except Overloaded:
                    await journal.committed()
            done = number if number % 7 else number - 21
            if done >= first:
                journal.record(a_receipt(done, "ok"))
                os.write(1, b"%d\n" % done)

    asyncio.run(main())


def dying(step: int) -> None:
    """Makes the process die just before or behind the step-th thing that happens from now on."""
    count = itertools.count(1)

    def wrapped(inner: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object) -> object:
            if next(count) == step:
                os._exit(9)
            result = inner(*args)
            if next(count) == step:
                os._exit(9)
            return result

        return run

    for name in ("open", "load", "settle_lost", "persist"):
        setattr(SqliteSink, name, wrapped(getattr(SqliteSink, name)))
    os.pwrite = wrapped(os.pwrite)  # type: ignore[assignment]


def full(directory: Path, first: int) -> None:
    """The database may not grow until the journal is full; then it may."""
    data = open_data(directory, journal=OPTIONS, clock=SystemClock())
    numbers = itertools.count(first)
    taken: list[int] = []
    largest = max(p.stat().st_size for p in directory.rglob("*") if p.is_file())

    def fill() -> None:
        for number in numbers:
            try:
                data.journal.intend(Intent(receipt=a_receipt(number, "lost")))
            except Overloaded:
                return
            data.journal.record(a_receipt(number, "ok"))
            taken.append(number)

    async def main() -> None:
        await data.journal.committed()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
        while not data.journal.state().error:
            fill()
            await asyncio.sleep(0)
        fill()
        state = data.journal.state()
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await data.journal.committed()
        report = {"taken": taken, "error": state.error, "waiting": state.waiting}
        print(json.dumps(report | {"after": data.journal.state().error}))  # noqa: T201

    asyncio.run(main())
    data.close()


if __name__ == "__main__":
    mode, place, start = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if len(sys.argv) > 4:
        dying(int(sys.argv[4]))
    (full if mode == "full" else endless)(place, start)
