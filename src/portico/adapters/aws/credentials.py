"""AWS credentials for the gateway: looked for off the loop, kept, renewed before they expire."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import msgspec

from portico.adapters.aws.chain import Found, failed, find
from portico.contract.errors import UpstreamFailed
from portico.contract.ports import AwsIdentity, AwsSecret, Clock

THREADS: Final = 4
IDENTITIES: Final = 1024
"""The most identities that are remembered; the oldest goes first."""
PATIENCE_S: Final = 15.0
"""How long a call waits for the chain."""
EARLY_S: Final = 300.0
"""Credentials are renewed so long before they expire."""
LASTING_S: Final = 900.0
"""Credentials without an expiry are looked for again after so long: a file may have changed."""
PAUSE_S: Final = 30.0
"""The least time between two renewals that leave usable credentials."""
FAILURE_S: Final = 5.0
"""How long a failure answers the calls after it."""

Finder = Callable[[AwsIdentity], Found]


class _Entry(msgspec.Struct):
    """What is known of one identity. Times are seconds since the epoch."""

    found: Found | None = None
    failure: UpstreamFailed | None = None
    due_s: float = 0.0
    search: asyncio.Task[None] | None = None

    def usable(self, now_s: float) -> bool:
        found = self.found
        return found is not None and (found.expires_s is None or now_s < found.expires_s)


class AwsChain:
    """Satisfies `contract.ports.AwsCredentials` by the standard AWS credential chain.

    Calls with one identity share one search. While kept credentials are still good, nobody waits
    for their renewal; a renewal that fails leaves them in use.
    """

    def __init__(self, clock: Clock, finder: Finder | None = None, sts_url: str = "") -> None:
        self._clock = clock
        self._find = finder or partial(find, sts_url=sts_url)
        self._entries: dict[AwsIdentity, _Entry] = {}
        self._threads: ThreadPoolExecutor | None = None

    async def secret(self, identity: AwsIdentity) -> AwsSecret:
        """Raises UpstreamFailed, detail stage "credentials", where there are none."""
        entry = self._entries.get(identity)
        if entry is None:
            entry = self._remember(identity)
        now_s = self._now()
        if now_s >= entry.due_s:
            search = self._search(identity, entry)
            if not entry.usable(now_s):
                await _wait(search)
        if entry.found is not None and entry.usable(self._now()):
            return entry.found.secret
        raise _again(entry.failure or failed("failed"))

    async def close(self) -> None:
        """Forgets everything. A search that hangs is left to end by its own timeouts."""
        searches = [entry.search for entry in self._entries.values() if entry.search is not None]
        self._entries.clear()
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _remember(self, identity: AwsIdentity) -> _Entry:
        while len(self._entries) >= IDENTITIES:
            del self._entries[next(iter(self._entries))]
        entry = self._entries[identity] = _Entry()
        return entry

    def _search(self, identity: AwsIdentity, entry: _Entry) -> "asyncio.Task[None]":
        if entry.search is None or entry.search.done():
            entry.search = asyncio.get_running_loop().create_task(self._renew(identity, entry))
        return entry.search

    async def _renew(self, identity: AwsIdentity, entry: _Entry) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aws-credentials")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._find, identity)
        except UpstreamFailed as error:
            entry.failure = error
            usable = entry.usable(self._now())
            entry.due_s = self._now() + (PAUSE_S if usable else FAILURE_S)
            return
        entry.found, entry.failure = found, None
        entry.due_s = _due(found, self._now())

    def _now(self) -> float:
        return self._clock.now_ns() / 1e9


def _due(found: Found, now_s: float) -> float:
    if found.expires_s is None:
        return now_s + LASTING_S
    return max(found.expires_s - EARLY_S, min(now_s + PAUSE_S, found.expires_s))


async def _wait(search: "asyncio.Task[None]") -> None:
    """Waits for a search that others share: who gives up does not end it."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.shield(search)
    except TimeoutError as error:
        raise failed("unreachable", "Timeout") from error


def _again(error: UpstreamFailed) -> UpstreamFailed:
    """A copy for each caller: an exception carries the traceback of whoever raised it."""
    return UpstreamFailed(error.message, detail=error.detail)
