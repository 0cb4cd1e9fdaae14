"""At a start: pointers for what has none, and for what compiles to something else than before.

The files of an apply are what is wanted; what they mean may have changed with the environment
that they refer to, or with the version of Portico. A rollback stays where it was put.
"""

from collections.abc import Mapping

import msgspec

from portico.contract.deployment import Deployment
from portico.contract.snapshot import Workload
from portico.control.projects.drafting import Draft
from portico.control.projects.merging import ordered
from portico.control.projects.serving import Serving
from portico.control.projects.shipping import Order, Parcel, pointers, shipment

ANEW = "compiled anew: the environment or the version of Portico has changed"


def renewed(serving: Serving, order: Order) -> tuple[Draft, ...]:
    """An apply of each project, its files as they are, that has a pointer to renew."""
    made: list[Draft] = []
    for snapshot in ordered(shipped.snapshot for shipped in serving.projects.values()):
        found = _renewed(serving, snapshot.project, order)
        if found is not None:
            made.append(found)
            serving = found.after
    return tuple(made)


def _renewed(serving: Serving, project: str, order: Order) -> Draft | None:
    shipped = serving.projects[project]
    old = {name: each for name, each in serving.deployments.items() if each.project == project}
    mine = [each for each in serving.merged.workloads if each.project == project]
    if not shipped.stored or not any(_due(each, old) for each in mine):
        return None
    if old:
        order = msgspec.structs.replace(order, why=ANEW)
    new = pointers(serving.merged, project, old, order)
    for workload in mine:
        if workload.name in old and not _due(workload, old):
            new[workload.name] = old[workload.name]
    parcel = Parcel(
        applied=shipped.applied,
        merged=serving.merged,
        prompts=shipped.compiled.prompts,
        before=shipped.applied,
    )
    return Draft(
        project=project,
        compiled=shipped.compiled,
        before=serving,
        after=serving.with_project(shipped, new),
        shipments=(shipment(parcel, old, new, order),),
    )


def _due(workload: Workload, old: Mapping[str, Deployment]) -> bool:
    pointer = old.get(workload.name)
    if pointer is None:
        return True
    moves = pointer.action == "apply" and not pointer.candidate
    return moves and pointer.live != workload.release
