"""The doors: a raw ASGI callable that finds who serves a path. No framework in a call's way."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from portico.contract.call import Principal
from portico.contract.errors import (
    MethodNotAllowed,
    Overloaded,
    PorticoError,
    UnknownRoute,
)
from portico.contract.wires import Door
from portico.gateway import feedback, models, reply
from portico.gateway.arrival import Arrival, Receive, Scope, Send
from portico.gateway.exchange import EXCHANGE, Exchange
from portico.gateway.io import Io
from portico.gateway.lifeline import Lifeline
from portico.gateway.live import Slot
from portico.gateway.metrics import CONTENT_TYPE
from portico.gateway.pipeline import serve
from portico.gateway.readiness import Readiness
from portico.gateway.server import CONNECTION, Protocol
from portico.gateway.wires import DOORS
from portico.security.access import require_metrics, require_owner
from portico.security.keys import authenticate

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

CALLS: Final = {
    "/v1/chat/completions": DOORS["openai_chat"],
    "/v1/embeddings": DOORS["openai_embeddings"],
    "/v1/messages": DOORS["anthropic_messages"],
}
OPEN: Final = frozenset({"/healthz", "/readyz"})
"""The only paths that need no credential."""
MODELS: Final = "/v1/models"
FEEDBACK: Final = "/v1/feedback"
JUDGE_S: Final = 30.0
"""How long feedback may take from its last byte to its answer."""
ADMIN: Final = "/admin/v1"
PRINCIPAL: Final = "portico.principal"
SETTLE_S: Final = 5.0
"""How long calls that were cut may take to settle."""


class Gate:
    """Counts the calls in flight, and closes when the server stops."""

    def __init__(self) -> None:
        self.lifelines: set[Lifeline] = set()
        self.closed = False
        self._empty = asyncio.Event()
        """Looked at only once the gate is closed."""

    def leave(self, lifeline: Lifeline) -> None:
        lifeline.close()
        self.lifelines.discard(lifeline)
        if self.closed and not self.lifelines:
            self._empty.set()

    async def drain(self, seconds: float) -> None:
        """Refuses new calls, waits for those in flight, and cuts what is left after `seconds`."""
        self.closed = True
        if not self.lifelines:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            for lifeline in tuple(self.lifelines):
                lifeline.cut("stopping")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await self._empty.wait()


class App:
    def __init__(
        self,
        slot: Slot,
        io: Io,
        readiness: Readiness,
        admin: Callable[[], Awaitable[Asgi]],
        gate: Gate,
    ) -> None:
        self._slot = slot
        self._io = io
        self._readiness = readiness
        self._admin = admin
        self.gate = gate
        io.metrics.in_flight.set_function(lambda: len(self.gate.lifelines))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        lifeline = _lifeline(scope)
        arrival = Arrival(scope, receive, send, lifeline)
        self.gate.lifelines.add(lifeline)
        try:
            await self._route(arrival, receive, send)
        except asyncio.CancelledError:
            if lifeline.reason is None:
                raise
            lifeline.uncancel()
        finally:
            self.gate.leave(lifeline)

    async def _route(self, arrival: Arrival, receive: Receive, send: Send) -> None:
        scope = arrival.scope
        path, method = scope["path"], scope["method"]
        door = CALLS.get(path)
        if door is not None and method == "POST" and not self.gate.closed:
            await serve(arrival, door, self._slot.live, self._io)
            return
        try:
            if self.gate.closed and path not in OPEN:
                raise Overloaded(
                    "This server is stopping and takes no new calls. Retry: another will answer."
                )
            if door is not None:
                raise MethodNotAllowed(f"{path} takes POST, not {method}.")
            await self._other(arrival, receive, send)
        except PorticoError as error:
            shape = self._shape(path, arrival)
            await arrival.reply(*reply.refusal(error, self._io.identity("call"), shape))

    async def _other(self, arrival: Arrival, receive: Receive, send: Send) -> None:
        path, method = arrival.scope["path"], arrival.scope["method"]
        if path.startswith(f"{ADMIN}/"):
            await self._administer(arrival, receive, send)
        elif path == FEEDBACK:
            await self._judge(arrival, method)
        elif method not in ("GET", "HEAD"):
            raise UnknownRoute(f"There is nothing at {method} {path[:200]}.")
        elif path in OPEN:
            await self._health(arrival, path)
        elif path == "/metrics":
            await self._metrics(arrival)
        elif path == MODELS or path.startswith(f"{MODELS}/"):
            await self._models(arrival, path)
        else:
            raise UnknownRoute(f"There is nothing at {path[:200]}. See docs/reference/doors.md.")

    async def _health(self, arrival: Arrival, path: str) -> None:
        status, body = (200, b'{"status":"ok"}')
        if path == "/readyz":
            status, body = self._readiness.report()
        await arrival.reply(status, [reply.JSON], body)

    async def _metrics(self, arrival: Arrival) -> None:
        require_metrics(self._authenticate(arrival))
        body = _render(self._io)
        await arrival.reply(200, [(b"content-type", CONTENT_TYPE)], body)

    async def _models(self, arrival: Arrival, path: str) -> None:
        live, who = self._slot.live, self._authenticate(arrival)
        anthropic = bool(arrival.header(b"anthropic-version"))
        name = path[len(MODELS) + 1 :]
        if name:
            body = models.single(live, who, name, anthropic=anthropic)
        else:
            body = models.listing(live, who, anthropic=anthropic)
        await arrival.reply(200, [reply.JSON], body)

    async def _judge(self, arrival: Arrival, method: str) -> None:
        if method != "POST":
            raise MethodNotAllowed(f"{FEEDBACK} takes POST, not {method}.")
        who = self._authenticate(arrival)
        bounds = self._slot.live.snapshot.bounds
        try:
            said = feedback.read(await arrival.body(bounds), bounds.nesting)
            arrival.lifeline.arm("deadline", JUDGE_S)
            body = await feedback.take(said, who, self._io.ledger, self._io.clock.now_ns())
        except asyncio.CancelledError:
            if arrival.lifeline.reason in (None, "gone"):
                raise
            raise arrival.lifeline.explain() from None
        await arrival.reply(200, [reply.JSON], body)

    async def _administer(self, arrival: Arrival, receive: Receive, send: Send) -> None:
        who = self._authenticate(arrival)
        require_owner(who)
        admin = await self._admin()
        arrival.scope[PRINCIPAL] = who
        await admin(arrival.scope, receive, send)

    def _authenticate(self, arrival: Arrival) -> Principal:
        live = self._slot.live
        now_ns = self._io.clock.now_ns()
        return authenticate(arrival.credential(), live.keys, live.pepper, now_ns, self._io.seen)

    @staticmethod
    def _shape(path: str, arrival: Arrival) -> Door:
        anthropic = path.startswith("/v1/messages") or arrival.header(b"anthropic-version")
        return DOORS["anthropic_messages" if anthropic else "openai_chat"]


def _lifeline(scope: Scope) -> Lifeline:
    """That of the task at hand, over what our own server knows of it."""
    connection: Protocol | None = scope.get(CONNECTION)
    exchange: Exchange | None = scope.get(EXCHANGE)
    if connection is None or exchange is None:
        task = asyncio.current_task()
        assert task is not None
        lifeline = Lifeline(task, asyncio.get_running_loop())
    else:
        assert exchange.task is not None
        lifeline = Lifeline(exchange.task, connection.loop, connection.alarm)
    if connection is not None:
        connection.on_lost = lifeline.gone
    return lifeline


def _render(io: Io) -> bytes:
    standings = io.budgets.standings(io.clock.now_ns())
    return io.metrics.render(io.journal.state(), io.notes.state(), standings)


def metrics_app(io: Io) -> Asgi:
    """`/metrics` alone and without a credential, for an address that only the operator reaches."""

    async def serve_metrics(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        found = scope["path"] == "/metrics"
        body = _render(io) if found else b"only /metrics is here\n"
        headers = [(b"content-type", CONTENT_TYPE), (b"content-length", b"%d" % len(body))]
        await send(
            {"type": "http.response.start", "status": 200 if found else 404, "headers": headers}
        )
        await send({"type": "http.response.body", "body": body})

    return serve_metrics
