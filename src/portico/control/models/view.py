"""The live catalogue beside what the ledger counts of it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from portico.contract.ledger import ModelUse, Use
from portico.contract.snapshot import Facts, Model, Provider, Snapshot
from portico.control.models.versions import pinned
from portico.providers.ageing import MAX_AGE_DAYS


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Over the window. Calls of several models count once for each."""

    calls: int = 0
    attempts: int = 0
    failed: int = 0
    regions: Mapping[str, int] = {}
    """Attempts by region; "" where it is not known."""


class ShownModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the live snapshot."""

    name: str
    provider: str
    kind: str
    id: str
    stands_for: str
    listed: bool
    """False where only the provider's own list knows it, not portico.yaml."""
    pinned: bool | None
    """Whether the id names one version for good; null where its provider has no versions."""
    region: str
    throughput: str
    facts: Facts | None
    retires: str
    """ISO date; empty where no retirement is known."""
    retired: bool
    facts_stale: bool
    priced: bool
    price_source: str
    price_date: str
    use: Counts = Counts()


class OtherModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was called in the window and is not in the live snapshot."""

    name: str
    provider: str
    use: Counts


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The whole evidence. Times are ISO 8601, UTC."""

    since: str
    until: str
    calls: int
    unlisted_calls: int
    simulated_calls: int
    """Of simulated models; not among `calls`."""
    regions: Mapping[str, int]
    """Attempts by region, those of simulated models left out; "" where it is not known."""
    models: Sequence[ShownModel]
    others: Sequence[OtherModel]


class Window(msgspec.Struct, frozen=True):
    """ISO 8601, UTC; `today` is the day on which it ends."""

    since: str
    until: str
    today: date


def catalogue(snapshot: Snapshot, use: Use, window: Window, listed: bool | None) -> Catalogue:
    """`listed`: only the models that portico.yaml names, only the others, or (None) all."""
    counted: dict[tuple[str, str], list[ModelUse]] = {}
    for each in use.models:
        counted.setdefault((each.provider, each.model), []).append(each)
    providers = {provider.name: provider for provider in snapshot.providers}
    models = [
        shown(model, providers[model.provider], window.today, counted)
        for model in snapshot.models
        if listed in (None, model.listed)
    ]
    known = {(model.provider, model.name) for model in snapshot.models}
    return Catalogue(
        since=window.since,
        until=window.until,
        calls=use.calls,
        unlisted_calls=use.unlisted_calls,
        simulated_calls=use.simulated_calls,
        regions=_regions([each for each in use.models if not each.simulated]),
        models=models,
        others=[
            OtherModel(name=name, provider=provider, use=_counts(uses))
            for (provider, name), uses in counted.items()
            if (provider, name) not in known
        ],
    )


def shown(
    model: Model,
    provider: Provider,
    today: date,
    counted: Mapping[tuple[str, str], Sequence[ModelUse]],
) -> ShownModel:
    facts, price = model.facts, model.price
    retires = facts.retires if facts is not None else ""
    return ShownModel(
        name=model.name,
        provider=provider.name,
        kind=provider.kind,
        id=model.id,
        stands_for=model.stands_for,
        listed=model.listed,
        pinned=pinned(provider.kind, model),
        region=model.region or provider.region,
        throughput=model.throughput,
        facts=facts,
        retires=retires,
        retired=bool(retires) and retires <= today.isoformat(),
        facts_stale=is_stale(facts, today),
        priced=price is not None,
        price_source=price.source if price is not None else "",
        price_date=price.date if price is not None else "",
        use=_counts(counted.get((provider.name, model.name), ())),
    )


def is_stale(facts: Facts | None, today: date) -> bool:
    """Whether the facts were read too long ago; those without a date say where they are from."""
    if facts is None or not facts.date:
        return False
    return facts.date < (today - timedelta(days=MAX_AGE_DAYS)).isoformat()


def _counts(uses: Sequence[ModelUse]) -> Counts:
    return Counts(
        calls=sum(each.calls for each in uses),
        attempts=sum(each.attempts for each in uses),
        failed=sum(each.failed for each in uses),
        regions=_regions(uses),
    )


def _regions(uses: Sequence[ModelUse]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in uses:
        found[each.region] = found.get(each.region, 0) + each.attempts
    return found
