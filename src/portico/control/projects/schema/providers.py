"""`providers:` and `models:`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from portico.control.projects.schema.part import Part
from portico.control.projects.units import (
    Amount,
    Count,
    Duration,
    Name,
    Size,
    Text,
    Usd,
    UsdPerMillion,
)

Kind = Literal["openai", "anthropic", "simulator", "bedrock", "gemini"]


def whole_discount(value: object) -> object:
    """Refuses a percentage."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:
        raise ValueError(f"expected a share from 0 to 1; did you mean {value / 100:g}?")
    return value


Discount = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(whole_discount)]


class Timeouts(Part):
    connect: Duration | None = None
    first_byte: Duration | None = None
    between_chunks: Duration | None = None


class Provider(Part):
    kind: Kind
    api_key: Text = ""
    base_url: Text = ""
    region: Text = ""
    profile: Text = ""
    assume_role: Text = ""
    session_tags: dict[str, Text] = Field(default_factory=dict)
    api_version: Text = ""
    organization: Text = ""
    headers: dict[str, Text] = Field(default_factory=dict)
    script: Text = ""
    ca_file: Text = ""
    proxy: Text = ""
    timeouts: Timeouts = Field(default_factory=Timeouts)
    max_response: Size | None = None
    discount: Discount | None = None


class Rates(Part):
    """US dollars per million tokens; `request` and `search` in US dollars apiece."""

    input: UsdPerMillion | None = None
    output: UsdPerMillion | None = None
    cached_input: UsdPerMillion | None = None
    cache_write: UsdPerMillion | None = None
    cache_write_1h: UsdPerMillion | None = None
    input_audio: UsdPerMillion | None = None
    cached_audio: UsdPerMillion | None = None
    output_audio: UsdPerMillion | None = None
    image: UsdPerMillion | None = None
    video: UsdPerMillion | None = None
    output_image: UsdPerMillion | None = None
    reasoning: UsdPerMillion | None = None
    request: Usd | None = None
    search: Usd | None = None


class Level(Rates):
    """Rates for inputs of more than `above` tokens."""

    above: Count


def level_shape(value: object) -> str:
    return "one" if isinstance(value, dict | Level) else "many"


Levels = Annotated[
    Annotated[Level, Tag("one")]
    | Annotated[Annotated[list[Level], Field(max_length=10)], Tag("many")],
    Discriminator(level_shape),
]


class Schedule(Rates):
    long_context: Levels | None = None


class Price(Schedule):
    """The standard rates, and those of service tiers; or US dollars an hour of capacity."""

    batch: Schedule | None = None
    flex: Schedule | None = None
    priority: Schedule | None = None
    hourly: Usd | None = None
    units: Count | None = None


def price_shape(value: object) -> str:
    return "rates" if isinstance(value, dict | Price) else "word"


PriceChoice = Annotated[
    Annotated[Price, Tag("rates")] | Annotated[Literal["unpriced"], Tag("word")],
    Discriminator(price_shape),
]


class Quota(Part):
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    input_tokens_per_minute: Count | None = None
    output_tokens_per_minute: Count | None = None
    concurrent: Count | None = None


class Model(Part):
    provider: Name
    id: Annotated[str, Field(min_length=1, max_length=512)]
    price: PriceChoice | None = None
    discount: Discount | None = None
    quota: Quota | None = None
    stands_for: Annotated[str, Field(max_length=512)] = ""
    service_tier: Literal["default", "flex", "priority", "reserved"] = "default"
    region: Text = ""
    throughput: Literal["on-demand", "provisioned"] = "on-demand"
    context: Count | None = None
    size: Amount | None = None
    active_size: Amount | None = None
