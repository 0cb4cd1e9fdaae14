"""What calls cost over a time window: evidence for the Lens (GENCOST01-BP01, GENCOST05-BP01).

Law of the file: amounts are whole nano-dollars until they are written, and the total is exactly
the sum of its lines, except by tag, where a call is in several lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, get_args

import msgspec

from portico.contract.ledger import Spending, SpendingKey
from portico.contract.snapshot import Currency
from portico.control.ledger.currency import converted
from portico.control.ledger.view import dollars

KEYS: Final[tuple[SpendingKey, ...]] = tuple(
    key for key in get_args(SpendingKey) if key != "quarter_hour"
)
"""What costs are reported by."""
MOST_KEYS: Final = 3
TIMES: Final = ("day", "month")
IDLE: Final = "(idle)"
ADDED: Final = (
    "calls",
    "answered",
    "accepted",
    "judged",
    "attempts",
    "failed",
    "unpriced",
    "tokens_in",
    "tokens_cached",
    "tokens_out",
    "cost_nano",
    "session_nano",
    "capped",
    "cap_hits",
)
"""What sums over lines that do not overlap; a session may be in several."""

Keys = tuple[str, ...]


class CostFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Calls, and what they cost. Amounts of money are exact decimal text in US dollars."""

    calls: int
    answered: int
    sessions: int
    """Distinct ones that calls named."""
    attempts: int
    failed: int
    unpriced: int
    """Attempts of models without a price: they are in no amount."""
    tokens_in: int
    tokens_cached: int
    """The part of `tokens_in` that was read from a cache."""
    cached_share: float | None
    tokens_out: int
    cost_usd: str
    """What the attempts were charged with."""
    capacity_usd: str
    """The part of what provisioned capacity cost that falls to them."""
    total_usd: str
    """Both."""
    total_converted: str | None
    """`total_usd` in the report's currency, for display; rounded to a millionth."""
    share: float | None
    """Of the report's total, 0 to 1. Null for simulated calls, and where the total is zero."""
    per_call_usd: str | None
    """`total_usd` over `calls`, rounded to the nano-dollar, as the two behind it."""
    per_session_usd: str | None
    """What calls with a session cost, capacity apart, over their sessions. Null without."""
    per_accepted_usd: str | None
    """Over the answers that are acceptable if all are as the judged ones. Null where none was."""
    accepted: int
    judged: int
    acceptance: float | None
    """Of the judged answers."""
    capped: int
    """Calls whose output cap was named by the caller or the workload, not left to the default."""
    capped_share: float | None
    """Of the calls."""
    cap_hits: int
    """Answers that the cap ended."""
    cap_hit_share: float | None
    """Of the answers."""


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    keys: tuple[str, ...]
    """In the order of the report's `by`."""
    kind: Literal["use", "idle", "simulated"]
    """Idle: provisioned capacity that was paid for and not used. Simulated calls are in no
    total."""
    figures: CostFigures


class CostCurrency(msgspec.Struct, frozen=True, kw_only=True):
    """What `total_converted` is in. For display: sums are those of the US dollars."""

    code: str
    per_usd: float
    date: str
    """ISO date of the rate."""
    source: str


class CostReport(msgspec.Struct, frozen=True, kw_only=True):
    """Dearest line first, by day or month in their order; simulated lines come last.

    A call is counted in the line of its first attempt, and what an attempt cost in the line of
    that attempt. By tag, a call is in the line of each of its tags, so that lines sum to more
    than the total.
    """

    since: str
    until: str
    by: tuple[SpendingKey, ...]
    where: tuple[tuple[SpendingKey, str], ...]
    total: CostFigures
    lines: tuple[CostLine, ...]
    simulated_calls: int
    currency: CostCurrency | None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger has for a report."""

    rows: Sequence[Spending]
    whole: Sequence[Spending]
    """The same calls, not divided by anything."""
    capacity: Mapping[tuple[Keys, bool], int] = {}
    """Nano-dollars by the keys of a row, and whether it is simulated."""
    capacity_whole: int = 0
    """What of provisioned capacity falls to all rows together, without what was idle."""
    idle: Mapping[Keys, int] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    since: str
    until: str
    by: tuple[SpendingKey, ...]
    where: tuple[tuple[SpendingKey, str], ...] = ()


def cost_report(asked: Asked, found: Found, currency: Currency | None) -> CostReport:
    """The total is the sum of the lines; by tag, and of sessions, what the ledger says itself."""
    simulated = [row for row in found.whole if row.simulated]
    sums, capacity = _sum(found, "tag" in asked.by)
    whole = sums.cost_nano + capacity
    write = _Writer(whole, currency)
    return CostReport(
        since=asked.since,
        until=asked.until,
        by=asked.by,
        where=asked.where,
        total=write.figures(sums, capacity),
        lines=tuple(_lines(asked, found, write)),
        simulated_calls=sum(row.calls for row in simulated),
        currency=None
        if currency is None
        else CostCurrency(
            code=currency.code,
            per_usd=currency.per_usd,
            date=currency.date,
            source=currency.source,
        ),
    )


def nothing(keys: Keys, simulated: bool) -> Spending:
    """A row without a call."""
    zeros = dict.fromkeys((*ADDED, "sessions"), 0)
    return Spending(keys=keys, simulated=simulated, **zeros)


def added(rows: Iterable[Spending], sessions: int) -> Spending:
    """Rows that do not overlap, as one."""
    rows = tuple(rows)
    sums = {name: sum(getattr(row, name) for row in rows) for name in ADDED}
    return Spending(keys=(), simulated=False, sessions=sessions, **sums)


def _sum(found: Found, overlapping: bool) -> tuple[Spending, int]:
    """All that is not simulated, and the nano-dollars of capacity, idle too."""
    idle = sum(found.idle.values())
    whole = [row for row in found.whole if not row.simulated]
    sessions = sum(row.sessions for row in whole)
    if overlapping:
        return added(whole, sessions), found.capacity_whole + idle
    real = [row for row in found.rows if not row.simulated]
    used = sum(nano for (_, simulated), nano in found.capacity.items() if not simulated)
    return added(real, sessions), used + idle


def _lines(asked: Asked, found: Found, write: "_Writer") -> Sequence[CostLine]:
    drafts: list[tuple[CostLine, int]] = []
    for row in found.rows:
        capacity = found.capacity.get((row.keys, row.simulated), 0)
        line = CostLine(
            keys=row.keys,
            kind="simulated" if row.simulated else "use",
            figures=write.figures(row, capacity),
        )
        drafts.append((line, row.cost_nano + capacity))
    for keys, nano in found.idle.items():
        line = CostLine(keys=keys, kind="idle", figures=write.figures(nothing(keys, False), nano))
        drafts.append((line, nano))
    times = tuple(place for place, key in enumerate(asked.by) if key in TIMES)

    def order(draft: tuple[CostLine, int]) -> tuple[bool, Keys, int, Keys]:
        line, nano = draft
        when = tuple(line.keys[place] for place in times)
        return line.kind == "simulated", when, -nano, line.keys

    return [line for line, _ in sorted(drafts, key=order)]


class _Writer:
    """Writes sums as figures of one report."""

    def __init__(self, whole: int, currency: Currency | None) -> None:
        self._whole = whole
        self._currency = currency

    def figures(self, row: Spending, capacity: int) -> CostFigures:
        total = row.cost_nano + capacity
        return CostFigures(
            calls=row.calls,
            answered=row.answered,
            sessions=row.sessions,
            attempts=row.attempts,
            failed=row.failed,
            unpriced=row.unpriced,
            tokens_in=row.tokens_in,
            tokens_cached=row.tokens_cached,
            cached_share=_share(row.tokens_cached, row.tokens_in),
            tokens_out=row.tokens_out,
            cost_usd=dollars(row.cost_nano),
            capacity_usd=dollars(capacity),
            total_usd=dollars(total),
            total_converted=converted(total, self._currency),
            share=None if row.simulated else _share(total, self._whole),
            per_call_usd=_each(total, row.calls),
            per_session_usd=_each(row.session_nano, row.sessions),
            per_accepted_usd=_each(total * row.judged, row.answered * row.accepted),
            accepted=row.accepted,
            judged=row.judged,
            acceptance=_share(row.accepted, row.judged),
            capped=row.capped,
            capped_share=_share(row.capped, row.calls),
            cap_hits=row.cap_hits,
            cap_hit_share=_share(row.cap_hits, row.answered),
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _each(nano: int, number: int) -> str | None:
    """Nano-dollars over a number, rounded to the nearest."""
    return dollars((2 * nano + number) // (2 * number)) if number else None
