"""Names to addresses: asked once at a time, kept for a while, judged before anyone sees them."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from portico.adapters.upstream.failures import AddressRefused
from portico.security.addresses import refuse_address

_NAMES = 1024


class Resolver(Protocol):
    """Looks up a name."""

    async def resolve(self, host: str) -> Sequence[str]:
        """Addresses as text, the preferred one first. Raises OSError where there is none."""
        ...


class SystemResolver:
    """The operating system's own lookup, in a thread."""

    async def resolve(self, host: str) -> Sequence[str]:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        return [str(address[0]) for *_, address in found]


class Names:
    """A bounded cache before a resolver. Failures are not kept."""

    def __init__(self, resolver: Resolver, ttl_s: float) -> None:
        self._resolver = resolver
        self._ttl_s = ttl_s
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._asked: dict[str, asyncio.Task[list[str]]] = {}

    async def find(self, host: str) -> list[str]:
        """The addresses that may be connected to. They take turns in being the first.

        Raises AddressRefused where all are refused, another OSError where there is none.
        """
        now = asyncio.get_running_loop().time()
        expires, addresses = self._known.get(host, (0.0, []))
        if now >= expires:
            task = self._ask(host)
            await asyncio.wait([task])  # cancelled, it leaves the lookup to the others
            if task.cancelled():
                raise OSError("the lookup was called off")
            addresses = task.result()
        found = list(addresses)
        addresses.append(addresses.pop(0))
        return found

    def close(self) -> None:
        for task in self._asked.values():
            task.cancel()

    def _ask(self, host: str) -> asyncio.Task[list[str]]:
        if (task := self._asked.get(host)) is None:
            task = asyncio.get_running_loop().create_task(self._resolve(host))
            self._asked[host] = task
            task.add_done_callback(lambda done: self._answered(host, done))
        return task

    def _answered(self, host: str, task: asyncio.Task[list[str]]) -> None:
        del self._asked[host]
        if task.cancelled() or task.exception() is not None:
            return  # whoever waits has been told; perhaps nobody does any more
        self._known.pop(host, None)
        while len(self._known) >= _NAMES:
            del self._known[next(iter(self._known))]
        self._known[host] = (task.get_loop().time() + self._ttl_s, task.result())

    async def _resolve(self, host: str) -> list[str]:
        found = list(dict.fromkeys(await self._resolver.resolve(host)))
        if not found:
            raise OSError(f"no address for {host}")
        allowed = [address for address in found if refuse_address(ip_address(address)) is None]
        if not allowed:
            check_address(found[0])
        return allowed


def check_address(text: str) -> None:
    """Raises AddressRefused for an address that is never connected to."""
    if (refusal := refuse_address(ip_address(text))) is not None:
        raise AddressRefused(refusal.kind, refusal.reason)
