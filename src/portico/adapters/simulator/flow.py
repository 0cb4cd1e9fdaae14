"""Performs a reply's body: its pace, its stall, its break. Waiting is left to the caller."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Protocol

from portico.adapters.simulator.replies import Reply

FOREVER = math.inf
BREATH = 32
"""Pieces after which a reply that nothing slows lets others run."""


class Broken(Exception):
    """The connection breaks here."""


class Pause(Protocol):
    """Waits so many seconds, maybe `FOREVER`. May raise to say that it was too long."""

    async def __call__(self, seconds: float) -> None: ...


async def lead(reply: Reply, pause: Pause) -> None:
    """What passes before the head."""
    if reply.course.stall_after == 0:
        await pause(FOREVER)
    if reply.delay_s > 0:
        await pause(reply.delay_s)


async def body(reply: Reply, pause: Pause) -> AsyncIterator[bytes]:
    """The body after `lead`. Raises Broken where the connection is to break."""
    course = reply.course
    border = course.stall_after if course.stall_after is not None else course.cut_after
    pace = _Pace(course.tokens_per_s, pause) if reply.length is None else None
    sent = 0
    for at, (piece, tokens) in enumerate(reply.pieces):
        if border is not None and sent + len(piece) > border:
            if sent < border:
                yield piece[: border - sent]
            if course.stall_after is not None:
                await pause(FOREVER)
            raise Broken
        if piece:
            sent += len(piece)
            yield piece
        if pace is not None:
            await pace.after(at, tokens)


class _Pace:
    """Keeps a stream at its tokens per second, without drift."""

    def __init__(self, tokens_per_s: float | None, pause: Pause) -> None:
        self._step = 1 / tokens_per_s if tokens_per_s else 0.0
        self._pause = pause
        self._clock = asyncio.get_running_loop().time
        self._due = self._clock() if self._step else 0.0

    async def after(self, at: int, tokens: int) -> None:
        """Waits until the next token is due; timers finer than a millisecond are saved up."""
        if self._step:
            self._due += self._step * tokens
            ahead = self._due - self._clock()
            if ahead >= 0.001:
                await self._pause(ahead)
        elif at % BREATH == BREATH - 1:
            await asyncio.sleep(0)
