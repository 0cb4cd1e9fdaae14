"""What a report of costs is asked for: keys, conditions and days, read from words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from portico.contract.errors import InvalidRequest
from portico.contract.ledger import SpendingKey
from portico.control.ledger.carbon_api import window
from portico.control.ledger.cost import KEYS, MOST_KEYS

NANO: Final = 1_000_000_000
QUARTER_NS: Final = 900 * NANO
MOST_WHERE: Final = 16
USUAL_DAYS: Final = 30

Where = tuple[tuple[SpendingKey, str], ...]
Window = tuple[int, int]
"""Nanoseconds since the epoch: the start, and the end that is not in it any more."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    since: datetime
    until: datetime
    """Not in it any more. Both on a quarter of an hour."""
    by: tuple[SpendingKey, ...]
    where: Where = ()

    @property
    def window(self) -> Window:
        """The time that is meant, as narrow as a day or a month in `where` makes it; it may end
        before it begins."""
        since, until = ns_of(self.since), ns_of(self.until)
        for key, value in self.where:
            if key in PERIODS:
                first, after = PERIODS[key](value)
                since, until = max(since, ns_of(first)), min(until, ns_of(after))
        return since, until

    @property
    def conditions(self) -> Where:
        """Those that are not about time."""
        return tuple((key, value) for key, value in self.where if key not in PERIODS)


def keys_of(words: Sequence[str]) -> tuple[SpendingKey, ...]:
    """Keys, each word one or several with commas. Raises InvalidRequest."""
    found = [_key(name, "by") for word in words for name in word.split(",")]
    if len(found) > MOST_KEYS:
        raise InvalidRequest(f"Costs are reported by at most {MOST_KEYS} keys.", field="by")
    if len(set(found)) < len(found):
        raise InvalidRequest("A key stands twice in `by`; name each once.", field="by")
    return tuple(found)


def where_of(words: Sequence[str]) -> Where:
    """Conditions such as "team=care". Raises InvalidRequest."""
    if len(words) > MOST_WHERE:
        raise InvalidRequest(f"At most {MOST_WHERE} conditions are looked at.", field="where")
    found: list[tuple[SpendingKey, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InvalidRequest("A condition reads KEY=VALUE, like team=care.", field="where")
        key = _key(name, "where")
        if key != "tag" and key in dict(found):
            raise InvalidRequest(
                f"`where` names '{key}' twice, and no call has two.", field="where"
            )
        if key in PERIODS:
            PERIODS[key](value)
        found.append((key, value))
    return tuple(found)


def span(
    now_ns: int, days: int | None, since: date | None, until: date | None
) -> tuple[datetime, datetime]:
    """The last `days` until now, or the days `since` to `until`, on quarters of an hour.

    Raises InvalidRequest.
    """
    if days is not None and since is not None:
        raise InvalidRequest("Give `days`, or `from` and `to`, not both.", field="days")
    until_ns = -(-(now_ns + 1) // QUARTER_NS) * QUARTER_NS
    return window(until_ns - NANO, days or USUAL_DAYS, since, until)


def ns_of(at: datetime) -> int:
    return int(at.timestamp()) * NANO


def month_after(first: datetime) -> datetime:
    """When the month ends that begins then."""
    return (first + timedelta(days=31)).replace(day=1)


def _key(word: str, field: str) -> SpendingKey:
    name = word.strip()
    for key in KEYS:
        if key == name:
            return key
    raise InvalidRequest(
        f"'{name[:40]}' is no key of costs; choose from {', '.join(KEYS)}.", field=field
    )


def _day(text: str) -> tuple[datetime, datetime]:
    first = _parsed(text, "%Y-%m-%d", "a day like 2026-11-23")
    return first, first + timedelta(days=1)


def _month(text: str) -> tuple[datetime, datetime]:
    first = _parsed(text, "%Y-%m", "a month like 2026-11")
    return first, month_after(first)


def _parsed(text: str, form: str, like: str) -> datetime:
    """Between 1970 and 2200, as all windows are."""
    try:
        found = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year < 2200:
        raise InvalidRequest(f"`where` takes {like}.", field="where")
    return found


PERIODS: Final = {"day": _day, "month": _month}
"""Keys that are times, and how their values are read."""
