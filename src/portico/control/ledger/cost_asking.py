"""What a report of costs asks of the ledger: the spending, and who used provisioned capacity.

Capacity is paid by the hour, used or not. A model's hours fall to the calls that it served, by
their tokens: those of the window, or by day or month, those of that time. Where there were none,
the hours are idle.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from portico.contract.errors import InvalidRequest
from portico.contract.ledger import Capacity, Spending, SpendingKey, SpendingQuery
from portico.contract.ports import Ledger
from portico.control.ledger.cost import IDLE, Found, Keys, nothing
from portico.control.ledger.cost_question import (
    NANO,
    PERIODS,
    Question,
    Where,
    Window,
    ns_of,
)
from portico.cost.capacity import apportion, paid_by, part

MOST_LINES: Final = 10_000


async def ask(ledger: Ledger, question: Question, now_ns: int) -> Found:
    """Raises InvalidRequest where the report would be too long."""
    window = question.window
    if window[0] >= window[1]:
        return Found(rows=(), whole=())
    rows = await ledger.spending(_query(window, question.by, question.conditions))
    if len(rows) > MOST_LINES:
        raise InvalidRequest(
            f"The report would have {len(rows)} lines, and at most {MOST_LINES} are sent. Ask by "
            "fewer keys, for fewer days, or with a condition.",
            field="by",
        )
    whole = await ledger.spending(_query(window, (), question.conditions))
    spread = _Spread(ledger, question)
    terms = sorted(await ledger.capacities(*window), key=_owner)
    for owner, group in groupby(terms, key=_owner):
        await spread.over(owner, tuple(group), now_ns)
    known = {(row.keys, row.simulated) for row in rows}
    late = [nothing(*place) for place in spread.capacity if place not in known]
    return Found(
        rows=(*rows, *late),
        whole=whole,
        capacity=spread.capacity,
        capacity_whole=spread.whole,
        idle=spread.idle,
    )


class _Spread:
    """Collects what falls to whom, model by model."""

    def __init__(self, ledger: Ledger, question: Question) -> None:
        self._ledger = ledger
        self._by = question.by
        self._where = question.conditions
        self._window = question.window
        self._time: tuple[SpendingKey, ...] = tuple(
            key for key in ("day", "month") if key in question.by
        )[:1]
        """The finest time that the report is by, if it is by one."""
        self.capacity: dict[tuple[Keys, bool], int] = {}
        self.idle: dict[Keys, int] = {}
        self.whole = 0

    async def over(self, owner: tuple[str, str], terms: Sequence[Capacity], now_ns: int) -> None:
        """Spreads what was paid by now for one model of a project."""
        named = {"project": owner[0], "model": owner[1]}
        if any(named.get(key, value) != value for key, value in self._where):
            return
        mine: Where = (("project", owner[0]), ("model", owner[1]))
        others = tuple((key, value) for key, value in self._where if key not in named)
        everybody = await self._ask(self._time, mine)
        matching = await self._ask(self._time, (*mine, *others)) if others else everybody
        rows = await self._ask(self._by, (*mine, *others))
        slots = _slots(self._time, (self._window[0], min(self._window[1], now_ns)))
        paid = paid_by(terms, [window for _, window in slots])
        for (slot, _), amount in zip(slots, paid, strict=True):
            used = _tokens(row for row in everybody if row.keys == slot)
            if used:
                self._give(amount, used, [row for row in rows if self._slot(row) == slot])
                real = (row for row in matching if row.keys == slot and not row.simulated)
                self.whole += part(amount, min(used, _tokens(real)), used)
            elif amount and not others:
                keys = self._idle_keys({**named, **dict(zip(self._time, slot, strict=True))})
                self.idle[keys] = self.idle.get(keys, 0) + amount

    async def _ask(self, by: tuple[SpendingKey, ...], where: Where) -> Sequence[Spending]:
        return await self._ledger.spending(_query(self._window, by, where))

    def _give(self, amount: int, used: int, rows: Sequence[Spending]) -> None:
        """To each row its part. What falls to calls that were not asked for stays with them."""
        weights = [_tokens([row]) for row in rows]
        if "tag" in self._by:
            parts: Sequence[int] = [part(amount, weight, used) for weight in weights]
        elif any(weights):
            parts = apportion(amount, [*weights, max(0, used - sum(weights))])[:-1]
        else:
            return
        for row, nano in zip(rows, parts, strict=True):
            place = (row.keys, row.simulated)
            self.capacity[place] = self.capacity.get(place, 0) + nano

    def _slot(self, row: Spending) -> Keys:
        return tuple(
            value for key, value in zip(self._by, row.keys, strict=True) if key in self._time
        )

    def _idle_keys(self, known: dict[str, str]) -> Keys:
        if "day" in known:
            known["month"] = known["day"][:7]
        return tuple(known.get(key, IDLE) for key in self._by)


def _query(window: Window, by: tuple[SpendingKey, ...], where: Where) -> SpendingQuery:
    return SpendingQuery(since_ns=window[0], until_ns=window[1], by=by, where=where)


def _owner(term: Capacity) -> tuple[str, str]:
    return term.project, term.model


def _tokens(rows: Iterable[Spending]) -> int:
    return sum(row.tokens_in + row.tokens_out for row in rows)


def _slots(time: tuple[SpendingKey, ...], window: Window) -> list[tuple[Keys, Window]]:
    """The window cut into the days or months that it has, each with its name; whole without."""
    since, until = window
    if not time:
        return [((), window)]
    found: list[tuple[Keys, Window]] = []
    at = datetime.fromtimestamp(since // NANO, UTC)
    while ns_of(at) < until:
        name = at.strftime("%Y-%m-%d" if time == ("day",) else "%Y-%m")
        after = PERIODS[time[0]](name)[1]
        found.append(((name,), (ns_of(at), min(until, ns_of(after)))))
        at = after
    return found
