"""Releases: their names, and what differs between two of them.

A release is named by the hash of what shapes an answer in it. Prices, facts, dates of retirement
and credentials change without changing an answer: they are left out of the hash, and are today's
when an old release serves again.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Model, Provider, Release, Snapshot, Workload
from portico.methods.hashing import content_hash
from portico.operations.differences import PromptDifference, between

ID_DIGITS: Final = 16


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an answer's shape differs in. `lines` are a unified diff, where there is
    text to compare."""

    what: str
    """"prompt", "ladder", "max_output_tokens", "guards", "trust"."""
    message: str
    lines: tuple[str, ...] = ()


def identify(release: Release) -> Release:
    """The release with its id: `rel_` and 16 hexadecimal digits of SHA-256."""
    providers = {provider.name: provider for provider in release.providers}
    prompt = release.prompt
    shape = {
        "workload": release.workload,
        "project": release.project,
        "prompt": prompt.version if prompt is not None else "",
        "ladder": [
            [_model_shape(model, providers[model.provider]) for model in rung]
            for rung in release.ladder
        ],
        "max_output_tokens": release.max_output_tokens,
        "guards": release.guards,
        "trust": release.trust,
    }
    return msgspec.structs.replace(release, id="rel_" + content_hash(shape, ID_DIGITS))


def of_model(workload: Workload, model: Model, provider: Provider) -> str:
    """The id for a call that names a model and so gets nothing of a release but the cap."""
    made = Release(
        id="",
        workload=workload.name,
        project=workload.project,
        ladder=((model,),),
        providers=(provider,),
        max_output_tokens=workload.max_output_tokens,
    )
    return identify(made).id


def completed(snapshot: Snapshot) -> Snapshot:
    """With a release for every workload that has a ladder: a snapshot of version 0.1 has none."""
    if not snapshot.releases:  # then its workloads do not say whose they are, either
        owned = (msgspec.structs.replace(w, project=snapshot.project) for w in snapshot.workloads)
        snapshot = msgspec.structs.replace(snapshot, workloads=tuple(owned))
    known = {release.id for release in snapshot.releases}
    lacking = [each for each in snapshot.workloads if each.ladder and each.release not in known]
    if not lacking:
        return snapshot
    made = {workload.name: _as_written(workload, snapshot) for workload in lacking}
    workloads = tuple(
        msgspec.structs.replace(workload, release=made[workload.name].id)
        if workload.name in made
        else workload
        for workload in snapshot.workloads
    )
    return msgspec.structs.replace(
        snapshot, workloads=workloads, releases=(*snapshot.releases, *made.values())
    )


def _as_written(workload: Workload, snapshot: Snapshot) -> Release:
    models = {model.name: model for model in snapshot.models}
    ladder = tuple(tuple(models[name] for name in rung) for rung in workload.ladder)
    used = {model.provider for rung in ladder for model in rung}
    made = Release(
        id=workload.release,
        workload=workload.name,
        project=workload.project,
        ladder=ladder,
        providers=tuple(
            msgspec.structs.replace(provider, api_key="", headers=())
            for provider in snapshot.providers
            if provider.name in used
        ),
        max_output_tokens=workload.max_output_tokens,
    )
    return made if made.id else identify(made)


def _model_shape(model: Model, provider: Provider) -> tuple[str, ...]:
    return (
        provider.kind,
        provider.base_url,
        provider.region,
        provider.api_version,
        content_hash(provider.script) if provider.script else "",
        model.id,
        model.stands_for,
        model.service_tier or provider.service_tier,
    )


def differences(old: Release | None, new: Release | None) -> tuple[Difference, ...]:
    """What shapes an answer under one and not under the other, in the order of a reader's
    interest. None: there is no release on that side."""
    found = (
        _prompt(old.prompt if old else None, new.prompt if new else None),
        *(
            Difference(what=what, message=f"{what}: {_said(was)} -> {_said(now)}")
            for what, show in _SHOWN.items()
            if (was := show(old) if old else None) != (now := show(new) if new else None)
        ),
    )
    return tuple(difference for difference in found if difference is not None)


def _prompt(old: PromptVersion | None, new: PromptVersion | None) -> Difference | None:
    if (old.version if old else "") == (new.version if new else ""):
        return None
    told = between(old, new)
    was = f"{old.name} {old.version}" if old else "none"
    now = f"{new.name} {new.version}" if new else "none"
    return Difference(what="prompt", message=f"prompt: {was} -> {now}", lines=lines_of(told))


def lines_of(told: PromptDifference) -> tuple[str, ...]:
    """What is not text first, then each text under its path."""
    texts = (line for file in told.files for line in (file.path, *file.lines))
    return (*told.said, *texts)


def ladder_words(release: Release) -> str:
    """The ladder as a reader writes it: "small, [large-pt, large]"."""
    rungs = []
    for rung in release.ladder:
        names = ", ".join(model.name for model in rung)
        rungs.append(f"[{names}]" if len(rung) > 1 else names)
    return ", ".join(rungs)


def _models(release: Release) -> str:
    """The ladder with what its names stand for, so that a changed model shows."""
    kinds = {provider.name: provider for provider in release.providers}
    models = [model for rung in release.ladder for model in rung]
    places = []
    for model in models:
        provider = kinds[model.provider]
        place = " ".join(
            part for part in (provider.base_url, provider.region, model.service_tier) if part
        )
        places.append(f"{model.name}={provider.name}/{model.id}{f' ({place})' if place else ''}")
    return f"{ladder_words(release)} ({'; '.join(places)})"


_SHOWN: Final[Mapping[str, Callable[[Release], Json]]] = {
    "ladder": _models,
    "max_output_tokens": lambda release: release.max_output_tokens,
    "guards": lambda release: release.guards,
    "trust": lambda release: release.trust,
}


def _said(value: Json) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
