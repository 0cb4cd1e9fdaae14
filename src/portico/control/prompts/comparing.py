"""Two versions of a prompt: what differs in what is written, and in what is rendered."""

import secrets
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from portico.contract.call import ContextDocument
from portico.contract.conversation import Json
from portico.contract.deployment import StoredVersion
from portico.contract.errors import UnknownRoute
from portico.contract.prompt import PromptVersion
from portico.control.prompts.registry import ProjectPrompts
from portico.operations.differences import Case, between, rendered
from portico.operations.releases import lines_of

MOST_SAMPLES = 5
"""Cases of a suite that are rendered where none are given."""


class SampleCase(msgspec.Struct, frozen=True):
    """Values to render both versions with."""

    id: str = ""
    variables: Mapping[str, Json] = {}
    context: tuple[str | dict[str, str], ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared. Versions that are not named: the live one, and the one before it."""

    name: str
    project: str | None = None
    before: str | None = None
    after: str | None = None
    cases: tuple[SampleCase, ...] | None = None
    """None: those of the suite that has the prompt's name."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A case under both versions."""

    id: str
    lines: Sequence[str]
    """A unified diff of the rendered turns; empty where they are equal."""
    error: str = ""
    """Why one of them cannot be rendered."""


class Compared(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What differs."""

    name: str
    project: str
    from_: str
    """Empty where there is no version before."""
    to: str
    lines: Sequence[str]
    """Text, variables, parameters, tools and output: a unified diff."""
    cases: Sequence[Rendered] = ()


def compared(
    comparison: Comparison, of: ProjectPrompts, found: Sequence[StoredVersion], live: str
) -> Compared:
    """`found` are the stored versions, newest first. Raises UnknownRoute for one that is not."""
    new = version_of(found, comparison.after or live)
    old = _before(comparison, found, new)
    cases = suite_cases(of.files, comparison.name) if comparison.cases is None else comparison.cases
    return Compared(
        name=comparison.name,
        project=of.project,
        from_=old.version if old is not None else "",
        to=new.version,
        lines=lines_of(between(old, new)),
        cases=_rendered(cases, old, new),
    )


def version_of(found: Sequence[StoredVersion], version: str) -> PromptVersion:
    """Raises UnknownRoute with the newest ones that there are."""
    for each in found:
        if each.prompt.version == version:
            return each.prompt
    known = ", ".join(each.prompt.version for each in found[:5])
    raise UnknownRoute(
        f"The prompt has no stored version {version!r}; it has {known or 'none'}.", field="version"
    )


def suite_cases(files: Mapping[str, str], suite: str) -> tuple[SampleCase, ...]:
    """The first cases of a suite; none where there is no such suite or its cases are broken."""
    return tuple(_cases(files, f"evals/{suite}/"))[:MOST_SAMPLES]


def _cases(files: Mapping[str, str], folder: str) -> Iterator[SampleCase]:
    for path in sorted(files):
        if not path.startswith(folder) or not path.endswith(".jsonl"):
            continue
        for line in files[path].splitlines()[:MOST_SAMPLES]:
            try:
                yield msgspec.json.decode(line, type=SampleCase)
            except msgspec.DecodeError:
                continue


def _before(
    comparison: Comparison, found: Sequence[StoredVersion], new: PromptVersion
) -> PromptVersion | None:
    if comparison.before is not None:
        return version_of(found, comparison.before)
    order = [each.prompt for each in found]
    place = next(i for i, each in enumerate(order) if each.version == new.version)
    return order[place + 1] if place + 1 < len(order) else None


def _document(given: str | dict[str, str]) -> ContextDocument:
    if isinstance(given, str):
        return ContextDocument(given)
    return ContextDocument(given.get("text", ""), given.get("id", ""))


def _rendered(
    cases: Sequence[SampleCase], old: PromptVersion | None, new: PromptVersion
) -> tuple[Rendered, ...]:
    given = [
        Case(id=each.id, variables=each.variables, context=tuple(map(_document, each.context)))
        for each in cases
    ]
    return tuple(
        Rendered(id=each.case, lines=each.lines, error=each.failed)
        for each in rendered(old, new, given, secrets.token_hex(16))
    )
