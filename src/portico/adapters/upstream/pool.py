"""aiohttp's connection pool with what Portico must know and forbid of each connection.

Three of aiohttp's private names are relied on (`_factory`, `_get` of the connector and the
callback order of `Connection`); the contract suite fails where a release of aiohttp changes
them.
"""

import asyncio
import socket
import time
from contextvars import ContextVar
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from portico.adapters.upstream.failures import AddressRefused
from portico.security.addresses import AddressKind, classify, refuse_address

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.tracing import Trace


class Wire(ResponseHandler):
    """One connection. Knows whether it was used before and whether the upstream has spoken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.used = False
        """An earlier request went over this connection."""
        self.heard = False
        """A byte has come since the current request took the connection."""
        self.idle = False
        """No request has the connection: a byte that comes now answers nothing and ends it."""
        self.address = ""
        self.private = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        if peer:
            self.address = str(peer[0])
            self.private = classify(ip_address(self.address)) is AddressKind.PRIVATE

    def data_received(self, data: bytes) -> None:
        if self.idle:
            if data:  # aiohttp resumes its parser with nothing; the upstream said nothing then
                self.abort()
            return
        if data:
            self.heard = True
        super().data_received(data)

    def take(self, connection: Connection) -> bool:
        """Starts a request on this connection. False: a reply that nobody asked for waits here."""
        if len(self):
            return False
        self.heard = self.idle = False
        connection.add_callback(self._rest)
        return True

    def _rest(self) -> None:
        self.used = self.idle = True

    def close(self) -> None:
        """At once: a graceful close would first send what an abandoned request still buffers."""
        self.abort()


class Leg:
    """One try of one request: set before aiohttp is asked, filled in by the pool."""

    __slots__ = ("fresh", "reused", "taken", "wire")

    def __init__(self, *, fresh: bool) -> None:
        self.fresh = fresh
        """Take a new connection, whatever the pool holds."""
        self.wire: Wire | None = None
        self.reused = False
        self.taken = 0.0

    def stale(self, within_s: float) -> bool:
        """The connection had served before, and broke without a byte of a reply and early."""
        wire = self.wire
        return (
            wire is not None
            and self.reused
            and not wire.heard
            and time.monotonic() - self.taken <= within_s
        )


LEG: ContextVar[Leg] = ContextVar("portico_upstream_leg")


class Pool(TCPConnector):
    """Connections by host. Addresses are judged when a name is resolved and again, for every
    way to an address, when the socket is made."""

    def __init__(self, resolver: AbstractResolver, **options: Any) -> None:
        super().__init__(resolver=resolver, socket_factory=guarded_socket, **options)
        self._factory = lambda: Wire(self._loop)  # type: ignore[assignment]  # aiohttp: a partial

    async def _get(self, key: "ConnectionKey", traces: list["Trace"]) -> Connection | None:
        if LEG.get().fresh:
            return None
        while (connection := await super()._get(key, traces)) is not None:
            wire = connection.protocol
            if isinstance(wire, Wire) and wire.take(connection):
                return connection
            connection.close()
        return None

    async def connect(
        self,
        req: ClientRequest,
        traces: list["Trace"],
        timeout: ClientTimeout,  # noqa: ASYNC109  # aiohttp's signature
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        wire = connection.protocol
        if isinstance(wire, Wire):
            leg = LEG.get()
            leg.wire = wire
            leg.reused = wire.used
            leg.taken = time.monotonic()
            if not wire.used:
                wire.take(connection)
        return connection


def guarded_socket(
    info: tuple[int, int, int, str, tuple[Any, ...]],
) -> socket.socket:
    """Makes the socket for one address, or refuses. Nothing connects without passing here.

    Raises AddressRefused.
    """
    family, kind, protocol, _, address = info
    check_address(str(address[0]))
    return socket.socket(family, kind, protocol)


def check_address(text: str) -> None:
    """Raises AddressRefused for an address that is never connected to."""
    if (refusal := refuse_address(ip_address(text))) is not None:
        raise AddressRefused(refusal.kind, refusal.reason)


class CheckedResolver(AbstractResolver):
    """Drops the addresses that are never connected to; refuses a name that has no others."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not found:
            raise OSError(f"no address for {host}")
        allowed = [result for result in found if not _refusal(result)]
        if not allowed:
            check_address(found[0]["host"])
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def _refusal(result: ResolveResult) -> bool:
    return refuse_address(ip_address(result["host"])) is not None
