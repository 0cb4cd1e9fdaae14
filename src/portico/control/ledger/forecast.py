"""What the month will have cost when it ends, and when each budget runs out.

Law of the file: what is not known is null and has its reason; it is never a zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from portico.contract.budget import Standing
from portico.contract.snapshot import Currency
from portico.control.ledger.currency import converted
from portico.control.ledger.view import dollars
from portico.cost.forecast import (
    DAYS,
    LEAST_DAYS,
    Estimate,
    Rate,
    State,
    Window,
    history,
    month_end,
    rate,
    run_out,
)

NANO: Final = 1_000_000_000

METHOD: Final = (
    f"The median of the last {DAYS} whole days (UTC), or fewer from the first with a call on; low "
    "and high are their 10th and 90th percentiles, as if every coming day were such a one. From "
    "14 days on by weekday. A budget's pace is that of its window and that of those days, the "
    "former weighing as much as the window has passed. What is held is not spent yet."
)
NO_DAYS: Final = f"fewer than {LEAST_DAYS} whole days with calls: nothing to go on yet"

Daily = Mapping[date, int]
"""Nano-dollars."""


class CostEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Decimal US dollars."""

    low_usd: str
    median_usd: str
    high_usd: str


class SpendForecast(msgspec.Struct, frozen=True, kw_only=True):
    spent_usd: str
    """In the month so far; exact."""
    spent_converted: str | None
    """For display."""
    daily: CostEstimate | None
    """An average day."""
    month_end: CostEstimate | None
    """What will have been spent. Null where there is nothing to go on."""
    days: int
    """Whole days that it rests on."""
    by_weekday: bool
    reason: str
    """Why there is no forecast; empty where there is one."""


class WorkloadForecast(msgspec.Struct, frozen=True, kw_only=True):
    workload: str
    forecast: SpendForecast


class CapacityForecast(msgspec.Struct, frozen=True, kw_only=True):
    """Provisioned capacity, if it stays as it is. It belongs to no workload."""

    spent_usd: str
    month_end_usd: str


class BudgetForecast(msgspec.Struct, frozen=True, kw_only=True):
    """A budget of money in the window under way. Times are in UTC."""

    budget: str
    window: str
    starts: str
    ends: str
    amount_usd: str
    spent_usd: str
    held_usd: str
    """Reserved by calls under way."""
    share: float | None
    """Spent, of the amount."""
    state: State
    """"spent", "runs_out" at the usual pace, "may_run_out" at a high one, "lasts", "unknown"."""
    runs_out: str | None
    earliest: str | None
    latest: str | None
    """Each null where the budget lasts to its window's end, at the usual, high or low pace."""
    days: int
    reason: str


class CostForecast(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    month: str
    ends: str
    total: SpendForecast
    """All workloads and the capacity together."""
    workloads: tuple[WorkloadForecast, ...]
    """Those that spent anything or were called in the last 28 days or this month, dearest first."""
    capacity: CapacityForecast | None
    """Null where there is none."""
    budgets: tuple[BudgetForecast, ...]
    method: str


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars of provisioned capacity: in the month so far, and in all of it."""

    so_far: int
    to_the_end: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a forecast rests on."""

    now: datetime
    ends: datetime
    """The end of the month."""
    daily: Mapping[str, Daily]
    """By workload: days with a call on, of the last 28 and of this month."""
    hours: Hours | None
    budgets: Sequence[tuple[Standing, Daily]]
    """Each with what its scope spent a day, before its window too."""
    currency: Currency | None


def cost_forecast(known: Known) -> CostForecast:
    alone = {name: _spend(days, known) for name, days in known.daily.items()}
    order = sorted(alone, key=lambda name: (-_month_to_date(known.daily[name], known.now), name))
    hours = known.hours
    return CostForecast(
        at=known.now.isoformat(timespec="seconds"),
        month=f"{known.now:%Y-%m}",
        ends=known.ends.isoformat(),
        total=_spend(_together(known.daily.values()), known, hours),
        workloads=tuple(WorkloadForecast(workload=name, forecast=alone[name]) for name in order),
        capacity=None
        if hours is None
        else CapacityForecast(
            spent_usd=dollars(hours.so_far), month_end_usd=dollars(hours.to_the_end)
        ),
        budgets=tuple(_budget(standing, daily, known.now) for standing, daily in known.budgets),
        method=METHOD,
    )


def _spend(daily: Daily, known: Known, hours: Hours | None = None) -> SpendForecast:
    """Of days, and where `hours` are given, of capacity too, which is known ahead."""
    now = known.now
    found = rate(history(daily, now.date()))
    spent = _month_to_date(daily, now)
    so_far = spent + (hours.so_far if hours else 0)
    end = None if found is None else month_end(spent, found, now)
    return SpendForecast(
        spent_usd=dollars(so_far),
        spent_converted=converted(so_far, known.currency),
        daily=None if found is None else _daily(found),
        month_end=None if end is None else _written(end, hours.to_the_end if hours else 0),
        days=len(history(daily, now.date())),
        by_weekday=found is not None and found.weekly,
        reason=NO_DAYS if found is None else "",
    )


def _budget(standing: Standing, daily: Daily, now: datetime) -> BudgetForecast:
    days = history(daily, now.date())
    window = Window(
        starts_ns=standing.starts_ns,
        ends_ns=standing.ends_ns,
        amount=standing.amount,
        spent=standing.spent,
    )
    found = run_out(window, rate(days), round(now.timestamp() * NANO))
    return BudgetForecast(
        budget=standing.budget,
        window=standing.window,
        starts=moment(standing.starts_ns),
        ends=moment(standing.ends_ns),
        amount_usd=dollars(standing.amount),
        spent_usd=dollars(standing.spent),
        held_usd=dollars(standing.held),
        share=standing.spent / standing.amount if standing.amount else None,
        state=found.state,
        runs_out=_moment(found.at_ns),
        earliest=_moment(found.earliest_ns),
        latest=_moment(found.latest_ns),
        days=len(days),
        reason=NO_DAYS if found.state == "unknown" else "",
    )


def moment(ns: int) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(ns // NANO, UTC).isoformat()


def _moment(ns: int | None) -> str | None:
    return None if ns is None else moment(ns)


def _month_to_date(daily: Daily, now: datetime) -> int:
    return sum(
        nano for day, nano in daily.items() if (day.year, day.month) == (now.year, now.month)
    )


def _together(each: Iterable[Daily]) -> Daily:
    sums: dict[date, int] = {}
    for daily in each:
        for day, nano in daily.items():
            sums[day] = sums.get(day, 0) + nano
    return sums


def _daily(found: Rate) -> CostEstimate:
    low, median, high = map(round, (found.low, found.median, found.high))
    return _written(Estimate(low=low, median=median, high=high), 0)


def _written(found: Estimate, more: int) -> CostEstimate:
    return CostEstimate(
        low_usd=dollars(found.low + more),
        median_usd=dollars(found.median + more),
        high_usd=dollars(found.high + more),
    )
