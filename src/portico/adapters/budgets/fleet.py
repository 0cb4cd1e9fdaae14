"""This replica's leases, and its contacts with the server that all replicas share."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import islice
from typing import Final

from portico.adapters.budgets.leased import MS, Lease
from portico.adapters.budgets.leases import Away, Server, State
from portico.contract.budget import Budget, Crossing
from portico.contract.ports import Clock
from portico.cost.budgets.meters import UNBOUNDED, Account, Identity, amounts_of

BATCH: Final = 100
"""Accounts of one contact."""
CONNECTIONS: Final = 8
CROSSINGS: Final = 10_000
"""That wait to be asked for."""


class Fleet:
    """Leases by account. One contact at a time for each lease."""

    def __init__(self, server: Server, replica: str, gather_s: float, clock: Clock) -> None:
        self._server, self._replica = server, replica
        self._gather_ns = round(gather_s * 1e9)
        self._clock = clock
        self._leases: dict[Account, Lease] = {}
        self._since: dict[Identity, int] = {}
        self._windows: set[Account] = set()
        """Those that every beat is about, used or not."""
        self._due: set[Account] = set()
        """Those that the next beat is about."""
        self._leaving: list[Lease] = []
        """Those that this replica has no more use for."""
        self._life = ""
        self.forgotten = False
        """The server knows nothing of what it was told before."""
        self._free_hands = asyncio.Semaphore(CONNECTIONS)
        self.crossings: list[Crossing] = []
        self.away = ""
        """Why the server cannot be asked at the moment."""

    # --- leases ---

    def replace(self, budgets: Sequence[Budget]) -> None:
        """Before the book has them, in the same step: what becomes hard is bound by its lease."""
        now_ns = self._clock.now_ns()
        hard = {identity: b.hard for b in budgets for identity, _ in amounts_of(b)}
        self._since = {identity: self._since.get(identity, now_ns) for identity in hard}
        for account, lease in self._leases.items():
            if hard.get(account.meter.identity):
                account.grant = lease.size
        self._due.update(self._leases)

    def know(self, accounts: Iterable[Account]) -> None:
        """Enters those that it has not, to be registered soon."""
        for account in accounts:
            if account not in self._leases:
                self._leases[account] = Lease(account, self._wait_ms(account))
                self._due.add(account)
                if account.window.ends_ns:
                    self._windows.add(account)

    def join(self, accounts: Iterable[Account]) -> None:
        """The accounts of a call. One that is bound by no grant is that call's own."""
        leases = self._leases
        for account in accounts:
            if account not in leases and account.grant != UNBOUNDED:
                self.know((account,))

    def forget(self, accounts: Iterable[Account]) -> None:
        """Their leases are to be left, but for those that the server has forgotten as well."""
        now_ns = self._clock.now_ns()
        for account in accounts:
            self._due.discard(account)
            self._windows.discard(account)
            lease = self._leases.pop(account, None)
            if lease is not None and lease.kept_until_ns > now_ns:
                self._leaving.append(lease)

    def lease(self, account: Account) -> Lease:
        return self._leases[account]

    def touch(self, accounts: Iterable[Account]) -> bool:
        """What was counted in them is reported with the next beat. Whether there is anything to
        give back or to tell before."""
        pressing = False
        for account in accounts:
            lease = self._leases.get(account)
            if lease is not None:
                self._due.add(account)
                pressing = pressing or lease.news or lease.surplus() > 0
        return pressing

    def fill(self, account: Account) -> bool:
        """A call was turned away that would have fitted into an empty account. Whether this is
        news."""
        lease = self._leases.get(account)
        if lease is None:
            return False
        lease.fill()
        self._due.add(account)
        return lease.news

    def _wait_ms(self, account: Account) -> int:
        """Others may have spent before this budget was known here; of a window that began since,
        they have not."""
        since = self._since.get(account.meter.identity, 0)
        if account.window.ends_ns and account.window.starts_ns >= since:
            return 0
        return max(0, since + self._gather_ns - self._clock.now_ns()) // MS

    # --- contacts ---

    async def ask(self, wanted: Sequence[tuple[Lease, int]]) -> list[State]:
        """Grants for a call, all or none, by lease and what the call needs beyond what is used.
        Empty: another call's grant did it meanwhile. Raises Away."""
        before = [lease.begun for lease, _ in wanted]
        self._here()
        async with _locked([lease for lease, _ in wanted]):
            if not any(lease.lack(need) for lease, need in wanted):
                return []
            told: list[State] = [
                "short" if lease.heard > count and lease.lack(need) > lease.free else "ok"
                for (lease, need), count in zip(wanted, before, strict=True)
            ]
            if "short" in told:  # a contact that began after this call asked has found so little
                return told
            return await self._contact(wanted)

    async def beat(self) -> None:
        """Reports and refreshes: of windows all, of sessions those that were used. Gives back
        what is not needed."""
        await self._round(self._windows | self._due, probing=True)

    async def register(self) -> None:
        """All there is, since the server has forgotten it."""
        self.forgotten = False
        self._due.update(self._leases)
        await self._round(self._due)

    async def press(self) -> None:
        """Gives back and tells what should not wait for the next beat."""
        due = ((each, self._leases.get(each)) for each in self._due)
        await self._round({a for a, lease in due if lease and (lease.news or lease.surplus() > 0)})

    async def leave(self, *, probing: bool = True) -> None:
        """All that is unused goes back, and nobody waits for this replica's lease any more."""
        with suppress(Away):
            while batch := self._leaving[:BATCH]:
                for lease in batch:
                    lease.shrink(max(0, lease.size - lease.used))
                parts = [(lease, 0) for lease in batch]
                await self._contact(parts, leaves=True, probing=probing)
                del self._leaving[: len(batch)]

    async def shut(self) -> None:
        self._leaving.extend(self._leases.values())
        await self.leave(probing=False)
        await self._server.close()

    async def tell(self, account: Account) -> None:
        """That the amount is reached, where nobody has."""
        lease = self._leases.get(account)
        if lease is None:
            return
        with suppress(Away):
            async with lease.lock:
                if lease.news:
                    await self._contact([(lease, 0)])

    def edited(self) -> None:
        """The book has the budgets."""
        for lease in self._leases.values():
            lease.bind()

    async def _round(self, accounts: set[Account], *, probing: bool = False) -> None:
        """Those with a contact under way are left out: it does the same."""
        leases = [self._leases[each] for each in accounts if each in self._leases]
        with suppress(Away):
            for batch in _batches(leases):
                idle = [each for each in batch if not each.lock.locked()]
                async with _locked(idle):
                    for lease in idle:
                        lease.shrink(lease.surplus())
                    if idle:
                        await self._contact([(lease, 0) for lease in idle], probing=probing)

    async def _contact(
        self,
        parts: Sequence[tuple[Lease, int]],
        *,
        leaves: bool = False,
        probing: bool = False,
    ) -> list[State]:
        """One round trip. Each part is a lease with what is needed beyond what is used of it.
        Raises Away; at once where that is known, unless it is `probing`."""
        now_ns = self._clock.now_ns()
        async with self._free_hands:
            if not probing:
                self._here()
            claims = []
            for lease, need in parts:
                claims.append(lease.claim(now_ns, need, leaves=leaves))
                self._due.discard(lease.account)
            answered = False
            try:
                reply = await self._server.contact([lease.key for lease, _ in parts], claims)
                answered = True
            except Away as away:
                self.away = str(away)
                raise
            finally:
                if not answered:
                    self._due.update(each.account for each, _ in parts if self._has(each))
        self.away = ""
        self.forgotten = self.forgotten or self._life not in ("", reply.life)
        self._life = reply.life
        told = []
        for (lease, _), answer in zip(parts, reply.answers, strict=True):
            told += lease.take(answer, self._replica, now_ns)
        self.crossings = (self.crossings + told)[-CROSSINGS:]
        return [answer.state for answer in reply.answers]

    def _has(self, lease: Lease) -> bool:
        return self._leases.get(lease.account) is lease

    def _here(self) -> None:
        if self.away:
            raise Away(self.away)


@asynccontextmanager
async def _locked(leases: Iterable[Lease]) -> AsyncIterator[None]:
    """All of them, in the one order in which everybody takes them."""
    async with AsyncExitStack() as stack:
        for lease in sorted(leases, key=lambda each: each.key):
            await stack.enter_async_context(lease.lock)
        yield


def _batches(leases: Iterable[Lease]) -> Iterator[list[Lease]]:
    rest = iter(leases)
    while batch := list(islice(rest, BATCH)):
        yield batch
