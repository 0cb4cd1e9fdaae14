"""The Upstream port: pooled connections, every wait bounded, one safe retry."""

from collections.abc import Callable

from portico.adapters.upstream import failures
from portico.adapters.upstream.connection import Wire
from portico.adapters.upstream.pool import Limits, Pool, Site
from portico.adapters.upstream.reply import PooledReply
from portico.adapters.upstream.resolve import Names, Resolver, SystemResolver
from portico.adapters.upstream.route import ROUTES, Route, Routes, bound
from portico.adapters.upstream.waiting import Within
from portico.contract.ports import UpstreamRequest


class HttpUpstream:
    """Satisfies `contract.ports.Upstream`. Opens nothing before its first `send`; belongs to the
    event loop of that."""

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        resolver: Callable[[], Resolver] = SystemResolver,
    ) -> None:
        self._limits = limits
        self._resolver = resolver
        self._routes = Routes()
        self._last: dict[str, tuple[Route, Site]] = {}
        """By URL, for the network settings with which it was asked for last: nearly always those
        with which it is asked for next."""
        self._pool: Pool | None = None
        self._closed = False

    async def send(self, request: UpstreamRequest) -> PooledReply:
        """Sends and waits for the head of the reply. Cancelling it closes the connection.

        Raises UpstreamFailed, whose detail has "stage" and "kind"; a redirect is one, too.
        """
        course = self._last.get(request.url)
        if course is None or course[0].network != request.network:
            course = await self._course(request)
        route, site = course
        head = route.head(request)
        loop = site.loop
        started = loop.time()
        wire = site.take()
        if wire is None:
            wire = await self._connected(course, started, fresh=False)
        deadline = started + route.network.first_byte_s
        reply = PooledReply(wire, route, loop, "reused" if wire.used else "new")
        wire.ask(reply, head, request.body, deadline)
        await reply.head()
        if reply.broken == "disconnected" and self._stale(wire, reply):
            wire = await self._connected(course, started, fresh=True)
            reply = PooledReply(wire, route, loop, "retried")
            wire.ask(reply, head, request.body, deadline)
            await reply.head()
        if not 200 <= reply.status < 300:
            _check(reply, route)
        return reply

    async def close(self) -> None:
        """Closes every connection at once. May be called twice."""
        self._closed = True
        if self._pool is not None:
            self._pool.close()

    async def _course(self, request: UpstreamRequest) -> tuple[Route, Site]:
        if self._closed:
            raise failures.closed()
        network = request.network
        route = self._routes.known(request.url, network)
        if route is None:
            route = await self._routes.work_out(request.url, network)
        if self._pool is None:
            names = Names(self._resolver(), self._limits.dns_ttl_s)
            self._pool = Pool(self._limits, names)
        bound(self._last, ROUTES)
        course = self._last[request.url] = (route, self._pool.site(route.way))
        return course

    async def _connected(self, course: tuple[Route, Site], started: float, *, fresh: bool) -> Wire:
        """A connection within the time for that, and within what is left for the head."""
        route, site = course
        network = route.network
        left = started + network.first_byte_s - site.loop.time()
        seconds = min(network.connect_s, left)
        try:
            with Within(seconds):
                return await site.connection(fresh=fresh)
        except TimeoutError:
            bound_s = min(network.connect_s, network.first_byte_s)
            raise failures.connect_timeout(route.host, bound_s) from None

    def _stale(self, wire: Wire, reply: PooledReply) -> bool:
        """The connection had served before, and broke without a byte of a reply and early."""
        return (
            reply.connection == "reused"
            and not wire.heard
            and reply.loop.time() - wire.asked <= self._limits.stale_s
        )


def _check(reply: PooledReply, route: Route) -> None:
    """Raises where there is no head, or one that leads elsewhere."""
    if 300 <= reply.status < 400:
        reply.end()
        raise failures.redirected(route.host, reply.status)
    if reply.status:
        return
    match reply.broken:
        case "disconnected":
            raise failures.disconnected(route.host)
        case "expired":
            raise failures.first_byte_timeout(route.host, route.network.first_byte_s)
        case "closed":
            raise failures.closed()
        case _:
            raise failures.malformed(route.host)
