"""Connections by host: the last one used is the next, and whoever waits is served in turn.

Law of the file: a place is taken before a connection is made and given back once, when the
connection is lost or was never made. Waiting requests are looked at whenever a place or a
connection comes free; so nobody who comes later overtakes them.
"""

import asyncio
import contextlib
from collections import deque

import msgspec

from portico.adapters.upstream import failures
from portico.adapters.upstream.connection import Wire
from portico.adapters.upstream.dial import dial
from portico.adapters.upstream.resolve import Names
from portico.adapters.upstream.route import Way
from portico.contract.errors import UpstreamFailed

_SITES = 1024
_WAITING = 10_000


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    connections: int = 1000
    per_host: int = 0
    """0: as many as `connections`."""
    keepalive_s: float = 30.0
    dns_ttl_s: float = 10.0
    stale_s: float = 2.0
    """A reused connection that breaks within this time of taking the request was closed before
    the request reached the upstream. One that breaks later was at work on it: sending the
    request again could pay for it twice."""
    waiting: int = _WAITING
    """Requests that may wait for a connection; one more fails at once."""


class Site:
    """The connections of one way. Satisfies `connection.Home`."""

    __slots__ = ("_pool", "idle", "loop", "open", "way")

    def __init__(self, pool: "Pool", way: Way) -> None:
        self._pool = pool
        self.loop = pool.loop
        self.way = way
        self.idle: list[Wire] = []
        """The one used last at the end."""
        self.open = 0
        """Places taken: idle, busy, being made."""

    def take(self) -> Wire | None:
        while self.idle:
            wire = self.idle.pop()
            if not wire.closing:
                return wire
        return None

    async def connection(self, *, fresh: bool) -> Wire:
        """Of the pool."""
        return await self._pool.connection(self, fresh=fresh)

    def rest(self, wire: Wire) -> None:
        self._pool.rest(self, wire)

    def lost(self, wire: Wire) -> None:
        self._pool.lost(self, wire)


class _Waiter(msgspec.Struct, eq=False):
    site: Site
    fresh: bool
    turn: "asyncio.Future[Wire | None]"
    """A connection to use, or None: a place for a new one."""


class Pool:
    """Belongs to the event loop in which it was made."""

    def __init__(self, limits: Limits, names: Names) -> None:
        self.loop = asyncio.get_running_loop()
        self._limits = limits
        self._names = names
        self._sites: dict[tuple[str, str, int, str, str], Site] = {}
        self._used: set[Site] = set()
        """Those that have connections."""
        self._wires: set[Wire] = set()
        self._open = 0
        self._queue: deque[_Waiter] = deque()
        self._serving = False
        self._closed = False
        self._sweep_at: asyncio.TimerHandle | None = None

    def site(self, way: Way) -> Site:
        site = self._sites.get(way.key)
        if site is None:
            if len(self._sites) >= _SITES:
                self._sites = {key: kept for key, kept in self._sites.items() if kept.open}
            site = self._sites[way.key] = Site(self, way)
        return site

    async def connection(self, site: Site, *, fresh: bool) -> Wire:
        """An idle connection (never where it has to be `fresh`), or else a new one, in turn.

        Raises UpstreamFailed.
        """
        wire = await self._place(site, fresh)
        if wire is not None:
            return wire
        try:
            wire = await dial(site.way, self._names)
        except BaseException as error:  # a cancellation, too, gives the place back
            self._release(site)
            if self._closed and isinstance(error, UpstreamFailed):
                raise failures.closed() from None
            raise
        self._wires.add(wire)
        wire.home = site
        if wire.gone:
            self.lost(site, wire)
        if self._closed:
            wire.abort()
            raise failures.closed()
        return wire

    def rest(self, site: Site, wire: Wire) -> None:
        """The connection is free."""
        wire.idle_since = self.loop.time()
        site.idle.append(wire)
        if self._queue:
            self._serve()
        if self._sweep_at is None and site.idle:
            self._sweep_at = self.loop.call_later(self._limits.keepalive_s, self._sweep)

    def lost(self, site: Site, wire: Wire) -> None:
        """The connection is no more."""
        if wire in self._wires:
            self._wires.remove(wire)
            if wire in site.idle:
                site.idle.remove(wire)
            self._release(site)

    def close(self) -> None:
        """Ends every connection at once."""
        self._closed = True
        if self._sweep_at is not None:
            self._sweep_at.cancel()
        for waiter in self._queue:
            if not waiter.turn.done():
                waiter.turn.set_exception(failures.closed())
        self._queue.clear()
        for wire in list(self._wires):
            wire.fail("closed")
        self._names.close()

    async def _place(self, site: Site, fresh: bool) -> Wire | None:
        if self._closed:
            raise failures.closed()
        if not fresh and (wire := site.take()) is not None:
            return wire
        if self._occupied(site):
            return None
        if len(self._queue) >= self._limits.waiting:
            raise failures.crowded(site.way.target.place, len(self._queue))
        waiter = _Waiter(site, fresh, self.loop.create_future())
        self._queue.append(waiter)
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: _Waiter) -> None:
        """Cancelled while it waited, or just when its turn had come."""
        turn = waiter.turn
        if not turn.done() or turn.cancelled():
            with contextlib.suppress(ValueError):  # the pool was closed meanwhile
                self._queue.remove(waiter)
        elif turn.exception() is None:
            wire = turn.result()
            if wire is None:
                self._release(waiter.site)
            elif not wire.gone:
                self.rest(waiter.site, wire)

    def _release(self, site: Site) -> None:
        site.open -= 1
        self._open -= 1
        if not site.open:
            self._used.discard(site)
        self._serve()

    def _serve(self) -> None:
        if self._serving:
            return
        self._serving = True
        passed: list[_Waiter] = []
        while self._queue:
            waiter = self._queue.popleft()
            if waiter.turn.done() or not self._granted(waiter):
                passed.append(waiter)
                if self._full():
                    break
        self._queue.extendleft(reversed(passed))
        self._serving = False

    def _granted(self, waiter: _Waiter) -> bool:
        wire = None if waiter.fresh else waiter.site.take()
        if wire is None and not self._occupied(waiter.site):
            return False
        waiter.turn.set_result(wire)
        return True

    def _occupied(self, site: Site) -> bool:
        """Takes a place for a new connection, an idle one's if need be."""
        limits = self._limits
        if limits.per_host and site.open >= limits.per_host and not self._evicted(site):
            return False
        if self._open >= limits.connections and not self._evicted(self._longest_idle()):
            return False
        site.open += 1
        self._open += 1
        self._used.add(site)
        return True

    def _full(self) -> bool:
        return self._open >= self._limits.connections and self._longest_idle() is None

    def _longest_idle(self) -> Site | None:
        idle = [site for site in self._used if site.idle]
        return min(idle, key=lambda site: site.idle[0].idle_since, default=None)

    def _evicted(self, site: Site | None) -> bool:
        if site is None or not site.idle:
            return False
        serving, self._serving = self._serving, True  # the place is for the one who evicts
        site.idle[0].abort()
        self._serving = serving
        return True

    def _sweep(self) -> None:
        """Ends the connections that were idle for long; set again for the next one."""
        self._sweep_at = None
        now = self.loop.time()
        until = now - self._limits.keepalive_s
        oldest = now
        for site in list(self._used):
            while site.idle and site.idle[0].idle_since <= until:
                site.idle[0].abort()
            if site.idle:
                oldest = min(oldest, site.idle[0].idle_since)
        if any(site.idle for site in self._used) and not self._closed:
            wait = max(oldest - until, 0.001)
            self._sweep_at = self.loop.call_later(wait, self._sweep)
