"""What a model of the project costs: as written, as published, less its discount."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from portico.contract.money import Price, Service
from portico.contract.snapshot import Provider
from portico.control.projects import bedrock
from portico.control.projects.schema.providers import Model as Written
from portico.control.projects.schema.providers import Price as WrittenPrice
from portico.control.projects.schema.providers import Rates as WrittenRates
from portico.control.projects.schema.providers import Schedule as WrittenSchedule
from portico.cost import prices
from portico.methods.nearest import nearest
from portico.methods.yaml12 import Document, Path

PUBLISHED: Final = frozenset({"openai", "anthropic", "bedrock", "gemini"})
"""Kinds whose models may have a published price."""
TIERS: Final = ("batch", "flex", "priority")
"""Keys of `price` that price a service tier."""
NOT_RATES: Final = frozenset({*TIERS, "above", "long_context", "hourly", "units"})
REQUIRED: Final = ("input", "output")
BY_HOUR: Final = frozenset({"hourly", "units"})
WRITE: Final = "write price: {input, output}"


class Priceless(Exception):
    """A model without a usable price; says what to write. `path` is inside the model's entry."""

    def __init__(self, message: str, hint: str, path: Path = ("price",)) -> None:
        super().__init__(message)
        self.message, self.hint, self.path = message, hint, path


class Priced(msgspec.Struct, frozen=True):
    """`price` is None where the model is unpriced, `hourly_nano` where no hour is paid for."""

    price: Price | None
    hourly_nano: int | None = None


class Purchase(msgspec.Struct, frozen=True):
    """Where a model is bought: `own` if the provider is charged at its kind's own list."""

    provider: Provider
    own: bool
    discount: Decimal
    """The provider's; a model's own wins."""


def discounts(document: Document) -> Mapping[str, Decimal]:
    """The discounts of providers. What is no share is told by the schema, and none here."""
    entries = document.data.get("providers")
    found: dict[str, Decimal] = {}
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        share = entry.get("discount") if isinstance(entry, dict) else None
        if isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1:
            found[name] = Decimal(repr(share))
    return found


def provisioned(written: Written, provider: Provider) -> bool:
    hourly = provider.kind == "bedrock" and bedrock.hourly(written.id)
    return hourly or written.throughput == "provisioned"


def priced(written: Written, purchase: Purchase, at: datetime) -> Priced:
    """Raises Priceless."""
    if written.price == "unpriced":
        if written.discount is not None:
            raise Priceless("there is no price to take it from", "write price", ("discount",))
        return Priced(None)
    discount = purchase.discount
    if written.discount is not None:
        discount = Decimal(repr(written.discount))
    try:
        if isinstance(written.price, WrittenPrice) and written.price.hourly is not None:
            return _by_hour(written, written.price, purchase.provider, discount, at)
        if isinstance(written.price, WrittenPrice):
            price: Price | None = _override(written.price, written.service_tier, at)
        else:
            price = _found(written, purchase, at)
        return Priced(price and prices.discounted(price, discount))
    except prices.UnusablePrice as error:
        raise Priceless(str(error), "") from error


def _found(written: Written, purchase: Purchase, at: datetime) -> Price | None:
    provider, own = purchase.provider, purchase.own
    if provider.kind == "simulator":
        return prices.simulated(at)
    if provider.kind not in PUBLISHED or provisioned(written, provider):
        return None
    id_ = written.stands_for or written.id
    try:
        if provider.kind == "bedrock":
            price = bedrock.published(bedrock.known_as(written), at)
        else:
            price = prices.resolve(provider.kind, id_, "" if own else provider.base_url, at)
    except prices.UnusablePrice as error:
        raise Priceless(str(error), WRITE) from error
    if price is None:
        raise _unknown(written.id, provider, own, at)
    tier = written.service_tier
    if tier != "default" and all(service.name != tier for service in price.services):
        message = f"no price of the service tier {tier} is published for {written.id}"
        raise Priceless(message, WRITE)
    return price


def _unknown(id_: str, provider: Provider, own: bool, at: datetime) -> Priceless:
    like = nearest(id_, (e.id for e in prices.catalogue(provider.kind, at))) if own else ()
    meant = f"did you mean the id {' or '.join(like)}? Otherwise " if like else ""
    return Priceless(
        f"no price is published for the model {id_} of provider {provider.name}",
        f"{meant}{_opaque(provider, id_)}write price: {{input: …, output: …}} in US dollars"
        " per million tokens, or price: unpriced",
    )


def _opaque(provider: Provider, id_: str) -> str:
    if provider.kind == "bedrock" and id_.startswith("arn:") and not bedrock.behind(id_):
        return "only AWS knows the model behind this ARN: write stands_for: MODEL-ID. Otherwise "
    return ""


def _by_hour(
    written: Written, price: WrittenPrice, provider: Provider, discount: Decimal, at: datetime
) -> Priced:
    for key in sorted(price.model_fields_set - BY_HOUR):
        raise Priceless("a price by the hour stands alone", f"leave out {key}", ("price", key))
    if not provisioned(written, provider):
        message = "only provisioned throughput is paid by the hour"
        raise Priceless(message, "write throughput: provisioned", ("price", "hourly"))
    try:
        nano = prices.hourly_nano(Decimal(repr(price.hourly)), price.units or 1, discount)
    except prices.UnusablePrice as error:
        raise Priceless(str(error), "", ("price", "hourly")) from error
    return Priced(prices.discounted(prices.provisioned(at), discount), nano)


def _override(written: WrittenPrice, tier: str, at: datetime) -> Price:
    if written.units is not None:
        message = "units are of capacity that is paid by the hour"
        raise Priceless(message, "write hourly", ("price", "units"))
    found = dict(_sections(written))
    whole = found.pop("")
    price = prices.override(whole.amounts, at, whole.long_context, found)
    if tier == "default" or tier in found:
        return price
    # What is written is the price of the tier that is asked for.
    asked = Service(name=tier, rates=price.rates, tiers=price.tiers)
    return msgspec.structs.replace(price, services=(*price.services, asked))


def _sections(written: WrittenPrice) -> Iterator[tuple[str, prices.Section]]:
    yield "", _section(written, ("price",))
    for tier in TIERS:
        schedule: WrittenSchedule | None = getattr(written, tier)
        if schedule is not None:
            yield tier, _section(schedule, ("price", tier))


def _section(written: WrittenSchedule, here: Path) -> prices.Section:
    found = written.long_context or []
    levels = tuple(
        (level.above, _amounts(level, (*here, "long_context")))
        for level in (found if isinstance(found, list) else [found])
    )
    above = [level for level, _ in levels]
    if above != sorted(set(above)):
        message = "expected thresholds in ascending order, each once"
        raise Priceless(message, "", (*here, "long_context"))
    return prices.Section(_amounts(written, here), levels)


def _amounts(written: WrittenRates, here: Path) -> dict[str, Decimal]:
    given = written.model_dump(exclude_none=True, exclude=set(NOT_RATES))
    for key in REQUIRED:
        if key not in given:
            hint = "write 0 if there is nothing to pay"
            raise Priceless(f"the key {key} is missing", hint, (*here, key))
    return {key: Decimal(repr(value)) for key, value in given.items()}
