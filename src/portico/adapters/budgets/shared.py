"""Budgets that several replicas share, over a Valkey or Redis server.

A call takes from this replica's leases, without leaving the process. Where they are too small the
server is asked for more, for all of a call's budgets at once. What is not needed is given back.
While the server is away, calls go on within the leases. The protocol: `leases.lua`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, NoReturn

import msgspec

from portico.adapters.budgets.fleet import Fleet
from portico.adapters.budgets.leases import Away, Server, State
from portico.adapters.budgets.local import LocalBudgets, Pause
from portico.contract.budget import Amount, Budget, Crossing, Spender, Tab
from portico.contract.errors import Overloaded
from portico.contract.ports import Clock, Ledger
from portico.cost.budgets.answers import Need, Refusal, Short, Waiting
from portico.cost.budgets.book import Book
from portico.cost.budgets.meters import UNITS, Account
from portico.cost.budgets.seeding import KeyIds
from portico.cost.budgets.tabs import AttemptHold, CallTab
from portico.cost.budgets.wording import exhausted

BEAT_S: Final = 1.0
GATHER_S: Final = 2.0
"""After a server has begun or was emptied nothing is granted for so long: more than a beat, so
that everybody has said what they hold."""
GATHERING_S: Final = 0.1
"""Between questions meanwhile."""
AGAIN_S: Final = (0.1, 0.2, 0.4, 0.8, 1.0)
"""Between contacts with a server that is away; the last goes on."""
TRIES: Final = 40
"""Of one hold: others may take what was granted for it."""
SHUT_S: Final = 2.0
"""For what is under way at the end."""


def _nobody(_: str) -> tuple[str, ...]:
    return ()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Who shares, and where."""

    url: str
    """redis://, rediss:// (TLS) or unix://."""
    replica: str
    """Names this process and its ledger, in its next life too, and no other."""
    gather_s: float = GATHER_S


class SharedBudgets(LocalBudgets):
    """Satisfies `contract.budget.Budgets`. `run` must be running; `beat` is one step of it.

    What the ledger has is what this replica has spent. Raises ValueError for a URL that is none.
    """

    def __init__(
        self,
        member: Member,
        ledger: Ledger | None,
        clock: Clock,
        *,
        key_ids: KeyIds = _nobody,
        pause: Pause = asyncio.sleep,
    ) -> None:
        super().__init__(ledger, clock, key_ids=key_ids, pause=pause)
        self._book = Book(share=True)
        server = Server(member.url, member.replica, member.gather_s)
        self._fleet = Fleet(server, member.replica, member.gather_s, clock)
        self._errands: set[asyncio.Task[Any]] = set()
        self._giving: asyncio.Task[None] | None = None
        self._over = False

    async def replace(self, budgets: Sequence[Budget]) -> None:
        """Returns when what the ledger has is registered, or the server is away."""
        self._fleet.replace(budgets)
        await super().replace(budgets)
        self._fleet.edited()
        self._fleet.know(self._book.accounts())
        await self.beat()

    async def run(self) -> None:
        """Until it is cancelled."""
        failed = 0
        while True:
            await self.beat()
            failed = failed + 1 if self._fleet.away else 0
            await self._pause(AGAIN_S[min(failed, len(AGAIN_S)) - 1] if failed else BEAT_S)

    async def beat(self) -> None:
        """Says what was spent, hears what is left, gives back what is not needed. Never raises
        for a server that is away, and is the only one to look whether it is back."""
        fleet = self._fleet
        fleet.forget(self._book.gone())
        await fleet.leave()
        await fleet.beat()
        if fleet.forgotten:
            fleet.know(self._book.accounts())
            await fleet.register()

    # --- a call ---

    def open(self, who: Spender, fingerprint: Callable[[], str]) -> CallTab | None:
        tab = super().open(who, fingerprint)
        if tab is not None:
            self._fleet.join(tab.accounts)
        return tab

    async def hold(self, tab: Tab, ceiling: Amount, now_ns: int) -> AttemptHold:
        assert isinstance(tab, CallTab)
        for _ in range(TRIES):
            answer = self._book.hold(tab, ceiling, now_ns)
            if isinstance(answer, AttemptHold):
                return answer
            if isinstance(answer, Waiting):
                await self._read(answer)
            elif isinstance(answer, Short):
                await self._grant(answer.needs, now_ns)
            else:
                await self._turned_away(tab, answer)
                raise exhausted(answer)
        raise Overloaded(
            "A shared budget is asked by more calls at once than it can answer. Try again.",
            retry_after=1.0,
        )

    def close(self, tab: Tab) -> None:
        assert isinstance(tab, CallTab)
        super().close(tab)
        idle = self._giving is None and not self._over and not self._fleet.away
        if self._fleet.touch(tab.accounts) and idle:
            self._giving = self._begin(self._give())

    async def _give(self) -> None:
        """In the next step of the loop, so that it is one contact for all that ends in this."""
        try:
            await self._fleet.press()
        finally:
            self._giving = None

    # --- grants ---

    async def _grant(self, needs: Sequence[Need], now_ns: int) -> None:
        """Returns where the hold may fit now. A caller that goes away leaves the contact to end:
        what it brings stays in the lease."""
        self._fleet.know(need.account for need in needs)
        wanted = [(self._fleet.lease(need.account), need.need) for need in needs]
        try:
            states = await asyncio.shield(self._begin(self._fleet.ask(wanted)))
        except Away as away:
            _closed(needs[0], str(away))
        first: dict[State, int] = {state: n for n, state in reversed([*enumerate(states)])}
        if "short" in first:
            need, (lease, _) = needs[first["short"]], wanted[first["short"]]
            left = min(need.need - 1, lease.free + lease.size - lease.used)
            await self._fill(need.account)
            raise exhausted(self._book.refuse(need, left, now_ns))
        if "waiting" in first:
            _closed(needs[first["waiting"]], "not all replicas have told it again what they hold")
        if "gathering" in first:
            await self._pause(GATHERING_S)

    async def _turned_away(self, tab: CallTab, refusal: Refusal) -> None:
        """Tells that the amount is reached, once a window: later there is nothing to tell."""
        if refusal.need > refusal.amount:
            return
        for account in tab.accounts:
            if account.meter.budget is refusal.budget and UNITS[account.unit] == refusal.unit:
                await self._fill(account)

    async def _fill(self, account: Account) -> None:
        if self._fleet.fill(account) and not self._fleet.away:
            await asyncio.shield(self._begin(self._fleet.tell(account)))

    def _begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._errands.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: whoever waits gets it, and perhaps nobody does any more

    # --- what is told ---

    def crossings(self) -> Sequence[Crossing]:
        told, self._fleet.crossings = self._fleet.crossings, []
        return [*super().crossings(), *told]

    def degraded(self) -> str:
        return super().degraded() or self._fleet.away

    async def shut(self) -> None:
        """`run` must have ended."""
        self._over = True
        if self._errands:
            await asyncio.wait(self._errands, timeout=SHUT_S)
        await super().shut()
        await self._fleet.shut()


def _closed(need: Need, why: str) -> NoReturn:
    name = need.account.meter.budget.name
    raise Overloaded(
        f"This replica's share of the budget {name} is spent, and it cannot get more: {why}. "
        "Try again soon.",
        retry_after=1.0,
        detail={"budget": name, "away": why},
    )
