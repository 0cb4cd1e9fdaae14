"""Replicas that share budgets, while the server is away, and after it has forgotten."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from tests.contract.budget_adapters import World
from tests.contract.fleets import (
    MONTH,
    USD,
    Replica,
    beat,
    fleet,
    paid,
    within_a_minute,
)
from tests.contract.valkey_server import Valkey, valkey

from portico.adapters.budgets.shared import Member, SharedBudgets
from portico.contract.budget import Budget
from portico.contract.errors import BudgetExhausted, Overloaded


@pytest.fixture(scope="module")
def served() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


def test_while_the_server_is_away_calls_go_on_within_the_lease(served: Valkey) -> None:
    async def body() -> None:
        with valkey() as server:
            async with fleet(server, 2) as replicas:
                one, other = replicas
                await one.call(USD // 100, USD // 100)
                server.kill()
                await one.call(USD // 100, USD // 100)  # of the fiftieth that it was granted
                for each in replicas:
                    failure = await each.refused(USD // 100)
                    assert isinstance(failure, Overloaded)
                    assert failure.retry_after == 1.0
                    assert MONTH.name in failure.message
                    assert "does not answer" in each.budgets.degraded()
                    await each.budgets.beat()
                    assert "does not answer" in each.budgets.degraded()
                server.start()
                await beat(replicas)
                assert one.budgets.degraded() == ""
                assert await other.refused(USD // 100) is None

    within_a_minute(body)


def test_a_server_killed_in_the_middle_and_back_empty_lets_nobody_overspend() -> None:
    async def body() -> None:
        dice = random.Random(13)
        with valkey() as server:
            async with fleet(server, 4) as replicas:

                async def client(n: int) -> None:
                    for _ in range(60):
                        ceiling = dice.randint(1, USD // 150)
                        await replicas[n % 4].refused(ceiling)
                        await asyncio.sleep(0)

                async def trouble() -> None:
                    for _ in range(3):
                        await asyncio.to_thread(server.kill)
                        await beat(replicas)
                        await asyncio.to_thread(server.start)
                        await beat(replicas)

                await asyncio.gather(trouble(), *(client(n) for n in range(40)))
                await beat(replicas)
                while await replicas[0].refused(USD // 1000) is None:
                    pass
                assert USD // 2 < paid(replicas) <= USD

    within_a_minute(body)


def test_an_emptied_server_grants_nothing_until_all_have_told_it_what_they_hold() -> None:
    async def body() -> None:
        with valkey() as server:
            async with fleet(server, 3) as replicas:
                one, other, third = replicas
                for each in replicas:
                    await each.call(USD // 4, USD // 4)
                await beat(replicas)
                server.kill()
                server.start()
                for each in (one, other):
                    await each.budgets.beat()  # hears that all is gone, and registers
                    failure = await each.refused(USD // 10)
                    assert isinstance(failure, Overloaded)
                    assert "not all replicas" in failure.message
                await third.budgets.beat()
                assert isinstance(await one.refused(USD // 4 + 1), BudgetExhausted)
                assert await one.refused(USD // 4) is None
                assert paid(replicas) == USD

    within_a_minute(body)


def test_what_idle_sessions_have_spent_is_told_to_an_emptied_server_too() -> None:
    agents = Budget(name="budgets.agents", per="session", steps=5)

    async def body() -> None:
        with valkey() as server:
            async with fleet(server, 2, (agents, MONTH)) as (one, other):
                for _ in range(3):
                    assert await one.refused(1, session="s") is None
                await one.budgets.beat()
                server.kill()
                server.start()
                await one.budgets.beat()
                told = [await other.refused(1, session="s") for _ in range(4)]
                assert [failure is None for failure in told] == [True, True, False, False]

    within_a_minute(body)


def test_a_replica_that_begins_again_has_its_lease_and_what_its_ledger_says(
    served: Valkey,
) -> None:
    async def body() -> None:
        async with fleet(served, 1) as (other,):
            world = World()
            member = Member(url=served.url, replica="again", gather_s=0.0)
            killed = SharedBudgets(member, world.ledger, world.clock)
            await killed.replace([MONTH])
            await world.spend(killed, USD // 2)  # the server is not told what this cost
            again = SharedBudgets(member, world.ledger, world.clock)
            await again.replace([MONTH])
            assert world.stands(again).spent == USD // 2
            assert await other.refused(USD // 4) is None
            await world.spend(again, USD // 4)
            with pytest.raises(BudgetExhausted):
                await world.spend(again, 1)
            await again.shut()
            await killed.shut()

    within_a_minute(body)


def test_a_replica_that_lost_its_ledger_has_spent_what_it_had_said(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 1) as (one,):
            await one.call(USD // 2, USD // 2)
            await one.budgets.beat()
            again = Replica(served, "r0")
            await again.budgets.replace([MONTH])
            assert again.standing().spent == USD // 2
            assert isinstance(await again.refused(USD // 2 + 1), BudgetExhausted)
            await again.budgets.shut()

    within_a_minute(body)


def test_a_new_server_is_asked_again_until_all_had_the_time_to_register() -> None:
    async def body() -> None:
        with valkey() as server:
            async with fleet(server, 1, gather_s=0.3) as (one,):
                assert await one.refused(USD) is None

    within_a_minute(body)


def test_a_replica_that_shuts_gives_back_what_it_has_not_spent(served: Valkey) -> None:
    async def body() -> None:
        async with fleet(served, 2) as (one, other):
            await one.call(USD // 2, USD // 10)
            await one.budgets.shut()
            assert await other.refused(USD * 9 // 10) is None
            assert isinstance(await other.refused(1), BudgetExhausted)

    within_a_minute(body)
