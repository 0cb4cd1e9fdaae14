"""Prices as exact integers."""

import msgspec


class Rates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pico-US-dollars (1e-12 USD) a token, by kind of token. None: charged as its neighbour.

    `cached_read`, `cache_write_5m`, `cache_write_1h` and `input_audio` fall back to `input`,
    `cached_audio` to `cached_read`, `output_audio` to `output`.
    """

    input: int
    output: int
    cached_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    cached_audio: int | None = None
    output_audio: int | None = None
    request: int = 0
    """Pico-US-dollars a request."""


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """Rates for the whole attempt when its input has more than `above` tokens."""

    above: int
    rates: Rates


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model costs, as resolved at load. An attempt keeps the price it was charged with."""

    rates: Rates
    tiers: tuple[Tier, ...] = ()
    """In ascending order of `above`."""
    source: str = ""
    """Where the price comes from: "portico.yaml", "genai-prices 0.2.3", "simulator"."""
    date: str = ""
    """ISO date at which the price was resolved."""
