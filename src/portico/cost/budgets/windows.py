"""Days, weeks and months in a time zone."""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from portico.contract.budget import Period

SECOND_NS: Final = 1_000_000_000
QUARTER_NS: Final = 15 * 60 * SECOND_NS
DAY_NS: Final = 24 * 3600 * SECOND_NS


class Window(NamedTuple):
    """From `starts_ns` until before `ends_ns`; 0: it ends with its session."""

    starts_ns: int
    ends_ns: int
    label: str
    """`2026-11-23`, `2026-W48`, `2026-11`, or the session."""


def window_of(at_ns: int, per: Period, zone: str) -> Window:
    """The day, week (from Monday, numbered by ISO 8601) or month of a moment.

    A day lasts as long as it does on the clocks of the zone: 23 to 25 hours. One that begins
    twice begins the first time, one whose midnight is skipped begins where the clocks go on.
    """
    local = ZoneInfo(zone)
    today = datetime.fromtimestamp(at_ns // SECOND_NS, local).date()
    first, after, label = _DATES[per](today)
    return Window(_midnight(first, local), _midnight(after, local), label)


def quarter(at_ns: int) -> int:
    """The start of a moment's quarter of an hour; every zone's days begin on one."""
    return at_ns - at_ns % QUARTER_NS


def moment(at_ns: int, zone: str) -> str:
    """ISO 8601, to the second, with the zone's offset."""
    return datetime.fromtimestamp(at_ns // SECOND_NS, ZoneInfo(zone)).isoformat()


def _midnight(day: date, local: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=local).timestamp()) * SECOND_NS


def _day(today: date) -> tuple[date, date, str]:
    return today, today + timedelta(days=1), today.isoformat()


def _week(today: date) -> tuple[date, date, str]:
    year, week, weekday = today.isocalendar()
    monday = today - timedelta(days=weekday - 1)
    return monday, monday + timedelta(days=7), f"{year}-W{week:02d}"


def _month(today: date) -> tuple[date, date, str]:
    first = today.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return first, after, f"{first:%Y-%m}"


_DATES: Final = {"day": _day, "week": _week, "month": _month}
