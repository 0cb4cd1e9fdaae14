"""Terms of provisioned throughput: from when until when a model costs how much an hour."""

import sqlite3
from collections.abc import Mapping

from portico.adapters.store import rollup_queries as queries


def put_capacities(
    connection: sqlite3.Connection, project: str, now_ns: int, hourly: Mapping[str, int]
) -> None:
    """In a transaction. As `contract.ports.Store.put_capacities`."""
    going_on: set[str] = set()
    for number, model, nano, since_ns in connection.execute(
        queries.OPEN_CAPACITIES, (project,)
    ).fetchall():
        if hourly.get(model) == nano:
            going_on.add(model)
        elif since_ns < now_ns:
            connection.execute(queries.END_CAPACITY, (now_ns, number))
        else:
            connection.execute(queries.DROP_CAPACITY, (number,))  # it never was
    fresh = [
        (project, model, nano, now_ns) for model, nano in hourly.items() if model not in going_on
    ]
    connection.executemany(queries.ADD_CAPACITY, fresh)
