"""The Upstream port without a network: plays a script of replies and keeps what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Literal

import msgspec

from portico.adapters.upstream.headers import Headers
from portico.contract.errors import UpstreamFailed
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Network

Gate = Callable[[], Awaitable[object]]
"""Something to wait for, such as `asyncio.Event().wait`."""

Step = bytes | Exception | Gate
"""A chunk, a failure (an UpstreamFailed as it is, any other as a broken connection), a wait."""


class Scripted(msgspec.Struct, frozen=True, kw_only=True):
    """One reply, or one failure to reply. `before` is what happens until the head comes."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    before: tuple[Exception | Gate, ...] = ()
    body: tuple[Step, ...] = ()
    address: str = "192.0.2.1"
    private: bool = False
    connection: Literal["new", "reused", "retried"] = "new"


Script = Sequence[Scripted] | Callable[[UpstreamRequest], Scripted]


class MemoryReply:
    """Satisfies `contract.ports.UpstreamReply`."""

    status: int
    headers: Mapping[str, str]
    address: str
    private: bool
    connection: Literal["new", "reused", "retried"]

    def __init__(self, script: Scripted, network: Network, dropped: asyncio.Event) -> None:
        self.status = script.status
        self.headers = Headers.of(script.headers)
        self.address = script.address
        self.private = script.private
        self.connection = script.connection
        self._network = network
        self._steps = list(script.body)
        self._given_up = False
        self._dropped = dropped

    async def chunks(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            if self._given_up:
                raise _failed("body", "cut", "The scripted reply was closed before its end.")
            while self._steps:
                chunk = await self._step()
                size += len(chunk)
                if size > self._network.max_response_bytes:
                    raise _failed("body", "too_large", "The scripted reply is over its bound.")
                if chunk:
                    yield chunk
        finally:
            await self.close()

    async def _step(self) -> bytes:
        step = self._steps[0]
        if isinstance(step, Exception):
            raise _broken(step, "body", "cut")
        if not isinstance(step, bytes):
            await _wait(step, self._network.between_chunks_s, "between_chunks")
            step = b""
        del self._steps[0]
        return step

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def close(self) -> None:
        if self._steps:
            self._steps.clear()
            self._given_up = True
            self._dropped.set()


class MemoryUpstream:
    """Satisfies `contract.ports.Upstream`. `requests` are kept in the order of sending."""

    def __init__(self, script: Script = ()) -> None:
        self._script = script
        self.requests: list[UpstreamRequest] = []
        self.dropped = asyncio.Event()
        """Set when a request or a reply was given up before its end."""
        self._closed = False

    async def send(self, request: UpstreamRequest) -> MemoryReply:
        if self._closed:
            raise _failed("connect", "closed", "The upstream is closed.")
        script = self._next(request)
        self.requests.append(request)
        try:
            for step in script.before:
                if isinstance(step, Exception):
                    raise _broken(step, "first_byte", "disconnected")
                await _wait(step, request.network.first_byte_s, "first_byte")
        except asyncio.CancelledError:
            self.dropped.set()
            raise
        if 300 <= script.status < 400:
            raise UpstreamFailed(
                f"The upstream replied with the redirect {script.status}, which is not followed.",
                detail={"stage": "first_byte", "kind": "redirect", "status": str(script.status)},
            )
        return MemoryReply(script, request.network, self.dropped)

    async def close(self) -> None:
        self._closed = True

    def _next(self, request: UpstreamRequest) -> Scripted:
        if callable(self._script):
            return self._script(request)
        played = len(self.requests)
        if played >= len(self._script):
            raise _failed(
                "connect", "script", f"The script has {played} replies; this is one more."
            )
        return self._script[played]


async def _wait(gate: Gate, seconds: float, stage: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await gate()
    except TimeoutError:
        raise _failed(stage, "timeout", f"The script waited over {seconds:g} s.") from None


def _broken(error: Exception, stage: str, kind: str) -> UpstreamFailed:
    if isinstance(error, UpstreamFailed):
        return error
    return _failed(stage, kind, "The script broke the connection here.")


def _failed(stage: str, kind: str, message: str) -> UpstreamFailed:
    return UpstreamFailed(message, detail={"stage": stage, "kind": kind})
