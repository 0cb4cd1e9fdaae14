"""What a server serves: every applied project, merged, and the pointers into their releases."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec

from portico.contract.deployment import Applied, Deployment
from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Release, Snapshot
from portico.control.projects import deploying
from portico.control.projects.compile import Compiled, digest
from portico.control.projects.merging import merged, place_of
from portico.methods.hashing import content_hash


@dataclass(frozen=True)
class Shipped:
    """A project's directory, and what it compiles to here and now."""

    applied: Applied
    compiled: Compiled
    stored: bool = True
    """False for what serves only because nothing is applied yet: an empty directory."""

    @property
    def snapshot(self) -> Snapshot:
        """Raises InvalidRequest, with every problem, where it does not compile."""
        if self.compiled.snapshot is None:
            raise InvalidRequest(listed(self.compiled))
        return self.compiled.snapshot


@dataclass(frozen=True)
class Serving:
    """Immutable; a change makes another one. Nothing here is compiled again by that."""

    projects: Mapping[str, Shipped]
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    """By workload."""
    recent: deploying.Recent = field(default_factory=dict)

    @cached_property
    def merged(self) -> Snapshot:
        """As the directories say. Raises InvalidRequest where two of them conflict."""
        return merged([shipped.snapshot for shipped in self.projects.values()])

    @cached_property
    def snapshot(self) -> Snapshot:
        """As the pointers say. Raises InvalidRequest where one leads nowhere."""
        found = deploying.deployed(self.merged, self.deployments, self.recent)
        return msgspec.structs.replace(found, digest=digest(found))

    def ordered(self) -> list[tuple[str, Shipped]]:
        """The projects by name, `default` first."""
        return sorted(self.projects.items(), key=lambda each: place_of(each[0]))

    def release(self, workload: str, id_: str) -> Release | None:
        """A release of the workload that is at hand."""
        made = (each for each in self.merged.releases if each.workload == workload)
        known = {each.id: each for each in (*self.recent.get(workload, ()), *made)}
        return known.get(id_)

    def with_project(self, shipped: Shipped, pointers: Mapping[str, Deployment]) -> "Serving":
        """After an apply: `pointers` are all of the project's."""
        name = shipped.applied.project
        projects = {**stored(self.projects), name: shipped}
        others = {key: each for key, each in self.deployments.items() if each.project != name}
        after = replace(self, projects=projects, deployments={**others, **pointers})
        recent = dict(after._today())
        for release in after.merged.releases:
            if release.workload in pointers and pointers[release.workload].live == release.id:
                recent[release.workload] = deploying.pointed(
                    recent.get(release.workload, ()), release
                )
        return replace(after, recent=recent)

    def with_pointer(self, pointer: Deployment, release: Release) -> "Serving":
        """After a rollback. The merged projects are taken over as they are."""
        name = pointer.workload
        if self.release(name, release.id) is None:
            models = self.projects[release.project].snapshot.models
            (release,) = deploying.priced((release,), models)
        after = replace(
            self,
            deployments={**self.deployments, name: pointer},
            recent={
                **self.recent,
                name: deploying.pointed(self.recent.get(name, ()), release),
            },
        )
        after.__dict__["merged"] = self.merged
        return after

    def with_recent(self, recent: deploying.Recent) -> "Serving":
        """With releases as the store keeps them."""
        after = replace(self, recent=recent)
        return replace(after, recent=after._today())

    def _today(self) -> deploying.Recent:
        """The recent releases at today's prices."""
        snapshots = {name: each.compiled.snapshot for name, each in self.projects.items()}
        models = {name: each.models for name, each in snapshots.items() if each is not None}
        return {
            workload: deploying.priced(
                releases, models.get(releases[0].project, ()) if releases else ()
            )
            for workload, releases in self.recent.items()
        }

    def state(self, project: str) -> str:
        """What a plan starts from: changes with every apply and rollback of the project. Empty
        where nothing of it is live."""
        shipped = self.projects.get(project)
        if shipped is None or not shipped.stored:
            return ""
        moved = {
            name: (each.live, each.candidate, each.share)
            for name, each in self.deployments.items()
            if each.project == project
        }
        return content_hash({"applied": shipped.applied.digest, "pointers": moved})


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A project as the status shows it."""

    project: str
    digest: str
    """What its directory means: the same as `portico check` prints."""
    state: str
    """What a plan would start from: moves with every apply and rollback."""
    applied_ns: int
    by: str


def told(serving: Serving) -> list[Told]:
    """The applied projects, `default` first."""
    return [
        Told(
            project=name,
            digest=shipped.compiled.snapshot.digest if shipped.compiled.snapshot else "",
            state=serving.state(name),
            applied_ns=shipped.applied.applied_ns,
            by=shipped.applied.by,
        )
        for name, shipped in serving.ordered()
        if shipped.stored
    ]


def stored(projects: Mapping[str, Shipped]) -> dict[str, Shipped]:
    """Without what serves only as long as nothing is applied."""
    return {name: shipped for name, shipped in projects.items() if shipped.stored}


def listed(compiled: Compiled) -> str:
    """All problems, a line each."""
    lines = "\n".join(f"  {problem}" for problem in compiled.problems)
    return f"the project cannot be served, it has {len(compiled.problems)} problem(s):\n{lines}"
