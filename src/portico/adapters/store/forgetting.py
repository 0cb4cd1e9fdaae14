"""Receipts and feedback that are older than they are kept for. Roll-ups stay."""

import sqlite3
from typing import Final

import msgspec

from portico.adapters.store import rollup_queries as queries
from portico.adapters.store.connection import transaction

AT_ONCE: Final = 500
"""Receipts of one transaction: a few hundredths of a second, in which the loader waits."""


def forget_some(connection: sqlite3.Connection, before_ns: int) -> int:
    """Deletes the first of the receipts from before then, their attempts, and what was said
    beside feedback on them. How many; fewer than `AT_ONCE`: there are no more."""
    with transaction(connection):
        old = connection.execute(queries.OLD, (before_ns, AT_ONCE)).fetchall()
        calls = msgspec.json.encode([call for _, call in old]).decode()
        numbers = msgspec.json.encode([number for number, _ in old]).decode()
        connection.execute(queries.FORGET_ATTEMPTS, (calls,))
        connection.execute(queries.FORGET_COMMENTS, (calls,))
        connection.execute(queries.FORGET_RECEIPTS, (numbers,))
    return len(old)


def forget_some_feedback(connection: sqlite3.Connection, before_ns: int) -> int:
    """Takes who said it, and its comment, from the first of the feedback from before then. Where
    the call is still in the ledger what it counts as stays, so that the call is not counted as
    judged a second time. How many; fewer than `AT_ONCE`: there is no more."""
    with transaction(connection):
        bounds = (before_ns, AT_ONCE)
        gone = connection.execute(queries.FORGET_FEEDBACK, bounds).rowcount
        left = AT_ONCE - gone
        return gone + connection.execute(queries.BLANK_FEEDBACK, (before_ns, left)).rowcount
