"""Thresholds of budgets, each told once a window."""

from collections import deque
from typing import Final

from portico.contract.budget import Crossing
from portico.cost.budgets.meters import FULL, SOFT, UNBOUNDED, Account
from portico.cost.budgets.standing import UNIT

CROSSINGS: Final = 10_000
"""Crossings that wait to be asked for; the oldest go."""


class Thresholds:
    """What was passed since it was last asked."""

    def __init__(self) -> None:
        self._told: deque[Crossing] = deque(maxlen=CROSSINGS)

    def take(self) -> list[Crossing]:
        told = list(self._told)
        self._told.clear()
        return told

    def look(self, account: Account, now_ns: int, *, full: bool = False) -> None:
        """Tells what an account has passed. `full`: a call was turned away for lack of room."""
        meter = account.meter
        if account.told & FULL or meter.mark == UNBOUNDED:
            return
        used, soft = account.used, meter.soft_amount()
        if soft is not None and soft < meter.amount and used >= soft and not account.told & SOFT:
            account.told |= SOFT
            self._tell(account, meter.budget.soft or 0.0, now_ns)
        if full or used >= meter.amount:
            account.told |= FULL
            self._tell(account, 1.0, now_ns)

    def _tell(self, account: Account, share: float, now_ns: int) -> None:
        meter = account.meter
        self._told.append(
            Crossing(
                budget=meter.budget.name,
                unit=UNIT[account.unit],
                window=account.window.label,
                share=share,
                amount=meter.amount,
                spent=account.used,
                at_ns=now_ns,
            )
        )
