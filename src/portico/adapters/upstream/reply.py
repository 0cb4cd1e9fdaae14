"""A reply: its head, its body within bounds, its end at once when asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Literal, Protocol

from portico.adapters.upstream import failures
from portico.adapters.upstream.decoding import Bomb, Garbled, Inflater, known
from portico.adapters.upstream.headers import Headers
from portico.adapters.upstream.route import Route

Broken = Literal["", "disconnected", "malformed", "expired", "closed"]

_NONE = Headers({})


class Line(Protocol):
    """What a reply needs of the connection that it comes on."""

    address: str
    private: bool

    def abort(self) -> None: ...

    def watch(self, seconds: float) -> None: ...

    def unwatch(self) -> None: ...

    def resume(self) -> None: ...


class PooledReply:
    """Satisfies `contract.ports.UpstreamReply`. The body can be read once, whole or in chunks.

    The connection fills it in: `status` and `headers` when the head is there, `parts` as the
    body comes, then `done` or `broken`. It wakes the one who waits, and nobody else may.
    """

    __slots__ = (
        "_line",
        "_route",
        "_size",
        "_tap",
        "address",
        "broken",
        "connection",
        "done",
        "headers",
        "held",
        "loop",
        "parts",
        "patience",
        "private",
        "status",
        "waiter",
    )

    status: int
    headers: Mapping[str, str]
    address: str
    private: bool
    connection: Literal["new", "reused", "retried"]

    def __init__(
        self,
        line: Line,
        route: Route,
        loop: asyncio.AbstractEventLoop,
        connection: Literal["new", "reused", "retried"],
    ) -> None:
        self.status = 0
        self.headers = _NONE
        self.address = line.address
        self.private = line.private
        self.connection = connection
        self.loop = loop
        self.parts: list[bytes] = []
        self.held = 0
        """Bytes of `parts`."""
        self.done = False
        self.broken: Broken = ""
        self.waiter: asyncio.Future[None] | None = None
        self._line = line
        self._route = route
        self._size = 0
        self._tap: Callable[[bytes], bool] | None = None
        self.patience = route.network.between_chunks_s

    def wake(self) -> None:
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def head(self) -> None:
        """Waits until the head is there or the reply is broken. Cancelled, it gives up."""
        if self.status or self.broken:
            return
        self.waiter = waiter = self.loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self.end()
            raise

    async def chunks(self) -> AsyncIterator[bytes]:
        """Decoded pieces as they come. Raises UpstreamFailed when the body breaks, stalls or
        grows over its bound; the connection is closed then."""
        try:
            inflater = self._inflater()
            while data := (self._take() if self.parts else await self._next()):
                if inflater is None:
                    yield data
                    continue
                for piece in self._inflated(inflater, data):
                    yield piece
            if inflater is not None:
                self._finish(inflater)
        finally:
            self.end()

    def tap(self, take: Callable[[bytes], bool]) -> None:
        """While the reader of `chunks` waits, `take` gets what comes, without its being woken.

        `take` must not raise. What it returns False for goes to the reader, as does the last
        piece, and all of a body that is to be decoded first.
        """
        if self._inflater() is None:
            self._tap = take

    def tapped(self) -> bool:
        """Whether what has come was taken: then the reader sleeps on."""
        take, waiter = self._tap, self.waiter
        if take is None or waiter is None or waiter.done():
            return False
        parts = self.parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        size = self._size + len(data)
        if size > self._route.network.max_response_bytes or not take(data):
            return False
        self._size = size
        self.held = 0
        parts.clear()
        return True

    async def read(self) -> bytes:
        """The whole decoded body. Raises as `chunks` does."""
        if "content-encoding" in self.headers:
            return b"".join([chunk async for chunk in self.chunks()])
        if self.done:
            return self._take()
        parts = []
        try:
            while data := await self._next():
                parts.append(data)
        finally:
            self.end()
        return b"".join(parts)

    async def close(self) -> None:
        self.end()

    def end(self) -> None:
        """Closes the connection, unless the reply is complete and the pool has it back."""
        if not self.done:
            self.broken = self.broken or "closed"
            self.parts.clear()
            self.held = 0
            self._line.abort()
            self.wake()

    async def _next(self) -> bytes:
        """What came since the last time, or else what comes next; nothing at the end."""
        route = self._route
        while not (self.parts or self.done or self.broken):
            self.waiter = waiter = self.loop.create_future()
            self._line.watch(route.network.between_chunks_s)
            try:
                await waiter
            finally:
                if not self.done:
                    self._line.unwatch()
        if self.parts or self.done:
            return self._take()
        if self.broken == "expired":
            raise failures.stalled(route.host, route.network.between_chunks_s)
        raise failures.cut(route.host)

    def _take(self) -> bytes:
        parts = self.parts
        if not parts:
            return b""
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.held = 0
        if not self.done:
            self._line.resume()
        self._grow(len(data))
        return data

    def _grow(self, size: int) -> None:
        self._size += size
        bound = self._route.network.max_response_bytes
        if self._size > bound:
            raise failures.too_large(self._route.host, bound)

    def _inflater(self) -> Inflater | None:
        coding = self.headers.get("content-encoding", "").strip().lower()
        if coding in ("", "identity"):
            return None
        if not known(coding):
            raise failures.coded(self._route.host)
        return Inflater(coding)

    def _inflated(self, inflater: Inflater, data: bytes) -> Iterator[bytes]:
        """What came counts toward the bound, and what it becomes as well."""
        try:
            for piece in inflater.feed(data):
                self._grow(len(piece))
                yield piece
        except (Bomb, Garbled) as error:
            raise failures.inflated(self._route.host, error) from error

    def _finish(self, inflater: Inflater) -> None:
        try:
            inflater.close()
        except Garbled as error:
            raise failures.inflated(self._route.host, error) from error
