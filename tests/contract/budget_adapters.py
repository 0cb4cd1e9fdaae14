"""Every adapter of the Budgets port, and a world in which calls are made and recorded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.contract.valkey_server import valkey

from portico.adapters.budgets.local import LocalBudgets
from portico.adapters.budgets.shared import Member, SharedBudgets
from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.contract.budget import Amount, Budgets, Spender, Standing, Tab
from portico.contract.ports import Clock, Ledger
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage

NOW: Final = 1_795_435_200 * 10**9
"""2026-11-23T12:00:00Z, a Monday."""
SECOND: Final = 10**9
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR

Adapter = Callable[[Ledger, Clock], AbstractAsyncContextManager[Budgets]]


@asynccontextmanager
async def local(ledger: Ledger, clock: Clock) -> AsyncIterator[Budgets]:
    budgets = LocalBudgets(ledger, clock, pause=never)
    try:
        yield budgets
    finally:
        await budgets.shut()


async def never(_: float) -> None:
    """A pause that does not end while the test runs."""
    await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def shared(ledger: Ledger, clock: Clock) -> AsyncIterator[Budgets]:
    """Of one replica. What several do is in `test_budgets_shared`."""
    with valkey() as server:
        member = Member(url=server.url, replica="only", gather_s=0.0)
        budgets = SharedBudgets(member, ledger, clock, pause=never)
        try:
            yield budgets
        finally:
            await budgets.shut()


ADAPTERS: Final[Mapping[str, Adapter]] = {"local": local, "shared": shared}
"""Each gives budgets to begin with, of a world of their own, and shuts them."""


@dataclass
class World:
    """A clock, a ledger and calls that end in it."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    made: int = 0

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(self.journal)

    def who(
        self,
        *,
        workload: str = "support",
        session: str = "",
        key: str = "key_1",
        tags: tuple[tuple[str, str], ...] = (),
    ) -> Spender:
        """The next call."""
        self.made += 1
        return Spender(
            call=f"call_{self.made}", received_ns=self.clock.now_ns(), team="care",
            workload=workload, key=key, session=session, tags=tags,
        )  # fmt: skip

    def record(self, who: Spender, *charges: Amount) -> None:
        """The receipt of a call with one attempt a charge; without one it was refused."""
        attempts = tuple(
            Attempt(
                id=f"{who.call}.{number}", provider="sim", kind="simulator", model="m",
                model_id="m", status="ok", cost_nano=charge.nano,
                usage=Usage(input=charge.tokens),
            )
            for number, charge in enumerate(charges)
        )  # fmt: skip
        self.journal.record(
            Receipt(
                call=who.call, received_ns=who.received_ns, door="openai", project=who.project,
                team=who.team, workload=who.workload, key=who.key, session=who.session,
                tags=who.tags, attempts=attempts, status="ok" if charges else "refused",
                cost_nano=sum(charge.nano for charge in charges),
            )
        )  # fmt: skip

    async def spend(
        self, budgets: Budgets, nano: int, *, tokens: int = 0, who: Spender | None = None,
        said: str = "",
    ) -> Tab | None:  # fmt: skip
        """One whole call that costs what it held. Raises what its hold raises."""
        who = who or self.who()
        tab = budgets.open(who, lambda: said)
        charge = Amount(nano=nano, tokens=tokens)
        if tab is None:
            self.record(who, charge)
            return None
        try:
            hold = await budgets.hold(tab, charge, self.clock.now_ns())
            budgets.settle(tab, hold, charge)
            self.record(who, charge)
        finally:
            budgets.close(tab)
        return tab

    def stands(self, budgets: Budgets, unit: str = "nano") -> Standing:
        """The only standing in that unit."""
        (standing,) = [s for s in budgets.standings(self.clock.now_ns()) if s.unit == unit]
        return standing
