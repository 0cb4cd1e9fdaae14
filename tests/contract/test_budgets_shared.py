"""What replicas that share budgets keep to: together they never spend more than an amount."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from tests.contract.fleets import (
    MONTH,
    USD,
    Replica,
    beat,
    crossings,
    fleet,
    paid,
    within_a_minute,
)
from tests.contract.sharing_child import AMOUNT
from tests.contract.valkey_server import Valkey, valkey

from portico.adapters.budgets.leases import PREFIX
from portico.adapters.budgets.shared import Member, SharedBudgets
from portico.adapters.clock import SystemClock
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.contract.budget import Amount, Budget, Scope, Spender
from portico.contract.errors import BudgetExhausted, PorticoError
from portico.contract.ledger import Spending, SpendingQuery


@pytest.fixture(scope="module")
def served() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


def test_a_thousand_calls_at_once_on_four_replicas_overspend_nothing(served: Valkey) -> None:
    async def body() -> None:
        dice = random.Random(11)
        async with fleet(served, 4) as replicas:
            calls = []
            for n in range(1000):
                ceiling = dice.randint(1, USD // 100)
                cost = dice.randint(0, ceiling)
                calls.append(asyncio.create_task(replicas[n % 4].call(ceiling, cost)))
            for victim in dice.sample(calls, 300):
                asyncio.get_running_loop().call_later(dice.random() / 5, victim.cancel)
            ended = await asyncio.gather(*calls, return_exceptions=True)
            told = [
                e for e in ended if isinstance(e, Exception) and not isinstance(e, PorticoError)
            ]
            assert told == []
            await beat(replicas)
            assert 0 < paid(replicas) <= USD
            assert all(each.standing().held == 0 for each in replicas)
            await beat(replicas)
            assert {each.standing().spent for each in replicas} == {paid(replicas)}

    within_a_minute(body)


@pytest.mark.parametrize("share", [50, 10])
def test_calls_one_after_the_other_on_all_replicas_can_use_most_of_it(
    served: Valkey, share: int
) -> None:
    async def body() -> None:
        dice = random.Random(12)
        async with fleet(served, 4) as replicas:
            refused = 0
            for n in range(4000):
                ceiling = USD // share // 2
                one = replicas[n % 4]
                try:
                    await one.call(ceiling, dice.randint(ceiling // 4, ceiling))
                except BudgetExhausted:
                    refused += 1
                    if refused == 8:
                        break
            assert USD * 0.85 <= paid(replicas) <= USD

    within_a_minute(body)


def test_a_call_of_several_budgets_is_granted_all_or_nothing(served: Valkey) -> None:
    narrow = Budget(name="budgets.narrow", nano=USD // 10, per="day")

    async def body() -> None:
        async with fleet(served, 2, (MONTH, narrow)) as (one, other):
            await one.call(USD // 10, USD // 10)
            failure = await other.refused(USD // 100)
            assert isinstance(failure, BudgetExhausted)
            assert failure.detail["budget"] == "budgets.narrow"
            await beat([one, other])
            assert other.standing().spent == USD // 10
            async with Redis.from_url(served.url, decode_responses=True) as operator:
                keys = await operator.keys(f"{PREFIX}*")
                leased = [int(lease) for key in keys if (lease := await operator.hget(key, "g:r1"))]
                assert leased == [0] * len(leased)

    within_a_minute(body)


def test_what_one_replica_does_not_need_another_can_use(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 2) as (one, other):
            await one.call(USD * 9 // 10, 0)
            await one.budgets.beat()
            assert await other.refused(USD * 9 // 10) is None

    within_a_minute(body)


def test_no_call_is_refused_for_what_was_known_before_it_asked(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 2) as (one, other):
            tab = one.budgets.open(one.spender(), str)
            assert tab is not None
            await one.budgets.hold(tab, Amount(USD), one.clock.now_ns())
            assert isinstance(await other.refused(USD // 2), BudgetExhausted)
            one.budgets.close(tab)
            await one.budgets.beat()
            assert await other.refused(USD // 2) is None

    within_a_minute(body)


def test_steps_of_a_session_are_counted_on_all_replicas(served: Valkey) -> None:
    agents = Budget(name="budgets.agents", per="session", steps=5)

    async def body() -> None:
        async with fleet(served, 3, (agents,)) as replicas:
            told = [await replicas[n % 3].refused(1, session="s") for n in range(9)]
            assert [failure is None for failure in told] == [True] * 5 + [False] * 4
            assert await replicas[0].refused(1, session="t") is None

    within_a_minute(body)


def test_an_edited_amount_counts_at_once(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 2) as replicas:
            one, other = replicas
            await one.call(USD // 2, USD // 2)
            for each in replicas:
                await each.budgets.replace([Budget(name=MONTH.name, nano=USD // 2)])
            assert isinstance(await other.refused(1), BudgetExhausted)
            for each in replicas:
                await each.budgets.replace([Budget(name=MONTH.name, nano=USD)])
            assert await other.refused(USD // 2) is None
            assert isinstance(await other.refused(1), BudgetExhausted)

    within_a_minute(body)


def test_a_soft_budget_that_becomes_hard_counts_what_all_have_spent(served: Valkey) -> None:
    soft = Budget(name=MONTH.name, nano=USD, hard=False)

    async def body() -> None:
        async with fleet(served, 2, (soft,)) as replicas:
            for each in replicas:
                await each.call(USD, USD)
            await beat(replicas)
            assert {each.standing().spent for each in replicas} <= {USD, 2 * USD}
            for each in replicas:
                await each.budgets.replace([MONTH])
                assert isinstance(await each.refused(1), BudgetExhausted)

    within_a_minute(body)


class SlowLedger(MemoryLedger):
    """It answers when it is told to."""

    def __init__(self) -> None:
        super().__init__(MemoryJournal())
        self.gate = asyncio.Event()

    async def spending(self, query: SpendingQuery) -> Sequence[Spending]:
        await self.gate.wait()
        return await super().spending(query)


def test_a_budget_is_hard_at_once_while_the_ledger_is_read_for_another(served: Valkey) -> None:
    soft = Budget(name=MONTH.name, nano=USD, hard=False)
    another = Budget(name="budgets.another", scope=Scope(workload="another"), nano=USD)

    async def body() -> None:
        async with fleet(served, 1, (soft,)) as (one,):
            ledger = SlowLedger()
            ledger.gate.set()
            slow = Replica(served, "slow", ledger=ledger)
            await slow.budgets.replace([soft])
            await one.call(USD * 9 // 10, USD * 9 // 10)
            await beat([one, slow])
            ledger.gate.clear()
            editing = asyncio.create_task(slow.budgets.replace([MONTH, another]))
            await asyncio.sleep(0)
            assert isinstance(await slow.refused(USD // 2), BudgetExhausted)
            assert not editing.done()
            ledger.gate.set()
            await editing
            await slow.budgets.shut()

    within_a_minute(body)


def test_a_threshold_is_told_once_by_the_whole_fleet(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 3) as replicas:
            for each in replicas:
                await each.call(USD * 3 // 10, USD * 3 // 10)
            await beat(replicas)
            await beat(replicas)
            [told] = crossings(replicas)
            assert (told.share, told.spent, told.amount) == (0.8, USD * 9 // 10, USD)
            assert isinstance(await replicas[0].refused(USD // 2), BudgetExhausted)
            assert isinstance(await replicas[1].refused(USD // 2), BudgetExhausted)
            await beat(replicas)
            await beat(replicas)
            [told] = crossings(replicas)
            assert (told.share, told.budget) == (1.0, MONTH.name)

    within_a_minute(body)


def test_an_amount_of_nothing_is_not_reached_by_spending_nothing(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 1, (Budget(name="budgets.none", nano=0),)) as replicas:
            replicas[0].clock.advance(40 * 86_400)  # another month
            assert isinstance(await replicas[0].refused(1), BudgetExhausted)
            await beat(replicas)
            assert crossings(replicas) == []

    within_a_minute(body)


def test_a_charge_above_its_hold_is_counted_against_all(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 2) as (one, other):
            await one.call(USD // 2, USD * 9 // 10)
            await one.budgets.beat()
            assert isinstance(await other.refused(USD // 10 + 1), BudgetExhausted)
            assert await other.refused(USD // 10) is None

    within_a_minute(body)


def test_processes_of_their_own_overspend_nothing_together(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 0):
            pass
        child = Path(__file__).with_name("sharing_child.py")
        running = [
            await asyncio.create_subprocess_exec(
                sys.executable, str(child), served.url, f"p{n}", str(n), stdout=PIPE
            )
            for n in range(2)
        ]
        try:
            spent = [int((await each.communicate())[0]) for each in running]
        finally:
            for each in running:
                with suppress(ProcessLookupError):
                    each.kill()
        assert all(each > 0 for each in spent)
        assert AMOUNT * 0.8 < sum(spent) <= AMOUNT

    within_a_minute(body)


def test_a_cancelled_call_leaves_no_hold_and_no_lost_lease(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 2) as (one, other):
            call = asyncio.create_task(one.call(USD, USD))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await one.refused(USD // 2) is None
            await one.budgets.beat()
            assert await other.refused(USD // 2) is None

    within_a_minute(body)


def test_no_lease_is_asked_for_a_call_that_is_a_session_of_its_own(served: Valkey) -> None:
    agents = Budget(name="budgets.agents", per="session", nano=USD)

    async def body() -> None:
        async with fleet(served, 1, (agents,)) as (one,):
            assert await one.refused(USD) is None
            async with Redis.from_url(served.url) as operator:
                assert await operator.keys(f"{PREFIX}*") == []

    within_a_minute(body)


def test_the_clock_of_the_machine_serves_as_well(served: Valkey) -> None:
    async def body() -> None:
        member = Member(url=served.url, replica="alone", gather_s=0.0)
        budgets = SharedBudgets(member, None, SystemClock())
        await budgets.replace([Budget(name="budgets.day", nano=USD, per="day")])
        running = asyncio.create_task(budgets.run())
        who = Spender(call="call_1", received_ns=SystemClock().now_ns())
        tab = budgets.open(who, lambda: "")
        assert tab is not None
        hold = await budgets.hold(tab, Amount(USD), SystemClock().now_ns())
        budgets.settle(tab, hold, Amount(1))
        budgets.close(tab)
        running.cancel()
        await asyncio.wait([running])
        await budgets.shut()

    within_a_minute(body)
