"""Prices as exact integers."""

import msgspec


class Rates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pico-US-dollars (1e-12 USD) a token, by kind of token. None: charged as its neighbour.

    `cached_read`, `cache_write_5m`, `cache_write_1h` and `input_audio` fall back to `input`,
    `cached_audio` to `cached_read`, `input_image` and `input_video` to `input`, `output_audio`,
    `output_image` and `reasoning` to `output`.
    """

    input: int
    output: int
    cached_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    cached_audio: int | None = None
    output_audio: int | None = None
    input_image: int | None = None
    input_video: int | None = None
    output_image: int | None = None
    reasoning: int | None = None
    request: int = 0
    """Pico-US-dollars a request."""
    search: int = 0
    """Pico-US-dollars a search that the provider ran."""


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """Rates for the whole attempt when its input has more than `above` tokens."""

    above: int
    rates: Rates


class Service(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rates of a service tier other than the standard one: "batch", "flex", "priority"."""

    name: str
    rates: Rates
    tiers: tuple[Tier, ...] = ()


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model costs, as resolved at load. An attempt keeps the price it was charged with."""

    rates: Rates
    tiers: tuple[Tier, ...] = ()
    """In ascending order of `above`."""
    services: tuple[Service, ...] = ()
    """A tier that is not here is charged as the standard one, and flagged."""
    discount: str = ""
    """A private discount that the rates include: "0.15". Empty: none."""
    source: str = ""
    """Where the price comes from: "portico.yaml", "genai-prices 0.2.3", "simulator"."""
    date: str = ""
    """ISO date at which the price was resolved."""
