"""A project directory into the snapshot that the gateway serves, or into all its problems."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import msgspec

from portico.contract.budget import Budget
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Bounds, Model, Provider, Retention, Snapshot, Webhook
from portico.control.projects import (
    activity,
    bedrock,
    catalogue,
    connecting,
    names,
    validating,
    watching,
)
from portico.control.projects.budgets import Covered, read_budgets
from portico.control.projects.discovery import Discovered, discover
from portico.control.projects.problems import FILE, Problem
from portico.control.projects.prompts import Prompts, read_prompts
from portico.control.projects.schema import Project
from portico.control.projects.schema.organisation import Durability as WrittenDurability
from portico.control.projects.workloads import Workloads
from portico.methods.hashing import content_hash
from portico.methods.yaml12 import Data, Document, Unreadable, read

NOON = time(12, tzinfo=UTC)
"""Prices that differ by the hour of the day are read at noon."""


class Durability(msgspec.Struct, frozen=True, kw_only=True):
    """When an answered call is safe, and what happens when the journal has no room."""

    commit: bool = False
    """Wait for the database before the last byte of an answer."""
    fsync_s: float = 1.0
    journal_bytes: int = 64 * 1024 * 1024
    serve_when_full: bool = False


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """`snapshot` is None exactly where there are problems."""

    snapshot: Snapshot | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    durability: Durability = Durability()
    prompts: tuple[PromptVersion, ...] = ()
    """All that can be used, whether a workload does or not."""
    gates: tuple[tuple[str, str], ...] = ()
    """Workloads whose releases are to pass a suite, and the suite."""
    data: dict[str, Data] = {}
    """portico.yaml as written: references stay references."""


def compile_project(
    files: Mapping[str, str], environment: Mapping[str, str], today: date
) -> Compiled:
    """Compiles the files of a project directory, named by their relative paths.

    Without portico.yaml, or without providers in it, providers come from the environment.
    Never raises for what a project may hold: everything wrong is a problem with its place.
    """
    try:
        document = read(files.get(FILE, ""))
    except Unreadable as error:
        line, column = error.place
        wrong = Problem(
            file=FILE, line=line, column=column, path="", message=error.message, hint=error.hint
        )
        return Compiled(snapshot=None, problems=(wrong,))
    return _Compilation(files, environment, datetime.combine(today, NOON), document).run()


def wanted_files(portico_yaml: str) -> tuple[str, ...]:
    """Files outside prompts/, evals/ and policies/ that a project names: simulators' scripts."""
    try:
        data = read(portico_yaml).data
    except Unreadable:
        return ()
    scripts = (entry.get("script") for entry in names.entries(data, "providers").values())
    return tuple(dict.fromkeys(path for path in scripts if isinstance(path, str) and path))


def project_of(portico_yaml: str) -> str:
    """The project that a file says it is; `default` where it says nothing that can be read."""
    try:
        named = read(portico_yaml).data.get("project")
    except Unreadable:
        named = None
    return named if isinstance(named, str) and named else "default"


class _Compilation:
    def __init__(
        self,
        files: Mapping[str, str],
        environment: Mapping[str, str],
        at: datetime,
        document: Document,
    ) -> None:
        self._files = files
        self._environment = environment
        self._at = at
        self._document = document
        self._problems: list[Problem] = []
        self._warnings: list[str] = []

    def run(self) -> Compiled:
        data, unset = validating.resolve_references(self._document, self._environment)
        self._problems += unset
        document = msgspec.structs.replace(self._document, data=data)
        broken = frozenset(found.path for found in unset)
        project, wrong = validating.validate(document, data, broken)
        self._problems += wrong
        self._warnings += activity.warnings(document)

        entries = names.entries(data, "workloads").values()
        used = {name for entry in entries if isinstance(name := entry.get("prompt"), str)}
        prompts = read_prompts(self._files, used)
        self._problems += prompts.problems
        providers, own = self._providers(document, project)
        models = catalogue.catalogue(document, project.models, providers, own, self._at)
        self._problems += models.problems
        self._warnings += models.warnings
        by_name = {model.name: model for model in models.models}
        known = names.Known(
            providers=(*providers, *names.named(data, "providers")),
            models=(*names.named(data, "models"), *by_name),
            files=self._files.keys(),
        )
        self._problems += names.dangling(document, known)
        workloads = Workloads(document, providers, by_name, prompts.versions, self._at.date())
        workloads.read(project)
        if not self._problems:
            workloads.add_default(project.project)
        self._problems += workloads.problems
        self._warnings += workloads.warnings
        rules = self._rules(document, project, Covered(workloads.made, by_name))
        parts = _Parts(providers, models.models, prompts, workloads, rules)
        return self._finish(project, parts)

    def _rules(self, document: Document, project: Project, covered: Covered) -> "_Rules":
        budgets, wrong = read_budgets(document, project, covered)
        self._problems += wrong
        webhooks, wrong = watching.read_webhooks(document, project, self._environment)
        self._problems += wrong
        self._warnings += watching.literal_webhook_secrets(self._document, project)
        retention, wrong = watching.read_retention(document, project)
        self._problems += wrong
        return _Rules(budgets, webhooks, retention)

    def _providers(
        self, document: Document, project: Project
    ) -> tuple[dict[str, Provider], frozenset[str]]:
        """All providers by name, and the names of those that bring their own model list."""
        if not document.data.get("providers"):
            found: Discovered = discover(self._environment)
            self._warnings += found.warnings
            self._problems += found.problems
            named = {each.name: _owned(each, project) for each in found.providers}
            return named, frozenset(named)
        made: dict[str, Provider] = {}
        for name, written in project.providers.items():
            connected = connecting.connected(name, written, self._files)
            made[name] = _owned(bedrock.placed(connected, self._environment), project)
            self._problems += connecting.problems(document, name, written, made[name])
            self._warnings += connecting.literal_secrets(self._document, name, written)
        own = (name for name, provider in made.items() if catalogue.builtin(provider, False))
        return made, frozenset(own)

    def _finish(self, project: Project, parts: "_Parts") -> Compiled:
        warnings = tuple(self._warnings)
        if self._problems:
            return Compiled(snapshot=None, problems=_ordered(self._problems), warnings=warnings)
        limits = project.limits
        snapshot = Snapshot(
            project=project.project,
            providers=tuple(parts.providers.values()),
            models=parts.models,
            workloads=tuple(parts.workloads.made),
            releases=tuple(parts.workloads.releases),
            adopted=tuple(each for each in parts.prompts.versions.values() if each.observed),
            budgets=parts.rules.budgets,
            webhooks=parts.rules.webhooks,
            retention=parts.rules.retention,
            currency=watching.read_currency(project),
            bounds=Bounds(
                body_bytes=limits.body,
                header_bytes=limits.headers,
                nesting=limits.nesting,
                read_body_s=limits.read_body,
                drain_s=limits.drain,
            ),
            warnings=warnings,
        )
        return Compiled(
            snapshot=msgspec.structs.replace(snapshot, digest=digest(snapshot)),
            warnings=warnings,
            durability=_durability(project.durability),
            prompts=tuple(parts.prompts.versions.values()),
            gates=tuple(_gates(project)),
            data=self._document.data,
        )


@dataclass(frozen=True)
class _Rules:
    budgets: tuple[Budget, ...]
    webhooks: tuple[Webhook, ...]
    retention: Retention


@dataclass(frozen=True)
class _Parts:
    providers: Mapping[str, Provider]
    models: tuple[Model, ...]
    prompts: Prompts
    workloads: Workloads
    rules: _Rules


def _owned(provider: Provider, project: Project) -> Provider:
    return msgspec.structs.replace(provider, project=project.project)


def _gates(project: Project) -> Iterator[tuple[str, str]]:
    for name, workload in project.workloads.items():
        if workload.rollout is not None and workload.rollout.gate is not None:
            yield name, workload.rollout.gate


def _ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    """In the order of the files; of several problems with one value, the first found."""
    first = {(p.file, p.path or (p.line, p.column, p.message)): p for p in reversed(problems)}
    return tuple(sorted(first.values(), key=lambda p: (p.file != FILE, p.file, p.line, p.column)))


def digest(snapshot: Snapshot) -> str:
    """The hash of what a snapshot means: without secrets, warnings, days of resolution, and the
    estimates of energy, which nobody has written."""
    return content_hash(
        msgspec.structs.replace(
            snapshot,
            providers=tuple(map(connecting.without_secrets, snapshot.providers)),
            models=tuple(map(_undated, snapshot.models)),
            webhooks=tuple(map(watching.without_webhook_secrets, snapshot.webhooks)),
            releases=(),
            warnings=(),
            digest="",
        )
    )


def _undated(model: Model) -> Model:
    price = model.price
    undated = None if price is None else msgspec.structs.replace(price, date="")
    return msgspec.structs.replace(model, price=undated, energy=None)


def _durability(written: WrittenDurability) -> Durability:
    return Durability(
        commit=written.mode == "commit",
        fsync_s=written.fsync,
        journal_bytes=written.journal,
        serve_when_full=written.when_full == "serve",
    )
