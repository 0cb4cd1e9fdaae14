"""What all budgets promise, in one process or shared by several."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from tests.contract.budget_adapters import ADAPTERS, DAY, NOW, SECOND, Adapter, World

from portico.contract.budget import Amount, Budget, Budgets, Scope, Spender
from portico.contract.errors import BudgetExhausted

DAILY = Budget(name="budgets.day", per="day", nano=100)
Story = Callable[[World, Budgets], Awaitable[None]]


@pytest.fixture(params=list(ADAPTERS))
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return ADAPTERS[request.param]


def tell(adapter: Adapter, story: Story) -> None:
    async def main() -> None:
        world = World()
        async with adapter(world.ledger, world.clock) as budgets:
            await story(world, budgets)

    asyncio.run(main())


def test_a_call_that_nothing_bounds_has_no_tab(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        assert budgets.empty
        assert budgets.open(world.who(), str) is None

        await budgets.replace([Budget(name="it", scope=Scope(workload="other"), nano=1)])

        assert not budgets.empty
        assert budgets.open(world.who(), str) is None

    tell(adapter, story)


def test_a_tab_names_all_budgets_that_bound_its_call(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        mine = Budget(name="mine", scope=Scope(workload="support"), nano=1, steps=1)
        other = Budget(name="other", scope=Scope(workload="other"), nano=1)
        await budgets.replace([mine, other, DAILY])

        tab = budgets.open(world.who(), str)

        assert tab is not None
        assert tab.budgets == (mine, DAILY)

    tell(adapter, story)


def test_an_attempt_is_held_then_settled_then_spent(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([DAILY])
        tab = budgets.open(world.who(), str)
        assert tab is not None

        hold = await budgets.hold(tab, Amount(nano=60, tokens=7), NOW)
        assert hold.ceiling == Amount(nano=60, tokens=7)
        standing = world.stands(budgets)
        assert (standing.spent, standing.held, standing.window) == (0, 60, "2026-11-23")
        budgets.settle(tab, hold, Amount(nano=25))
        assert world.stands(budgets).held == 25
        budgets.close(tab)
        standing = world.stands(budgets)
        assert (standing.spent, standing.held, standing.amount) == (25, 0, 100)

    tell(adapter, story)


def test_a_refusal_says_which_budget_what_is_left_until_when_and_what_to_do(
    adapter: Adapter,
) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        usd = 10**9
        await budgets.replace(
            [Budget(name="budgets.day", per="day", nano=50 * usd, time_zone="Europe/Berlin")]
        )
        await world.spend(budgets, 49 * usd + 880_000_000)

        with pytest.raises(BudgetExhausted) as refused:
            await world.spend(budgets, usd)

        error = refused.value
        assert error.detail == {"budget": "budgets.day", "unit": "nano"}
        assert error.retry_after is None
        for said in ("budgets.day", "$0.12", "$50.00", "2026-11-24T00:00:00+01:00", "max_tokens"):
            assert said in error.message

    tell(adapter, story)


def test_a_call_that_is_dearer_than_the_whole_budget_is_told_so(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([DAILY])

        with pytest.raises(BudgetExhausted, match="This call alone"):
            await world.spend(budgets, 101)

        await world.spend(budgets, 100)

    tell(adapter, story)


def test_a_hold_reserves_in_every_budget_or_in_none(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        wide = Budget(name="wide", per="month", nano=1000)
        await budgets.replace([wide, DAILY])
        tab = budgets.open(world.who(), str)
        assert tab is not None

        with pytest.raises(BudgetExhausted):
            await budgets.hold(tab, Amount(nano=200), NOW)

        assert [each.held for each in budgets.standings(NOW)] == [0, 0]

    tell(adapter, story)


def test_a_hold_is_settled_only_once(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([DAILY])
        tab = budgets.open(world.who(), str)
        assert tab is not None
        hold = await budgets.hold(tab, Amount(nano=60), NOW)
        budgets.settle(tab, hold, Amount(nano=25))

        with pytest.raises(AssertionError):
            budgets.settle(tab, hold, Amount(nano=25))

    tell(adapter, story)


def test_more_than_was_held_is_counted_too(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([DAILY])
        tab = budgets.open(world.who(), str)
        assert tab is not None
        hold = await budgets.hold(tab, Amount(nano=60), NOW)
        budgets.settle(tab, hold, Amount(nano=125))
        budgets.close(tab)

        assert world.stands(budgets).spent == 125
        with pytest.raises(BudgetExhausted):
            await world.spend(budgets, 1)

    tell(adapter, story)


def test_another_day_is_another_budget(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([DAILY])
        await world.spend(budgets, 100)
        with pytest.raises(BudgetExhausted):
            await world.spend(budgets, 1)

        world.clock.advance(DAY / SECOND)

        await world.spend(budgets, 100)
        assert world.stands(budgets).window == "2026-11-24"

    tell(adapter, story)


@pytest.mark.parametrize(
    ("budget", "unit"),
    [
        (Budget(name="agent", per="session", nano=20), "nano"),
        (Budget(name="agent", per="session", tokens=20), "tokens"),
        (Budget(name="agent", per="session", steps=2), "steps"),
        (Budget(name="agent", per="session", repeats=2), "repeats"),
    ],
)
def test_a_session_is_bounded_by_itself(adapter: Adapter, budget: Budget, unit: str) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([budget])

        async def say(session: str) -> None:
            await world.spend(budgets, 10, tokens=10, who=world.who(session=session), said="again")

        await say("s1")
        await say("s1")
        with pytest.raises(BudgetExhausted) as refused:
            await say("s1")

        assert refused.value.detail == {"budget": "agent", "unit": unit}
        await say("s2")

    tell(adapter, story)


def test_a_session_is_bounded_in_time(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([Budget(name="agent", per="session", wall_time_s=60)])
        await world.spend(budgets, 1, who=world.who(session="s1"))
        world.clock.advance(61)

        with pytest.raises(BudgetExhausted) as refused:
            await world.spend(budgets, 1, who=world.who(session="s1"))

        assert refused.value.detail == {"budget": "agent", "unit": "wall_time"}
        await world.spend(budgets, 1, who=world.who(session="s2"))

    tell(adapter, story)


def test_calls_without_a_session_are_sessions_of_their_own(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([Budget(name="agent", per="session", steps=1, nano=10)])

        for _ in range(3):
            await world.spend(budgets, 10)
        with pytest.raises(BudgetExhausted):
            await world.spend(budgets, 11)

    tell(adapter, story)


def test_a_call_is_bounded_with_all_its_attempts(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([Budget(name="each", per="call", nano=100)])
        tab = budgets.open(world.who(), str)
        assert tab is not None
        budgets.settle(tab, await budgets.hold(tab, Amount(nano=90), NOW), Amount(nano=60))

        with pytest.raises(BudgetExhausted):
            await budgets.hold(tab, Amount(nano=41), NOW)
        await budgets.hold(tab, Amount(nano=40), NOW)
        await world.spend(budgets, 100)

    tell(adapter, story)


def test_past_its_soft_share_a_budget_acts_and_tells_so_once(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        soft = Budget(name="it", per="day", nano=100, soft=0.5, otherwise="smaller")
        await budgets.replace([soft, Budget(name="warns", per="day", nano=100, soft=0.1)])

        crossed = []
        for _ in range(8):
            tab = await world.spend(budgets, 10)
            assert tab is not None
            crossed.append(tab.crossed)

        assert crossed == [()] * 5 + [(soft,)] * 3
        told = [(each.budget, each.share, each.spent) for each in budgets.crossings()]
        assert told == [("warns", 0.1, 10), ("it", 0.5, 50)]
        assert list(budgets.crossings()) == []

    tell(adapter, story)


def test_a_soft_budget_refuses_nothing(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([Budget(name="it", per="day", nano=100, hard=False)])
        for _ in range(3):
            await world.spend(budgets, 90)

        assert world.stands(budgets).spent == 270

    tell(adapter, story)


def test_an_edit_of_the_amount_acts_on_calls_under_way_and_keeps_what_was_counted(
    adapter: Adapter,
) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([DAILY])
        await world.spend(budgets, 30)
        tab = budgets.open(world.who(), str)
        assert tab is not None
        hold = await budgets.hold(tab, Amount(nano=20), NOW)

        await budgets.replace([Budget(name="budgets.day", per="day", nano=60)])

        standing = world.stands(budgets)
        assert (standing.spent, standing.held, standing.amount) == (30, 20, 60)
        with pytest.raises(BudgetExhausted):
            await budgets.hold(tab, Amount(nano=11), NOW)
        budgets.settle(tab, hold, Amount(nano=5))
        await budgets.hold(tab, Amount(nano=25), NOW)
        budgets.close(tab)

    tell(adapter, story)


def test_a_thousand_calls_at_once_overspend_nothing_whoever_goes_away(adapter: Adapter) -> None:
    """Streams that are cut, retries and callers that leave at any await."""
    amount, ceiling = 20_000, 100

    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace(
            [
                Budget(name="day", per="day", nano=amount),
                Budget(name="agent", per="session", nano=ceiling * 30),
            ]
        )
        draw = random.Random(7)
        spent = 0
        most = 0

        async def call(number: int) -> None:
            nonlocal spent, most
            tab = budgets.open(world.who(session=f"s{number % 50}"), str)
            assert tab is not None
            try:
                for _ in range(draw.randint(1, 3)):
                    hold = await budgets.hold(tab, Amount(nano=ceiling), NOW)
                    charge = draw.randint(0, ceiling)
                    try:
                        for _ in range(draw.randint(0, 5)):
                            await asyncio.sleep(0)
                    finally:
                        budgets.settle(tab, hold, Amount(nano=charge))
                        spent += charge
                        most = max(most, spent)
            finally:
                budgets.close(tab)

        tasks = [asyncio.create_task(call(number)) for number in range(1000)]
        for _ in range(60):
            for _ in range(5):
                draw.choice(tasks).cancel()
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        kinds = {type(each) for each in outcomes}
        assert kinds == {type(None), asyncio.CancelledError, BudgetExhausted}
        assert 0 < most <= amount
        day = next(each for each in budgets.standings(NOW) if each.budget == "day")
        assert (day.spent, day.held) == (spent, 0)
        assert all(each.held == 0 for each in budgets.standings(NOW))
        await usable(world, budgets, amount, ceiling)

    tell(adapter, story)


async def usable(world: World, budgets: Budgets, amount: int, ceiling: int) -> None:
    """Calls one after the other get at 70 % of the budget at least."""
    with pytest.raises(BudgetExhausted, match="The budget day"):
        await until_refused(world, budgets, ceiling)
    day = next(each for each in budgets.standings(NOW) if each.budget == "day")
    assert amount * 0.7 <= day.spent <= amount


async def until_refused(world: World, budgets: Budgets, nano: int) -> None:
    while True:
        await world.spend(budgets, nano)


def test_what_a_process_has_spent_its_next_life_knows(adapter: Adapter) -> None:
    async def main() -> None:
        world = World()
        agent = Budget(name="agent", per="session", steps=3, tokens=100)
        async with adapter(world.ledger, world.clock) as budgets:
            await budgets.replace([DAILY, agent])
            for _ in range(2):
                await world.spend(budgets, 30, tokens=20, who=world.who(session="s1"))

        async with adapter(world.ledger, world.clock) as budgets:
            await budgets.replace([DAILY, agent])

            sums = {each.unit: each.spent for each in budgets.standings(NOW)}
            assert sums == {"nano": 60, "steps": 2, "tokens": 40}
            await world.spend(budgets, 30, tokens=20, who=world.who(session="s1"))
            with pytest.raises(BudgetExhausted):
                await world.spend(budgets, 11)
            told = {(each.unit, each.share) for each in budgets.crossings()}
            assert told == {("nano", 1.0), ("steps", 1.0)}

    asyncio.run(main())


def test_a_budget_that_is_added_counts_what_was_spent_before_it(adapter: Adapter) -> None:
    async def story(world: World, budgets: Budgets) -> None:
        await budgets.replace([Budget(name="month", per="month", nano=1000)])
        await world.spend(budgets, 40)
        who: Spender = world.who()
        tab = budgets.open(who, str)
        assert tab is not None
        hold = await budgets.hold(tab, Amount(nano=30), NOW)

        await budgets.replace([DAILY])

        assert (world.stands(budgets).spent, world.stands(budgets).held) == (40, 30)
        with pytest.raises(BudgetExhausted):
            await world.spend(budgets, 31)
        budgets.settle(tab, hold, Amount(nano=10))
        world.record(who, Amount(nano=10))
        budgets.close(tab)
        assert (world.stands(budgets).spent, world.stands(budgets).held) == (50, 0)

    tell(adapter, story)
