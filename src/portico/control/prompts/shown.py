"""Prompts as they are listed and shown. Apart from the routes, which cost the import of FastAPI."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from portico.contract.deployment import ObservedPrompt, StoredVersion
from portico.contract.ledger import PromptUse
from portico.contract.prompt import PromptSource, PromptVersion
from portico.control.prompts.registry import OBSERVED, ProjectPrompts, live_version
from portico.control.prompts.use import Totals, totals
from portico.operations.differences import between
from portico.operations.releases import lines_of


class ShownPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt, with its calls in the window."""

    name: str
    """`observed:` and a fingerprint for one that an application sends itself."""
    project: str
    version: str
    """The version that is rendered. Empty for an observed prompt."""
    source: PromptSource
    workloads: Sequence[str] = ()
    """Those whose live release renders it, or whose calls bring it."""
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    first_ns: int = 0
    last_ns: int = 0
    """Of an observed prompt: when it was first and last seen."""


class PromptList(msgspec.Struct, frozen=True):
    since: str
    until: str
    prompts: Sequence[ShownPrompt]


class ShownVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version in a prompt's history."""

    version: str
    created_ns: int
    author: str
    message: str
    live: bool
    lines: Sequence[str] = ()
    """What differs from the version before it: a unified diff."""


class WholePrompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt with its text, and its versions, newest first."""

    name: str
    project: str
    source: PromptSource
    live: str
    """The version that is rendered."""
    prompt: PromptVersion | None = None
    """The version asked for, its template and front matter. Null for an observed prompt."""
    text: str = ""
    """Of an observed prompt: its text, `{{ value_1 }}` where calls differ."""
    workloads: Sequence[str] = ()
    versions: Sequence[ShownVersion] = ()


class History(msgspec.Struct, frozen=True):
    name: str
    project: str
    versions: Sequence[ShownVersion]


class Rows(msgspec.Struct, frozen=True):
    """The ledger's rows, by workload and prompt."""

    rows: Sequence[PromptUse]

    def of(self, name: str, workloads: Sequence[str]) -> Totals:
        among = frozenset(workloads)
        return totals(row for row in self.rows if row.prompt == name and row.workload in among)


def listed(
    projects: Sequence[ProjectPrompts], observed: Sequence[ObservedPrompt], rows: Rows
) -> tuple[ShownPrompt, ...]:
    """Registered and adopted ones by project and name, then observed ones by last sight."""
    owners = {workload: each.project for each in projects for workload in each.workloads}
    adopted = {prompt.observed for each in projects for prompt in each.prompts.values()}
    return (
        *(shown for each in projects for shown in _registered(each, rows)),
        *(
            _seen(each, owners, rows)
            for each in sorted(observed, key=lambda each: -each.last_ns)
            if each.fingerprint not in adopted
        ),
    )


def versions(found: Sequence[StoredVersion], live: str, diff: bool) -> tuple[ShownVersion, ...]:
    """`found` are the versions of one prompt, newest first."""
    older = (*(each.prompt for each in found[1:]), None)
    return tuple(
        ShownVersion(
            version=each.prompt.version,
            created_ns=each.created_ns,
            author=each.author,
            message=each.message,
            live=each.prompt.version == live,
            lines=lines_of(between(before, each.prompt)) if diff else (),
        )
        for each, before in zip(found, older, strict=True)
    )


def source_of(prompt: PromptVersion | None) -> PromptSource:
    return "adopted" if prompt is not None and prompt.observed else "registered"


def users(of: ProjectPrompts, name: str) -> tuple[str, ...]:
    """The workloads whose live release renders the prompt."""
    return tuple(workload for workload, prompt in of.live.items() if prompt.name == name)


def _registered(of: ProjectPrompts, rows: Rows) -> Iterator[ShownPrompt]:
    names = {**of.prompts, **{prompt.name: prompt for prompt in of.live.values()}}
    for name in sorted(names):
        count = rows.of(name, of.workloads)
        yield ShownPrompt(
            name=name,
            project=of.project,
            version=live_version(of, name),
            source=source_of(names[name]),
            workloads=users(of, name),
            calls=count.calls,
            tokens_in=count.tokens_in,
            tokens_out=count.tokens_out,
        )


def _seen(each: ObservedPrompt, owners: Mapping[str, str], rows: Rows) -> ShownPrompt:
    name = f"{OBSERVED}{each.fingerprint}"
    count = rows.of(name, (each.workload,))
    return ShownPrompt(
        name=name,
        project=owners.get(each.workload, ""),
        version="",
        source="observed",
        workloads=(each.workload,),
        calls=count.calls,
        tokens_in=count.tokens_in,
        tokens_out=count.tokens_out,
        first_ns=each.first_ns,
        last_ns=each.last_ns,
    )
