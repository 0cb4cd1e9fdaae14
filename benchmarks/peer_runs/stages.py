"""Where Portico's microseconds go, against the table in the design ("What a call may cost in CPU").

What is Portico's own is timed in process: the whole call in memory, and its parts again, each in
a loop. The rest is what the same call costs over sockets beyond that: a run of `portico up` and
of the bare hop, both under load.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from benchmarks.peer_runs import load, machine, upstreams
from benchmarks.peer_runs.gateways import Place, Skipped
from benchmarks.peer_runs.in_memory import SNAPSHOT, Request, Site
from benchmarks.peer_runs.report import aligned
from benchmarks.peer_runs.rounds import Figures, launch

from portico.contract.call import Credential, Principal
from portico.contract.receipt import Receipt
from portico.gateway.lifeline import Lifeline
from portico.gateway.trail import Trail
from portico.performance.deadline import open_deadline
from portico.security.access import authorize
from portico.security.keys import authenticate
from portico.wires.openai_chat import DOOR, WIRE

REPEATS = 7
BUDGET = {
    "server, client connection, upstream connection": 140,
    "parse, route, receipt, journal, metrics": 40,
    "identity and policy, warm": 15,
    "limits, quotas, holds, breakers, deadline": 25,
    "release, prompt, energy": 15,
    "guards": 0,
    "sampled tracing": 10,
}
"""Microseconds. Guards have 120 where they are named; this call names none."""


def table(calls: int) -> str:
    """The stages with budget and measurement, then the parts of Portico's own share."""
    with tempfile.TemporaryDirectory(prefix="portico-stages-") as home:
        work = Path(home)
        whole, database, parts = _in_process(work, calls)
        hop, served = (_served(work, name, max(1.0, calls / 2500)) for name in ("bare", "portico"))
    identity = parts["authenticate"] + parts["authorize"]
    limits = parts["deadline and its timer"]
    measured = {
        "server, client connection, upstream connection": None
        if served is None
        else served - whole - database,
        "parse, route, receipt, journal, metrics": whole + database - identity - limits,
        "identity and policy, warm": identity,
        "limits, quotas, holds, breakers, deadline": limits,
        "release, prompt, energy": None,
        "guards": None,
        "sampled tracing": None,
    }
    rows = [["stage", "budget µs", "measured µs"]]
    rows += [[name, f"{BUDGET[name]}", _shown(value)] for name, value in measured.items()]
    rows.append(["the whole call", f"{sum(BUDGET.values())}", _shown(served)])
    detail = [["of Portico's own, in memory", "µs"]]
    detail += [[name, _shown(value)] for name, value in parts.items()]
    detail.append(["all of it, on the loop's thread", _shown(whole)])
    detail.append(["loading the receipt into the database, another thread", _shown(database)])
    detail.append(["for comparison: a bare uvicorn + aiohttp hop, sockets included", _shown(hop)])
    note = "A dash: not measured, or not a part of a call yet."
    return "\n\n".join((aligned(rows), aligned(detail), note))


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _served(work: Path, name: str, seconds: float) -> float | None:
    """CPU microseconds a request of a gateway over sockets; None where it cannot be started."""
    gateway_core, other_core = machine.cores()
    port, upstream = upstreams.whole(work, other_core)
    try:
        running = launch(name, Place(work, work, port), gateway_core, Figures())
        try:
            found = []
            for _ in range(4):
                before = machine.cpu_ns(running.process.pid)
                seen = load.run(
                    running.target, connections=32, seconds=seconds, core=other_core, work=work
                )
                spent = machine.cpu_ns(running.process.pid) - before
                found.append(spent / 1e3 / seen.requests)
            return statistics.median(found[1:])
        finally:
            machine.stop(running.process)
    except (Skipped, load.LoadFailed) as reason:
        print(f"{name}: {reason}")
        return None
    finally:
        machine.stop(upstream)


def _in_process(work: Path, calls: int) -> tuple[float, float, dict[str, float]]:
    """Microseconds a call on the loop's thread, on the loader's, and of the parts."""
    # Here, because the base install has no uvloop on Windows.
    import uvloop

    site = Site(work / "data")
    request = site.chat()
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with runner:
        runner.run(_repeat(request, calls // 10 + 1))
        if request.status != 200:
            raise RuntimeError(f"the call in memory was answered with {request.status}")
        own, all_threads = [], []
        for _ in range(REPEATS):
            thread, process = time.thread_time_ns(), time.process_time_ns()
            runner.run(_repeat(request, calls))
            own.append((time.thread_time_ns() - thread) / 1e3 / calls)
            all_threads.append((time.process_time_ns() - process) / 1e3 / calls)
        parts = runner.run(_parts(site, request, calls))
    site.close()
    whole = statistics.median(own)
    return whole, max(0.0, statistics.median(all_threads) - whole), parts


async def _repeat(request: Request, calls: int) -> None:
    for _ in range(calls):
        await request()


async def _parts(site: Site, request: Request, calls: int) -> dict[str, float]:
    live, clock, body = site.live, site.io.clock, request.body
    shown = Credential(site.secret, "bearer")
    who = Principal(key=site.key.id, workloads=site.key.workloads)
    workload = SNAPSHOT.workloads[0]
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    finished = await _receipt(site, request)

    def identity() -> None:
        authenticate(shown, live.keys, live.pepper, clock.now_ns())

    def deadline() -> None:
        line = Lifeline(task, loop)
        now = clock.monotonic()
        line.arm("slow", 30.0)
        line.arm("deadline", open_deadline(workload, None, now).left(clock.monotonic()))
        line.close()

    answer = site.answer
    return {
        "authenticate": _time(identity, calls),
        "authorize": _time(lambda: authorize(who, "bench", raw=False), calls),
        "deadline and its timer": _time(deadline, calls),
        "read the body": _time(lambda: DOOR.read(body, 100), calls),
        "read the answer": _time(lambda: WIRE.skim(answer), calls),
        "count in metrics": _time(lambda: site.io.metrics.observe(finished), calls),
        "encode a receipt": _time(lambda: msgspec.msgpack.encode(finished), calls),
        "begin a receipt": _time(lambda: Trail("call_0", "openai_chat", clock), calls),
        "state of the journal": _time(site.data.journal.state, calls),
    }


async def _receipt(site: Site, request: Request) -> Receipt:
    await request()
    (found,) = await site.data.ledger.recent(1)
    return found


def _time(part: Callable[[], object], calls: int) -> float:
    """CPU microseconds of one of `calls`, the median of several loops."""
    found = []
    for _ in range(REPEATS):
        before = time.thread_time_ns()
        for _ in range(calls):
            part()
        found.append((time.thread_time_ns() - before) / 1e3 / calls)
    return statistics.median(found)
