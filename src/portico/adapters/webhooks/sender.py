"""Webhooks: bounded queues, one to each address, emptied by one coroutine.

Law of the file: whoever sends never waits, and an address that does not answer costs only its own
queue. What waits is in memory and is lost with the process.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from portico.adapters.webhooks import letters
from portico.adapters.webhooks.letters import Letter
from portico.contract.deployment import Happening
from portico.contract.errors import UpstreamFailed
from portico.contract.ports import Clock, Upstream, UpstreamRequest
from portico.contract.snapshot import Network, Webhook
from portico.methods import ids
from portico.methods.places import place

log = logging.getLogger("portico")

MOST_WAITING: Final = 1000
"""Happenings in the queue of one webhook; what comes then is dropped and counted."""
ATTEMPTS: Final = 5
FIRST_WAIT_S: Final = 2.0
FACTOR: Final = 4
"""The longest waits before the attempts after the first are 2, 8, 32 and 128 s."""
LONGEST_WAIT_S: Final = 300.0
"""As long as a server may ask for with Retry-After."""
NETWORK: Final = Network(
    allow_private=True,
    connect_s=5.0,
    first_byte_s=15.0,
    between_chunks_s=5.0,
    max_response_bytes=64 * 1024,
)
"""The operator names the address, so that private ones are meant."""
AGAIN: Final = frozenset({408, 425, 429})
"""Statuses below 500 that another attempt may cure."""
FINAL: Final = frozenset({"redirect", "header", "closed"})
"""Kinds of failures that the same request only meets again."""

Sleep = Callable[[float], Awaitable[object]]


class WebhookState(msgspec.Struct, frozen=True, kw_only=True):
    """How a webhook stands since the process started, or since the project named it."""

    project: str
    name: str
    waiting: int
    delivered: int
    failed: int
    """Given up: refused, or not taken in so many attempts."""
    dropped: int
    """Found the queue full."""
    attempts: int
    error: str
    """Why the last attempt failed; empty where it did not. Never an address."""


@dataclass(eq=False)
class _Line:
    """One webhook, what waits for it, and the counts of it."""

    webhook: Webhook
    letters: deque[Letter] = field(default_factory=deque)
    busy: bool = False
    named: bool = True
    """False once the project names it no more."""
    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    attempts: int = 0
    error: str = ""

    @property
    def waiting(self) -> int:
        return len(self.letters) + self.busy


class _Answer(msgspec.Struct, frozen=True):
    """What an attempt came to. `reason` is empty where the letter was taken."""

    reason: str = ""
    again: bool = False
    after_s: float = 0.0
    """How long the server asks to be left alone."""


class Webhooks:
    """Belongs to the event loop that runs it: no method may be called from another thread."""

    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        entropy: Callable[[int], bytes] = os.urandom,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._entropy = entropy
        self._sleep = sleep
        self._lines: dict[tuple[str, str], _Line] = {}
        self._woken = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def replace(self, webhooks: Iterable[Webhook]) -> None:
        """The webhooks in force from now on, their references resolved. One that stays keeps what
        waits for it, which goes where and as it says now; what waits for others is forgotten."""
        old = self._lines
        self._lines = {}
        for webhook in webhooks:
            key = (webhook.project, webhook.name)
            line = self._lines[key] = old[key] if key in old else _Line(webhook)
            line.webhook = webhook
        for key, line in old.items():
            if key not in self._lines:
                line.named = False
                line.letters.clear()
        self._settle()

    def send(self, happening: Happening, project: str = "default") -> None:
        """Queues a happening for the webhooks of its project, and of no other: what happens in
        one is not the others' to know. Never waits and never raises."""
        id_ = ids.make("evt", self._clock.now_ns(), self._entropy(ids.ENTROPY_BYTES))
        for line in self._lines.values():
            events = line.webhook.events
            if line.webhook.project != project or (events and happening.kind not in events):
                continue
            if line.waiting >= MOST_WAITING:
                line.dropped += 1
                continue
            body = letters.SHAPES[line.webhook.shape](id_, happening, project)
            line.letters.append(Letter(id_, happening.kind, body))
            self._quiet.clear()
            self._woken.set()

    async def run(self) -> None:
        """Delivers until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._woken.wait()
                self._woken.clear()
                for line in self._lines.values():
                    if line.letters and not line.busy:
                        line.busy = True
                        group.create_task(self._empty(line))

    async def delivered(self) -> None:
        """Waits until everything sent so far was delivered or given up, while `run` runs."""
        await self._quiet.wait()

    def state(self) -> tuple[WebhookState, ...]:
        """In the order in which the webhooks were named."""
        return tuple(
            WebhookState(
                project=line.webhook.project,
                name=line.webhook.name,
                waiting=line.waiting,
                delivered=line.delivered,
                failed=line.failed,
                dropped=line.dropped,
                attempts=line.attempts,
                error=line.error,
            )
            for line in self._lines.values()
        )

    async def _empty(self, line: _Line) -> None:
        try:
            while line.letters:
                await self._deliver(line, line.letters.popleft())
        finally:
            line.busy = False
            self._settle()

    def _settle(self) -> None:
        if not any(line.waiting for line in self._lines.values()):
            self._quiet.set()

    async def _deliver(self, line: _Line, letter: Letter) -> None:
        """One letter, as often as it takes. Raises nothing but being cancelled."""
        for attempt in range(1, ATTEMPTS + 1):
            line.attempts += 1
            answer = await self._answer(line.webhook, letter)
            line.error = answer.reason
            if not answer.reason:
                line.delivered += 1
                return
            if attempt == ATTEMPTS or not answer.again:
                break
            await self._sleep(max(self._wait(attempt), answer.after_s))
            if not line.named:
                return
        line.failed += 1
        log.warning(
            "the webhook %s of the project %s did not take a %s in %d attempt(s), the last: %s",
            line.webhook.name, line.webhook.project, letter.kind, attempt, answer.reason,
        )  # fmt: skip

    def _wait(self, attempt: int) -> float:
        """Exponential backoff with full jitter, as in
        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"""
        share = int.from_bytes(self._entropy(4)) / 2**32
        return float(share * FIRST_WAIT_S * FACTOR ** (attempt - 1))

    async def _answer(self, webhook: Webhook, letter: Letter) -> _Answer:
        try:
            headers = letters.headers(letter, webhook.secret, self._clock.now_ns())
        except ValueError:
            return _Answer("the secret is not base64 after whsec_")
        try:
            request = UpstreamRequest(
                method="POST",
                url=webhook.url,
                headers=headers,
                body=letter.body,
                network=NETWORK,
            )
            reply = await self._upstream.send(request)
            await reply.close()
        except UpstreamFailed as error:
            return _failed(error)
        except Exception as defect:  # noqa: BLE001 - one webhook's trouble must not end the others
            return _Answer(f"a defect: {place(defect)}")
        if 200 <= reply.status < 300:
            return _Answer()
        again = reply.status >= 500 or reply.status in AGAIN
        after_s = _seconds(reply.headers.get("retry-after", ""))
        return _Answer(f"status {reply.status}", again, after_s)


def _failed(error: UpstreamFailed) -> _Answer:
    stage, kind = error.detail.get("stage", ""), error.detail.get("kind", "")
    return _Answer(f"{stage}: {kind}", again=stage != "address" and kind not in FINAL)


def _seconds(asked: str) -> float:
    """Of Retry-After where it is a number; a date is not heeded."""
    return min(float(asked), LONGEST_WAIT_S) if asked.isascii() and asked.isdigit() else 0.0
