"""A wish against what serves: what would be live, what would be stored, and what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portico.contract.deployment import Applied, Deployment, Shipment
from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Release, Snapshot
from portico.control.projects import planning
from portico.control.projects.compile import Compiled
from portico.control.projects.merging import conflicts
from portico.control.projects.outcome import ApplyOutcome, Place, Plan, Wish, place
from portico.control.projects.serving import Serving, Shipped, stored
from portico.control.projects.shipping import Order, Parcel, pointers, shipment
from portico.methods.hashing import content_hash

FILE = "portico.yaml"
DURABILITY = "durability: what has changed there takes effect at the next start"


@dataclass(frozen=True)
class Draft:
    """An apply that compiles, and that nothing has been done for yet."""

    project: str
    compiled: Compiled
    before: Serving
    after: Serving
    shipments: tuple[Shipment, ...]
    """The project's own is the last. Before it, another project gives up the pointer of a workload
    that it never declared and this one does."""

    @property
    def digest(self) -> str:
        return self.after.projects[self.project].snapshot.digest

    def plan(self) -> Plan:
        old, new = _state(self.before, self.project), _state(self.after, self.project)
        made = planning.changes(old, new)
        return Plan(
            project=self.project,
            base=self.before.state(self.project),
            digest=self.digest,
            changes=made,
            gates=planning.gates(self.compiled, made),
            notes=self._undone(new.releases),
            warnings=self._warnings(),
        )

    def outcome(self) -> ApplyOutcome:
        """As it is once it is stored."""
        old, new = _state(self.before, self.project), _state(self.after, self.project)
        return ApplyOutcome(
            project=self.project,
            digest=self.digest,
            changed=tuple(
                each.message for each in planning.changes(old, new) if each.action != "none"
            ),
            notes=self._undone(new.releases),
            warnings=self._warnings(),
        )

    def _undone(self, releases: Mapping[str, Release]) -> tuple[str, ...]:
        mine = (each for each in self.before.deployments.values() if each.project == self.project)
        return planning.undone(mine, releases)

    def _warnings(self) -> tuple[str, ...]:
        old = self.before.projects.get(self.project)
        same = old is None or old.compiled.durability == self.compiled.durability
        return self.compiled.warnings + (() if same else (DURABILITY,))


def problems(serving: Serving, wish: Wish, compiled: Compiled) -> tuple[Place, ...]:
    """Why a directory cannot be live beside the others; empty where it can.

    Raises InvalidRequest where it is another project's than was said.
    """
    if compiled.snapshot is None:
        return tuple(map(place, compiled.problems))
    project = compiled.snapshot.project
    if wish.project and wish.project != project:
        raise InvalidRequest(
            f"The directory is the project '{project}', not '{wish.project}'; its {FILE} says so "
            "under project.",
            field="project",
        )
    others = [
        shipped.snapshot for name, shipped in stored(serving.projects).items() if name != project
    ]
    return tuple(
        Place(file=FILE, path=f"workloads.{each.workload}", message=str(each))
        for each in conflicts([*others, compiled.snapshot])
        if project in (each.first, each.second)
    )


def refused(wish: Wish, compiled: Compiled, wrong: tuple[Place, ...]) -> Plan:
    """The plan of what cannot be applied."""
    project = compiled.snapshot.project if compiled.snapshot is not None else wish.project or ""
    return Plan(project=project, problems=wrong, warnings=compiled.warnings)


def draft(serving: Serving, wish: Wish, compiled: Compiled, order: Order) -> Draft:
    """What an apply without problems would do.

    Raises InvalidRequest where something else is live than the wish expects.
    """
    snapshot = compiled.snapshot
    assert snapshot is not None, "a wish with problems is refused before it is drafted"
    _check(serving, wish, snapshot)
    project = snapshot.project
    applied = Applied(
        project=project,
        files=dict(wish.files),
        digest=content_hash(wish.files),
        applied_ns=order.now_ns,
        by=order.by,
    )
    shipped = Shipped(applied, compiled)
    old = {name: each for name, each in serving.deployments.items() if each.project == project}
    merged = Serving({**stored(serving.projects), project: shipped}).merged
    new = pointers(merged, project, old, order)
    known = serving.projects.get(project)
    parcel = Parcel(
        applied=applied,
        merged=merged,
        prompts=compiled.prompts,
        before=known.applied if known is not None and known.stored else None,
    )
    return Draft(
        project=project,
        compiled=compiled,
        before=serving,
        after=serving.with_project(shipped, new),
        shipments=(*_given_up(serving, project, new), shipment(parcel, old, new, order)),
    )


def _given_up(serving: Serving, project: str, new: Mapping[str, Deployment]) -> Iterator[Shipment]:
    """The other projects as they are, without the pointers that this one takes over."""
    held = serving.deployments.values()
    owners = {each.project for each in held if each.workload in new and each.project != project}
    for owner in sorted(owners):
        applied = serving.projects[owner].applied
        kept = (each for each in held if each.project == owner and each.workload not in new)
        yield Shipment(applied=applied, base=applied.digest, deployments=tuple(kept))


def _check(serving: Serving, wish: Wish, snapshot: Snapshot) -> None:
    if wish.base is not None and wish.base != serving.state(snapshot.project):
        raise InvalidRequest(
            "What is live has changed since this plan was made: somebody has applied or rolled "
            "back meanwhile. Plan again, and apply that.",
            field="base",
        )


def _state(serving: Serving, project: str) -> planning.State:
    shipped = serving.projects.get(project)
    if shipped is None or not shipped.stored or shipped.compiled.snapshot is None:
        return planning.State(shipped.applied.files if shipped is not None else {})
    live = {
        name: release
        for name, each in serving.deployments.items()
        if each.project == project and (release := serving.release(name, each.live)) is not None
    }
    return planning.State(shipped.applied.files, shipped.compiled, live)
