"""What is worked out once per URL and network settings, so that a request need not."""

import asyncio
import re
import ssl
from typing import TypeVar

import aiohttp
import msgspec
from yarl import URL

from portico.adapters.upstream.failures import failed, refused
from portico.contract.snapshot import Network
from portico.security.addresses import refuse_host

_ROUTES = 1024
_CONTEXTS = 64
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f]")
_K = TypeVar("_K")
_V = TypeVar("_V")


class Route(msgspec.Struct, frozen=True):
    url: URL
    host: str
    """Host and port, for messages."""
    network: Network
    timeout: aiohttp.ClientTimeout
    tls: ssl.SSLContext | bool
    proxy: URL | None


class Routes:
    """A bounded cache of routes and of TLS contexts, which take milliseconds to load."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, Network], Route] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}

    def known(self, url: str, network: Network) -> Route | None:
        return self._routes.get((url, network))

    async def work_out(self, url: str, network: Network) -> Route:
        """Raises UpstreamFailed where the URL, its address or the CA file cannot be used."""
        target = _checked(url, network)
        route = Route(
            url=target,
            host=_place(target),
            network=network,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=network.connect_s, ceil_threshold=network.connect_s
            ),
            tls=await self._tls(network.ca_file) if network.ca_file else True,
            proxy=_proxy(network.proxy) if network.proxy else None,
        )
        _bound(self._routes, _ROUTES)
        self._routes[url, network] = route
        return route

    async def _tls(self, ca_file: str) -> ssl.SSLContext:
        if (context := self._contexts.get(ca_file)) is None:
            context = await asyncio.to_thread(_context, ca_file)
            _bound(self._contexts, _CONTEXTS)
            context = self._contexts.setdefault(ca_file, context)
        return context


def _bound(cache: dict[_K, _V], size: int) -> None:
    while len(cache) >= size:
        del cache[next(iter(cache))]


def _checked(url: str, network: Network) -> URL:
    target = _parse(url)
    if target is None:
        raise failed(
            "address", "url", "The provider's base_url is not an http or https URL with a host."
        )
    if target.raw_user is not None or target.raw_password is not None:
        raise failed(
            "address",
            "url",
            f"The base_url for {_place(target)} holds a user or password; move the credential "
            "to the provider's api_key or headers.",
        )
    refusal = refuse_host(target.raw_host or "", allow_private=network.allow_private)
    if refusal is not None:
        raise refused(_place(target), refusal.kind, refusal.reason)
    return target


def _proxy(url: str) -> URL:
    proxy = _parse(url)
    if proxy is None:
        raise failed("connect", "proxy", "The provider's network.proxy is not an http(s) URL.")
    if (refusal := refuse_host(proxy.raw_host or "", allow_private=True)) is not None:
        raise refused(_place(proxy), refusal.kind, refusal.reason)
    return proxy


def _parse(url: str) -> URL | None:
    """An http(s) URL with a host, byte for byte: a signature covers it. yarl encodes what is not
    ASCII. None for anything else."""
    if _NOT_IN_A_URL.search(url):
        return None
    try:
        parsed = URL(url, encoded=url.isascii())
        usable = parsed.scheme in ("http", "https") and parsed.raw_host and parsed.port
    except ValueError:
        return None
    return parsed if usable else None


def _place(url: URL) -> str:
    return f"{url.host_subcomponent}:{url.port}"


def _context(ca_file: str) -> ssl.SSLContext:
    """TLS that trusts the CAs of this file alone, as `curl --cacert` does. Blocks."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise failed(
            "tls",
            "ca_file",
            f"The CA file {ca_file} was not loaded ({error.strerror or 'no certificate in it'}); "
            "set the provider's network.ca_file to a PEM file that this process can read.",
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
