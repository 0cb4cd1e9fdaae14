"""What budgets are counted from: calls as they were recorded, and sessions with all their calls."""

import sqlite3
from typing import Final

from portico.adapters.journal.entries import decode
from portico.adapters.store import queries
from portico.adapters.store import rollup_queries as statements
from portico.adapters.store.rollups import QUARTER_NS, tags_of, tokens_of
from portico.contract.budget import Recorded
from portico.contract.errors import InvalidRequest

PAGE: Final = 50_000
"""Calls of one read."""


def recorded(connection: sqlite3.Connection, since_ns: int, after: str) -> list[Recorded]:
    """As `contract.ports.Ledger.recorded`. Raises InvalidRequest for an `after` that is not in
    the ledger."""
    first = connection.execute(statements.FIRST_SINCE, (since_ns,)).fetchone()[0]
    behind = number_of(connection, after, "after") if after else 0
    if first is None:
        return []
    bounds = {"first": first, "after": behind, "since": since_ns, "limit": PAGE}
    return [_recorded(row) for row in connection.execute(statements.RECORDED, bounds)]


def number_of(connection: sqlite3.Connection, call: str, field: str) -> int:
    """A call's place in the order of recording. Raises InvalidRequest."""
    row = connection.execute(queries.NUMBER, (call,)).fetchone()
    if row is None:
        raise InvalidRequest(
            f"The ledger has no call {call!r} to read {field}. List calls without `{field}`.",
            field=field,
        )
    return int(row[0])


def sessions(connection: sqlite3.Connection, since_ns: int) -> list[Recorded]:
    """As `contract.ports.Ledger.sessions`; the time of an entry is that of its first call."""
    bounds = {"quarter": since_ns // QUARTER_NS, "since": since_ns}
    found: dict[tuple[int | str, ...], list[int]] = {}
    for *place, calls, tokens, nano, first_ns in connection.execute(
        statements.SESSIONS_SINCE, bounds
    ):
        sums = found.setdefault(tuple(place), [0, 0, 0, first_ns])
        sums[:3] = sums[0] + calls, sums[1] + tokens, sums[2] + nano
        sums[3] = min(sums[3], first_ns)
    entries = [_session(place, sums) for place, sums in found.items()]
    return sorted(entries, key=lambda each: each.received_ns)


def _recorded(row: tuple[str, int, str, str, str, str, bytes]) -> Recorded:
    call, received_ns, team, workload, project, key, body = row
    receipt = decode(body)
    return Recorded(
        call=call,
        received_ns=received_ns,
        team=team,
        workload=workload,
        project=project,
        key=key,
        session=receipt.session,
        tags=receipt.tags,
        nano=receipt.cost_nano,
        tokens=tokens_of(receipt),
        calls=int(bool(receipt.attempts)),
    )


def _session(place: tuple[int | str, ...], sums: list[int]) -> Recorded:
    _, session, team, workload, project, key, tags = map(str, place)
    calls, tokens, nano, first_ns = sums
    return Recorded(
        call="",
        received_ns=first_ns,
        team=team,
        workload=workload,
        project=project,
        key=key,
        session=session,
        tags=tags_of(tags),
        nano=nano,
        tokens=tokens,
        calls=calls,
    )
