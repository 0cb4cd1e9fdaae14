"""CPU that a release adds to a call: the same call in memory, with and without one.

Blocks of calls of each kind take turns, so that what the machine does besides falls on all of
them alike. Counted is the time of the loop's thread. The reference sends the same text itself, as
a user's turn, and names a model: it has no release, and no system text that is looked at. What
goes upstream is the same for it and for the rendered prompt but for that role, which is checked.
"""

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from benchmarks.peer_runs.in_memory import SNAPSHOT, Request, Site
from benchmarks.release_runs.prompts import FILE, QUESTION, VARIABLES, rendered

from portico.contract.snapshot import Snapshot, Workload
from portico.operations.prompts.reading import read_prompt
from portico.operations.releases import completed

REFERENCE = "the caller sends the text, as a user's turn; a model is named"
BARE = "no system text; a model is named"
PEOPLE = ("Ada", "Grace", "Alan", "Barbara", "Edsger", "Donald", "Frances", "John")


@dataclass(frozen=True)
class Kind:
    """Calls of one kind; `beyond` names those that it is held against."""

    name: str
    bodies: Callable[[int], list[bytes]]
    beyond: str


@dataclass(frozen=True)
class Row:
    name: str
    us: float
    beyond: str
    added_us: float
    """The median over the rounds of what a call took beyond the other's in the same round."""
    ratio: float
    quiet_us: float
    """The difference of their lower tenths: what is left when the machine does little else."""


def measure(rounds: int, calls: int, work: Path) -> list[Row]:
    """Microseconds of CPU a call, of `calls` in each of `rounds`. Raises RuntimeError where the
    calls that are compared are not the same upstream."""
    # Here, because the base install has no uvloop on Windows.
    import uvloop

    site = Site(work / "data", snapshot=_snapshot())
    found: dict[str, list[float]] = {kind.name: [] for kind in KINDS}
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_same_upstream(site))
            for number in range(rounds + 1):
                for kind in KINDS:
                    took = runner.run(_block(site, kind, calls))
                    if number:
                        found[kind.name].append(took)
    finally:
        site.close()
    return [_row(kind, found) for kind in KINDS]


def _row(kind: Kind, found: Mapping[str, list[float]]) -> Row:
    own, other = found[kind.name], found[kind.beyond]
    pairs = list(zip(own, other, strict=True))
    return Row(
        name=kind.name,
        us=statistics.median(own),
        beyond=kind.beyond,
        added_us=statistics.median(mine - least for mine, least in pairs),
        ratio=statistics.median(mine / least for mine, least in pairs),
        quiet_us=_lower_tenth(own) - _lower_tenth(other),
    )


def _lower_tenth(found: list[float]) -> float:
    return sorted(found)[len(found) // 10]


async def _block(site: Site, kind: Kind, calls: int) -> float:
    """Microseconds of this thread a call."""
    requests = [site.request(body) for body in kind.bodies(calls)]
    before = time.thread_time_ns()
    for request in requests:
        await request()
    took = (time.thread_time_ns() - before) / 1e3 / calls
    _check(requests, kind)
    await site.io.journal.committed()
    return took


def _check(requests: list[Request], kind: Kind) -> None:
    refused = {request.status for request in requests} - {200}
    if refused:
        raise RuntimeError(f"calls were answered with {refused}: {kind.name}")


async def _same_upstream(site: Site) -> None:
    """What is compared reaches the model as the same request."""
    seen = []
    for kind in (RENDERED, OBSERVED, KINDS[0]):
        await site.request(kind.bodies(1)[0])()
        seen.append(json.loads(site.upstream.last))
    seen[-1]["messages"][0]["role"] = "system"
    if seen[0] != seen[1] or seen[0] != seen[2]:
        raise RuntimeError("the prompt is not rendered to what the caller sends itself")


def _snapshot() -> Snapshot:
    reading = read_prompt("prompts/bench.md", {"prompts/bench.md": FILE})
    assert reading.prompt is not None, reading.faults
    ladder = (("bench-model",),)
    names = ("default", "bare", "registered", "candidate")
    made = completed(
        msgspec.structs.replace(
            SNAPSHOT,
            workloads=tuple(
                Workload(name=name, ladder=ladder, max_output_tokens=1000) for name in names
            ),
        )
    )
    releases = {release.workload: release for release in made.releases}
    dressed = {
        name: msgspec.structs.replace(
            releases[name], prompt=reading.prompt, id=f"rel_{number:016x}"
        )
        for number, name in enumerate(("registered", "candidate"), 1)
    }
    other = msgspec.structs.replace(dressed["candidate"], id=f"rel_{99:016x}")
    workloads = tuple(
        msgspec.structs.replace(
            each,
            release=dressed[each.name].id if each.name in dressed else each.release,
            candidate=other.id if each.name == "candidate" else "",
            share=0.5 if each.name == "candidate" else 0.0,
        )
        for each in made.workloads
    )
    kept = {**releases, **dressed}
    return msgspec.structs.replace(made, workloads=workloads, releases=(*kept.values(), other))


def _own(model: str, role: str = "system") -> Callable[[int], list[bytes]]:
    body = _body(model, rendered(), role=role)
    return lambda calls: [body] * calls


def _nothing(model: str) -> Callable[[int], list[bytes]]:
    body = _body(model, "")
    return lambda calls: [body] * calls


def _with_variables(workload: str, sessions: int = 0) -> Callable[[int], list[bytes]]:
    def bodies(calls: int) -> list[bytes]:
        return [
            _body(
                workload,
                "",
                {"variables": VARIABLES, **({"session": f"s{n % sessions}"} if sessions else {})},
            )
            for n in range(calls)
        ]

    return bodies


def _templated(workload: str) -> Callable[[int], list[bytes]]:
    """The same instructions for ever new people: no text comes twice."""
    people: Iterator[str] = (
        f"{person} {number}" for number in itertools.count() for person in PEOPLE
    )
    return lambda calls: [_body(workload, rendered(person=next(people))) for _ in range(calls)]


def _body(
    model: str,
    text: str,
    options: Mapping[str, object] | None = None,
    *,
    role: str = "system",
) -> bytes:
    own = [{"role": role, "content": text}] if text else []
    body: dict[str, object] = {
        "model": model,
        "messages": [*own, {"role": "user", "content": QUESTION}],
        "temperature": 0.2,
        "max_tokens": 256,
    }
    return msgspec.json.encode(body | {"portico": options} if options else body)


RENDERED = Kind("a prompt of 1 kB with three variables", _with_variables("registered"), REFERENCE)
OBSERVED = Kind("the caller sends the text; observed, always the same", _own("bare"), REFERENCE)
KINDS = (
    Kind(REFERENCE, _own("bench-model", "user"), REFERENCE),
    RENDERED,
    Kind(
        "the same, and a candidate takes half of the sessions",
        _with_variables("candidate", sessions=50),
        REFERENCE,
    ),
    OBSERVED,
    Kind("the caller sends the text; observed, other values", _templated("bare"), REFERENCE),
    Kind(BARE, _nothing("bench-model"), BARE),
    Kind("no system text; a workload's release", _nothing("bare"), BARE),
)
