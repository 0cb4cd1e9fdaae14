"""What will be spent, from what was: the days of a month to come, and when a budget runs out.

The method, in the order in which it is applied. Nothing in it is a model of the cause; it says
what happens if the coming days are like the last ones.

1. **The days.** The last 28 whole days (UTC), from the first with a call on. Fewer than two: there
   is nothing to go on, and nothing is said.
2. **The weekday.** From 14 days on, each is divided by what its weekday is of an average day (the
   ratio of their means). A weekday without any spending is expected to have none.
3. **The rate.** The median of these days, and as an interval their 10th and 90th percentiles,
   interpolated linearly (type 7 of Hyndman and Fan, 1996, The American Statistician 50).
4. **The month.** What was spent, and the rate for the rest of today and every day after it, each
   times its weekday's ratio. The interval takes every coming day as a low one, and as a high
   one: wider than what is likely of a sum, on purpose.
5. **The pace of a budget.** What was spent in its window by the time that has passed in it, and
   the rate of the days before, the former weighing as much as the window has passed.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from typing import Final, Literal

import msgspec

DAYS: Final = 28
LEAST_DAYS: Final = 2
WEEKDAYS_FROM: Final = 14
DAY_NS: Final = 86_400 * 10**9
EVERY_DAY: Final = (1.0,) * 7

State = Literal["spent", "runs_out", "may_run_out", "lasts", "unknown"]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars a day."""

    low: float
    median: float
    high: float
    days: int
    """How many it rests on."""
    weekdays: tuple[float, ...] = EVERY_DAY
    """What each, from Monday, is of an average day."""

    @property
    def weekly(self) -> bool:
        return self.weekdays != EVERY_DAY


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars."""

    low: int
    median: int
    high: int


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A budget in its window, and what has gone of it."""

    starts_ns: int
    ends_ns: int
    amount: int
    spent: int


class RunOut(msgspec.Struct, frozen=True, kw_only=True):
    """When a budget will have been spent. Nanoseconds; None: not within its window."""

    state: State
    at_ns: int | None = None
    earliest_ns: int | None = None
    latest_ns: int | None = None


def history(spent: Mapping[date, int], today: date) -> tuple[tuple[date, int], ...]:
    """The whole days before today, at most 28, from the first that is known on; a day that is
    not known between them had no calls."""
    first = today - timedelta(days=DAYS)
    known = [day for day in spent if first <= day < today]
    if not known:
        return ()
    start = min(known)
    days = (start + timedelta(days=number) for number in range((today - start).days))
    return tuple((day, spent.get(day, 0)) for day in days)


def rate(days: Sequence[tuple[date, int]]) -> Rate | None:
    """None where there are fewer than two days."""
    if len(days) < LEAST_DAYS:
        return None
    ratios = _weekdays(days) if len(days) >= WEEKDAYS_FROM else EVERY_DAY
    adjusted = sorted(
        nano / ratios[day.weekday()] for day, nano in days if ratios[day.weekday()] > 0
    )
    if not adjusted:
        return Rate(low=0.0, median=0.0, high=0.0, days=len(days))
    low, median, high = (quantile(adjusted, share) for share in (0.1, 0.5, 0.9))
    return Rate(low=low, median=median, high=high, days=len(days), weekdays=ratios)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of at least one value in ascending order, interpolated linearly."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def month_end(spent: int, found: Rate, now: datetime) -> Estimate:
    """What will have been spent when the month of `now` (UTC) ends; `spent` is in it already."""
    left = _days_left(now, found)
    low, median, high = (
        spent + round(daily * left) for daily in (found.low, found.median, found.high)
    )
    return Estimate(low=low, median=median, high=high)


def run_out(window: Window, before: Rate | None, now_ns: int) -> RunOut:
    """When the budget has gone if spending goes on at its pace."""
    if window.spent >= window.amount:
        return RunOut(state="spent")
    if before is None:
        return RunOut(state="unknown")
    slow, usual, fast = (
        _reached(window, _pace(window, daily, now_ns), now_ns)
        for daily in (before.low, before.median, before.high)
    )
    state: State = "lasts"
    if usual is not None:
        state = "runs_out"
    elif fast is not None:
        state = "may_run_out"
    return RunOut(state=state, at_ns=usual, earliest_ns=fast, latest_ns=slow)


def _weekdays(days: Sequence[tuple[date, int]]) -> tuple[float, ...]:
    average = fmean(nano for _, nano in days)
    if not average:
        return EVERY_DAY
    by = [[nano for day, nano in days if day.weekday() == number] for number in range(7)]
    return tuple(fmean(each) / average for each in by)


def _days_left(now: datetime, found: Rate) -> float:
    """Average days from now to the end of the month, each weighed as its weekday is."""
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    left = (tomorrow - now) / timedelta(days=1) * found.weekdays[now.weekday()]
    day = tomorrow
    while day.month == now.month:
        left += found.weekdays[day.weekday()]
        day += timedelta(days=1)
    return left


def _pace(window: Window, daily: float, now_ns: int) -> float:
    """Nano-dollars a nanosecond."""
    elapsed = max(1, now_ns - window.starts_ns)
    gone = min(1.0, elapsed / max(1, window.ends_ns - window.starts_ns))
    return gone * (window.spent / elapsed) + (1 - gone) * (daily / DAY_NS)


def _reached(window: Window, pace: float, now_ns: int) -> int | None:
    left = window.amount - window.spent
    if pace * (window.ends_ns - now_ns) < left:
        return None
    return now_ns + round(left / pace)
