"""Prices, resolved once at load into integers.

Published prices come from the data that ships in genai-prices; no network is used. Amounts
there are US dollars per million tokens, here pico-dollars a token: a factor of a million.
Fees for tools that a provider runs (web search, file search) are not part of a price yet.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from portico.contract.money import Price, Rates, Tier

if TYPE_CHECKING:
    from genai_prices.types import ClauseEquals, MatchLogic, ModelInfo, ModelPrice, Provider

PICO_PER_TOKEN = 1_000_000
"""Pico-dollars a token in one US dollar per million tokens."""
PICO_PER_USD = 10**12

PUBLISHERS: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "bedrock": "aws",
    "gemini": "google",
}
"""Provider kind to genai-prices' id, where the project names no other address."""

RATE_KEYS: Mapping[str, str] = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
    "cached_audio": "cache_audio_read_mtok",
    "output_audio": "output_audio_mtok",
}
"""Our rate to the key of the published price."""
APART_KEYS = frozenset(
    {"web_searches_kcount", "storage_searches_kcount", "file_searches_kcount", "requests_kcount"}
)
"""Keys that do not price tokens. `requests_kcount` is read apart; the others are tool fees."""
NOT_SERVED = (
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

OVERRIDE_RATES: Mapping[str, tuple[str, ...]] = {
    "input": ("input",),
    "output": ("output",),
    "cached_input": ("cached_read",),
    "cache_write": ("cache_write_5m", "cache_write_1h"),
    "cache_write_1h": ("cache_write_1h",),
    "input_audio": ("input_audio",),
    "output_audio": ("output_audio",),
}
"""Key of `price` in portico.yaml to the rates that it sets; later keys win."""


LISTED: Mapping[str, str] = {"gemini": "gemini-"}
"""By kind: how the ids begin that it serves, of a price list that has other services too."""
EMBEDDED_KEYS = frozenset({"input_image_mtok", "input_video_mtok"})
"""Input that no embeddings wire here can send, so that its price never applies."""


class UnusablePrice(ValueError):
    """A price that cannot be held as integers, or that prices what Portico does not count."""


class Entry(msgspec.Struct, frozen=True):
    """A model of a provider's own list. `context` is in tokens."""

    id: str
    context: int | None
    price: Price


def exact(amount: Decimal, factor: int) -> int:
    """`amount` times `factor`. Raises UnusablePrice where that is not a whole number."""
    if not amount.is_finite() or amount < 0:
        raise UnusablePrice(f"{amount} is not an amount of money")
    scaled = amount * factor
    whole = int(scaled)
    if scaled != whole:
        raise UnusablePrice(
            f"{amount} US dollars is finer than a millionth of a millionth of a dollar a token"
        )
    return whole


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
    return _price(model, at)


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
            price = _price(model, at)
        except UnusablePrice:
            continue
        if price is not None:
            for name in _ids(model):
                entries.setdefault(name, Entry(name, model.context_window, price))
    return tuple(entries.values())


def override(amounts: Mapping[str, Decimal], at: datetime) -> Price:
    """A price from portico.yaml: US dollars per million tokens, `request` dollars a request.

    Needs `input` and `output`. Raises UnusablePrice where an amount is not exact.
    """
    rates = {
        rate: exact(amounts[key], PICO_PER_TOKEN)
        for key, names in OVERRIDE_RATES.items()
        if key in amounts
        for rate in names
    }
    request = exact(amounts.get("request", Decimal(0)), PICO_PER_USD)
    return Price(
        rates=Rates(**rates, request=request), source="portico.yaml", date=at.date().isoformat()
    )


def simulated(at: datetime) -> Price:
    """Simulated models cost nothing."""
    return Price(rates=Rates(input=0, output=0), source="simulator", date=at.date().isoformat())


def _price(model: "ModelInfo", at: datetime) -> Price | None:
    published = model.get_prices(at)
    keys = {key for key, value in published.__dict__.items() if value is not None}
    if not keys & {"input_mtok", "output_mtok"}:
        return None
    strange = keys - set(RATE_KEYS.values()) - APART_KEYS
    if "embedding" in model.id:
        strange -= EMBEDDED_KEYS
    if strange:
        raise UnusablePrice(
            f"the published price of {model.id} has parts that Portico does not count yet "
            f"({', '.join(sorted(strange))})"
        )
    tiers = tuple(Tier(above=n, rates=_rates(published, n + 1)) for n in _thresholds(published))
    return Price(
        rates=_rates(published, 0), tiers=tiers, source=source(), date=at.date().isoformat()
    )


def _thresholds(published: "ModelPrice") -> Iterable[int]:
    tiered = (value for value in published.__dict__.values() if hasattr(value, "tiers"))
    return sorted({tier.start for value in tiered for tier in value.tiers})


def _amount(published: "ModelPrice", key: str, tokens: int) -> Decimal | None:
    value = getattr(published, key)
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
    for name, key in RATE_KEYS.items():
        amount = _amount(published, key, tokens)
        if amount is not None:
            rates[name] = exact(amount, PICO_PER_TOKEN)
    if "cache_write_5m" in rates:
        rates.setdefault("cache_write_1h", rates["cache_write_5m"])
    if "input_audio" in rates and "cached_read" not in rates:
        rates.setdefault("cached_audio", rates["input_audio"])
    fee = _amount(published, "requests_kcount", tokens)
    if fee is not None:
        rates["request"] = exact(fee, PICO_PER_USD // 1000)
    return Rates(**rates)


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
