"""Names that lead nowhere: a check over the data as written, so that it runs beside any error."""

from collections.abc import Collection, Iterator

import msgspec

from portico.control.projects.problems import Problem, problem
from portico.methods.nearest import nearest
from portico.methods.yaml12 import Data, Document, Path

Use = tuple[Path, Data, Collection[str], str]
"""Where a name is used, the name, what it may be, and the word for that."""


def entries(data: dict[str, Data], section: str) -> dict[str, dict[str, Data]]:
    """The entries of a section that are mappings; of any other shape, none."""
    found = data.get(section)
    if not isinstance(found, dict):
        return {}
    return {name: entry for name, entry in found.items() if isinstance(entry, dict)}


def named(data: dict[str, Data], section: str) -> tuple[str, ...]:
    found = data.get(section)
    return tuple(found) if isinstance(found, dict) else ()


def rungs(workload: dict[str, Data]) -> Iterator[tuple[Path, str]]:
    """The names in a workload's ladder, each with its path inside the workload."""
    ladder = workload.get("ladder")
    for index, rung in enumerate(ladder if isinstance(ladder, list) else []):
        if isinstance(rung, str):
            yield ("ladder", index), rung
        elif isinstance(rung, dict) and isinstance(pool := rung.get("pool"), list):
            for place, name in enumerate(pool):
                if isinstance(name, str):
                    yield ("ladder", index, "pool", place), name


class Known(msgspec.Struct, frozen=True):
    """All names that may be used."""

    providers: Collection[str]
    models: Collection[str]
    files: Collection[str]


def dangling(document: Document, known: Known) -> list[Problem]:
    """Every name that stands for nothing."""
    found = [*_models(document, known), *_owners(document)]
    names = [
        problem(document, path, f"there is no {what} {name}", like(name, may))
        for path, name, may, what in found
        if isinstance(name, str) and name not in may
    ]
    return names + list(_missing_files(document, known.files))


def _models(document: Document, known: Known) -> Iterator[Use]:
    for name, model in entries(document.data, "models").items():
        path: Path = ("models", name, "provider")
        yield path, model.get("provider"), known.providers, "provider"
    for name, workload in entries(document.data, "workloads").items():
        for path, rung in rungs(workload):
            yield ("workloads", name, *path), rung, known.models, "model"


def _owners(document: Document) -> Iterator[Use]:
    data = document.data
    teams = ("default", *named(data, "teams"))
    workloads = ("default", *named(data, "workloads"))
    kinds: list[tuple[str, str, Collection[str]]] = [
        ("budgets", "workload", workloads),
        ("kpis", "workload", workloads),
    ]
    if isinstance(data.get("teams"), dict):
        kinds += [("workloads", "team", teams), ("budgets", "team", teams)]
    for section, key, may in kinds:
        for name, entry in entries(data, section).items():
            yield (section, name, key), entry.get(key), may, key


def like(name: str, known: Collection[str]) -> str:
    """A hint at names that may have been meant; empty where none is alike."""
    known = tuple(dict.fromkeys(known))
    qualified = tuple(may for may in known if may.endswith(f"/{name}"))
    near = qualified[:3] or nearest(name, known)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if 0 < len(known) <= 12:
        return f"expected one of {', '.join(known)}"
    return ""


def _missing_files(document: Document, files: Collection[str]) -> Iterator[Problem]:
    for name, workload in entries(document.data, "workloads").items():
        prompt = workload.get("prompt")
        if isinstance(prompt, str) and f"prompts/{prompt}.md" not in files:
            known = [f[8:-3] for f in files if f.startswith("prompts/") and f.endswith(".md")]
            yield problem(
                document,
                ("workloads", name, "prompt"),
                f"there is no file prompts/{prompt}.md",
                like(prompt, known),
            )
        rollout = workload.get("rollout")
        gate = rollout.get("gate") if isinstance(rollout, dict) else None
        if isinstance(gate, str) and not any(f.startswith(f"evals/{gate}/") for f in files):
            suites = {f.split("/")[1] for f in files if f.startswith("evals/")}
            yield problem(
                document,
                ("workloads", name, "rollout", "gate"),
                f"there is no suite evals/{gate}/",
                like(gate, sorted(suites)),
            )
    for name, provider in entries(document.data, "providers").items():
        script = provider.get("script")
        if isinstance(script, str) and script and script not in files:
            hint = "the path is relative to the project directory"
            path = ("providers", name, "script")
            yield problem(document, path, f"there is no file {script}", hint)
