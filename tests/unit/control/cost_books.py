"""A ledger that a test writes sum by sum: what costs are reported and forecast from."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.contract.ledger import Capacity, Spending, SpendingQuery
from portico.control.ledger.cost import ADDED, nothing

NANO = 10**9
QUARTER_NS = 900 * NANO


def at(text: str) -> int:
    """Nanoseconds of a moment in UTC like "2026-11-20T10:00"."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NANO


class Entry(msgspec.Struct, frozen=True):
    """Some calls of one quarter of an hour."""

    at_ns: int
    named: Mapping[str, str]
    tags: tuple[str, ...]
    sums: Spending


class Books(MemoryLedger):
    def __init__(self) -> None:
        super().__init__(MemoryJournal())
        self.entries: list[Entry] = []
        self.terms: list[Capacity] = []
        self.queries: list[SpendingQuery] = []

    def write(
        self,
        when: str,
        *,
        tags: tuple[str, ...] = (),
        simulated: bool = False,
        numbers: Mapping[str, int],
        **named: str,
    ) -> None:
        moment = at(when)
        usual = {"project": "default", "workload": "support", "model": "small"}
        times = {"day": when[:10], "month": when[:7]}
        sums = msgspec.structs.replace(nothing((), simulated), **numbers)
        self.entries.append(Entry(moment, usual | times | named, tags, sums))

    async def spending(self, query: SpendingQuery) -> Sequence[Spending]:
        assert query.since_ns % QUARTER_NS == query.until_ns % QUARTER_NS == 0
        assert len(query.by) <= 3
        self.queries.append(query)
        groups: dict[tuple[tuple[str, ...], bool], list[Spending]] = {}
        for entry in self.entries:
            if not query.since_ns <= entry.at_ns < query.until_ns or not _holds(entry, query):
                continue
            for tag in entry.tags if "tag" in query.by else ("",):
                names = {**entry.named, "tag": tag}
                keys = tuple(names.get(key, "") for key in query.by)
                groups.setdefault((keys, entry.sums.simulated), []).append(entry.sums)
        return [
            msgspec.structs.replace(
                nothing(*group),
                **{
                    name: sum(getattr(each, name) for each in groups[group])
                    for name in (*ADDED, "sessions")
                },
            )
            for group in sorted(groups)
        ]

    async def capacities(self, since_ns: int, until_ns: int) -> Sequence[Capacity]:
        return [
            term
            for term in self.terms
            if term.since_ns < until_ns and (not term.until_ns or term.until_ns > since_ns)
        ]


def _holds(entry: Entry, query: SpendingQuery) -> bool:
    return all(
        value in entry.tags if key == "tag" else entry.named.get(key, "") == value
        for key, value in query.where
    )
