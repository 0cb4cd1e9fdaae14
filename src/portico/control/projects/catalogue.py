"""Models: those that the project names, and those that its providers list."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.snapshot import Facts, Model, Provider
from portico.control.projects import bedrock, pricing
from portico.control.projects.pricing import Priced, Priceless, Purchase
from portico.control.projects.problems import FILE, Problem, problem
from portico.control.projects.schema.providers import Model as Written
from portico.control.projects.weighing import weighed
from portico.cost import prices
from portico.methods.yaml12 import Document, Path
from portico.providers.anthropic import facts as anthropic_facts
from portico.providers.gemini import facts as gemini_facts
from portico.providers.openai import facts as openai_facts
from portico.providers.simulator import facts as simulator_facts
from portico.providers.simulator.settings import parse

FACTS: Mapping[str, Callable[[str], Facts | None]] = {
    "openai": openai_facts.facts,
    "anthropic": anthropic_facts.facts,
    "bedrock": bedrock.fact,
    "gemini": gemini_facts.facts,
    "simulator": simulator_facts.facts,
}
HOSTED: Mapping[str, Callable[[], Mapping[str, Facts]]] = {
    "openai": openai_facts.known,
    "anthropic": anthropic_facts.known,
    "gemini": gemini_facts.known,
}
OFFICIAL: Mapping[str, tuple[str, ...]] = {
    "openai": ("https://api.openai.com/v1",),
    "anthropic": ("https://api.anthropic.com", "https://api.anthropic.com/v1"),
    "gemini": (
        "https://generativelanguage.googleapis.com",
        "https://generativelanguage.googleapis.com/v1beta",
    ),
}
"""Addresses whose model list is the provider's own."""
SIMULATED = ("echo", "extract", "embed")


NOTICE = timedelta(days=90)
"""How long before its retirement a model of the project is warned about."""


class Catalogue(msgspec.Struct, frozen=True):
    models: tuple[Model, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def builtin(provider: Provider, discovered: bool) -> bool:
    """Whether a provider brings its own model list.

    A discovered provider does at any address: whoever sets OPENAI_BASE_URL means OpenAI's
    models.
    """
    if provider.kind == "bedrock":
        return True  # another address is a private endpoint of the same service
    official = OFFICIAL.get(provider.kind, ())
    return not provider.api_version and (
        discovered or provider.base_url.rstrip("/") in ("", *official)
    )


def catalogue(
    document: Document,
    written: Mapping[str, Written],
    providers: Mapping[str, Provider],
    own: frozenset[str],
    at: datetime,
) -> Catalogue:
    """The project's models in file order, then what the providers in `own` list."""
    problems: list[Problem] = []
    models: list[Model] = []
    discounts = pricing.discounts(document)
    for name, entry in written.items():
        provider = providers.get(entry.provider)
        if provider is None:
            continue
        discount = discounts.get(entry.provider, Decimal(0))
        purchase = Purchase(provider, entry.provider in own, discount)
        models.append(_model(document, name, entry, purchase, at, problems))
    taken = {(model.provider, model.id) for model in models}
    for name in providers:
        if name in own:
            listed = _less(listing(providers[name], at), discounts.get(name, Decimal(0)))
            models += (m for m in listed if (m.provider, m.id) not in taken)
    warnings = (*_retiring(document, models, at.date()), *_hourly(document, models))
    takes = (weighed(each, providers[each.provider], each.provider in own) for each in models)
    return Catalogue(tuple(takes), tuple(problems), warnings)


def retires_by(model: Model, day: date) -> bool:
    return bool(model.facts and model.facts.retires and model.facts.retires <= day.isoformat())


def _retiring(document: Document, models: list[Model], today: date) -> Iterator[str]:
    for model in models:
        if model.facts and "/" not in model.name and retires_by(model, today + NOTICE):
            line = document.place(("models", model.name))[0]
            yield (
                f"models.{model.name} ({FILE}:{line}): its provider retires {model.id} on"
                f" {model.facts.retires} ({model.facts.source})"
            )


def _hourly(document: Document, models: list[Model]) -> Iterator[str]:
    """Models that are paid by the hour: nothing is charged for their tokens, and that is said."""
    for model in models:
        if model.throughput == "provisioned" and model.price is None:
            line = document.place(("models", model.name))[0]
            yield (
                f"models.{model.name} ({FILE}:{line}): provisioned throughput is paid by the hour;"
                " its calls are recorded as unpriced unless price is given"
            )


def listing(provider: Provider, at: datetime) -> Iterator[Model]:
    """What a provider itself lists, as `provider/id`."""
    if provider.kind == "simulator":
        for id_ in (*SIMULATED, "script") if provider.script else SIMULATED:
            yield Model(
                name=f"{provider.name}/{id_}",
                provider=provider.name,
                id=id_,
                price=prices.simulated(at),
                facts=simulator_facts.facts(id_),
            )
        return
    if provider.kind == "bedrock":
        yield from bedrock.listing(provider, at)
    if provider.kind not in HOSTED:
        return
    known = HOSTED[provider.kind]()
    listed = {entry.id: entry for entry in prices.catalogue(provider.kind, at)}
    for id_ in known.keys() - listed.keys():
        price = prices.resolve(provider.kind, id_, "", at)
        if price is not None:
            listed[id_] = prices.Entry(id_, None, price)
    for id_, entry in sorted(listed.items()):
        facts = known.get(id_) or Facts(context=entry.context, source=prices.source())
        yield Model(
            name=f"{provider.name}/{id_}",
            provider=provider.name,
            id=id_,
            price=entry.price,
            facts=facts,
            listed=False,
        )


def _less(models: Iterator[Model], discount: Decimal) -> Iterator[Model]:
    for model in models:
        if model.price is not None and discount:
            price = prices.discounted(model.price, discount)
            yield msgspec.structs.replace(model, price=price)
        else:
            yield model


def _model(
    document: Document,
    name: str,
    written: Written,
    purchase: Purchase,
    at: datetime,
    problems: list[Problem],
) -> Model:
    here: Path = ("models", name)
    provider = purchase.provider
    priced = Priced(None)
    try:
        priced = pricing.priced(written, purchase, at)
        if provider.kind == "simulator":
            parse(written.id)
        _misplaced(written, provider)
    except Priceless as error:
        problems.append(problem(document, (*here, *error.path), error.message, error.hint))
    except PorticoError as error:
        problems.append(problem(document, (*here, "id"), error.message))
    if written.active_size is not None and written.active_size > (written.size or 0):
        message = "the parameters that take part in a token are some of all"
        problems.append(problem(document, (*here, "active_size"), message, "write size, not less"))
    ours = provider.kind == "bedrock"
    return Model(
        name=name,
        provider=written.provider,
        id=written.id,
        price=priced.price,
        facts=_with_context(
            written, _facts(written.stands_for or written.id, provider, purchase.own)
        ),
        size=written.size,
        active_size=written.active_size,
        stands_for=bedrock.behind(written.id, written.stands_for) if ours else written.stands_for,
        service_tier=written.service_tier if written.service_tier != "default" else "",
        region=bedrock.place(written.id, provider.region) if ours else written.region,
        throughput="provisioned" if pricing.provisioned(written, provider) else "on-demand",
        hourly_nano=priced.hourly_nano,
    )


def _misplaced(written: Written, provider: Provider) -> None:
    """Raises InvalidRequest for what a model of this provider cannot be or have."""
    if provider.kind == "bedrock" and bedrock.unreadable(written.id):
        raise InvalidRequest("expected a Bedrock model id, an inference profile's or an ARN")
    if provider.kind != "bedrock" and written.service_tier != "default":
        raise InvalidRequest("only models of kind bedrock take a service_tier here")


def _with_context(written: Written, facts: Facts | None) -> Facts | None:
    """What the project says of a model's window counts more than what is published."""
    if written.context is None:
        return facts
    return msgspec.structs.replace(facts or Facts(source="portico.yaml"), context=written.context)


def _facts(id_: str, provider: Provider, own: bool) -> Facts | None:
    known = FACTS.get(provider.kind)
    found = known(id_) if known is not None else None
    if found is not None or provider.kind not in HOSTED:
        return found
    context = prices.context(provider.kind, id_, "" if own else provider.base_url)
    return Facts(context=context, source=prices.source()) if context is not None else None
