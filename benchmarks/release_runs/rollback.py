"""From the administrative request of a rollback to the first call that the old release served.

A gateway on one core, its model server and an open loop of calls on the other. The first rollback
is the first administrative request of the process' life, and is counted apart: the control plane
is assembled then.
"""

import asyncio
import contextlib
import http.client
import json
import os
import statistics
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.peer_runs import machine, upstreams
from benchmarks.release_runs.open_loop import Answer, OpenLoop
from benchmarks.release_runs.prompts import FILE, QUESTION, VARIABLES

KEY = "an-admin-key-for-a-benchmark"
PROGRAM = (sys.executable, "-m", "portico")
PROJECT = """
providers: {{fast: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: x}}}}
models: {{quick: {{provider: fast, id: quick, price: {{input: 0.15, output: 0.60}}}}}}
workloads: {{bench: {{prompt: bench, ladder: [quick], max_output_tokens: 1000}}}}
"""
SETTLED_S = 0.5
"""Of load, before the first rollback."""
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Plan:
    rollbacks: int
    rate: float
    apart_s: float = 0.2
    warm_s: float = 4.0
    """Between the first one and those that are counted."""


class Move(NamedTuple):
    """A rollback. Times are of `time.perf_counter`, in seconds."""

    sent: float
    answered: float
    served: float
    """When the first answer of the other release was here."""
    to: str

    @property
    def took_ms(self) -> float:
        return (self.served - self.sent) * 1e3


@dataclass
class Outcome:
    rate: float
    offered: int = 0
    seconds: float = 0.0
    first_ms: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    """From the request to the first answer of the other release, each but the first."""
    answered_ms: list[float] = field(default_factory=list)
    """From the request to its own answer."""
    failed: int = 0
    """Calls without an answer, or with another status than 200."""
    foreign: int = 0
    """Answers of anything but the two releases."""
    stale: int = 0
    """Calls that were sent after a rollback was answered, and that the release before it served."""
    call_ms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of calls, from when each was due: median, 99th percentile, largest. The first rollback and
    what it held up is not in it."""
    late_ms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """How long after they were due they were sent: what the load generator itself waited."""

    @property
    def reached(self) -> float:
        return self.offered / self.seconds

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times_ms)

    @property
    def largest_ms(self) -> float:
        return max(self.times_ms)


def measure(plan: Plan, work: Path) -> Outcome:
    """Raises machine.NotRunning where the gateway does not serve."""
    gateway, other = machine.cores()
    mine = os.sched_getaffinity(0)
    port, model = upstreams.whole(work, other)
    try:
        home = work / "project"
        releases = _prepare(home, port, gateway)
        os.sched_setaffinity(0, {other})
        with _serving(home, gateway) as url:
            return asyncio.run(_drive(url, releases, plan))
    finally:
        os.sched_setaffinity(0, mine)
        machine.stop(model)


def _prepare(home: Path, port: int, core: int) -> tuple[str, str]:
    """Two releases in the store: the live one and the one before it."""
    (home / "prompts").mkdir(parents=True)
    files = {"portico.yaml": PROJECT.format(port=port), "prompts/bench.md": FILE}
    for name, text in files.items():
        (home / name).write_text(text)
    with _serving(home, core) as url:
        old = _release(url)
        changed = {**files, "prompts/bench.md": f"{FILE}Be kind.\n"}
        _ask(url, "POST", "/admin/v1/apply", {"files": changed})
        return _release(url), old


def _release(url: str) -> str:
    found = _ask(url, "GET", "/admin/v1/workloads")["workloads"]
    assert isinstance(found, list)
    return str(next(each["release"] for each in found if each["name"] == "bench"))


def _ask(url: str, method: str, path: str, body: object = None) -> dict[str, object]:
    place = urlsplit(url)
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE_S)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        text = reply.read()
    if reply.status != 200:
        raise machine.NotRunning(f"{path} was answered with {reply.status}: {text[:300]!r}")
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


@contextlib.contextmanager
def _serving(home: Path, core: int) -> Iterator[str]:
    command = [*PROGRAM, "up", str(home), "--port", "0", "--json"]
    process = machine.spawn(
        command, core, env=machine.environment({"PORTICO_ADMIN_KEY": KEY}), cwd=home
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise machine.NotRunning("portico up did not start")
        yield str(json.loads(line)["url"])
    finally:
        machine.stop(process)


async def _drive(url: str, releases: tuple[str, str], plan: Plan) -> Outcome:
    place = urlsplit(url)
    assert place.port is not None
    body = {
        "model": "bench",
        "messages": [{"role": "user", "content": QUESTION}],
        "portico": {"variables": VARIABLES},
    }
    load = OpenLoop(place.port, _request("/v1/chat/completions", body), plan.rate)
    outcome, began = Outcome(plan.rate), time.perf_counter()
    running = asyncio.create_task(load.run())
    moves: list[Move] = []
    try:
        await asyncio.sleep(SETTLED_S)
        streams = await asyncio.open_connection("127.0.0.1", place.port)
        for number in range(plan.rollbacks + 1):
            moves.append(await _roll_back(load, releases[1 - number % 2], *streams))
            await asyncio.sleep(plan.apart_s if number else plan.warm_s)
        streams[1].close()
    finally:
        load.stop()
        outcome.seconds = time.perf_counter() - began
        await running
    outcome.first_ms = moves[0].took_ms
    outcome.times_ms = [move.took_ms for move in moves[1:]]
    outcome.answered_ms = [(move.answered - move.sent) * 1e3 for move in moves[1:]]
    _count(outcome, load, releases, moves)
    return outcome


async def _roll_back(
    load: OpenLoop, to: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Move:
    request = _request("/admin/v1/workloads/bench/rollback", {"to": to, "why": "a measurement"})
    served = load.first_by(to)
    sent = time.perf_counter()
    writer.write(request)
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
        answered = time.perf_counter()
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        said = await reader.readexactly(int(length))
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise machine.NotRunning(f"a rollback was refused: {said[:300]!r}")
        first = await served
    return Move(sent, answered, first.done, to)


def _count(outcome: Outcome, load: OpenLoop, releases: tuple[str, str], moves: list[Move]) -> None:
    outcome.offered = load.offered
    for answer in load.answers:
        if answer.status != 200:
            outcome.failed += 1
        elif answer.release not in releases:
            outcome.foreign += 1
        else:
            outcome.stale += _stale(answer, moves)
    counted = [answer for answer in load.answers if answer.due >= moves[1].sent]
    outcome.call_ms = _spread([answer.done - answer.due for answer in counted])
    outcome.late_ms = _spread([answer.sent - answer.due for answer in counted])


def _spread(seconds: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile and largest, in milliseconds."""
    found = sorted(each * 1e3 for each in seconds)
    return found[len(found) // 2], found[int(len(found) * 0.99)], found[-1]


def _stale(answer: Answer, moves: list[Move]) -> bool:
    """Whether it was sent after a rollback was answered, and served as before. What overlaps the
    next rollback may be served by either."""
    past = bisect_left(moves, answer.sent, key=lambda move: move.answered) - 1
    if past < 0 or answer.release == moves[past].to:
        return False
    return past + 1 == len(moves) or moves[past + 1].sent > answer.done


def _request(path: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text
