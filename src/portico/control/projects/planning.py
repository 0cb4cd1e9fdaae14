"""What an apply would change: two states of a project, compared for a reader.

Law of the file: a secret that stands in portico.yaml itself is never shown; that it differs is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from portico.contract.deployment import Deployment
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Release
from portico.control.projects import keys, names
from portico.control.projects.compile import Compiled
from portico.control.projects.outcome import Change, Doing, Gate, Kind
from portico.control.projects.prompts import name_of
from portico.control.projects.validating import SECRETS
from portico.methods.yaml12 import Data, Path
from portico.operations.differences import between, text_lines
from portico.operations.releases import differences, lines_of

MOST_LINES: Final = 2000
"""Lines of one change that are shown."""
RELEASED: Final = ("ladder", "prompt", "guards", "trust", "max_output_tokens")
"""Keys of a workload that its release says better."""
SECTIONS: Final[tuple[tuple[Kind, str], ...]] = (("provider", "providers"), ("model", "models"))
FOLDERS: Final[Mapping[str, Kind]] = {"policies": "policy", "evals": "suite"}
UNGATED: Final = "gates are not run yet: the release goes live without one"


@dataclass(frozen=True)
class State:
    """A project as it is, or as it would be. Empty: there is none."""

    files: Mapping[str, str] = field(default_factory=dict)
    compiled: Compiled | None = None
    releases: Mapping[str, Release] = field(default_factory=dict)
    """The live release, or the one to be, by workload."""

    @property
    def data(self) -> dict[str, Data]:
        return self.compiled.data if self.compiled is not None else {}

    @property
    def prompts(self) -> Mapping[str, PromptVersion]:
        found = self.compiled.prompts if self.compiled is not None else ()
        return {prompt.name: prompt for prompt in found}


def changes(old: State, new: State) -> tuple[Change, ...]:
    """Everything that differs, workloads first: these also where nothing does."""
    return tuple(
        msgspec.structs.replace(change, lines=_bounded(change.lines))
        for found in (
            _workloads(old, new),
            _prompts(old, new),
            _entries(old, new),
            _files(old, new),
            _settings(old, new),
        )
        for change in found
    )


def gates(compiled: Compiled, made: Iterable[Change]) -> tuple[Gate, ...]:
    """The suites that the changed workloads ask to pass."""
    changed = {each.name for each in made if each.kind == "workload" and each.action != "none"}
    return tuple(
        Gate(workload=workload, suite=suite, active=False, reason=UNGATED)
        for workload, suite in compiled.gates
        if workload in changed
    )


def undone(pointers: Iterable[Deployment], releases: Mapping[str, Release]) -> tuple[str, ...]:
    """A line for each rollback that an apply of these releases would undo."""
    return tuple(
        f"workload {each.workload} was rolled back to {each.live} on {_day(each.since_ns)} by "
        f"{each.by}{f' because {each.why}' if each.why else ''}; applying ships "
        f"{releases[each.workload].id}"
        for each in pointers
        if each.action == "rollback"
        and each.workload in releases
        and releases[each.workload].id != each.live
    )


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _workloads(old: State, new: State) -> Iterator[Change]:
    was, now = names.entries(old.data, "workloads"), names.entries(new.data, "workloads")
    for name in dict.fromkeys((*new.releases, *old.releases)):
        before, after = old.releases.get(name), new.releases.get(name)
        found = differences(before, after)
        settings = [*_settled("workloads", name, was.get(name), now.get(name))]
        lines = [line for each in found for line in each.lines] + settings
        action = _doing(before, after, bool(found or settings))
        told = "; ".join(each.message for each in found) or "settings" * bool(settings)
        yield Change(
            kind="workload",
            name=name,
            action=action,
            message=f"workload {name}: {told if action == 'change' else WORDS[action]}",
            lines=lines,
            from_release=before.id if before is not None else "",
            to_release=after.id if after is not None else "",
        )


WORDS: Final[Mapping[Doing, str]] = {
    "add": "new",
    "remove": "removed",
    "none": "unchanged",
    "change": "changed",
}


def _settled(section: str, name: str, old: object, new: object) -> Iterator[str]:
    """What differs in a workload beside its release."""

    def kept(entry: object) -> Data:
        members = entry if isinstance(entry, dict) else {}
        return {key: value for key, value in members.items() if key not in RELEASED}

    yield from _tree((section, name), kept(old), kept(new))


def _prompts(old: State, new: State) -> Iterator[Change]:
    was, now = old.prompts, new.prompts
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name), now.get(name)
        if (before.version if before else "") == (after.version if after else ""):
            continue
        action = _doing(before, after, changed=True)
        versions = " -> ".join(each.version for each in (before, after) if each is not None)
        yield Change(
            kind="prompt",
            name=name,
            action=action,
            message=f"prompt {name}: {WORDS[action]} ({versions})",
            lines=lines_of(between(before, after)),
        )


def _entries(old: State, new: State) -> Iterator[Change]:
    for kind, section in SECTIONS:
        was, now = names.entries(old.data, section), names.entries(new.data, section)
        for name in dict.fromkeys((*now, *was)):
            lines = [*_tree((section, name), was.get(name), now.get(name))]
            if kind == "model":
                lines += _price(old, new, name) if not lines else []
            if lines:
                action = _doing(was.get(name), now.get(name), changed=True)
                yield Change(
                    kind=kind,
                    name=name,
                    action=action,
                    message=f"{kind} {name}: {WORDS[action]}",
                    lines=lines,
                )


def _price(old: State, new: State, name: str) -> list[str]:
    """A price that has changed where it is published, not in the file."""
    found = []
    for state in (old, new):
        snapshot = state.compiled.snapshot if state.compiled is not None else None
        models = snapshot.models if snapshot is not None else ()
        prices = [each.price for each in models if each.name == name]
        found.append(prices[0].rates if prices and prices[0] is not None else None)
    if None in found or found[0] == found[1]:
        return []
    return [f"models.{name}: the published price has changed"]


def _files(old: State, new: State) -> Iterator[Change]:
    told = {f"{name_of_file}" for name_of_file in (*old.files, *new.files)}
    for path in sorted(told):
        before, after = old.files.get(path), new.files.get(path)
        if before == after or path == "portico.yaml" or _is_prompt(path, old, new):
            continue
        folder, _, rest = path.partition("/")
        kind = FOLDERS.get(folder, "file")
        action = _doing(before, after, changed=True)
        yield Change(
            kind=kind,
            name=rest if kind != "file" else path,
            action=action,
            message=f"{kind} {path}: {WORDS[action]}",
            lines=text_lines(before or "", after or ""),
        )


def _is_prompt(path: str, old: State, new: State) -> bool:
    """Whether the prompts themselves tell of this file; a part of others is a file."""
    return path.startswith("prompts/") and name_of(path) in {**old.prompts, **new.prompts}


def _settings(old: State, new: State) -> Iterator[Change]:
    """The sections of portico.yaml that nothing above tells of."""
    told = {"project", "providers", "models", "workloads"}
    for section in dict.fromkeys((*new.data, *old.data)):
        before, after = old.data.get(section), new.data.get(section)
        if section in told or before == after:
            continue
        action = _doing(before, after, changed=True)
        yield Change(
            kind="settings",
            name=section,
            action=action,
            message=f"{section}: {WORDS[action]}",
            lines=[*_tree((section,), before, after)],
        )


def _doing(old: object, new: object, changed: bool) -> Doing:
    if old is None:
        return "add"
    if new is None:
        return "remove"
    return "change" if changed else "none"


def _tree(path: Path, old: Data, new: Data) -> Iterator[str]:
    """A line for each value that differs: `models.small.id: "a" -> "b"`."""
    if old == new:
        return
    if isinstance(old, dict | None) and isinstance(new, dict | None) and (old or new):
        was, now = old or {}, new or {}
        for key in dict.fromkeys((*now, *was)):
            yield from _tree((*path, key), was.get(key), now.get(key))
        return
    name = ".".join(map(str, path))
    if any(keys.matches(secret, path) for secret in SECRETS):
        yield f"{name}: a value that is not shown differs"
        return
    yield f"{name}: {_shown(old)} -> {_shown(new)}"


def _shown(value: Data) -> str:
    return "none" if value is None else msgspec.json.encode(value, order="sorted").decode()


def _bounded(lines: Iterable[str]) -> tuple[str, ...]:
    every = tuple(lines)
    if len(every) <= MOST_LINES:
        return every
    return (*every[:MOST_LINES], f"… and {len(every) - MOST_LINES} lines more")
