"""Published prices, from the data that ships in genai-prices; no network is used.

Amounts there are US dollars per million tokens, here pico-dollars a token: a factor of a million.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from portico.contract.money import Price, Rates, Service, Tier
from portico.cost.prices import service_tiers
from portico.cost.prices.amounts import PICO_PER_TOKEN, PICO_PER_USD, UnusablePrice, exact

if TYPE_CHECKING:
    from genai_prices.types import ClauseEquals, MatchLogic, ModelInfo, ModelPrice, Provider

PUBLISHERS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "bedrock": "aws",
    "gemini": "google",
}
"""Provider kind to genai-prices' id, where the project names no other address."""

RATE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("input_mtok",),
    "output": ("output_mtok",),
    "cached_read": ("cache_read_mtok",),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok"),
    "input_audio": ("input_audio_mtok",),
    "cached_audio": ("cache_audio_read_mtok",),
    "output_audio": ("output_audio_mtok",),
    "input_image": ("input_image_mtok",),
    "input_video": ("input_video_mtok",),
    "output_image": ("output_image_mtok",),
    "reasoning": ("output_reasoning_mtok",),
}
"""Our rate to the keys of the published price, the first that is there."""
FEE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "request": ("requests_kcount",),
    "search": ("web_searches_kcount", "storage_searches_kcount"),
}
"""The same of what is priced by the thousand."""
COUNTED: Final = frozenset(
    key for table in (RATE_KEYS, FEE_KEYS) for keys in table.values() for key in keys
)
FINEST: Final = Decimal("1e-6")
NOISE: Final = Decimal("1e-14")
"""The part of an amount that binary floats may be off by."""
SERVICES: Final = ("processing", "service_tier", "speed")
"""What a variant of a price may depend on that is a service tier: its value is the tier's name.
Other variants (a route, a way to search) are not told from an answer."""
NOT_SERVED: Final = (
    "realtime",
    "transcribe",
    "tts",
    "live",
    "image",
    "translate",
    "whisper",
    "computer",
    "sonic",
)
"""Parts of ids of models that neither chat completions nor embeddings serve."""
LISTED: Final[Mapping[str, str]] = {"gemini": "gemini-"}
"""By kind: how the ids begin that it serves, of a price list that has other services too."""


class Entry(msgspec.Struct, frozen=True):
    """A model of a provider's own list. `context` is in tokens."""

    id: str
    context: int | None
    price: Price


@cache
def source() -> str:
    """Where published prices come from, with the version of the data."""
    # imported here: reading the distribution's metadata is only needed with a catalogue
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


@cache
def _publishers() -> tuple["Provider", ...]:
    # imported here: the data costs 150 ms and 30 MB, which only a project with prices pays
    from genai_prices.data_snapshot import get_snapshot

    return tuple(get_snapshot().providers)


def _publisher(kind: str, base_url: str) -> "Provider | None":
    # imported here: see _publishers
    from genai_prices.data_snapshot import get_snapshot

    try:
        if base_url:
            return get_snapshot().find_provider(None, None, base_url)
        return get_snapshot().find_provider(None, PUBLISHERS.get(kind, kind), None)
    except LookupError:
        return None


def resolve(kind: str, model_id: str, base_url: str, at: datetime) -> Price | None:
    """The published price of a model at a time, or None where none is published.

    `kind` is a provider's kind; a `base_url` that is not empty decides instead of it whose
    price list holds. Raises UnusablePrice where the published price cannot be used exactly.
    """
    publisher = _publisher(kind, base_url)
    if publisher is None:
        return None
    model = publisher.find_model(model_id, all_providers=list(_publishers()))
    if model is None:
        return None
    price = price_of(publisher, model, at)
    if price is None or not _lists(publisher, model):
        return price
    return service_tiers.completed(price, publisher.id, model.id)


def context(kind: str, model_id: str, base_url: str) -> int | None:
    """The published context window of a model in tokens, or None where none is published."""
    publisher = _publisher(kind, base_url)
    model = publisher and publisher.find_model(model_id, all_providers=list(_publishers()))
    return model.context_window if model else None


def catalogue(kind: str, at: datetime) -> tuple[Entry, ...]:
    """The models that a provider lists for chat and embeddings and that have a usable price."""
    publisher = _publisher(kind, "")
    if publisher is None:
        return ()
    entries: dict[str, Entry] = {}
    for model in publisher.models:
        if model.context_window is None or any(word in model.id for word in NOT_SERVED):
            continue
        if not model.id.startswith(LISTED.get(kind, "")):
            continue
        try:
            price = price_of(publisher, model, at)
        except UnusablePrice:
            continue
        if price is not None:
            price = service_tiers.completed(price, publisher.id, model.id)
            for name in _ids(model):
                entries.setdefault(name, Entry(name, model.context_window, price))
    return tuple(entries.values())


def price_of(publisher: "Provider", model: "ModelInfo", at: datetime) -> Price | None:
    """A model's price as genai-prices has it, with the service tiers that it knows.

    None where it has no price for input or output. Raises UnusablePrice.
    """
    published = model.get_prices(at)
    keys = _keys(published)
    if not keys & {"input_mtok", "output_mtok"}:
        return None
    names = _variants(model) if _lists(publisher, model) else {}
    services = {
        name: model.get_prices(at, {key: name})
        for name, key in names.items()
        if name != "default"  # the standard tier's own name
    }
    strange = keys.union(*map(_keys, services.values())) - COUNTED
    if strange:
        raise UnusablePrice(
            f"the published price of {model.id} has parts that Portico does not count yet "
            f"({', '.join(sorted(strange))})"
        )
    return Price(
        rates=_rates(published, 0),
        tiers=_tiers(published),
        services=tuple(
            Service(name=name, rates=_rates(each, 0), tiers=_tiers(each))
            for name, each in services.items()
        ),
        source=source(),
        date=at.date().isoformat(),
    )


def _lists(publisher: "Provider", model: "ModelInfo") -> bool:
    """Whether it is a publisher's own model; of one of another's list it takes the standard
    price only (Azure's of OpenAI's)."""
    return any(model is each for each in publisher.models)


def _variants(model: "ModelInfo") -> dict[str, str]:
    """Service tiers that a model's price knows, each with what it depends on."""
    found: dict[str, str] = {}
    for variant in model.price_variants or ():
        (key, name), *more = variant.when.items()
        if key in SERVICES and not more:
            found.setdefault(name, key)
    return found


def _keys(published: "ModelPrice") -> set[str]:
    return {key for key, value in published.__dict__.items() if value is not None}


def _tiers(published: "ModelPrice") -> tuple[Tier, ...]:
    tiered = (value for value in published.__dict__.values() if hasattr(value, "tiers"))
    above = sorted({tier.start for value in tiered for tier in value.tiers})
    return tuple(Tier(above=n, rates=_rates(published, n + 1)) for n in above)


def _amount(published: "ModelPrice", keys: tuple[str, ...], tokens: int) -> Decimal | None:
    given = published.__dict__  # an attribute that is not there costs a search of the registry
    value = next((found for key in keys if (found := given.get(key)) is not None), None)
    if value is None or isinstance(value, Decimal):
        return value
    amount: Decimal = value.base
    for tier in value.tiers:
        if tokens > tier.start:
            amount = tier.price
    return amount


def _rates(published: "ModelPrice", tokens: int) -> Rates:
    """The rates for an input of so many tokens, neighbours as genai-prices counts them."""
    rates: dict[str, int] = {"input": 0, "output": 0}
    for table, factor in ((RATE_KEYS, PICO_PER_TOKEN), (FEE_KEYS, PICO_PER_USD // 1000)):
        for name, keys in table.items():
            amount = _amount(published, keys, tokens)
            if amount is not None:
                rates[name] = _exact(amount, factor)
    if "input_audio" in rates and "cached_read" not in rates:
        rates.setdefault("cached_audio", rates["input_audio"])
    return Rates(**rates)


def _exact(amount: Decimal, factor: int) -> int:
    """The amount that a list has meant where it went through binary floats: 0.18000000000000002."""
    try:
        return exact(amount, factor)
    except UnusablePrice:
        near = amount.quantize(FINEST)
        if abs(near - amount) >= NOISE * near:
            raise
        return exact(near, factor)


def _ids(model: "ModelInfo") -> Iterable[str]:
    """The id and its exact aliases (dated snapshots); patterns name no ids."""
    yield model.id
    yield from _equals(model.match)


def _equals(clause: "MatchLogic | ClauseEquals") -> Iterable[str]:
    exact_id = getattr(clause, "equals", None)
    if exact_id is not None:
        yield exact_id
    for inner in getattr(clause, "or_", ()):
        yield from _equals(inner)
