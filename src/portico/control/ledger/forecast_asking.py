"""What a forecast asks of the ledger and of the budgets."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from portico.contract.budget import Scope, Standing
from portico.contract.ledger import Spending, SpendingKey, SpendingQuery
from portico.contract.ports import Clock, Ledger
from portico.contract.snapshot import Key, Snapshot
from portico.control.ledger.budgets_api import Bounding
from portico.control.ledger.cost_question import (
    NANO,
    QUARTER_NS,
    Where,
    Window,
    month_after,
    ns_of,
)
from portico.control.ledger.forecast import CostForecast, Daily, Hours, Known, cost_forecast
from portico.cost.capacity import paid
from portico.cost.forecast import DAYS


@dataclass(frozen=True)
class Forecasts:
    ledger: Ledger
    clock: Clock
    snapshot: Callable[[], Snapshot]
    budgets: Bounding
    keys: Callable[[], Sequence[Key]]
    """Blocks: it is called off the loop."""

    async def now(self) -> CostForecast:
        now_ns = self.clock.now_ns()
        now = datetime.fromtimestamp(now_ns // NANO, UTC)
        first = datetime(now.year, now.month, 1, tzinfo=UTC)
        ends = month_after(first)
        earliest = datetime.combine(now.date(), time(), UTC) - timedelta(days=DAYS)
        until_ns = -(-(now_ns + 1) // QUARTER_NS) * QUARTER_NS
        rows = await self._spending((ns_of(min(first, earliest)), until_ns), ("workload", "day"))
        return cost_forecast(
            Known(
                now=now,
                ends=ends,
                daily=_by_workload(rows),
                hours=await self._hours((ns_of(first), ns_of(ends)), now_ns),
                budgets=await self._budgets((ns_of(earliest), until_ns), now_ns),
                currency=self.snapshot().currency,
            )
        )

    async def _spending(
        self, window: Window, by: tuple[SpendingKey, ...], where: Where = ()
    ) -> Sequence[Spending]:
        query = SpendingQuery(since_ns=window[0], until_ns=window[1], by=by, where=where)
        return await self.ledger.spending(query)

    async def _hours(self, month: Window, now_ns: int) -> Hours | None:
        terms = await self.ledger.capacities(*month)
        if not terms:
            return None
        return Hours(so_far=paid(terms, (month[0], now_ns)), to_the_end=paid(terms, month))

    async def _budgets(self, window: Window, now_ns: int) -> list[tuple[Standing, Daily]]:
        """Budgets of money in windows of time; what is counted by session lasts as long as it."""
        known = {budget.name: budget.scope for budget in self.snapshot().budgets}
        standings = [
            each
            for each in self.budgets.standings(now_ns)
            if each.unit == "nano" and each.ends_ns and each.budget in known
        ]
        keys = await asyncio.to_thread(self.keys) if standings else ()
        before: dict[Scope, Daily] = {}
        for standing in standings:
            scope = known[standing.budget]
            if scope not in before:
                before[scope] = await self._scope(scope, window, keys)
        return [(each, before[known[each.budget]]) for each in standings]

    async def _scope(self, scope: Scope, window: Window, keys: Sequence[Key]) -> Daily:
        """With simulated calls: a budget counts what they cost where they have a price."""
        sums: dict[date, int] = {}
        for where in _wheres(scope, keys):
            for row in await self._spending(window, ("day",), where):
                _add(sums, row.keys[0], row.cost_nano)
        return sums


def _by_workload(rows: Sequence[Spending]) -> dict[str, Daily]:
    found: dict[str, dict[date, int]] = {}
    for row in rows:
        if not row.simulated:
            _add(found.setdefault(row.keys[0], {}), row.keys[1], row.cost_nano)
    return dict(found)


def _add(sums: dict[date, int], day: str, nano: int) -> None:
    at = date.fromisoformat(day)
    sums[at] = sums.get(at, 0) + nano


def _wheres(scope: Scope, keys: Sequence[Key]) -> list[Where]:
    """Conditions whose calls together are those of the scope: the ledger knows keys by their
    ids, and several may have the name that a scope has."""
    named: tuple[tuple[SpendingKey, str], ...] = (
        ("project", scope.project),
        ("team", scope.team),
        ("workload", scope.workload),
        ("tag", scope.tag),
    )
    where: Where = tuple((key, value) for key, value in named if value)
    if not scope.key:
        return [where]
    ids = {key.id for key in keys if key.name == scope.key} | {scope.key}
    return [(*where, ("key", each)) for each in sorted(ids)]
