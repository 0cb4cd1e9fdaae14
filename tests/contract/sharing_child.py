"""One process of a fleet that shares a budget: spends until it is refused, and says how much.

`python sharing_child.py URL REPLICA SEED`
"""

import asyncio
import random
import sys
from typing import Final

from portico.adapters.budgets.shared import Member, SharedBudgets
from portico.adapters.clock import SystemClock
from portico.contract.budget import Amount, Budget, Spender
from portico.contract.errors import BudgetExhausted

AMOUNT: Final = 1_000_000_000
CLIENTS: Final = 20
CEILING: Final = AMOUNT // 500


async def spend(url: str, replica: str, seed: int) -> int:
    dice, clock, spent = random.Random(seed), SystemClock(), 0
    budgets = SharedBudgets(Member(url=url, replica=replica), None, clock)
    await budgets.replace([Budget(name="budgets.all", per="month", nano=AMOUNT)])
    running = asyncio.create_task(budgets.run())

    async def client(number: int) -> None:
        nonlocal spent
        for call in range(10_000):
            who = Spender(call=f"call_{replica}_{number}_{call}", received_ns=clock.now_ns())
            tab = budgets.open(who, str)
            assert tab is not None
            try:
                ceiling = dice.randint(CEILING // 2, CEILING)
                hold = await budgets.hold(tab, Amount(ceiling), clock.now_ns())
                charge = dice.randint(0, ceiling)
                await asyncio.sleep(0)
                budgets.settle(tab, hold, Amount(charge))
                spent += charge
            except BudgetExhausted:
                return
            finally:
                budgets.close(tab)

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    running.cancel()
    await asyncio.wait([running])
    await budgets.shut()
    return spent


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(spend(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
