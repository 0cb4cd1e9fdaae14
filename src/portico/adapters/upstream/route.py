"""What is worked out once per URL and network settings, so that a request need not."""

import asyncio
import base64
import re
import ssl
from typing import TypeVar
from urllib.parse import quote, unquote_to_bytes

import msgspec

from portico import __version__
from portico.adapters.upstream.failures import failed, refused, unwritable
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Network
from portico.security.addresses import refuse_host

ROUTES = 1024
_CONTEXTS = 64
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f]")
_URL = re.compile(r"(https?)://([^/?#\\]+)([^#]*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[^\[\]@]+\]|[^\[\]@:]+)(?::([0-9]{0,5}))?")
_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9._~-]+")
_DIFFERENTLY_MAPPED = re.compile("[\u00df\u03c2\u200c\u200d]")
"""Characters that the two standards of international names do not map alike (UTS 46, §1.3.1)."""
_PORTS = {"http": 80, "https": 443}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_A_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = frozenset(("content-length", "transfer-encoding", "trailer", "upgrade"))
_DEFAULTS = (
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", f"portico/{__version__}"),
)
"""Sent unless the request names them."""
_K = TypeVar("_K")
_V = TypeVar("_V")


class Url(msgspec.Struct, frozen=True):
    """An http(s) URL with a host. `target` is byte for byte what stood there: a signature covers
    it."""

    scheme: str
    host: str
    """In lower case; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query."""
    user: str | None = None

    @property
    def named(self) -> str:
        """As a Host field has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host.rstrip(".")
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def place(self) -> str:
        """Host and port, for messages and for CONNECT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class End(msgspec.Struct, frozen=True):
    """One end of a connection."""

    host: str
    port: int
    place: str
    tls: ssl.SSLContext | None = None
    authorization: bytes = b""
    """Of a proxy: the field with its line break."""


class Way(msgspec.Struct, frozen=True):
    """How a connection is made. With a proxy, it is the proxy that looks up the target."""

    target: End
    proxy: End | None = None
    key: tuple[str, str, int, str, str] = ("", "", 0, "", "")
    """Connections with the same key serve each other's requests."""


class Route:
    """The way to a URL, and its request heads as bytes as far as they do not change."""

    __slots__ = ("_head", "_headers", "_host", "_line", "_method", "host", "network", "way")

    def __init__(self, url: Url, network: Network, way: Way) -> None:
        self.host = url.place
        """Host and port, for messages."""
        self.network = network
        self.way = way
        plain_proxy = way.proxy is not None and url.scheme == "http"
        target = f"http://{url.named}{url.target}" if plain_proxy else url.target
        self._line = f" {target} HTTP/1.1\r\n".encode()
        self._host = url.named
        self._method = ""
        self._headers: tuple[tuple[str, str], ...] = ()
        self._head = b""

    def head(self, request: UpstreamRequest) -> bytes:
        """The head of a request, its empty line included. Raises UpstreamFailed where a header
        cannot be written. Only the headers of the last request are kept."""
        if request.headers != self._headers or request.method != self._method:
            self._head = self._written(request)
            self._headers, self._method = request.headers, request.method
        if request.body or request.method == "POST":
            return b"%sContent-Length: %d\r\n\r\n" % (self._head, len(request.body))
        return self._head + b"\r\n"

    def _written(self, request: UpstreamRequest) -> bytes:
        named = {name.lower() for name, _ in request.headers}
        fields = [(name, value) for name, value in _DEFAULTS if name.lower() not in named]
        if "host" not in named:
            fields.insert(0, ("Host", self._host))
        fields.extend(request.headers)
        if named & _FRAMING or not all(_writable(name, value) for name, value in fields):
            raise unwritable(self.host)
        try:
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields).encode()
        except UnicodeEncodeError:
            raise unwritable(self.host) from None
        proxy = self.way.proxy
        extra = proxy.authorization if proxy is not None and self.way.target.tls is None else b""
        return request.method.encode() + self._line + lines + extra


def _writable(name: str, value: str) -> bool:
    return bool(_HEADER_NAME.fullmatch(name)) and not _NOT_IN_A_VALUE.search(value)


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
        proxy = _proxy(network.proxy) if network.proxy else None
        secure = target.scheme == "https"
        ca_file = network.ca_file if secure else ""
        way = Way(
            target=End(
                target.host,
                target.port,
                target.place,
                await self._tls(ca_file) if secure else None,
            ),
            proxy=await self._proxy_end(proxy) if proxy else None,
            key=(target.scheme, target.host, target.port, ca_file, network.proxy),
        )
        route = Route(target, network, way)
        bound(self._routes, ROUTES)
        self._routes[url, network] = route
        return route

    async def _proxy_end(self, proxy: Url) -> End:
        authorization = b""
        if proxy.user is not None:
            encoded = base64.b64encode(unquote_to_bytes(proxy.user))
            authorization = b"Proxy-Authorization: Basic " + encoded + b"\r\n"
        tls = await self._tls("") if proxy.scheme == "https" else None
        return End(proxy.host, proxy.port, proxy.place, tls, authorization)

    async def _tls(self, ca_file: str) -> ssl.SSLContext:
        if (context := self._contexts.get(ca_file)) is None:
            context = await asyncio.to_thread(_context, ca_file)
            bound(self._contexts, _CONTEXTS)
            context = self._contexts.setdefault(ca_file, context)
        return context


def bound(cache: dict[_K, _V], size: int) -> None:
    """Makes room for one more entry by forgetting the oldest."""
    while len(cache) >= size:
        del cache[next(iter(cache))]


def _checked(url: str, network: Network) -> Url:
    target = parse(url)
    if target is None:
        raise failed(
            "address", "url", "The provider's base_url is not an http or https URL with a host."
        )
    if target.user is not None:
        raise failed(
            "address",
            "url",
            f"The base_url for {target.place} holds a user or password; move the credential "
            "to the provider's api_key or headers.",
        )
    refusal = refuse_host(target.host, allow_private=network.allow_private)
    if refusal is not None:
        raise refused(target.place, refusal.kind, refusal.reason)
    return target


def _proxy(url: str) -> Url:
    proxy = parse(url)
    if proxy is None:
        raise failed("connect", "proxy", "The provider's network.proxy is not an http(s) URL.")
    if (refusal := refuse_host(proxy.host, allow_private=True)) is not None:
        raise refused(proxy.place, refusal.kind, refusal.reason)
    return proxy


def parse(url: str) -> Url | None:
    """ASCII stays as it is; what is not ASCII is encoded, in the path as UTF-8. None for anything
    but an http(s) URL with a host."""
    if _NOT_IN_A_URL.search(url) or (parts := _URL.match(url)) is None:
        return None
    scheme, authority, rest = parts.groups()
    if (match := _AUTHORITY.fullmatch(authority)) is None:
        return None
    user, named, port_text = match.groups()
    if (host := _ascii(named)) is None:
        return None
    scheme = scheme.lower()
    port = int(port_text or _PORTS[scheme])
    if not 0 < port < 65536:
        return None
    target = rest if rest.startswith("/") else f"/{rest}"
    if not target.isascii():
        target = "".join(c if c.isascii() else quote(c, errors="surrogatepass") for c in target)
    return Url(scheme, host.strip("[]"), port, target, user)


def _ascii(host: str) -> str | None:
    """The host as it is looked up and sent, or None where it is no host."""
    if not host.isascii():
        if _DIFFERENTLY_MAPPED.search(host):
            return None
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return None
    host = host.lower()
    return host if _HOST.fullmatch(host) else None


def _context(ca_file: str) -> ssl.SSLContext:
    """TLS that trusts the CAs of this file alone, as `curl --cacert` does; without a file, the
    system's. Blocks."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise failed(
            "tls",
            "ca_file",
            f"The CA file {ca_file} was not loaded ({error.strerror or 'no certificate in it'}); "
            "set the provider's network.ca_file to a PEM file that this process can read.",
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
