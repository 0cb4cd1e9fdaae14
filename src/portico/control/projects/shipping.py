"""What an apply stores: pointers, releases, versions and acts, as one shipment."""

from collections.abc import Iterator, Mapping

import msgspec

from portico.contract.deployment import (
    Act,
    Applied,
    Deployment,
    Shipment,
    StoredRelease,
    StoredVersion,
)
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Snapshot, Workload

Pointers = Mapping[str, Deployment]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Who ships, when and why."""

    by: str
    now_ns: int
    message: str = ""
    """What the releases and versions are about, as in a commit."""
    why: str = ""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A project's directory and what it compiles to."""

    applied: Applied
    merged: Snapshot
    """All projects together, with this one as it is to be."""
    prompts: tuple[PromptVersion, ...] = ()
    before: Applied | None = None
    """The project as it is live now."""


def pointers(merged: Snapshot, project: str, old: Pointers, order: Order) -> dict[str, Deployment]:
    """The project's pointers once it is applied. One that does not move keeps since and by."""
    return {
        workload.name: _pointer(workload, old.get(workload.name), order)
        for workload in merged.workloads
        if workload.project == project
    }


def shipment(parcel: Parcel, old: Pointers, new: Pointers, order: Order) -> Shipment:
    """`old` and `new` are the project's pointers, these as `pointers` makes them."""
    moved = {pointer.live for name, pointer in new.items() if pointer.live != _live(old, name)}
    made = {release.id: release for release in parcel.merged.releases}
    return Shipment(
        applied=parcel.applied,
        base=parcel.before.digest if parcel.before is not None else "",
        releases=tuple(
            StoredRelease(
                release=made[id_], created_ns=order.now_ns, by=order.by, message=order.message
            )
            for id_ in sorted(moved)
            if id_ in made
        ),
        versions=tuple(
            StoredVersion(
                prompt=prompt,
                project=parcel.applied.project,
                created_ns=order.now_ns,
                author=order.by,
                message=order.message,
            )
            for prompt in parcel.prompts
        ),
        deployments=tuple(new.values()),
        acts=tuple(_acts(parcel, old, new, order)),
    )


def _pointer(workload: Workload, old: Deployment | None, order: Order) -> Deployment:
    if old is not None and (old.live, old.project) == (workload.release, workload.project):
        return msgspec.structs.replace(old, action="apply")
    return Deployment(
        workload=workload.name,
        project=workload.project,
        live=workload.release,
        since_ns=order.now_ns,
        by=order.by,
        why=order.why or order.message,
        action="apply",
    )


def _live(pointers: Pointers, workload: str) -> str:
    return pointers[workload].live if workload in pointers else ""


def _acts(parcel: Parcel, old: Pointers, new: Pointers, order: Order) -> Iterator[Act]:
    """One for the project, then one for each workload that has changed."""
    project = parcel.applied.project
    before = parcel.before.digest if parcel.before is not None else ""
    yield _act(order, project, "", (before, parcel.applied.digest))
    gone = [name for name in old if name not in new]
    for name in (*new, *sorted(gone)):
        moved = (_live(old, name), _live(new, name))
        if moved[0] != moved[1]:
            yield _act(order, project, name, moved)


def _act(order: Order, project: str, target: str, moved: tuple[str, str]) -> Act:
    return Act(
        at_ns=order.now_ns,
        who=order.by,
        action="apply",
        project=project,
        target=target,
        why=order.why or order.message,
        before=moved[0],
        after=moved[1],
    )
