"""What plans, applies and rollbacks come to. Apart from the routes, which cost the import of
FastAPI."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

import msgspec

from portico.control.projects.problems import Problem


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a project, and where. Line and column count from 1; 0: not known."""

    file: str
    message: str
    path: str = ""
    """The member at fault, as in "workloads.support.ladder"."""
    hint: str = ""
    line: int = 0
    column: int = 0


class ApplyOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply came to. With problems, nothing was changed."""

    project: str = ""
    digest: str = ""
    changed: Sequence[str] = ()
    """In words, one a change: "workload support: ladder: small -> large"."""
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    problems: Sequence[Place] = ()


Kind = Literal["workload", "prompt", "provider", "model", "policy", "suite", "file", "settings"]
Doing = Literal["add", "change", "remove", "none"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an apply would add, change or remove; `none` for a workload that stays."""

    kind: Kind
    name: str
    action: Doing
    message: str
    """In words, one line."""
    lines: Sequence[str] = ()
    """What differs: a unified diff of a text, or a line for each value."""
    from_release: str = ""
    """Of a workload: the release that is live."""
    to_release: str = ""
    """Of a workload: the release that would be."""


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A suite that a changed workload asks to pass."""

    workload: str
    suite: str
    active: bool
    """Whether the gate is run."""
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply would do. With problems, it would be refused."""

    project: str
    base: str = ""
    """What the plan starts from; given to an apply, it is refused if anything has moved since.
    Empty: nothing of the project is live."""
    digest: str = ""
    """What would be live of this project."""
    changes: Sequence[Change] = ()
    gates: Sequence[Gate] = ()
    notes: Sequence[str] = ()
    """What else is to be known: rollbacks that the apply would undo."""
    warnings: Sequence[str] = ()
    problems: Sequence[Place] = ()


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A directory that somebody wants to be live."""

    files: Mapping[str, str]
    by: str
    project: str | None = None
    """The project that the directory must be. None: whichever it is."""
    base: str | None = None
    """The plan's, or None: whatever is live is replaced."""
    message: str = ""
    why: str = ""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A rollback that somebody wants."""

    workload: str
    by: str
    to: str | None = None
    """A release of the workload. None: the one that was live before the present one."""
    why: str = ""


class RolledBack(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A pointer that was moved."""

    workload: str
    from_: str
    to: str
    since_ns: int


Apply = Callable[[Wish], Awaitable[ApplyOutcome]]
Planned = Callable[[Wish], Awaitable[Plan]]
Rollback = Callable[[Turn], Awaitable[RolledBack]]
Status = Callable[[], Awaitable[Mapping[str, object]]]


def place(problem: Problem) -> Place:
    return Place(
        file=problem.file,
        message=problem.message,
        path=problem.path,
        hint=problem.hint,
        line=problem.line,
        column=problem.column,
    )
