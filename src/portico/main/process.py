"""One serving process: its parts wired together, and its life from the first call to the last."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import uvicorn

from portico import __version__
from portico.adapters.aws.credentials import AwsChain
from portico.adapters.clock import SystemClock
from portico.adapters.simulator.upstream import SimulatedUpstream
from portico.adapters.store.data import Data
from portico.adapters.upstream import HttpUpstream
from portico.adapters.webhooks import Webhooks
from portico.contract.budget import Budgets
from portico.contract.deployment import ObservedPrompt
from portico.contract.errors import InvalidRequest
from portico.contract.own import Caller
from portico.contract.ports import Clock, Store
from portico.contract.snapshot import Key
from portico.control.keys.service import Keys
from portico.control.projects import Durability
from portico.control.projects.merging import place_of
from portico.control.projects.serving import Shipped, told
from portico.control.prompts.adopting import Readers
from portico.gateway.app import App, Asgi, Gate, metrics_app
from portico.gateway.caller import GatewayCaller
from portico.gateway.io import Io
from portico.gateway.metrics import Metrics
from portico.gateway.observing import Observer
from portico.gateway.readiness import Readiness
from portico.gateway.repeats import Repeats
from portico.gateway.server import Protocol
from portico.gateway.wires import DOORS, WIRES
from portico.main.private import write_private
from portico.main.publisher import Publisher, World
from portico.main.settings import Environment, UpOptions, read_settings
from portico.main.upkeep import Around, Heard, Upkeep
from portico.main.views import registered, standing
from portico.security.keys import ENTROPY_BYTES, PRESET, keep, mint

log = logging.getLogger("portico")

SERVER_FILE: Final = "server.json"
KEEP_ALIVE_S: Final = 75
WARM_AFTER_S: Final = 3.0
YOUNG: Final = 10_000
"""Objects that may be made before the collector looks at the young ones (CPython's own: 700).
A call leaves none that only a collection could free; those of administration can wait."""


@dataclass(frozen=True)
class Chosen:
    """What is to be served: at least one project."""

    projects: tuple[Shipped, ...]

    @property
    def durability(self) -> Durability:
        """That of the project `default`, otherwise of the first by name."""
        first = min(self.projects, key=lambda each: place_of(each.applied.project))
        return first.compiled.durability


@dataclass(frozen=True)
class Parts:
    """What the process opened and closes again."""

    data: Data
    clock: SystemClock
    upstream: HttpUpstream
    credentials: AwsChain
    budgets: Budgets


@dataclass
class Process:
    options: UpOptions
    app: App
    io: Io
    publisher: Publisher
    readiness: Readiness
    admin: "Admin"
    upkeep: Upkeep
    token: str
    admin_key: str | None
    background: set[asyncio.Task[None]] = field(default_factory=set)

    async def live(self, listener: socket.socket) -> None:
        """Serves until a signal says otherwise."""
        servers = [_server(self.app, self.publisher)]
        sockets = [listener]
        if self.options.metrics is not None:
            host, _, port = self.options.metrics.rpartition(":")
            metrics = metrics_app(self.io)
            servers.append(_server(metrics, self.publisher))
            sockets.append(socket.create_server((host.strip("[]"), int(port))))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._start, partial(self._stop, servers))
        loop.add_signal_handler(signal.SIGHUP, self._start, self.publisher.apply_directory)
        server_file = self.options.data / SERVER_FILE
        running = [
            loop.create_task(server.serve(sockets=[place]))
            for server, place in zip(servers, sockets, strict=True)
        ]
        settle_memory()
        try:
            self._announce(listener, server_file)
            self._start(self.admin.warm)
            self._start(self.upkeep.run)
            self._start(self.upkeep.deliver)
            self._start(self.io.budgets.run)
            await asyncio.gather(*running)
        finally:
            await self._close()
            server_file.unlink(missing_ok=True)
            for place in sockets:
                place.close()

    async def _stop(self, servers: list["Quiet"]) -> None:
        """New calls are refused with a retryable error; those in flight may finish."""
        if self.app.gate.closed:
            return
        self.readiness.stopping = True
        await self.app.gate.drain(self.publisher.slot.live.snapshot.bounds.drain_s)
        for server in servers:
            server.should_exit = True

    async def _close(self) -> None:
        """Ends what runs in the background; what has begun to be stored is finished first."""
        await self.publisher.close()
        await self.upkeep.close()
        for task in tuple(self.background):
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)

    def _announce(self, listener: socket.socket, server_file: Path) -> None:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{port}"
        body = msgspec.json.encode({"url": url, "token": self.token, "pid": os.getpid()})
        write_private(server_file, body)
        snapshot = self.publisher.slot.live.snapshot
        for warning in (*snapshot.warnings, *self.readiness.notes, *self.readiness.drift):
            log.warning(warning)
        if self.options.json:
            ready: dict[str, str] = {"url": url, "version": __version__}
            if self.admin_key is not None:
                ready["admin_key"] = self.admin_key
            print(msgspec.json.encode(ready).decode(), flush=True)  # noqa: T201 - promised output
            return
        lines = [f"Portico {__version__} serves {', '.join(self.publisher.workloads())} at {url}"]
        if self.admin_key is not None:
            lines.append(f"Admin key, shown this once: {self.admin_key}")
        lines.append("Stop with Ctrl+C.")
        print("\n".join(lines), flush=True)  # noqa: T201 - the command's answer

    def _start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        task = asyncio.get_running_loop().create_task(work())
        self.background.add(task)
        task.add_done_callback(self.background.discard)


def settle_memory() -> None:
    """Spares the collector what was made by now, which lives as long as the process.

    Without a collection first, which would cost 30 ms of the start and find next to nothing.
    """
    gc.freeze()
    gc.set_threshold(YOUNG)


class Quiet(uvicorn.Server):
    """uvicorn's server without its signal handlers: `Process` has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Asgi, publisher: Publisher) -> Quiet:
    def protocol(**known: object) -> Protocol:
        bounds = publisher.slot.live.snapshot.bounds
        return Protocol(head_bytes=bounds.header_bytes, **known)

    config = uvicorn.Config(
        app,
        http=protocol,  # type: ignore[arg-type]  # a factory serves as well as a class
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        backlog=2048,
    )
    return Quiet(config)


def build(options: UpOptions, environment: Environment, chosen: Chosen, parts: Parts) -> Process:
    """Wires a process. Raises InvalidRequest where there is nothing that can be served."""
    store, clock = parts.data.store, parts.clock
    pepper = store.secret("pepper", os.urandom(32))
    local, token = mint(Key(id="", verifier=b"", kind="local"), pepper, os.urandom(ENTROPY_BYTES))
    admin_key = _admin(store, clock, pepper, read_settings(environment).admin_key)
    simulated = SimulatedUpstream({})
    publisher = Publisher(
        world=World(store, clock, environment.values, options.data, options.directory),
        pepper=pepper,
        simulated=simulated,
        local=local,
    )
    note = publisher.boot(chosen.projects)
    readiness = Readiness(publisher.slot, parts.data.journal)
    readiness.notes = (note,) if note else ()
    publisher.readiness = readiness
    publisher.look_for_drift()
    webhooks = Webhooks(parts.upstream, clock)
    upkeep = publisher.upkeep = Upkeep(
        Around(
            store=store,
            ledger=parts.data.ledger,
            notes=parts.data.notes,
            clock=clock,
            budgets=parts.budgets,
            webhooks=webhooks,
            environment=environment.values,
        )
    )
    readiness.budgets = parts.budgets
    notes = Heard(parts.data.notes, upkeep.hear)
    metrics = Metrics()
    metrics.webhooks.source = webhooks.state
    io = Io(
        clock=clock,
        journal=parts.data.journal,
        upstreams={
            "openai": parts.upstream,
            "anthropic": parts.upstream,
            "bedrock": parts.upstream,
            "gemini": parts.upstream,
            "simulator": simulated,
        },
        credentials=parts.credentials,
        metrics=metrics,
        repeats=Repeats(clock),
        spares=Repeats(clock),
        budgets=parts.budgets,
        notes=notes,
        ledger=parts.data.ledger,
        observer=Observer(notes, clock, _observed(store)),
        commit=chosen.durability.commit,
    )
    keys = Keys(store, clock, pepper, os.urandom)
    gate = Gate()
    admin = Admin(keys, publisher, readiness, parts, GatewayCaller(publisher.slot, io, gate))
    app = App(publisher.slot, io, readiness, admin.application, gate)
    return Process(options, app, io, publisher, readiness, admin, upkeep, token, admin_key)


def _observed(store: Store) -> Sequence[ObservedPrompt]:
    """What was observed before this start; nothing where it cannot be read any more."""
    try:
        return store.observed()
    except InvalidRequest as error:
        log.error("the observed prompts are not read, and get new names: %s", error.message)  # noqa: TRY400 - the message says what to do
        return ()


class Admin:
    """The administrative API, imported and assembled when it is first asked for."""

    def __init__(
        self,
        keys: Keys,
        publisher: Publisher,
        readiness: Readiness,
        parts: Parts,
        caller: Caller,
    ) -> None:
        self._keys = keys
        self._publisher = publisher
        self._readiness = readiness
        self._data = parts.data
        self._budgets = parts.budgets
        self._clock = parts.clock
        self._caller = caller
        self._lock = asyncio.Lock()
        self._application: Asgi | None = None

    async def warm(self) -> None:
        """Assembles the API once the start is over, so that the first who asks need not wait."""
        await asyncio.sleep(WARM_AFTER_S)
        await self.application()

    async def application(self) -> Asgi:
        async with self._lock:
            if self._application is None:
                self._application = await asyncio.to_thread(self._assemble)
                settle_memory()
            return self._application

    def _assemble(self) -> Asgi:
        # FastAPI takes a quarter of a second and 15 MB: calls never need it
        from portico.main.admin import AdminServices, Changes, create_admin

        return create_admin(
            AdminServices(
                keys=self._keys,
                store=self._data.store,
                ledger=self._data.ledger,
                budgets=self._budgets,
                clock=self._clock,
                snapshot=lambda: self._publisher.slot.live.snapshot,
                workloads=self._publisher.workloads,
                on_keys_changed=self._publisher.refresh_keys,
                changes=Changes(
                    apply=self._publisher.apply,
                    plan=self._publisher.plan,
                    rollback=self._publisher.rollback,
                    status=self._status,
                ),
                standing=partial(standing, self._publisher),
                registered=partial(registered, self._publisher),
                caller=self._caller,
                readers=Readers(DOORS, WIRES),
            )
        )

    async def _status(self) -> Mapping[str, object]:
        await asyncio.to_thread(self._publisher.look_for_drift)
        snapshot = self._publisher.slot.live.snapshot
        return {
            "version": __version__,
            "project": snapshot.project,
            "projects": told(self._publisher.serving),
            "digest": snapshot.digest,
            "workloads": self._publisher.workloads(),
            "models": [model.name for model in snapshot.models if model.listed],
            "drift": self._readiness.drift,
            "warnings": snapshot.warnings,
            "degraded": self._readiness.degraded(),
            "stopping": self._readiness.stopping,
            "journal": msgspec.structs.asdict(self._data.journal.state()),
        }


def _admin(store: Store, clock: Clock, pepper: bytes, preset: str | None) -> str | None:
    """Makes sure there is an admin key. Returns its text where it was made just now."""
    stored = store.keys()
    keys = {key.id: key for key in stored}
    draft = Key(id="", verifier=b"", kind="admin", name="admin", created_ns=clock.now_ns())
    if preset is not None:
        key = keep(draft, pepper, preset)
        known = keys.get(key.id)
        if known is None or known.verifier != key.verifier:
            store.put_key(key)
        return None if keys else preset
    if keys.keys() & {PRESET}:
        log.warning("PORTICO_ADMIN_KEY is not set now; the key it held before still works")
    if any(key.kind == "admin" for key in keys.values()):
        return None
    key, text = mint(draft, pepper, os.urandom(ENTROPY_BYTES))
    store.put_key(key)
    return text
