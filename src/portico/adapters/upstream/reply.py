"""A reply whose head has come: its body within bounds, its end at once when asked."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Literal

import aiohttp

from portico.adapters.upstream import failures
from portico.adapters.upstream.decoding import Bomb, Garbled, Inflater, known
from portico.adapters.upstream.pool import Wire
from portico.adapters.upstream.route import Route
from portico.adapters.upstream.waiting import Within


class AiohttpReply:
    """Satisfies `contract.ports.UpstreamReply`. The body can be read once, whole or in chunks."""

    status: int
    headers: Mapping[str, str]
    address: str
    private: bool
    connection: Literal["new", "reused", "retried"]

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        wire: Wire,
        connection: Literal["new", "reused", "retried"],
        route: Route,
    ) -> None:
        self.status = response.status
        self.headers = response.headers
        self.address = wire.address
        self.private = wire.private
        self.connection = connection
        self._response = response
        self._content = response.content
        self._route = route
        self._size = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        """Decoded pieces as they come. Raises UpstreamFailed when the body breaks, stalls or
        grows over its bound; the connection is closed then."""
        try:
            inflater = self._inflater()
            while data := await self._next():
                if inflater is None:
                    yield data
                    continue
                for piece in self._inflated(inflater, data):
                    yield piece
            if inflater is not None:
                self._finish(inflater)
        finally:
            self._end()

    async def read(self) -> bytes:
        """The whole decoded body. Raises as `chunks` does."""
        if "content-encoding" in self.headers:
            return b"".join([chunk async for chunk in self.chunks()])
        try:
            body = await self._next()
            if body and not self._content.at_eof():
                parts = [body]
                while data := await self._next():
                    parts.append(data)
                body = b"".join(parts)
        finally:
            self._end()
        return body

    async def close(self) -> None:
        self._end()

    def _end(self) -> None:
        """Closes the connection, unless the body is complete and the pool has it back."""
        if not self._response.closed:
            self._response.close()

    async def _next(self) -> bytes:
        """What came since the last time, or else what comes next; nothing at the end."""
        content = self._content
        route = self._route
        try:
            data = content.read_nowait()
            if not data and not content.is_eof():
                with Within(route.network.between_chunks_s):
                    data = await content.readany()
        except TimeoutError:
            raise failures.stalled(route.host, route.network.between_chunks_s) from None
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            # RuntimeError: aiohttp's word for a connection that was closed on this side.
            raise failures.cut(route.host) from error
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
