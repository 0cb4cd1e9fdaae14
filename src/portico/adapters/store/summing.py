"""Adds up rows of the roll-ups, in the order in which they lie."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from portico.adapters.store import rollup_queries as queries
from portico.adapters.store.rollups import Kind
from portico.adapters.store.windows import Span

OVERFLOW: Final = "integer overflow"

Summed = tuple[int, int, Sequence[int]]
"""A quarter of an hour, what the statement sums by beside it, and the sums."""


def kinds_of(connection: sqlite3.Connection) -> dict[int, Kind]:
    """Kinds by their numbers."""
    return {row[0]: row[1:] for row in connection.execute(queries.KINDS)}


def rows(
    connection: sqlite3.Connection, statement: str, measures: tuple[str, ...], over: Sequence[Span]
) -> Iterator[Summed]:
    """`statement`: one of `rollup_queries` with a place for its sums."""
    for span in over:
        try:
            found = _run(connection, statement, measures, span, halves=False)
        except sqlite3.OperationalError as problem:
            if OVERFLOW not in str(problem):
                raise
            for start, number, *halves in _run(connection, statement, measures, span, halves=True):
                yield start, number, whole(halves)
        else:
            for start, number, *sums in found:
                yield start, number, sums


def whole(halves: Sequence[int]) -> tuple[int, ...]:
    """Sums that were taken in two halves of 32 bits."""
    pairs = zip(halves[::2], halves[1::2], strict=True)
    return tuple((high << 32) + low for high, low in pairs)


def _run(
    connection: sqlite3.Connection,
    statement: str,
    measures: tuple[str, ...],
    span: Span,
    *,
    halves: bool,
) -> list[tuple[int, ...]]:
    sums = queries.sums(measures, halves=halves)
    return connection.execute(statement.format(sums=sums), span).fetchall()
