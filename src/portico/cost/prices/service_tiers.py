"""Service tiers that genai-prices lacks, as a part of the standard rates: dated data.

The data is service_tiers.json, each row with its source and the day that it is of. `models` are
ids of genai-prices' list, or their beginnings with `*`. `of_standard` is the ratio to the standard
rates of tokens; fees of requests and searches stay as they are.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from portico.contract.money import Price, Rates, Service, Tier
from portico.cost.prices.amounts import scaled

TOKENS: Final = frozenset(Rates.__struct_fields__) - {"request", "search"}
CACHED: Final[Mapping[str, str]] = {
    "cached_read": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "input",
    "cached_audio": "cached_read",
}
"""Rates of tokens that a cache held or holds, and whose rate they have where they have none."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    publisher: str
    """As genai-prices names it."""
    models: tuple[str, ...]
    tier: str
    of_standard: str
    cached: bool = True
    """Whether tokens read from or written to a cache get it too."""
    source: str
    date: str

    def covers(self, publisher: str, model: str) -> bool:
        return self.publisher == publisher and any(
            model.startswith(each[:-1]) if each.endswith("*") else model == each
            for each in self.models
        )


@cache
def rows() -> tuple[Row, ...]:
    body = Path(__file__).with_name("service_tiers.json").read_bytes()
    return msgspec.json.decode(body, type=tuple[Row, ...])


def completed(price: Price, publisher: str, model: str) -> Price:
    """The price with the service tiers that the data knows of the model, and it did not."""
    known = {service.name for service in price.services}
    added = tuple(
        Service(name=row.tier, rates=rates, tiers=tiers)
        for row in rows()
        if row.tier not in known and row.covers(publisher, model)
        for rates, tiers in _scaled(price, row)
    )
    return msgspec.structs.replace(price, services=price.services + added) if added else price


def _scaled(price: Price, row: Row) -> Iterator[tuple[Rates, tuple[Tier, ...]]]:
    share, cached = Fraction(row.of_standard), row.cached
    tiers = (Tier(above=each.above, rates=_of(each.rates, share, cached)) for each in price.tiers)
    yield _of(price.rates, share, cached), tuple(tiers)


def _of(rates: Rates, share: Fraction, cached: bool) -> Rates:
    if cached:
        return scaled(rates, share, TOKENS)
    kept: dict[str, int] = {}
    for name, neighbour in CACHED.items():
        rate = getattr(rates, name)
        kept[name] = rate if rate is not None else kept.get(neighbour, rates.input)
    whole = msgspec.structs.replace(rates, **kept)
    return scaled(whole, share, TOKENS - CACHED.keys())
