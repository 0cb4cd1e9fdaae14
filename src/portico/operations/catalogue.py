"""Which workload and model a name means.

A name is a workload, `provider/model`, or a bare model id that exactly one provider serves
(then it is a call of the workload `default`). A simulator's id may carry settings
(`echo?ttft=200ms`) under either of the latter forms.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from portico.contract.errors import UnknownModel
from portico.contract.snapshot import Model, Provider, Snapshot, Workload
from portico.methods.nearest import nearest

DEFAULT: Final = "default"


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    workload: Workload
    model: Model
    provider: Provider
    raw: bool = False
    """Named as `provider/model`, past the workloads."""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    assignments: Mapping[str, Assignment]
    """Models by `provider/model` and by bare id; a workload's name wins over them."""
    ambiguous: Mapping[str, tuple[str, ...]]
    """Bare ids that several providers serve, with the names that are not ambiguous."""
    workloads: tuple[str, ...]
    raw: tuple[str, ...]
    """The `provider/model` names, for `/v1/models`."""


def build(snapshot: Snapshot) -> Catalogue:
    providers: dict[str, Provider] = {}
    for provider in snapshot.providers:  # of two projects' providers of one name, the first
        providers.setdefault(provider.name, provider)
    workloads = {workload.name: workload for workload in snapshot.workloads}
    default = workloads.get(DEFAULT, Workload(name=DEFAULT))
    found: dict[str, Assignment] = {}
    bare: dict[str, list[str]] = {}
    for model in snapshot.models:
        full = f"{model.provider}/{model.id}"
        if full in found:
            continue
        found[full] = Assignment(
            workload=default, model=model, provider=providers[model.provider], raw=True
        )
        bare.setdefault(model.id, []).append(full)
    raw = tuple(found)
    for identity, names in bare.items():
        if len(names) == 1:
            found[identity] = msgspec.structs.replace(found[names[0]], raw=False)
    ambiguous = {name: tuple(full) for name, full in bare.items() if len(full) > 1}
    return Catalogue(assignments=found, ambiguous=ambiguous, workloads=tuple(workloads), raw=raw)


def assign(catalogue: Catalogue, name: str) -> Assignment:
    """Raises UnknownModel with the nearest names."""
    found = catalogue.assignments.get(name)
    if found is not None:
        return found
    base, mark, _ = name.partition("?")
    if mark and (found := catalogue.assignments.get(base)) is not None:
        known = (found.model.id, f"{found.provider.name}/{found.model.id}")
        if found.provider.kind == "simulator" and base in known:
            return _with_settings(found, name)
    if name in catalogue.ambiguous:
        choices = ", ".join(catalogue.ambiguous[name])
        raise UnknownModel(
            f"Several providers serve '{_cut(name)}': name one of {choices}.", field="model"
        )
    close = nearest(name, (*catalogue.workloads, *catalogue.assignments))
    hint = f" Did you mean {', '.join(close)}?" if close else " GET /v1/models lists what there is."
    raise UnknownModel(f"There is no workload or model named '{_cut(name)}'.{hint}", field="model")


def _with_settings(found: Assignment, name: str) -> Assignment:
    identity = name.removeprefix(f"{found.provider.name}/")
    model = msgspec.structs.replace(found.model, id=identity)
    return msgspec.structs.replace(found, model=model)


def _cut(name: str) -> str:
    return name if len(name) <= 100 else f"{name[:100]}…"
