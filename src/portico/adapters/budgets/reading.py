"""Reads from the ledger what new meters need, all of it before any of it is counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from portico.contract.budget import Recorded
from portico.contract.ledger import SpendingQuery
from portico.contract.ports import Ledger
from portico.cost.budgets.answers import Seeding
from portico.cost.budgets.book import Book
from portico.cost.budgets.seeding import (
    Gap,
    KeyIds,
    by_session,
    conditions,
    gaps,
    take,
    take_sessions,
)
from portico.cost.budgets.sessions import IDLE_NS

PAGE: Final = 50_000
"""Calls that the ledger gives at once."""


@dataclass(slots=True)
class Read:
    """What the ledger had. `last` is the call behind which the next reading begins."""

    sums: list[tuple[Gap, int]] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    sessions: Sequence[Recorded] = ()
    last: str = ""


async def read(ledger: Ledger, seeding: Seeding, ids: KeyIds) -> Read:
    found = Read()
    for gap in gaps(seeding):
        found.sums.append((gap, await _sum(ledger, gap, ids)))
    if by_session(seeding):
        found.sessions = await ledger.sessions(seeding.at_ns - IDLE_NS)
    await read_on(ledger, seeding, found)
    return found


async def read_on(ledger: Ledger, seeding: Seeding, found: Read) -> None:
    """Replaces `recorded` by what was recorded behind `last`."""
    found.recorded = []
    more = True
    while more:
        page = await ledger.recorded(seeding.since_ns, found.last)
        found.recorded.extend(page)
        found.last = page[-1].call if page else found.last
        more = len(page) >= PAGE  # a shorter one was the last: calls go on being recorded


def count(book: Book, seeding: Seeding, found: Read, ids: KeyIds) -> None:
    """Counts a first reading, in one step."""
    for gap, nano in found.sums:
        gap.account.spent += nano
    take(seeding, found.recorded, ids)
    since_ns = seeding.since_ns
    early = [each for each in found.sessions if each.received_ns < since_ns]
    take_sessions(seeding, book.sessions, [*early, *found.recorded], ids)
    book.seeded(seeding)


async def _sum(ledger: Ledger, gap: Gap, ids: KeyIds) -> int:
    nano = 0
    for where in conditions(gap.account.meter.identity.scope, ids):
        query = SpendingQuery(since_ns=gap.since_ns, until_ns=gap.until_ns, where=where)
        nano += sum(each.cost_nano for each in await ledger.spending(query))
    return nano
