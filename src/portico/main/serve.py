"""`portico up`: gateway and control plane wired together in one process, and its life."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from portico.adapters.aws.credentials import AwsChain
from portico.adapters.budgets.local import LocalBudgets
from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.store.data import Data, open_data
from portico.adapters.upstream import HttpUpstream
from portico.contract.budget import Budgets
from portico.contract.errors import PorticoError
from portico.contract.ports import Clock, Store
from portico.control.projects import Durability, compile_project
from portico.control.projects.serving import Shipped
from portico.main.directory import read_project
from portico.main.process import Chosen, Parts, build
from portico.main.publisher import directory_shipped
from portico.main.settings import UpOptions, read_environment

log = logging.getLogger("portico")

JOURNAL_SEGMENTS: Final = 8
SMALLEST_SEGMENT: Final = 64 * 1024
CLOSE_S: Final = 10.0


def run(options: UpOptions) -> int:
    """Serves until SIGTERM or SIGINT. The exit code: 0, 2 configuration, 3 could not serve."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        # not on Windows: there the standard loop serves
        import uvloop

        loop_factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(_serve(options))
    except PorticoError as error:
        print(f"portico up: {error.message}", file=sys.stderr)  # noqa: T201 - the command's answer
        return 2 if error.fault == "caller" else 3
    except OSError as error:
        print(f"portico up: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return 3


async def _serve(options: UpOptions) -> int:
    environment = read_environment()
    listener = _listen(options.host, options.port)
    clock = SystemClock()
    upstream = HttpUpstream()
    credentials = AwsChain(clock)
    chosen: list[Chosen] = []

    def choose(store: Store) -> JournalOptions:
        chosen.append(_choose(options.directory, store, environment.values))
        return _journal(chosen[0].durability)

    data: Data | None = None
    budgets: Budgets | None = None
    try:
        data = open_data(options.data, journal=choose, clock=clock)
        budgets = await _budgets(options, data, clock)
        parts = Parts(data, clock, upstream, credentials, budgets)
        process = build(options, environment, chosen[0], parts)
        await process.upkeep.enforce(process.publisher.slot.live.snapshot)
        await process.live(listener)
        return 0
    finally:
        listener.close()
        if budgets is not None:
            await budgets.shut()
        await upstream.close()
        await credentials.close()
        if data is not None and not await asyncio.to_thread(data.close, CLOSE_S):
            log.warning("the database did not take everything; the rest waits in the journal")


async def _budgets(options: UpOptions, data: Data, clock: Clock) -> Budgets:
    """Those of this process, or shared ones where a server for them is named."""
    key_ids = partial(_key_ids, data.store)
    if options.shared_url is None:
        return LocalBudgets(data.ledger, clock, key_ids=key_ids)
    # the client of Valkey and Redis costs 60 ms of the start: only replicas pay for it
    from portico.adapters.budgets.shared import Member, SharedBudgets

    replica = data.store.secret("replica", os.urandom(8)).hex()
    member = Member(url=options.shared_url, replica=replica)
    return SharedBudgets(member, data.ledger, clock, key_ids=key_ids)


def _key_ids(store: Store, name: str) -> tuple[str, ...]:
    stored = store.keys()
    return tuple(key.id for key in stored if key.name == name)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.listen(2048)
    listener.setblocking(False)
    return listener


def _choose(directory: Path, store: Store, environment: Mapping[str, str]) -> Chosen:
    """What the store says is live; the directory where nothing is live yet."""
    now = datetime.now(UTC)
    applied = store.applied()
    if applied:
        compiled = (compile_project(each.files, environment, now.date()) for each in applied)
        return Chosen(tuple(map(Shipped, applied, compiled)))
    files = read_project(directory)
    compiled_now = compile_project(files, environment, now.date())
    return Chosen((directory_shipped(files, compiled_now, int(now.timestamp() * 1e9)),))


def _journal(durability: Durability) -> JournalOptions:
    return JournalOptions(
        segments=JOURNAL_SEGMENTS,
        segment_bytes=max(SMALLEST_SEGMENT, durability.journal_bytes // JOURNAL_SEGMENTS),
        when_full="serve" if durability.serve_when_full else "refuse",
        fsync_s=durability.fsync_s,
    )
