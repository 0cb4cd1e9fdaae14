"""A way through a proxy: CONNECT, and TLS to the target within it."""

import asyncio
import re
import socket

from portico.adapters.upstream import failures
from portico.adapters.upstream.connection import Wire
from portico.adapters.upstream.route import End

_HEAD_BYTES = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([2-5][0-9]{2})(?: [^\r\n]*)?\r\n")


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Garbled(Exception):
    pass


class _Answer(asyncio.Protocol):
    """Reads the proxy's answer to CONNECT. `established` ends with _Refused, _Garbled or well."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.established: asyncio.Future[None] = loop.create_future()
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if self.established.done():
            return
        if not end:
            if len(self._data) > _HEAD_BYTES:
                self.established.set_exception(_Garbled())
            return
        status = _STATUS.match(head + b"\r\n")
        if status is None:
            self.established.set_exception(_Garbled())
        elif not status[1].startswith(b"2"):
            self.established.set_exception(_Refused(int(status[1])))
        elif rest:  # the target cannot have spoken: in TLS it is the client who begins
            self.established.set_exception(_Garbled())
        else:
            self.established.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.established.done():
            self.established.set_exception(_Garbled())


async def tunnel(sock: socket.socket, proxy: End, target: End) -> Wire:
    """TLS to the target through the proxy at the other end of `sock`. Raises UpstreamFailed."""
    loop = asyncio.get_running_loop()
    assert target.tls is not None
    transport = await _established(sock, proxy, target)
    wire = Wire(loop)
    try:
        secure = await loop.start_tls(
            transport, wire, target.tls, server_hostname=target.host.rstrip(".")
        )
    except (OSError, RuntimeError) as error:  # RuntimeError: uvloop's word for some OSErrors
        transport.abort()
        raise failures.handshake(target.place, error) from error
    except BaseException:  # a cancellation, too, leaves nothing open
        transport.abort()
        raise
    if secure is None:  # what asyncio gives for a transport that was lost meanwhile
        raise failures.proxy_garbled(target.place)
    wire.connection_made(secure)
    return wire


async def _established(sock: socket.socket, proxy: End, target: End) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    try:
        transport, answer = await loop.create_connection(
            lambda: _Answer(loop),
            sock=sock,
            ssl=proxy.tls,
            server_hostname=proxy.host.rstrip(".") if proxy.tls else None,
        )
    except (OSError, RuntimeError) as error:  # RuntimeError: uvloop's word for some OSErrors
        raise failures.handshake(proxy.place, error) from error
    place = target.place.encode()
    transport.write(
        b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (place, place, proxy.authorization)
    )
    try:
        await answer.established
    except _Refused as error:
        transport.abort()
        raise failures.proxy_refused(target.place, error.status) from None
    except _Garbled:
        transport.abort()
        raise failures.proxy_garbled(target.place) from None
    except BaseException:  # a cancellation, too, leaves nothing open
        transport.abort()
        raise
    return transport
