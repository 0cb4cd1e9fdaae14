"""`budgets:` and the budgets of workloads and teams, into what the gateway holds money against.

Law of the file: an amount becomes nano-dollars exactly as it is written, or it is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from portico.contract.budget import Budget, Scope
from portico.contract.snapshot import Model, Workload
from portico.control.projects.names import like
from portico.control.projects.problems import Problem, problem
from portico.control.projects.schema import Project
from portico.control.projects.schema.organisation import Budget as Scoped
from portico.control.projects.schema.workloads import Money
from portico.methods.yaml12 import Document, Path

NANO: Final = 10**9
MOST_USD: Final = 10**9
"""A sum of amounts of this size still fits into 64 bits of nano-dollars."""
SOFT: Final = 0.8
"""From which share on `cached` and `smaller` act where no `soft` is given."""
OF_SESSIONS: Final = ("steps", "tokens", "wall_time", "repeats")
"""Limits that only a session has."""

Fault = tuple[Path, str, str]
"""Where in the entry, what is wrong, and what to write."""


@dataclass(frozen=True)
class Covered:
    """What there is to spend on."""

    workloads: Iterable[Workload]
    models: Mapping[str, Model]


def read_budgets(
    document: Document, project: Project, covered: Covered
) -> tuple[tuple[Budget, ...], list[Problem]]:
    """All budgets of a project in the order of the file's sections, and what is wrong with them."""
    made: list[Budget] = []
    problems: list[Problem] = []
    for path, written, scope in _written(project):
        faults = tuple(_faults(written))
        if not faults:
            budget = _budget(".".join(map(str, path)), written, scope)
            made.append(budget)
            faults = tuple(_unpriced(budget, covered))
        problems += (
            problem(document, (*path, *inside), message, hint) for inside, message, hint in faults
        )
    return tuple(made), problems


def _written(project: Project) -> Iterator[tuple[Path, Money, Scope]]:
    own = project.project
    for name, written in project.budgets.items():
        yield ("budgets", name), written, _scope(written, own)
    for name, workload in project.workloads.items():
        if workload.budget is not None:
            scope = Scope(project=own, workload=name)
            yield ("workloads", name, "budget"), workload.budget, scope
    for name, team in project.teams.items():
        if team.budget is not None:
            yield ("teams", name, "budget"), team.budget, Scope(project=own, team=name)


def _scope(written: Scoped, project: str) -> Scope:
    return Scope(
        project=project,
        team=written.team or "",
        workload=written.workload or "",
        key=written.key or "",
        tag=written.tag or "",
    )


def _budget(name: str, written: Money, scope: Scope) -> Budget:
    return Budget(
        name=name,
        scope=scope,
        per=written.per,
        nano=None if written.usd is None else int(_nano(written.usd)),
        hard=written.hard,
        soft=_soft(written),
        otherwise=written.otherwise,
        time_zone=written.time_zone,
        steps=written.steps,
        tokens=written.tokens,
        wall_time_s=written.wall_time,
        repeats=written.repeats,
    )


def _nano(usd: float) -> Decimal:
    """By way of its shortest decimal form, which is what stands in the file."""
    return Decimal(repr(usd)) * NANO


def _soft(written: Money) -> float | None:
    if written.soft is None and written.otherwise in ("cached", "smaller"):
        return SOFT
    return written.soft


def _faults(written: Money) -> Iterator[Fault]:
    limits = [key for key in OF_SESSIONS if getattr(written, key) is not None]
    if written.usd is None and not limits:
        hint = "give usd, or for a session steps, tokens, wall_time or repeats"
        yield (), "it limits nothing", hint
    for key in limits:
        if written.per != "session":
            yield (key,), "is a limit of sessions", "write per: session"
    yield from _of_money(written)
    if not written.hard and written.otherwise == "refuse" and written.soft is None:
        hint = "give soft, the share from which it refuses, or leave hard out"
        yield ("otherwise",), "a budget that is not hard has nothing to refuse at", hint
    if not _is_zone(written.time_zone):
        zone = written.time_zone
        hint = like(zone, sorted(available_timezones())) or "an IANA name, such as Europe/Berlin"
        yield ("time_zone",), f"there is no time zone {zone[:64]}", hint
    if isinstance(written, Scoped) and (written.tag or "").startswith("="):
        yield ("tag",), "expected name, or name=value", ""


def _of_money(written: Money) -> Iterator[Fault]:
    if written.usd is None:
        hint = "give usd, or leave it out"
        if written.soft is not None:
            yield ("soft",), "is a share of an amount, and there is no usd", hint
        if written.otherwise in ("cached", "smaller"):
            yield ("otherwise",), "acts on an amount of money, and there is no usd", hint
    elif written.usd > MOST_USD:
        yield ("usd",), f"expected at most {MOST_USD:,} US dollars", "leave the budget out"
    elif _nano(written.usd) % 1:
        yield ("usd",), "is finer than a nano-dollar (0.000000001)", ""


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a name that is none, a path, a folder of names
        return False
    return True


def _unpriced(budget: Budget, covered: Covered) -> Iterator[Fault]:
    """The first model that a call within the budget is sure to be allowed, and has no price.

    Which workloads the calls of a key or with a tag go to is not known here.
    """
    if budget.nano is None or not budget.hard or budget.scope.key or budget.scope.tag:
        return
    for workload in covered.workloads:
        if not _bounds(budget.scope, workload):
            continue
        for name in (name for rung in workload.ladder for name in rung):
            model = covered.models.get(name)
            if model is not None and _costs_unknown(model):
                message = (
                    "a hard budget cannot hold an unpriced model, and the workload"
                    f" {workload.name} calls {name}"
                )
                wanted = f"models.{name}.price" if model.listed else f"{name} a price under models"
                yield (), message, f"give {wanted}, or hard: false"
                return


def _costs_unknown(model: Model) -> bool:
    """Provisioned throughput is paid by the hour: a call adds nothing to it."""
    return model.price is None and model.throughput != "provisioned"


def _bounds(scope: Scope, workload: Workload) -> bool:
    """Whether the calls of a workload are the scope's. A team that names itself for a workload
    has all its calls."""
    return scope.workload in ("", workload.name) and scope.team in ("", workload.team)
