"""The simulator as an HTTP server: a raw ASGI application, any credential accepted."""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from portico.adapters.simulator import flow
from portico.adapters.simulator.dialects import OPENAI
from portico.adapters.simulator.failures import Fault
from portico.adapters.simulator.replies import Reply
from portico.adapters.simulator.routes import ROUTES, find
from portico.adapters.simulator.simulation import Simulation, refused
from portico.contract.snapshot import Bounds
from portico.providers.simulator.script import load

# ASGI's own types: https://asgi.readthedocs.io/en/latest/specs/www.html
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = Bounds().body_bytes


class SimulatorApp:
    """Serves `routes.ROUTES`. Raises InvalidRequest for a script that cannot be used."""

    def __init__(self, script: str | None = None) -> None:
        self._simulation = Simulation(load(script) if script else None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"The simulator speaks HTTP only, not {scope['type']}.")
        body = await _body(receive)
        if body is None:
            return
        reply = self._reply(scope["method"], _target(scope), body)
        if reply.course.instant:
            await _send(reply, send)
        else:
            await _while_connected(_send(reply, send), receive)

    def _reply(self, method: str, target: str, body: bytes) -> Reply:
        routes = find(target)
        if not routes:
            known = ", ".join(dict.fromkeys(route.path for route in ROUTES))
            message = f"The simulator has no path {target[:200]}; it has {known}."
            return refused(OPENAI, Fault(status=404, message=message))
        route = next((route for route in routes if route.method == method), None)
        dialect = (route or routes[0]).dialect
        if route is None:
            message = f"{routes[0].path} takes {routes[0].method}, not {method}."
            return refused(dialect, Fault(status=405, message=message))
        if len(body) > MAX_BODY:
            message = f"The body has over {MAX_BODY} bytes; send less."
            return refused(dialect, Fault(status=413, message=message))
        return route.operation(self._simulation, dialect, body, route.address(target))


def _target(scope: Scope) -> str:
    """Path and query as they were sent: a model's id may hold what separates them."""
    raw: bytes | None = scope.get("raw_path")
    path = quote(scope["path"]) if raw is None else raw.decode("ascii", "replace")
    query: bytes = scope.get("query_string", b"")
    return f"{path}?{query.decode('ascii', 'replace')}" if query else path


async def _body(receive: Receive) -> bytes | None:
    """The body, cut off once it is too long; None if the client left before its end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        size += len(part)
        parts.append(part)
        if size > MAX_BODY or not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send(reply: Reply, send: Send) -> None:
    await flow.lead(reply, _pause)
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if reply.length is not None:
        headers.append((b"content-length", str(reply.length).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    try:
        async for piece in flow.body(reply, _pause):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except flow.Broken:
        # A response that is left unfinished makes the server close the connection.
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _pause(seconds: float) -> None:
    if math.isinf(seconds):
        await asyncio.Event().wait()
    await asyncio.sleep(seconds)


async def _while_connected(work: Awaitable[None], receive: Receive) -> None:
    """Does the work until it ends or the client leaves, whichever is first."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(working, watching, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
