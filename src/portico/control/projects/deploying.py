"""Pointers: which release of a workload is live, whatever its directory says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from portico.contract.deployment import Deployment
from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Model, Release, Snapshot, Workload

RECENT = 20
"""Releases of a workload that are kept at hand, for pinning and rollback."""

Recent = Mapping[str, Sequence[Release]]
"""By workload, the newest first, in the order in which they were shipped or pointed to."""


def deployed(snapshot: Snapshot, deployments: Mapping[str, Deployment], recent: Recent) -> Snapshot:
    """The snapshot with each workload's pointer in the place of what its directory says, and with
    the releases that can be served. Of a release that the directory still makes, prices and facts
    are today's. A workload without a pointer serves what its directory says.

    Raises InvalidRequest where a pointer leads to a release that is not at hand.
    """
    made = {release.id: release for release in snapshot.releases}
    workloads = tuple(_pointed(each, deployments.get(each.name)) for each in snapshot.workloads)
    releases: dict[str, Release] = {}
    for workload in workloads:
        known = {each.id: each for each in _of(workload, recent.get(workload.name, ()))} | {
            id_: each for id_, each in made.items() if each.workload == workload.name
        }
        for id_ in _wanted(workload, recent.get(workload.name, ())):
            if id_ in known:
                releases[id_] = known[id_]
            elif id_ in (workload.release, workload.candidate):
                raise InvalidRequest(
                    f"The workload '{workload.name}' points to the release {id_}, which is not "
                    "stored; apply its project again.",
                    field="release",
                )
    return msgspec.structs.replace(
        snapshot, workloads=workloads, releases=tuple(releases.values()), digest=""
    )


def pointed(recent: Sequence[Release], release: Release) -> tuple[Release, ...]:
    """The recent releases after the pointer has moved to `release`."""
    others = (each for each in recent if each.id != release.id)
    return (release, *others)[:RECENT]


def previous(deployment: Deployment, recent: Iterable[Release]) -> str | None:
    """The release that was live before the present one."""
    present = (deployment.live, deployment.candidate)
    return next((each.id for each in recent if each.id not in present), None)


def _pointed(workload: Workload, pointer: Deployment | None) -> Workload:
    if pointer is None:
        return workload
    if not pointer.candidate:
        return msgspec.structs.replace(workload, release=pointer.live)
    return msgspec.structs.replace(
        workload, release=pointer.live, candidate=pointer.candidate, share=pointer.share
    )


def _of(workload: Workload, releases: Iterable[Release]) -> Iterator[Release]:
    """Releases of the workload's own project: others need credentials that it has not."""
    return (each for each in releases if each.project == workload.project)


def _wanted(workload: Workload, recent: Sequence[Release]) -> Iterator[str]:
    yield workload.release
    if workload.candidate:
        yield workload.candidate
    yield from (release.id for release in recent[:RECENT])


def priced(releases: Iterable[Release], models: Iterable[Model]) -> tuple[Release, ...]:
    """The releases with today's prices and facts, where the project still knows their models."""
    known = {_shape(model): model for model in models}

    def today(model: Model) -> Model:
        now = known.get(_shape(model))
        if now is None:
            return model
        return msgspec.structs.replace(
            model,
            price=now.price,
            hourly_nano=now.hourly_nano,
            facts=now.facts,
            size=now.size,
            active_size=now.active_size,
            energy=now.energy,
        )

    return tuple(
        msgspec.structs.replace(
            release, ladder=tuple(tuple(map(today, rung)) for rung in release.ladder)
        )
        for release in releases
    )


def _shape(model: Model) -> tuple[str, ...]:
    return (model.provider, model.id, model.stands_for, model.service_tier, model.throughput)
