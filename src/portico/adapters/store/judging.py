"""Feedback: appended, and counted in the roll-ups by its difference to what was thought before."""

import sqlite3

from portico.adapters.journal.entries import decode
from portico.adapters.store import queries, rows
from portico.adapters.store import rollup_queries as statements
from portico.adapters.store.rollups import DAY, counted_at
from portico.contract.errors import InvalidRequest
from portico.contract.feedback import Feedback
from portico.contract.receipt import Receipt


def judge(connection: sqlite3.Connection, feedback: Feedback, sealed: bytes) -> None:
    """In a transaction. `sealed`: the comment. Raises InvalidRequest for an unknown call."""
    row = connection.execute(queries.RECEIPT, (feedback.call,)).fetchone()
    if row is None:
        raise InvalidRequest(
            f"The ledger has no call {feedback.call[:80]!r} to judge. It may be misspelt, or "
            "older than what `retention` keeps.",
            field="call",
        )
    before = _newest(connection, feedback.call)
    connection.execute(statements.ADD_FEEDBACK, rows.of_feedback(feedback, sealed))
    after = _newest(connection, feedback.call)
    _count(connection, decode(row[0]), before, after)


def _newest(connection: sqlite3.Connection, call: str) -> Feedback | None:
    row = connection.execute(statements.NEWEST_FEEDBACK, (call,)).fetchone()
    return rows.to_feedback(row) if row else None


def _count(
    connection: sqlite3.Connection,
    receipt: Receipt,
    before: Feedback | None,
    after: Feedback | None,
) -> None:
    place = counted_at(receipt)
    if place is None:
        return  # no model was reached: there is nothing that it is counted with
    quarter, kind = place
    number = connection.execute(statements.KIND, kind).fetchone()[0]
    for grain, start in ((1, quarter), (DAY, quarter - quarter % DAY)):
        connection.execute(
            statements.JUDGE,
            {
                "judged": int(before is None),
                "accepted": _accepted(after) - _accepted(before),
                "grain": grain,
                "start": start,
                "simulated": kind[10],
                "kind": number,
            },
        )


def _accepted(feedback: Feedback | None) -> int:
    return int(feedback is not None and feedback.accepted)
