"""Several projects on one server: what each of them names, side by side.

Law of the file: the project `default` comes first, the others by name; of two that name the same
model or provider for callers, or call a budget alike, the first has the name. Workloads are the
exception: callers name them without a project, so that two projects may not declare the same one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from portico.contract.budget import Budget
from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Model, Provider, Release, Retention, Snapshot, Workload

DEFAULT = "default"
RETAINED = ("receipts", "transcripts", "feedback")


class Conflict(msgspec.Struct, frozen=True):
    """A workload that two projects declare."""

    workload: str
    first: str
    second: str

    def __str__(self) -> str:
        return (
            f"the projects '{self.first}' and '{self.second}' both declare the workload "
            f"'{self.workload}'; callers name it without a project: rename one of the two"
        )


def ordered(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """`default` first, then by name."""
    return tuple(sorted(snapshots, key=lambda each: place_of(each.project)))


def place_of(project: str) -> tuple[bool, str]:
    """By which projects are sorted."""
    return (project != DEFAULT, project)


def conflicts(snapshots: Iterable[Snapshot]) -> tuple[Conflict, ...]:
    """Every workload that is declared twice. A workload that no directory names is no conflict."""
    owners: dict[str, str] = {}
    found = []
    for snapshot in ordered(snapshots):
        for workload in snapshot.workloads:
            if workload.implied:
                continue
            owner = owners.setdefault(workload.name, snapshot.project)
            if owner != snapshot.project:
                found.append(Conflict(workload.name, owner, snapshot.project))
    return tuple(found)


def merged(snapshots: Sequence[Snapshot]) -> Snapshot:
    """What is served of all projects together, at least one. Its `project` is the first's and its
    digest is empty: what it means is known when the pointers are.

    Raises InvalidRequest where two projects declare the same workload.
    """
    wrong = conflicts(snapshots)
    if wrong:
        raise InvalidRequest("; ".join(map(str, wrong)) + ".", field="workloads")
    projects = ordered(snapshots)
    first = projects[0]
    workloads = tuple(_workloads(projects))
    serving = {(workload.project, workload.name) for workload in workloads}
    return Snapshot(
        project=first.project,
        providers=tuple(provider for each in projects for provider in each.providers),
        models=tuple(_models(projects)),
        workloads=workloads,
        releases=tuple(_releases(projects, serving)),
        adopted=tuple(_adopted(projects)),
        bounds=first.bounds,
        budgets=tuple(_budgets(projects)),
        webhooks=tuple(webhook for each in projects for webhook in each.webhooks),
        retention=_retention(projects),
        currency=next((each.currency for each in projects if each.currency), None),
        warnings=tuple(_warnings(projects)),
    )


def _workloads(projects: Sequence[Snapshot]) -> Iterator[Workload]:
    """In the order of projects and files. Of those that nobody declares, the first serves."""
    declared = {each.name for project in projects for each in project.workloads if not each.implied}
    implied: set[str] = set()
    for project in projects:
        for workload in project.workloads:
            if workload.implied and workload.name in declared | implied:
                continue
            if workload.implied:
                implied.add(workload.name)
            yield workload


def _releases(projects: Sequence[Snapshot], serving: set[tuple[str, str]]) -> Iterator[Release]:
    for project in projects:
        yield from (each for each in project.releases if (each.project, each.workload) in serving)


def _models(projects: Sequence[Snapshot]) -> Iterator[Model]:
    """Those that callers can name themselves. A model keeps its short name where no earlier
    project has it; behind a provider's name stands the first project's provider."""
    providers: dict[str, str] = {}
    names: set[str] = set()
    for project in projects:
        own = _own(project.providers, providers, project.project)
        for model in project.models:
            if model.provider not in own:
                continue
            full = f"{model.provider}/{model.id}"
            name = model.name if model.name not in names else full
            if name not in names:
                names.add(name)
                yield model if name == model.name else msgspec.structs.replace(model, name=name)


def _own(providers: Iterable[Provider], owners: dict[str, str], project: str) -> set[str]:
    return {
        provider.name
        for provider in providers
        if owners.setdefault(provider.name, project) == project
    }


def _adopted(projects: Sequence[Snapshot]) -> Iterator[PromptVersion]:
    seen: Mapping[str, PromptVersion] = {
        prompt.observed: prompt for project in reversed(projects) for prompt in project.adopted
    }
    yield from seen.values()


def _budgets(projects: Sequence[Snapshot]) -> Iterator[Budget]:
    """A budget keeps its name where no earlier project has it."""
    names: set[str] = set()
    for project in projects:
        for budget in project.budgets:
            own = f"{project.project}/{budget.name}"
            name = own if budget.name in names else budget.name
            names.add(name)
            yield budget if name == budget.name else msgspec.structs.replace(budget, name=name)


def _retention(projects: Sequence[Snapshot]) -> Retention:
    """Everything is kept as long as the project says that keeps it longest: one that names no
    time keeps it without end, and no other may delete that."""
    return Retention(
        receipts_s=_longest(each.retention.receipts_s for each in projects),
        transcripts_s=_longest(each.retention.transcripts_s for each in projects),
        feedback_s=_longest(each.retention.feedback_s for each in projects),
    )


def _longest(times: Iterable[float | None]) -> float | None:
    """None is without end."""
    longest = 0.0
    for time in times:
        if time is None:
            return None
        longest = max(longest, time)
    return longest


def _kept_longer(projects: Sequence[Snapshot]) -> Iterator[str]:
    """A warning for each wish to delete that another project overrules."""
    kept = _retention(projects)
    for project in projects:
        for key in RETAINED:
            wanted = getattr(project.retention, f"{key}_s")
            if wanted is not None and wanted != getattr(kept, f"{key}_s"):
                yield (
                    f"project {project.project}: retention.{key} is overruled: another project"
                    " of this server keeps them longer, and they are kept together"
                )


def _warnings(projects: Sequence[Snapshot]) -> Iterator[str]:
    for project in projects:
        named = f"project {project.project}: " if len(projects) > 1 else ""
        yield from (f"{named}{warning}" for warning in project.warnings)
    yield from _kept_longer(projects)
