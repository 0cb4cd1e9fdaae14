"""Starts the gateways, loads them in interleaved rounds, and collects what each round saw."""

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.peer_runs import load, machine, upstreams
from benchmarks.peer_runs.gateways import GATEWAYS, Place, Skipped
from benchmarks.peer_runs.target import EVENTS, Target, first_answer

READY_S = 60.0
STREAM_CONNECTIONS = 16
BUSY_CONNECTIONS = 32


@dataclass(frozen=True)
class Plan:
    names: Sequence[str]
    rounds: int
    seconds: float
    cache: Path


@dataclass
class Figures:
    """What was measured of one gateway: one number a round, where it is a list."""

    version: str = ""
    start_s: float | None = None
    idle_bytes: int | None = None
    loaded_bytes: int | None = None
    cpu_us: list[float] = field(default_factory=list)
    """CPU of the process tree, microseconds a request, at 32 connections."""
    per_second: list[float] = field(default_factory=list)
    p50_us: list[float] = field(default_factory=list)
    p99_us: list[float] = field(default_factory=list)
    """Whole answers at one connection, the upstream's time included."""
    event_cpu_us: list[float] = field(default_factory=list)


@dataclass
class Running:
    name: str
    target: Target
    process: subprocess.Popen[bytes]
    figures: Figures


Results = dict[str, Figures]


def launch(name: str, place: Place, core: int, figures: Figures) -> Running:
    """Raises Skipped with the reason where the gateway does not come up."""
    recipe = GATEWAYS[name](place)
    began = time.monotonic()
    env = machine.environment(recipe.variables)
    with (place.work / f"{name}.log").open("wb") as log:
        process = machine.spawn(recipe.command, core, env=env, cwd=place.work, stderr=log)
    target = recipe.target
    try:
        if recipe.announces:
            target = replace(target, port=_announced(process))
        first_answer(target, process, READY_S)
    except machine.NotRunning as error:
        machine.stop(process)
        raise Skipped(f"it did not start: {error}") from error
    figures.start_s = time.monotonic() - began
    figures.version = recipe.version
    return Running(name, target, process, figures)


def _announced(process: subprocess.Popen[bytes]) -> int:
    """The port of the first line of JSON that the process prints."""
    assert process.stdout is not None
    for line in iter(process.stdout.readline, b""):
        if line.startswith(b"{"):
            return urlsplit(json.loads(line)["url"]).port or 0
    raise machine.NotRunning("it ended before it said where it listens")


@contextmanager
def serving(
    plan: Plan, results: Results, work: Path, *, streams: bool
) -> Iterator[Sequence[Running]]:
    """Everything up, each gateway on its core; a gateway that fails is left out with a line."""
    gateway_core, other_core = machine.cores()
    if streams:
        port, upstream = upstreams.streaming(other_core)
    else:
        port, upstream = upstreams.whole(work, other_core)
    place = Place(plan.cache, work / ("streams" if streams else "answers"), port)
    place.work.mkdir()
    running: list[Running] = []
    try:
        for name in plan.names:
            if streams and name not in results:
                continue
            try:
                figures = Figures() if streams else results.setdefault(name, Figures())
                running.append(launch(name, place, gateway_core, figures))
                running[-1].figures = results[name]
            except Skipped as reason:
                print(f"{name}: skipped: {reason}", flush=True)
                if not streams:
                    del results[name]
        yield running
    finally:
        for each in running:
            machine.stop(each.process)
        machine.stop(upstream)


def measure(plan: Plan) -> Results:
    """All figures of all gateways that can be run here."""
    results: Results = {}
    with tempfile.TemporaryDirectory(prefix="portico-peers-") as home:
        work = Path(home)
        with serving(plan, results, work, streams=False) as running:
            for each in running:
                each.figures.idle_bytes = machine.pss_bytes(each.process.pid)
            interleave(plan, running, lambda each: answers(each, plan.seconds, work))
            for each in running:
                each.figures.loaded_bytes = machine.pss_bytes(each.process.pid)
        with serving(plan, results, work, streams=True) as running:
            interleave(plan, running, lambda each: streamed(each, plan.seconds, work))
    return results


def interleave(plan: Plan, running: Sequence[Running], one: Callable[[Running], None]) -> None:
    """Rounds A B C A B C. A gateway whose load fails is left out from there on, with a line."""
    failed: set[str] = set()
    for number in range(plan.rounds + 1):
        for each in running:
            if each.name in failed:
                continue
            # The first round only warms up: what it measures is thrown away.
            measured = each if number else replace(each, figures=Figures())
            try:
                one(measured)
            except load.LoadFailed as error:
                failed.add(each.name)
                print(f"{each.name}: left out of this part: {error}", flush=True)


def answers(each: Running, seconds: float, work: Path) -> None:
    """Whole answers: busy for the CPU and the rate, then one connection for the latency."""
    _, core = machine.cores()
    before = machine.cpu_ns(each.process.pid)
    busy = load.run(
        each.target, connections=BUSY_CONNECTIONS, seconds=seconds, core=core, work=work
    )
    spent = machine.cpu_ns(each.process.pid) - before
    alone = load.run(each.target, connections=1, seconds=seconds / 2, core=core, work=work)
    figures = each.figures
    figures.cpu_us.append(spent / 1e3 / busy.requests)
    figures.per_second.append(busy.per_second)
    figures.p50_us.append(alone.p50_us)
    figures.p99_us.append(alone.p99_us)


def streamed(each: Running, seconds: float, work: Path) -> None:
    _, core = machine.cores()
    before = machine.cpu_ns(each.process.pid)
    found = load.run(
        each.target,
        connections=STREAM_CONNECTIONS,
        seconds=seconds,
        core=core,
        work=work,
        stream=True,
    )
    spent = machine.cpu_ns(each.process.pid) - before
    each.figures.event_cpu_us.append(spent / 1e3 / (found.requests * EVENTS))


def median(numbers: Sequence[float]) -> float | None:
    return statistics.median(numbers) if numbers else None
