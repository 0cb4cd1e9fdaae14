"""A sender of webhooks that runs, with a clock and waits of the test's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from tests.contract.upstream_servers import Exchange, Play, RawServer

from portico.adapters.memory.clock import FakeClock
from portico.adapters.upstream import HttpUpstream
from portico.adapters.webhooks import Webhooks, WebhookState
from portico.contract.deployment import Happening
from portico.contract.snapshot import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the specification's own example
HAPPENING = Happening(
    at_ns=1_763_890_200_125_000_000,
    kind="budget_threshold",
    workload="support",
    subject="workloads.support.budget",
    detail={"share": 0.8, "said": "80% of 50 USD in 2026-11-23"},
)


class Naps:
    """Waits that end at once and are remembered."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.first = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.first.set()


class Sending:
    def __init__(self, webhooks: Webhooks, clock: FakeClock, naps: Naps) -> None:
        self.webhooks = webhooks
        self.clock = clock
        self.naps = naps

    def state(self, name: str = "ops") -> WebhookState:
        return next(each for each in self.webhooks.state() if each.name == name)

    async def send(self, *happenings: Happening) -> None:
        for happening in happenings:
            self.webhooks.send(happening)
        await self.webhooks.delivered()


@asynccontextmanager
async def sending(
    *webhooks: Webhook, entropy: Callable[[int], bytes] = lambda size: b"\x80" * size
) -> AsyncIterator[Sending]:
    upstream, clock, naps = HttpUpstream(), FakeClock(), Naps()
    sender = Webhooks(upstream, clock, entropy, naps)
    sender.replace(webhooks)
    running = asyncio.get_running_loop().create_task(sender.run())
    try:
        yield Sending(sender, clock, naps)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await upstream.close()


def ops(server: RawServer, **changes: object) -> Webhook:
    return msgspec.structs.replace(Webhook(name="ops", url=server.url), **changes)


def status(line: str, *headers: str) -> Play:
    async def play(exchange: Exchange) -> None:
        exchange.reply(b"", *headers, status=line)

    return play


def told(exchange: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(exchange.body)
    return found
