"""What a question to the roll-ups names: a window of quarters of an hour, and keys."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from portico.adapters.store.rollups import DAY, QUARTER_NS, Kind, tags_of
from portico.contract.errors import InvalidRequest
from portico.contract.ledger import SpendingKey, SpendingQuery

MOST_KEYS: Final = 3
EPOCH: Final = date(1970, 1, 1)
LATEST: Final = 2262
"""The year in which nanoseconds leave 64 bits."""


class Span(NamedTuple):
    """Quarters of an hour since the epoch; `end` is not in it. `grain` 1, or 96: whole days."""

    grain: int
    start: int
    end: int


def window_of(query: SpendingQuery) -> tuple[int, int]:
    """Its quarters. Raises InvalidRequest."""
    if query.since_ns % QUARTER_NS or query.until_ns % QUARTER_NS:
        field = "since_ns" if query.since_ns % QUARTER_NS else "until_ns"
        raise InvalidRequest(
            "Spending is kept by the quarter of an hour. Let the window begin and end on one.",
            field=field,
        )
    if len(query.by) > MOST_KEYS or len(set(query.by)) < len(query.by):
        raise InvalidRequest(
            f"Spending is summed by at most {MOST_KEYS} keys, each named once.", field="by"
        )
    since, until = query.since_ns // QUARTER_NS, query.until_ns // QUARTER_NS
    for key, value in query.where:
        if key in TIMES:
            start, end = _named(key, value)
            since, until = max(since, start), min(until, end)
    return since, max(since, until)


def spans(since: int, until: int, *, by_quarter: bool = False) -> list[Span]:
    """Whole days in UTC where there are any, and the quarters before and behind them.

    `by_quarter`: quarters alone, a day at a time, which SQLite sorts in its memory.
    """
    if by_quarter:
        starts = range(since, until, DAY)
        return [Span(1, start, min(start + DAY, until)) for start in starts]
    first, last = -(-since // DAY) * DAY, until // DAY * DAY
    if first >= last:
        return [Span(1, since, until)]
    parts = [Span(1, since, first), Span(DAY, first, last), Span(1, last, until)]
    return [each for each in parts if each.start < each.end]


# --- keys of time ------------------------------------------------------------------------------


def _day(quarter: int) -> str:
    return (EPOCH + timedelta(days=quarter // DAY)).isoformat()


def _month(quarter: int) -> str:
    return _day(quarter)[:7]


def _quarter(quarter: int) -> str:
    return str(quarter * QUARTER_NS)


TIMES: Final[Mapping[SpendingKey, Callable[[int], str]]] = {
    "day": _day,
    "month": _month,
    "quarter_hour": _quarter,
}
"""What a quarter since the epoch is called by each key of time."""


def _named(key: SpendingKey, value: str) -> tuple[int, int]:
    """The quarters of a day, a month or a quarter that is named. Raises InvalidRequest."""
    first = _first(key, value)
    if first is None or TIMES[key](first) != value:
        raise InvalidRequest(
            f"{value[:40]!r} is no {key.replace('_', ' ')} as spending is summed by.",
            field="where",
        )
    if key == "month":
        day = EPOCH + timedelta(days=first // DAY + 31)
        return first, (day.replace(day=1) - EPOCH).days * DAY
    return first, first + (DAY if key == "day" else 1)


def _first(key: SpendingKey, value: str) -> int | None:
    try:
        if key == "quarter_hour":
            return int(value) // QUARTER_NS
        day = date.fromisoformat(value if key == "day" else f"{value}-01")
    except ValueError:
        return None
    return (day - EPOCH).days * DAY if day.year < LATEST else None


# --- keys of calls and attempts ----------------------------------------------------------------


def _prompts(kind: Kind) -> tuple[str, ...]:
    return (f"{kind[4]}@{kind[5]}" if kind[5] else kind[4],)


def _tags(kind: Kind) -> tuple[str, ...]:
    return tuple(f"{name}={value}" if value else name for name, value in tags_of(kind[7]))


VALUES: Final[Mapping[SpendingKey, Callable[[Kind], tuple[str, ...]]]] = {
    "project": lambda kind: (kind[0],),
    "team": lambda kind: (kind[1],),
    "workload": lambda kind: (kind[2],),
    "release": lambda kind: (kind[3],),
    "prompt": _prompts,
    "key": lambda kind: (kind[6],),
    "tag": _tags,
    "model": lambda kind: (kind[8],),
    "provider": lambda kind: (kind[9],),
}
"""What a kind is summed by under each key: one name, or one for each tag."""


def fits(kind: Kind, where: Sequence[tuple[SpendingKey, str]]) -> bool:
    """A prompt and a tag hold by their name alone too."""
    return all(_holds(kind, key, value) for key, value in where if key not in TIMES)


def _holds(kind: Kind, key: SpendingKey, value: str) -> bool:
    if value in VALUES[key](kind):
        return True
    if key == "prompt":
        return kind[4] == value
    return key == "tag" and any(name == value for name, _ in tags_of(kind[7]))


def label(quarter: int, by: Sequence[SpendingKey], names: Sequence[str]) -> tuple[str, ...]:
    """`names` of the keys, with those of time put in."""
    return tuple(
        TIMES[key](quarter) if key in TIMES else name for key, name in zip(by, names, strict=True)
    )


class Buckets(dict[int, int]):
    """The first quarter of the day or month that a quarter is in: itself by the quarter, 0 where
    nothing asks for the time. Worked out once a quarter."""

    def __init__(self, by: Sequence[SpendingKey]) -> None:
        super().__init__()
        self._keys = frozenset(by)

    @property
    def timed(self) -> bool:
        """Something asks for the time."""
        return not self._keys.isdisjoint(TIMES)

    def __missing__(self, quarter: int) -> int:
        first = self[quarter] = self._first(quarter)
        return first

    def _first(self, quarter: int) -> int:
        if "quarter_hour" in self._keys:
            return quarter
        if "day" in self._keys:
            return quarter - quarter % DAY
        if "month" not in self._keys:
            return 0
        day = EPOCH + timedelta(days=quarter // DAY)
        return (day.replace(day=1) - EPOCH).days * DAY
