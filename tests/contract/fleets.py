"""Replicas that share budgets, in one process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from tests.contract.valkey_server import Valkey

from portico.adapters.budgets.shared import Member, SharedBudgets
from portico.adapters.memory.clock import FakeClock
from portico.contract.budget import Amount, Budget, Crossing, Spender, Standing
from portico.contract.errors import PorticoError
from portico.contract.ports import Ledger

NOW_NS = 1_795_000_000_000_000_000
USD = 1_000_000_000
MONTH = Budget(name="budgets.all", nano=USD, soft=0.8)


class Replica:
    """One process of the fleet, as the gateway uses its budgets. `paid` is what its calls cost."""

    def __init__(
        self, server: Valkey, name: str, *, gather_s: float = 0.0, ledger: Ledger | None = None
    ) -> None:
        member = Member(url=server.url, replica=name, gather_s=gather_s)
        self.name = name
        self.clock = FakeClock(NOW_NS)
        self.budgets = SharedBudgets(member, ledger, self.clock)
        self.paid = 0
        self.calls = 0

    def spender(self, session: str = "") -> Spender:
        self.calls += 1
        return Spender(
            call=f"call_{self.name}_{self.calls}", received_ns=self.clock.now_ns(), session=session
        )

    async def call(self, ceiling: int, cost: int, session: str = "") -> None:
        """A whole call. Raises what its caller would be told."""
        tab = self.budgets.open(self.spender(session), lambda: "")
        assert tab is not None
        try:
            hold = await self.budgets.hold(tab, Amount(ceiling), self.clock.now_ns())
            await asyncio.sleep(0)
            self.budgets.settle(tab, hold, Amount(cost))
            self.paid += cost
        finally:
            self.budgets.close(tab)

    async def refused(self, ceiling: int, session: str = "") -> PorticoError | None:
        try:
            await self.call(ceiling, ceiling, session)
        except PorticoError as failure:
            return failure
        return None

    def standing(self, budget: str = MONTH.name) -> Standing:
        return next(s for s in self.budgets.standings(self.clock.now_ns()) if s.budget == budget)


Fleet = Sequence[Replica]


@asynccontextmanager
async def fleet(
    server: Valkey, count: int, budgets: Sequence[Budget] = (MONTH,), gather_s: float = 0.0
) -> AsyncIterator[Fleet]:
    """Replicas that have just begun, on a server that knows nothing."""
    async with Redis.from_url(server.url) as operator:
        await operator.flushall()
    replicas = [Replica(server, f"r{n}", gather_s=gather_s) for n in range(count)]
    for each in replicas:
        await each.budgets.replace(budgets)
    try:
        yield replicas
    finally:
        for each in replicas:
            await each.budgets.shut()


def within_a_minute(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            await body()

    asyncio.run(main())


async def beat(replicas: Fleet) -> None:
    for each in replicas:
        await each.budgets.beat()


def paid(replicas: Fleet) -> int:
    return sum(each.paid for each in replicas)


def crossings(replicas: Fleet) -> list[Crossing]:
    return [told for each in replicas for told in each.budgets.crossings()]
