"""Prompts of the projects that serve, as the rest of this room needs them."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from portico.contract.errors import UnknownRoute
from portico.contract.prompt import PromptVersion
from portico.methods.nearest import nearest

OBSERVED = "observed:"


class ProjectPrompts(msgspec.Struct, frozen=True, kw_only=True):
    """One project's."""

    project: str
    prompts: Mapping[str, PromptVersion]
    """As its directory has them, by name."""
    live: Mapping[str, PromptVersion]
    """By workload: what its live release renders. After a rollback that is an older version."""
    workloads: tuple[str, ...]
    files: Mapping[str, str]


Registered = Callable[[], Sequence[ProjectPrompts]]
"""`default` first, then by name."""


def owner(projects: Sequence[ProjectPrompts], name: str, project: str | None) -> ProjectPrompts:
    """The project that has the prompt: the one that is named, else the first.

    Raises UnknownRoute with near names.
    """
    among = [each for each in projects if project in (None, each.project)]
    for each in among:
        if name in each.prompts or name in {prompt.name for prompt in each.live.values()}:
            return each
    near = nearest(name, [known for each in among for known in each.prompts])
    hint = f"did you mean {' or '.join(near)}?" if near else "GET /admin/v1/prompts lists them."
    raise UnknownRoute(f"There is no prompt {name[:200]!r}; {hint}", field="name")


def live_version(of: ProjectPrompts, name: str) -> str:
    """The version that is rendered; where no workload uses the prompt, the directory's."""
    rendered = [prompt.version for prompt in of.live.values() if prompt.name == name]
    if rendered:
        return rendered[0]
    return of.prompts[name].version if name in of.prompts else ""
