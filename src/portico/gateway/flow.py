"""What carries the pieces of a stream from an upstream's reply to the caller.

Law of the file: a piece reaches the relay once, in the order in which it came, on one of two
ways. The call reads it and sends on what becomes of it; or, where nothing is to be decided and
nothing to be waited for, `take` does both at once from the upstream connection's own callback,
and the call sleeps on. What `take` cannot settle alone wakes the call: the end, a failure, a
caller who does not keep up.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from portico.contract.errors import PorticoError
from portico.contract.ports import UpstreamReply
from portico.contract.wires import Relay
from portico.gateway.call import Call
from portico.gateway.exchange import EXCHANGE, Exchange

TRAILER_S: Final = 0.05
"""How long the end of an upstream's stream is waited for, so that its connection can be reused."""


async def exhaust(chunks: AsyncIterator[bytes]) -> None:
    """Reads on to the end of an upstream's stream whose answer is complete."""
    try:
        async with asyncio.timeout(TRAILER_S):
            async for _ in chunks:
                pass
    except (TimeoutError, PorticoError):
        return


class Tap(Protocol):
    """What a reply may offer as `tap`: pieces, while the reader of `chunks` waits for them."""

    def __call__(self, take: Callable[[bytes], bool], /) -> None:
        """From here on pieces are offered to `take`, which does not raise. One for which it
        returns False goes to the reader of `chunks`, with what follows before that one wakes."""
        ...


class Flow:
    """The stream of one call."""

    __slots__ = ("_carried", "_defect", "_exchange", "_feed", "_keeping", "_skim", "_tapes")

    def __init__(self, relay: Relay, call: Call) -> None:
        self._feed = relay.feed
        self._skim = relay.skim
        self._tapes = call.tapes
        self._keeping = call.keeping
        self._exchange: Exchange | None = call.arrival.scope.get(EXCHANGE)
        self._carried: bytes | None = None
        """What became of a piece that ended the stream."""
        self._defect: Exception | None = None

    def shorten(self, source: UpstreamReply) -> None:
        """From here on the pieces need not wake the call, where both ends can do without."""
        tap: Tap | None = getattr(source, "tap", None)  # only one from a socket has it
        if tap is not None and self._exchange is not None:
            tap(self.take)

    def feed(self, piece: bytes) -> bytes:
        """Bytes for the caller, maybe none. Raises what the relay has raised in `take`."""
        if self._defect is not None:
            raise self._defect
        if self._carried is not None:
            carried, self._carried = self._carried, None
            return carried  # the stream has ended: a relay has nothing to say to what follows
        return self._feed(piece)

    def take(self, piece: bytes) -> bool:
        """Sends on what becomes of a piece. False: the call has to see to it."""
        exchange = self._exchange
        if exchange is None or not exchange.flowing:
            return False
        try:
            data = self._feed(piece)
        except Exception as defect:  # noqa: BLE001 - whatever it is, `feed` raises it in the call
            self._defect = defect
            return False
        skim = self._skim
        if skim.complete or skim.failed is not None:
            self._carried = data
            return False
        if data:
            for tape in self._tapes:
                tape.feed(data)
            if self._keeping is not None:
                self._keeping.feed(data)
            exchange.push(data)
        return True
