"""The doctor's look at the catalogue: what retires soon, and which facts are old. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta

from portico.contract.snapshot import Model, Snapshot
from portico.control.models.versions import pinned
from portico.control.models.view import is_stale
from portico.main.cli.findings import Finding, ok, warn

NOTICE = timedelta(days=90)
"""How long before its retirement a model is warned about."""
MOVE = "name another model in portico.yaml, and compare the two with `portico bench`"
READ = "update Portico, or see that page for what has changed"


def catalogue(snapshot: Snapshot, today: date) -> Iterator[Finding]:
    """Rows for the models that are named in portico.yaml or stand in a ladder."""
    used = list(in_use(snapshot))
    for model in used:
        yield from _model(model, today)
    kinds = {provider.name: provider.kind for provider in snapshot.providers}
    aliases = [model.name for model in used if pinned(kinds[model.provider], model) is False]
    found = f"models in use: {len(used)}"
    if aliases:
        found += f"; their id names no version: {', '.join(aliases)}"
    yield ok("catalogue", found)


def in_use(snapshot: Snapshot) -> Iterator[Model]:
    ladders = {name for workload in snapshot.workloads for rung in workload.ladder for name in rung}
    return (model for model in snapshot.models if is_named(model) or model.name in ladders)


def is_named(model: Model) -> bool:
    """In portico.yaml; a simulator's own models are listed too, under `provider/id`."""
    return model.listed and model.name != f"{model.provider}/{model.id}"


def _model(model: Model, today: date) -> Iterator[Finding]:
    facts = model.facts
    if facts is None:
        return
    check = f"model {model.name}"
    # of a model that portico.yaml names, the compiler's warning says so with the line there
    if facts.retires and not is_named(model) and facts.retires <= (today + NOTICE).isoformat():
        yield warn(check, f"its provider retires it on {facts.retires} ({facts.source})", MOVE)
    if is_stale(facts, today):
        yield warn(check, f"its facts were read on {facts.date} ({facts.source})", READ)
