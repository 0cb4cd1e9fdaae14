"""`portico bench`: a bounded load test of a workload, kept as evidence."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import msgspec

from portico.contract.bench import BenchConditions, BenchSample
from portico.main.cli.benched import COLUMNS, NUMBERS, Kept, KeptList, lines, row
from portico.main.cli.exits import HELD, INCONCLUSIVE, INTERRUPTED, UNMET, UsageFault
from portico.main.cli.load import Plan, drive
from portico.main.cli.options import as_json
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import note, print_json, print_raw_json, print_table
from portico.main.cli.words import duration, plain
from portico.main.settings import read_environment, read_settings
from portico.methods import ids
from portico.methods.hashing import content_hash

PROMPT = "Say in three sentences why a system is tested under load."
MOST_CALLS = 10_000
MOST_CONCURRENCY = 256
MOST_PROMPTS = 10_000
LARGEST_FILE = 64 * 1024 * 1024
LISTED = "1000"
LONGEST_S = 12 * 3600.0
STORE_S = 300.0
"""The server waits for the journal, and reads a receipt for every call."""


class Status(msgspec.Struct, frozen=True):
    workloads: list[str]


class Written(msgspec.Struct, frozen=True):
    """A line of --prompts that is an object."""

    prompt: str | None = None
    messages: list[msgspec.Raw] | None = None


class Asked(msgspec.Struct, frozen=True):
    """The options of a load test."""

    calls: int
    concurrency: int
    stream: bool
    within: str
    prompt: str | None = None
    prompts: Path | None = None
    max_tokens: int | None = None


@click.command("bench")
@click.argument("workload", required=False)
@click.option("--calls", default=100, show_default=True, type=click.IntRange(1, MOST_CALLS))
@click.option(
    "--concurrency", default=4, show_default=True, type=click.IntRange(1, MOST_CONCURRENCY)
)
@click.option("--stream/--no-stream", default=True, show_default=True, help="How answers come.")
@click.option("--prompt", help="The message of every call.")
@click.option(
    "--prompts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSONL, in turn: a string, {"prompt": …} or {"messages": […]} a line.',
)
@click.option("--max-tokens", type=click.IntRange(1), help="The most tokens of an answer.")
@click.option("--within", default="10m", show_default=True, help="No new call after this time.")
@click.option("--list", "listing", is_flag=True, help="Show the results that are kept.")
@as_json
@with_server
@click.pass_context
def command(
    ctx: click.Context,
    /,
    workload: str | None,
    server: Server,
    json: bool,
    listing: bool,
    **asked: object,
) -> None:
    """Call WORKLOAD many times at once, say how long it took and what it cost, and keep that.

    It costs what the calls cost. With --list the kept results side by side, newest last, each
    with its change against the one before it of the same workload; WORKLOAD then narrows it.
    """
    if listing:
        _list(server, workload, json)
        return
    if workload is None:
        raise UsageFault("name the WORKLOAD to test, or give --list")
    options = msgspec.convert(asked, Asked)
    try:
        ctx.exit(_bench(server, workload, options, json))
    except KeyboardInterrupt:
        note("interrupted: nothing was kept; the calls that were made are in the ledger")
        ctx.exit(INTERRUPTED)


def _list(server: Server, workload: str | None, json: bool) -> None:
    query = {"limit": LISTED} | ({"workload": workload} if workload is not None else {})
    reply = succeeded(server.request("GET", path_of("bench"), query=query))
    if json:
        print_json(msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])["benches"])
        return
    color = read_settings(read_environment()).color
    kept = read(reply, KeptList).benches
    print_table(COLUMNS, [row(each) for each in kept], numbers=NUMBERS, color=color)


def _bench(server: Server, workload: str, asked: Asked, json: bool) -> int:
    within = duration(asked.within, "--within")
    if within > LONGEST_S:
        raise UsageFault("--within is longer than 12 hours")
    status = read(succeeded(server.request("GET", path_of("status"))), Status)
    if workload not in status.workloads:
        known = ", ".join(status.workloads)
        raise UsageFault(f"there is no workload named {workload!r}; there are: {known}")
    identity = ids.make("bench", time.time_ns(), os.urandom(ids.ENTROPY_BYTES))
    asks = messages(asked.prompt, asked.prompts)
    plan = Plan(
        bodies=[body(workload, identity, each, asked) for each in asks],
        calls=asked.calls,
        concurrency=asked.concurrency,
        stream=asked.stream,
        within_s=within,
    )
    began, started_ns = time.monotonic(), time.time_ns()
    samples = _watched(drive(server, plan), asked.calls)
    if not samples:
        raise UsageFault(f"no call was made: --within {asked.within} is too short")
    report = {
        "id": identity,
        "workload": workload,
        "started_ns": started_ns,
        "duration_us": max(1, round((time.monotonic() - began) * 1e6)),
        "conditions": conditions(asked, asks),
        "samples": samples,
    }
    reply = succeeded(server.request("POST", path_of("bench"), body=report, timeout=STORE_S))
    kept = read(reply, Kept)
    if json:
        print_raw_json(reply.body)
    else:
        for line in lines(kept):
            click.echo(plain(line))
    return ending(kept)


def ending(kept: Kept) -> int:
    """A call that failed is what counts; fewer calls than asked for settle nothing."""
    if kept.ok < kept.made:
        return UNMET
    return HELD if kept.made == kept.conditions.calls else INCONCLUSIVE


def conditions(asked: Asked, asks: Sequence[Sequence[object]]) -> BenchConditions:
    return BenchConditions(
        calls=asked.calls,
        concurrency=asked.concurrency,
        stream=asked.stream,
        max_output_tokens=asked.max_tokens,
        prompts=len(asks),
        prompt_bytes=sum(len(msgspec.json.encode(each)) for each in asks),
        prompts_digest=content_hash(asks),
    )


def body(workload: str, identity: str, ask: Sequence[object], asked: Asked) -> bytes:
    """A call of the test, tagged with its id, so that its receipts can be told from others."""
    members: dict[str, object] = {
        "model": workload,
        "messages": ask,
        "portico": {"tags": {"bench": identity}},
    }
    if asked.max_tokens is not None:
        members["max_tokens"] = asked.max_tokens
    if asked.stream:
        members |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(members)


def messages(prompt: str | None, path: Path | None) -> list[list[object]]:
    """The messages of each prompt. Raises UsageFault that names the line at fault."""
    if prompt is not None and path is not None:
        raise UsageFault("give --prompt or --prompts, not both")
    if path is None:
        return [_said(PROMPT if prompt is None else prompt)]
    if path.stat().st_size > LARGEST_FILE:
        raise UsageFault(f"{path} is larger than {LARGEST_FILE >> 20} MiB")
    written = [
        (number, line)
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
        if line.strip()
    ]
    if not 1 <= len(written) <= MOST_PROMPTS:
        raise UsageFault(f"{path} has {len(written)} prompts; it may have 1 to {MOST_PROMPTS}")
    return [_message(path, number, line) for number, line in written]


def _message(path: Path, number: int, line: bytes) -> list[object]:
    try:
        said = msgspec.json.decode(line, type=str | Written)
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        raise _unreadable(path, number) from failure
    if isinstance(said, str):
        return _said(said)
    if said.messages is not None and said.prompt is None:
        return list(said.messages)
    if said.prompt is None or said.messages is not None:
        raise _unreadable(path, number)
    return _said(said.prompt)


def _said(text: str) -> list[object]:
    return [{"role": "user", "content": text}]


def _unreadable(path: Path, number: int) -> UsageFault:
    return UsageFault(
        f'{path}, line {number}: a string, {{"prompt": "…"}} or {{"messages": […]}} is expected'
    )


# --- progress ------------------------------------------------------------------------------

Step = Callable[[int, int], None]
"""Told after each call: how many were made, and how many of these failed."""


def _watched(samples: Iterable[BenchSample], calls: int) -> list[BenchSample]:
    """All samples, with progress on stderr: a bar on a terminal, plain lines elsewhere."""
    kept: list[BenchSample] = []
    failed = 0
    with _progress(calls) as step:
        for sample in samples:
            kept.append(sample)
            failed += bool(sample.error)
            step(len(kept), failed)
    return kept


@contextmanager
def _progress(calls: int) -> Iterator[Step]:
    if not sys.stderr.isatty():
        yield partial(_tell, calls)
        return
    # rich costs 50 ms to import, and only a terminal has use for it
    from rich.console import Console
    from rich.progress import Progress

    color = read_settings(read_environment()).color
    with Progress(console=Console(stderr=True, no_color=not color), transient=True) as bar:
        task = bar.add_task("calls", total=calls)

        def step(made: int, failed: int) -> None:
            text = f"calls ({failed} failed)" if failed else "calls"
            bar.update(task, completed=made, description=text)

        yield step


def _tell(calls: int, made: int, failed: int) -> None:
    """A line for each tenth."""
    if (made - 1) * 10 // calls < made * 10 // calls:
        note(f"{made} of {calls} calls, {failed} failed")
