"""What one transaction of an apply or a rollback does.

Law of the file: every check is inside the transaction that acts on it, so of two who start from
the same state one wins and the other is told.
"""

import sqlite3

import msgspec

from portico.adapters.store import queries, rows
from portico.adapters.store.rules import (
    check_base,
    check_expected,
    check_owner,
    check_project,
    not_stored,
    pointed,
)
from portico.contract.deployment import Act, Deployment, Shipment


def ship(connection: sqlite3.Connection, shipment: Shipment) -> None:
    """Errors as `contract.ports.Store.ship`."""
    applied = shipment.applied
    _expect_base(connection, shipment)
    for stored in shipment.versions:
        body = rows.packed(stored.prompt, f"The prompt {stored.prompt.name}")
        connection.execute(
            queries.ADD_VERSION,
            (
                stored.project, stored.prompt.version, stored.prompt.name, stored.created_ns,
                stored.author, stored.message, body,
            ),
        )  # fmt: skip
    for made in shipment.releases:
        release = made.release
        connection.execute(
            queries.ADD_RELEASE,
            {
                "id": release.id,
                "workload": release.workload,
                "project": release.project,
                "created_ns": made.created_ns,
                "by": made.by,
                "message": made.message,
                "body": rows.packed(release, f"The release {release.id}"),
            },
        )
    for deployment in shipment.deployments:
        check_project(deployment, applied.project)
        _point(connection, deployment, deployment_of(connection, deployment.workload))
    workloads = rows.names([deployment.workload for deployment in shipment.deployments])
    connection.execute(queries.DROP_DEPLOYMENTS, (applied.project, workloads))
    connection.execute(queries.APPLY, rows.of_applied(applied))
    connection.executemany(queries.ADD_ACT, map(rows.of_act, shipment.acts))


def repoint(
    connection: sqlite3.Connection, deployment: Deployment, expected: str, act: Act
) -> None:
    """Errors as `contract.ports.Store.repoint`."""
    current = deployment_of(connection, deployment.workload)
    check_expected(deployment, current, expected)
    _point(connection, deployment, current)
    connection.execute(queries.ADD_ACT, rows.of_act(act))


def deployment_of(connection: sqlite3.Connection, workload: str) -> Deployment | None:
    row = connection.execute(queries.DEPLOYMENT, (workload,)).fetchone()
    return rows.to_deployment(row) if row else None


def _expect_base(connection: sqlite3.Connection, shipment: Shipment) -> None:
    row = connection.execute(queries.DIGEST, (shipment.applied.project,)).fetchone()
    check_base(shipment, row[0] if row else "")


def _point(
    connection: sqlite3.Connection, deployment: Deployment, current: Deployment | None
) -> None:
    check_owner(deployment, current)
    for id_, before in pointed(deployment, current):
        query = queries.HAS_RELEASE if id_ == before else queries.POINT_TO_RELEASE
        found = connection.execute(query, {"id": id_, "workload": deployment.workload})
        if not (found.fetchone() if id_ == before else found.rowcount):
            raise not_stored(deployment, id_)
    connection.execute(queries.PUT_DEPLOYMENT, msgspec.structs.astuple(deployment))
