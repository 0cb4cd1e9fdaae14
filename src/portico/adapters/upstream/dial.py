"""Makes connections: addresses, TCP, the proxy's tunnel, TLS."""

import asyncio
import socket
from ipaddress import IPv6Address, ip_address
from typing import Any

from portico.adapters.upstream import failures
from portico.adapters.upstream.connection import Wire
from portico.adapters.upstream.failures import AddressRefused
from portico.adapters.upstream.resolve import Names, check_address
from portico.adapters.upstream.route import End, Way
from portico.adapters.upstream.tunnel import tunnel

_STAGGER_S = 0.25
"""Until the next address is tried beside one that does not answer (RFC 8305, section 5)."""

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


async def dial(way: Way, names: Names) -> Wire:
    """A new connection, TLS included. Raises UpstreamFailed. Cancelling it leaves nothing open."""
    loop = asyncio.get_running_loop()
    end = way.proxy or way.target
    sock = await _reach(way, end, names)
    try:
        if way.proxy is not None and way.target.tls is not None:
            return await tunnel(sock, way.proxy, way.target)
        _, wire = await loop.create_connection(
            lambda: Wire(loop),
            sock=sock,
            ssl=end.tls,
            server_hostname=server_name(end) if end.tls else None,
        )
    except (OSError, RuntimeError) as error:  # RuntimeError: uvloop's word for some OSErrors
        sock.close()
        raise failures.handshake(end.place, error) from error
    except BaseException:  # a cancellation, too, leaves nothing open
        sock.close()
        raise
    return wire


def server_name(end: End) -> str:
    return end.host.rstrip(".")


async def _reach(way: Way, end: End, names: Names) -> socket.socket:
    """A TCP connection to one of the end's addresses, in words where there is none."""
    try:
        addresses = await _addresses(end, names)
        return await _first([_info(address, end.port) for address in addresses])
    except AddressRefused as error:
        raise failures.refused(end.place, error.kind, error.reason) from error
    except (OSError, RuntimeError) as error:
        if way.proxy is not None:
            raise failures.proxy_away(way.target.place) from error
        raise failures.unreachable(end.place, error) from error


async def _addresses(end: End, names: Names) -> list[str]:
    if _is_address(end.host):
        return [end.host]
    try:
        return await names.find(end.host)
    except AddressRefused:
        raise
    except (OSError, UnicodeError) as error:
        raise failures.unresolved(end.place) from error


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _info(address: str, port: int) -> AddressInfo:
    if isinstance(ip_address(address), IPv6Address):
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)


def guarded_socket(info: AddressInfo) -> socket.socket:
    """Makes the socket for one address, or refuses. Nothing connects without passing here.

    Raises AddressRefused.
    """
    family, kind, protocol, _, address = info
    check_address(str(address[0]))
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return made


async def _connected(info: AddressInfo) -> socket.socket:
    made = guarded_socket(info)
    try:
        await asyncio.get_running_loop().sock_connect(made, info[4])
    except BaseException:  # a cancellation, too, leaves nothing open
        made.close()
        raise
    return made


async def _first(ways: list[AddressInfo]) -> socket.socket:
    """The first that connects; each further address is tried when the ones before it have failed
    or take long. Raises the OSError of the first that failed."""
    if len(ways) == 1:
        return await _connected(ways[0])
    left = ways[::-1]
    running: set[asyncio.Task[socket.socket]] = set()
    failed: BaseException | None = None
    try:
        while left or running:
            if left:
                running.add(asyncio.get_running_loop().create_task(_connected(left.pop())))
            await asyncio.wait(
                running,
                timeout=_STAGGER_S if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in [task for task in running if task.done()]:
                running.remove(task)
                if (error := task.exception()) is None:
                    return task.result()
                failed = failed or error
    finally:
        _discard(running)
    assert failed is not None
    raise failed


def _discard(running: set[asyncio.Task[socket.socket]]) -> None:
    for task in running:
        task.add_done_callback(_close)
        task.cancel()


def _close(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
