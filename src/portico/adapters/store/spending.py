"""What calls cost, from the roll-ups.

Kinds are few beside rows, so what a question sums by is decided a kind, in Python; SQLite adds up
rows by time and kind.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from portico.adapters.store import rollup_queries as queries
from portico.adapters.store.rollups import Kind
from portico.adapters.store.summing import kinds_of, rows
from portico.adapters.store.windows import TIMES, VALUES, Buckets, fits, label, spans, window_of
from portico.contract.ledger import Spending, SpendingKey, SpendingQuery

SPENT: Final = (
    "calls", "answered", "accepted", "judged", "attempts", "failed", "unpriced", "capped",
    "cap_hits", "tokens_in", "tokens_cached", "tokens_out", "cost_nano",
)  # fmt: skip

Group = tuple[tuple[str, ...], bool]
"""The names of the keys, with nothing in the place of those of time, and whether simulated."""
Place = tuple[int, Group]
"""The first quarter of an hour of a day, a month or itself (0: no key of time), and a group."""


def spending(connection: sqlite3.Connection, query: SpendingQuery) -> list[Spending]:
    """Raises InvalidRequest."""
    window = window_of(query)
    kinds = {n: kind for n, kind in kinds_of(connection).items() if fits(kind, query.where)}
    groups = {number: _groups(kind, query.by) for number, kind in kinds.items()}
    buckets = Buckets(query.by)
    found: dict[Place, list[int]] = {}
    for quarter, group, sums in _spent(connection, query, groups, window):
        place = (buckets[quarter], group)
        older = found.get(place)
        found[place] = [*sums] if older is None else [*map(int.__add__, older, sums)]
    sessions, nanos = _sessions(connection, window, buckets, _marks(kinds, groups))
    made = [
        Spending(
            keys=label(quarter, query.by, group[0]),
            simulated=group[1],
            sessions=sessions[quarter, group],
            session_nano=nanos[quarter, group],
            **dict(zip(SPENT, sums, strict=True)),
        )
        for (quarter, group), sums in found.items()
    ]
    return sorted(made, key=lambda each: (each.keys, each.simulated))


def _groups(kind: Kind, by: Sequence[SpendingKey]) -> tuple[Group, ...]:
    names = [("",) if key in TIMES else VALUES[key](kind) for key in by]
    return tuple((each, bool(kind[10])) for each in product(*names))


def _spent(
    connection: sqlite3.Connection,
    query: SpendingQuery,
    groups: Mapping[int, tuple[Group, ...]],
    window: tuple[int, int],
) -> Iterator[tuple[int, Group, Sequence[int]]]:
    if "quarter_hour" in query.by:
        yield from _by_quarters(connection, query, groups, window)
        return
    statement = queries.BY_TIME_AND_KIND if Buckets(query.by).timed else queries.BY_KIND
    for quarter, kind, sums in rows(connection, statement, SPENT, spans(*window)):
        for group in groups.get(kind, ()):
            yield quarter, group, sums


def _by_quarters(
    connection: sqlite3.Connection,
    query: SpendingQuery,
    groups: Mapping[int, tuple[Group, ...]],
    window: tuple[int, int],
) -> Iterator[tuple[int, Group, Sequence[int]]]:
    """As many rows as there are quarters and kinds: SQLite groups them itself."""
    over = spans(*window, by_quarter=True)
    plain = all(key in TIMES for key in (*query.by, *(key for key, _ in query.where)))
    if plain:
        named = ("",) * len(query.by)
        for quarter, simulated, sums in rows(connection, queries.BY_TIME, SPENT, over):
            yield quarter, (named, bool(simulated)), sums
        return
    numbered = [*dict.fromkeys(group for each in groups.values() for group in each)]
    numbers = {group: number for number, group in enumerate(numbered)}
    connection.execute(queries.MAKE_GROUPS)
    connection.executemany(
        queries.ADD_GROUP,
        [(kind, numbers[group]) for kind, each in groups.items() for group in each],
    )
    for quarter, number, sums in rows(connection, queries.BY_TIME_AND_GROUP, SPENT, over):
        yield quarter, numbered[number], sums


# --- sessions ----------------------------------------------------------------------------------

Mark = tuple[Group, tuple[str, str]]
"""A group, and whose session it is: a project's and team's."""


def _marks(
    kinds: Mapping[int, Kind], groups: Mapping[int, tuple[Group, ...]]
) -> Mapping[int, tuple[Mark, ...]]:
    return {
        number: tuple((group, (kind[0], kind[1])) for group in groups[number])
        for number, kind in kinds.items()
    }


def _sessions(
    connection: sqlite3.Connection,
    window: tuple[int, int],
    buckets: Buckets,
    marks: Mapping[int, tuple[Mark, ...]],
) -> tuple[Counter[Place], Counter[Place]]:
    """Distinct sessions, and nano-dollars of their calls, by place."""
    numbered = [*dict.fromkeys(mark for each in marks.values() for mark in each)]
    numbers = {mark: number for number, mark in enumerate(numbered)}
    of = {kind: tuple(numbers[mark] for mark in each) for kind, each in marks.items()}
    distinct: set[tuple[int, int, int]] = set()
    cost: Counter[tuple[int, int]] = Counter()
    timed = buckets.timed
    statement = queries.SESSION_KINDS_BY_TIME if timed else queries.SESSION_KINDS
    for *start, kind, session, calls, nano in connection.execute(statement, window):
        place = buckets[start[0]] if timed else 0
        for mark in of.get(kind, ()):
            if calls:
                distinct.add((place, mark, session))
            cost[place, mark] += nano
    counts = Counter((place, numbered[mark][0]) for place, mark, _ in distinct)
    nanos: Counter[Place] = Counter()
    for (place, mark), nano in cost.items():
        nanos[place, numbered[mark][0]] += nano
    return counts, nanos
