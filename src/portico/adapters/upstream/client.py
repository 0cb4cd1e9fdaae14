"""The Upstream port over aiohttp: pooled connections, every wait bounded, one safe retry."""

import io
from collections.abc import Callable
from typing import Literal

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver

from portico import __version__
from portico.adapters.upstream import failures
from portico.adapters.upstream.pool import LEG, CheckedResolver, Leg, Pool
from portico.adapters.upstream.reply import AiohttpReply
from portico.adapters.upstream.route import Route, Routes
from portico.adapters.upstream.waiting import Within
from portico.contract.errors import UpstreamFailed
from portico.contract.ports import UpstreamRequest

_LARGE = 1024 * 1024
"""aiohttp writes larger bodies from a file object, so that one write does not hold the loop."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    connections: int = 1000
    per_host: int = 0
    """0: as many as `connections`."""
    keepalive_s: float = 30.0
    dns_ttl_s: int = 10
    stale_s: float = 2.0
    """A reused connection that breaks within this time of taking the request was closed before
    the request reached the upstream. One that breaks later was at work on it: sending the
    request again could pay for it twice."""


class AiohttpUpstream:
    """Satisfies `contract.ports.Upstream`. Opens nothing before its first `send`; belongs to the
    event loop of that."""

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        resolver: Callable[[], AbstractResolver] = aiohttp.ThreadedResolver,
    ) -> None:
        self._limits = limits
        self._resolver = resolver
        self._routes = Routes()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(self, request: UpstreamRequest) -> AiohttpReply:
        """Sends and waits for the head of the reply. Cancelling it closes the connection.

        Raises UpstreamFailed, whose detail has "stage" and "kind"; a redirect is one, too.
        """
        network = request.network
        route = self._routes.known(request.url, network)
        if route is None:
            route = await self._routes.work_out(request.url, network)
        leg = Leg(fresh=False)
        try:
            with Within(network.first_byte_s):
                try:
                    response = await self._exchange(request, route, leg)
                except aiohttp.ClientConnectionError:
                    if not leg.stale(self._limits.stale_s):
                        raise
                    leg = Leg(fresh=True)
                    response = await self._exchange(request, route, leg)
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            # RuntimeError: what uvloop and a closing session raise in the place of an OSError.
            raise _failure(error, leg, route) from error
        return _reply(response, leg, route)

    async def close(self) -> None:
        """Closes every connection at once. May be called twice."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(
        self, request: UpstreamRequest, route: Route, leg: Leg
    ) -> aiohttp.ClientResponse:
        session = self._session or self._open()
        LEG.set(leg)
        body = request.body
        return await session.request(
            request.method,
            route.url,
            data=io.BytesIO(body) if len(body) > _LARGE else body or None,
            headers=request.headers,
            allow_redirects=False,
            ssl=route.tls,
            proxy=route.proxy,
            timeout=route.timeout,
            middlewares=_ONCE if request.method == "GET" else None,
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise failures.closed()
        limits = self._limits
        pool = Pool(
            CheckedResolver(self._resolver()),
            limit=limits.connections,
            limit_per_host=limits.per_host,
            keepalive_timeout=limits.keepalive_s,
            ttl_dns_cache=limits.dns_ttl_s,
        )
        self._session = aiohttp.ClientSession(
            connector=pool,
            cookie_jar=_NoCookies(),
            auto_decompress=False,
            trust_env=False,
            headers=_HEADERS,
        )
        return self._session


_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": f"portico/{__version__}",
}
"""Sent unless the request names them. aiohttp would add its own where one is missing."""


class _NoCookies(aiohttp.DummyCookieJar):
    """Providers' edges set a cookie on every reply: do not even parse it."""

    def update_cookies_from_headers(self, headers: object, response_url: object) -> None:
        pass


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp sends a GET again on its own after some errors; make those errors others."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


_ONCE = (_once,)


def _failure(error: Exception, leg: Leg, route: Route) -> UpstreamFailed:
    network = route.network
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError):
        if leg.wire is None:
            return failures.connect_timeout(route.host, network.first_byte_s)
        return failures.first_byte_timeout(route.host, network.first_byte_s)
    return failures.on_send(error, route.host, network.connect_s)


def _reply(response: aiohttp.ClientResponse, leg: Leg, route: Route) -> AiohttpReply:
    assert leg.wire is not None
    if 300 <= response.status < 400:
        response.close()
        raise failures.redirected(route.host, response.status)
    how: Literal["new", "reused", "retried"] = "reused" if leg.reused else "new"
    return AiohttpReply(response, leg.wire, "retried" if leg.fresh else how, route)
