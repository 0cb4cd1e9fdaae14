"""What budgets of one process take from the ledger, and when."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.contract.budget_adapters import DAY, HOUR, NOW, SECOND, World, never

from portico.adapters.budgets.local import LocalBudgets
from portico.adapters.memory.ledger import MemoryLedger
from portico.contract.budget import Amount, Budget, Recorded, Scope
from portico.contract.errors import BudgetExhausted, Overloaded
from portico.contract.ledger import Spending, SpendingQuery

DAILY = Budget(name="budgets.day", per="day", nano=100)


class Pauses:
    """Pauses that end when the test says so."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._end = asyncio.Event()

    async def __call__(self, _: float) -> None:
        end = self._end = asyncio.Event()
        self._begun.set()
        await end.wait()

    async def end(self) -> None:
        """Ends the pause, and lets what waited for it go on to the next."""
        await self._begun.wait()
        self._begun.clear()
        self._end.set()
        await self._begun.wait()


class GatedLedger(MemoryLedger):
    """A ledger whose sums are read when the test says so, or fail."""

    def __init__(self, world: World) -> None:
        super().__init__(world.journal)
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.away = False

    async def spending(self, query: SpendingQuery) -> Sequence[Spending]:
        self._check()
        self.asked.set()
        await self.open.wait()
        return await super().spending(query)

    async def recorded(self, since_ns: int, after: str = "") -> Sequence[Recorded]:
        self._check()
        return await super().recorded(since_ns, after)

    def _check(self) -> None:
        if self.away:
            raise OSError("disk I/O error")


def test_all_that_the_ledger_has_of_a_window_is_counted_to_the_nano_dollar() -> None:
    async def main() -> None:
        world = World()
        spent = {"2026-11-22": 0, "2026-11-23": 0}
        for hours in range(-20, 1):
            world.clock = type(world.clock)(NOW + hours * HOUR + 7)
            world.record(world.who(), Amount(nano=1000 + hours))
            spent["2026-11-23" if hours >= -12 else "2026-11-22"] += 1000 + hours
        budgets = LocalBudgets(world.ledger, world.clock, pause=never)

        await budgets.replace([Budget(name="it", per="day", nano=10**6)])

        standing = world.stands(budgets)
        assert (standing.window, standing.spent) == ("2026-11-23", spent["2026-11-23"])
        await budgets.shut()

    asyncio.run(main())


def test_calls_that_end_while_the_ledger_is_read_are_counted_once() -> None:
    async def main() -> None:
        world = World()
        ledger = GatedLedger(world)
        budgets = LocalBudgets(ledger, world.clock, pause=never)
        world.clock.advance(-3600)
        world.record(world.who(), Amount(nano=1))
        world.clock.advance(3600)
        ledger.open.set()
        await budgets.replace([Budget(name="month", per="month", nano=10**6, hard=False)])
        ledger.open.clear()
        ledger.asked.clear()
        world.record(world.who(), Amount(nano=2))
        who = world.who()
        tab = budgets.open(who, str)
        assert tab is not None
        hold = await budgets.hold(tab, Amount(nano=50), NOW)

        edit = asyncio.create_task(budgets.replace([DAILY]))
        await ledger.asked.wait()
        budgets.settle(tab, hold, Amount(nano=4))
        world.record(who, Amount(nano=4))
        budgets.close(tab)
        late = asyncio.create_task(world.spend(budgets, 8))
        await asyncio.sleep(0)
        assert not late.done()
        ledger.open.set()
        await edit
        await late

        assert (world.stands(budgets).spent, world.stands(budgets).held) == (15, 0)
        await budgets.shut()

    asyncio.run(main())


def test_a_call_that_was_under_way_bound_by_nothing_is_counted_after_it_ends() -> None:
    async def main() -> None:
        world, pauses = World(), Pauses()
        budgets = LocalBudgets(world.ledger, world.clock, pause=pauses)
        who = world.who(session="s1")
        assert budgets.open(who, str) is None
        world.clock.advance(1)

        await budgets.replace([DAILY, Budget(name="agent", per="session", steps=2)])
        assert world.stands(budgets).spent == 0
        world.record(who, Amount(nano=40))
        await world.spend(budgets, 5, who=world.who(session="s1"))
        await pauses.end()
        assert world.stands(budgets).spent == 45
        assert world.stands(budgets, "steps").spent == 2
        await pauses.end()

        assert world.stands(budgets).spent == 45
        await budgets.shut()

    asyncio.run(main())


def test_hard_budgets_stay_closed_while_the_ledger_cannot_be_read() -> None:
    async def main() -> None:
        world, pauses = World(), Pauses()
        ledger = GatedLedger(world)
        ledger.open.set()
        ledger.away = True
        world.record(world.who(), Amount(nano=90))
        budgets = LocalBudgets(ledger, world.clock, pause=pauses)

        await budgets.replace([DAILY])
        assert "budgets.day" in budgets.degraded()
        with pytest.raises(Overloaded, match="OSError") as closed:
            await world.spend(budgets, 1)
        assert closed.value.retry_after
        await pauses.end()
        ledger.away = False
        await pauses.end()

        assert budgets.degraded() == ""
        await world.spend(budgets, 10)
        with pytest.raises(BudgetExhausted):
            await world.spend(budgets, 1)
        await budgets.shut()

    asyncio.run(main())


def test_soft_budgets_and_other_calls_go_on_while_the_ledger_cannot_be_read() -> None:
    async def main() -> None:
        world = World()
        ledger = GatedLedger(world)
        ledger.away = True
        budgets = LocalBudgets(ledger, world.clock, pause=never)
        await budgets.replace(
            [
                Budget(name="soft", per="day", nano=1, hard=False),
                Budget(name="each", per="call", nano=100),
                Budget(name="other", scope=Scope(workload="other"), nano=1),
            ]
        )

        await world.spend(budgets, 10)

        standings = budgets.standings(NOW)
        assert [(each.budget, each.spent) for each in standings] == [("soft", 10), ("other", 0)]
        await budgets.shut()

    asyncio.run(main())


def test_a_budget_that_is_taken_away_lets_go_calls_that_wait_for_it() -> None:
    async def main() -> None:
        world = World()
        ledger = GatedLedger(world)
        budgets = LocalBudgets(ledger, world.clock, pause=never)
        edit = asyncio.create_task(budgets.replace([DAILY]))
        await ledger.asked.wait()
        call = asyncio.create_task(world.spend(budgets, 10**6))
        await asyncio.sleep(0)

        await budgets.replace([])
        await call

        ledger.open.set()
        await edit
        await budgets.shut()

    asyncio.run(main())


def test_a_key_may_be_named_by_its_name() -> None:
    async def main() -> None:
        world = World()
        world.clock.advance(-3600)
        world.record(world.who(key="key_a"), Amount(nano=1))
        world.clock.advance(3600)
        for key, nano in (("key_a", 2), ("key_b", 4), ("key_c", 8)):
            world.record(world.who(key=key), Amount(nano=nano))
        ids = {"app": ("key_a", "key_b")}
        budgets = LocalBudgets(
            world.ledger, world.clock, key_ids=lambda name: ids.get(name, ()), pause=never
        )

        await budgets.replace(
            [
                Budget(name="name", scope=Scope(key="app"), per="day", nano=100),
                Budget(name="id", scope=Scope(key="key_c"), per="day", nano=100),
            ]
        )

        standings = budgets.standings(world.clock.now_ns())
        assert [(each.budget, each.spent) for each in standings] == [("name", 7), ("id", 8)]
        await budgets.shut()

    asyncio.run(main())


def test_what_is_out_of_scope_is_not_taken_over() -> None:
    async def main() -> None:
        world = World()
        acme = (("customer", "acme"),)
        for offset in (-3600.0, 3600.0):
            world.clock.advance(offset)
            world.record(world.who(workload="support", tags=acme), Amount(nano=1))
            world.record(world.who(workload="support"), Amount(nano=10))
            world.record(world.who(workload="other", tags=acme), Amount(nano=100))
        budgets = LocalBudgets(world.ledger, world.clock, pause=never)

        await budgets.replace(
            [
                Budget(name="tag", scope=Scope(tag="customer=acme"), per="day", nano=10**6),
                Budget(name="workload", scope=Scope(workload="support"), per="day", nano=10**6),
                Budget(name="project", scope=Scope(project="another"), per="day", nano=10**6),
            ]
        )

        spent = {each.budget: each.spent for each in budgets.standings(world.clock.now_ns())}
        assert spent == {"tag": 202, "workload": 22, "project": 0}
        await budgets.shut()

    asyncio.run(main())


def test_sessions_go_on_after_a_start_and_those_that_are_over_do_not() -> None:
    async def main() -> None:
        world = World()
        agent = Budget(name="agent", per="session", nano=1000, steps=10, wall_time_s=39 * 3600)
        for hours, session in ((-60, "s1"), (-30, "old"), (-26, "s1"), (-10, "s1"), (10, "s2")):
            world.clock = type(world.clock)(NOW + hours * HOUR)
            world.record(world.who(session=session), Amount(nano=10), Amount(nano=5))
        world.record(world.who(session="s2"))
        budgets = LocalBudgets(world.ledger, world.clock, pause=never)

        await budgets.replace([agent])

        found = {
            (each.window, each.unit): each.spent for each in budgets.standings(world.clock.now_ns())
        }
        assert found == {
            ("s1", "nano"): 30, ("s1", "steps"): 2, ("s2", "nano"): 15, ("s2", "steps"): 1,
        }  # fmt: skip
        world.clock.advance(3.5 * 3600)
        with pytest.raises(BudgetExhausted, match="140400 s"):
            await world.spend(budgets, 1, who=world.who(session="s1"))
        await budgets.shut()

    asyncio.run(main())


def test_thresholds_that_were_passed_before_the_start_are_not_told_again() -> None:
    async def main() -> None:
        world = World()
        world.record(world.who(session="s1"), Amount(nano=85))
        budgets = LocalBudgets(world.ledger, world.clock, pause=never)

        await budgets.replace(
            [
                Budget(name="day", per="day", nano=100, soft=0.8),
                Budget(name="agent", per="session", nano=85, soft=0.5, hard=False),
            ]
        )
        await world.spend(budgets, 15, who=world.who(session="s1"))

        told = [(each.budget, each.share) for each in budgets.crossings()]
        assert told == [("day", 1.0)]
        await budgets.shut()

    asyncio.run(main())


def test_without_a_ledger_nothing_was_spent_before() -> None:
    async def main() -> None:
        world = World()
        budgets = LocalBudgets(None, world.clock)

        await budgets.replace([DAILY])

        await world.spend(budgets, 100)
        assert world.stands(budgets).spent == 100
        await budgets.shut()

    asyncio.run(main())


def test_a_call_over_midnight_counts_in_its_day_after_an_edit_too() -> None:
    async def main() -> None:
        world = World()
        budgets = LocalBudgets(world.ledger, world.clock, pause=never)
        await budgets.replace([Budget(name="month", per="month", nano=10**6)])
        world.clock.advance((DAY // 2 - 3 * HOUR) / SECOND)
        who = world.who()
        tab = budgets.open(who, str)
        assert tab is not None
        hold = await budgets.hold(tab, Amount(nano=60), world.clock.now_ns())
        world.clock.advance(5 * HOUR / SECOND)

        await budgets.replace([DAILY])
        await world.spend(budgets, 100)
        with pytest.raises(BudgetExhausted, match="2026-11-24"):
            await budgets.hold(tab, Amount(nano=41), world.clock.now_ns())
        budgets.settle(tab, hold, Amount(nano=60))
        budgets.close(tab)

        assert world.stands(budgets).spent == 100
        await budgets.shut()

    asyncio.run(main())
