"""Portico's gateway in memory: everything of a call but sockets, HTTP parsing and the upstream's.

The journal and the database are real files: their work is part of what a call costs.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Literal

from benchmarks.peer_runs.model_server import COMPLETION
from benchmarks.peer_runs.target import Target

from portico.adapters.budgets.local import LocalBudgets
from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.memory.credentials import MemoryCredentials
from portico.adapters.store.data import Data, open_data
from portico.adapters.upstream.headers import Headers
from portico.contract.money import Price, Rates
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Key, Model, Provider, Snapshot, Workload
from portico.gateway.app import App, Asgi, Gate
from portico.gateway.io import Io
from portico.gateway.live import Live, Slot, compile_live
from portico.gateway.metrics import Metrics
from portico.gateway.observing import Observer
from portico.gateway.readiness import Readiness
from portico.gateway.repeats import Repeats
from portico.security.keys import ENTROPY_BYTES, mint

PEPPER = bytes(32)
PRICE = Price(rates=Rates(input=150_000, output=600_000), source="benchmark")
SNAPSHOT = Snapshot(
    project="bench",
    providers=(
        Provider(name="fast", kind="openai", base_url="http://192.0.2.1/v1", api_key="x"),
        Provider(name="other", kind="anthropic", base_url="http://192.0.2.1", api_key="x"),
    ),
    models=(
        Model(name="bench-model", provider="fast", id="bench-model", price=PRICE),
        Model(name="other-model", provider="other", id="other-model", price=PRICE),
    ),
    workloads=(
        Workload(name="bench", ladder=(("bench-model",),), max_output_tokens=1000),
        Workload(name="translated", ladder=(("other-model",),), max_output_tokens=1000),
    ),
    digest="benchmark",
)


class Reply:
    """Satisfies `contract.ports.UpstreamReply` with a body that is there."""

    def __init__(self, body: bytes) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = Headers.of((("content-type", "application/json"),))
        self.address = "192.0.2.1"
        self.private = False
        self.connection: Literal["new", "reused", "retried"] = "reused"
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._body

    async def read(self) -> bytes:
        return self._body

    async def close(self) -> None:
        pass


class AtOnce:
    """Satisfies `contract.ports.Upstream`: always the same answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.last = b""
        """The body of the newest request."""

    async def send(self, request: UpstreamRequest) -> Reply:
        self.last = request.body
        return Reply(self._body)

    async def close(self) -> None:
        pass


class Site:
    """One gateway with a scoped key, a priced model and a data directory."""

    def __init__(
        self, directory: Path, answer: bytes = COMPLETION, snapshot: Snapshot = SNAPSHOT
    ) -> None:
        scope = tuple(workload.name for workload in snapshot.workloads)
        draft = Key(id="", verifier=b"", workloads=scope)
        self.key, self.secret = mint(draft, PEPPER, bytes(range(ENTROPY_BYTES)))
        self.live: Live = compile_live(
            snapshot, snapshot.providers, {self.key.id: self.key}, PEPPER
        )
        slot = Slot()
        slot.swap(self.live)
        clock = SystemClock()
        self.data: Data = open_data(directory, journal=JournalOptions(), clock=clock)
        self.answer = answer
        self.upstream = upstream = AtOnce(answer)
        self.io = Io(
            clock=clock,
            journal=self.data.journal,
            upstreams={"openai": upstream, "anthropic": upstream},
            credentials=MemoryCredentials(),
            metrics=Metrics(),
            repeats=Repeats(clock),
            spares=Repeats(clock),
            budgets=LocalBudgets(self.data.ledger, clock),
            notes=self.data.notes,
            ledger=self.data.ledger,
            observer=Observer(self.data.notes, clock),
        )
        self.app = App(slot, self.io, Readiness(slot, self.io.journal), _no_admin, Gate())

    def request(self, body: bytes) -> "Request":
        return Request(self, body)

    def chat(self, model: str = "bench") -> "Request":
        return Request(self, Target(0, model=model).body())

    def close(self) -> None:
        self.data.close(60.0)


class Request:
    """One call as an ASGI server would hand it over; may be made again and again."""

    def __init__(self, site: Site, body: bytes) -> None:
        self._app = site.app
        self.body = body
        self.headers = [
            (b"host", b"127.0.0.1"),
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
            (b"authorization", f"Bearer {site.secret}".encode()),
        ]
        self.status = 0

    async def _receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]

    def scope(self) -> dict[str, Any]:
        path = "/v1/chat/completions"
        return {"type": "http", "method": "POST", "path": path, "headers": self.headers}

    async def __call__(self) -> None:
        await asyncio.get_running_loop().create_task(
            self._app(self.scope(), self._receive, self._send)
        )


async def _no_admin() -> Asgi:
    raise NotImplementedError("this gateway has no control plane")
