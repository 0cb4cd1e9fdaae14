"""What an apply comes to. Apart from the routes, which cost the import of FastAPI."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec


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

    digest: str = ""
    changed: Sequence[str] = ()
    """In words, one a change: "workload support: ladder small, large -> large"."""
    warnings: Sequence[str] = ()
    problems: Sequence[Place] = ()


Apply = Callable[[str, Mapping[str, str], str], Awaitable[ApplyOutcome]]
"""Project, files by relative path, and who does it."""
Status = Callable[[], Awaitable[Mapping[str, object]]]
