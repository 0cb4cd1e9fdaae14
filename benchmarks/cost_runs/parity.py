"""Whether charges are those of genai-prices: on its published usages, and on a grid of our own.

The grid is every model of every provider in the installed data, at each of its service tiers,
with usages that exercise each of its rates on both sides of each of its thresholds. Published
usages are `tests/dataset/usages.json` of github.com/pydantic/genai-prices. Amounts are compared in
nano-dollars: ours as charged, theirs as exact decimals that are rounded once, half up.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from genai_prices import Usage as Theirs
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider

from portico.contract.money import Price
from portico.contract.usage import Usage
from portico.cost import prices
from portico.cost.charge import charge
from portico.cost.prices.published import SERVICES

SHOWN: Final = 20
"""Mismatches that are kept as text; all are counted."""
SMOKE_MODELS: Final = 3
"""Of each provider, in a smoke run."""
SIZES: Final = (1, 7, 12_345, 1_000_001)
"""Tokens of an input, beside those around each threshold."""
INPUT_KINDS: Final = (
    "cached_read",
    "cache_write_5m",
    "cache_write_1h",
    "input_audio",
    "cached_audio",
    "input_image",
    "input_video",
)
OUTPUT_KINDS: Final = ("output_audio", "output_image", "reasoning")
PARTS: Final = frozenset({"input_image", "input_video", "reasoning"})
"""Kinds that are counted in `input` or `output` too."""
NO_PRICE: Final = "published without a price: here an error at load, not a zero"
NAMELESS: Final = "the body names no model"
REFUSED: Final = "genai-prices refuses the usage"
FINER: Final = "a rate that is no whole number of pico-dollars a token: an error at load"
NO_MODEL: Final = "genai-prices has no such model of the provider"
UNCOUNTED: Final = "priced by what Portico does not count: "
UNTOLD: Final = "a price that depends on what no answer tells: "


@dataclass(frozen=True)
class Part:
    """`apart` counts what could not be compared, by reason."""

    name: str
    compared: int
    equal: int
    mismatches: tuple[str, ...]
    apart: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float:
        return self.equal / self.compared if self.compared else 0.0

    def lines(self) -> Iterator[str]:
        yield f"{self.name}: {self.equal:,} of {self.compared:,} equal ({self.share:.2%})"
        for text in self.mismatches:
            yield f"  differs: {text}"
        for reason, count in self.apart:
            yield f"  not comparable, {count:,}: {reason}"


@dataclass(frozen=True)
class ParityResult:
    """`usages` is None where no file of published usages was given."""

    source: str
    usages: Part | None
    grid: Part

    @property
    def held(self) -> bool:
        """Whether all that could be compared was equal, and something was."""
        parts = [self.grid, *([self.usages] if self.usages else [])]
        return all(part.compared and part.equal == part.compared for part in parts)

    @property
    def lines(self) -> tuple[str, ...]:
        parts = [*([self.usages] if self.usages else []), self.grid]
        return (f"charges against {self.source}", *(line for p in parts for line in p.lines()))


class Tally:
    """What was compared so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._compared = self._equal = 0
        self._mismatches: list[str] = []
        self._apart: Counter[str] = Counter()

    def compare(self, what: str, usage: Usage, ours: int, theirs: Decimal) -> None:
        self._compared += 1
        nano = int((theirs * 10**9).to_integral_value(ROUND_HALF_UP))
        if ours == nano:
            self._equal += 1
        elif len(self._mismatches) < SHOWN:
            self._mismatches.append(f"{what}: {ours} against {nano} nano-dollars for {usage}")

    def set_apart(self, reason: str) -> None:
        self._apart[reason] += 1

    def part(self) -> Part:
        apart = tuple(self._apart.most_common())
        return Part(self._name, self._compared, self._equal, tuple(self._mismatches), apart)


def run(usages: Path | None, smoke: bool) -> ParityResult:
    """Compares; `usages` is the published file or a sample of it."""
    at = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    published = _published(json.loads(usages.read_bytes()), at) if usages is not None else None
    return ParityResult(prices.source(), published, _grid(at, SMOKE_MODELS if smoke else None))


class Extractor(msgspec.Struct, frozen=True):
    provider_id: str


class Extracted(msgspec.Struct, frozen=True):
    """A usage as genai-prices reads it from a body, for each provider that may have sent it."""

    usage: dict[str, int | float]
    extractors: tuple[Extractor, ...]


class Recorded(msgspec.Struct, frozen=True):
    extracted: tuple[Extracted, ...]
    model: str = ""


def _published(data: object, at: datetime) -> Part:
    tally = Tally("published usages")
    providers = {provider.id: provider for provider in get_snapshot().providers}
    for recorded in msgspec.convert(data, tuple[Recorded, ...]):
        for extracted in recorded.extracted:
            for identity in dict.fromkeys(each.provider_id for each in extracted.extractors):
                provider, model = providers.get(identity), None
                if provider is not None and recorded.model:
                    model = provider.find_model(
                        recorded.model, all_providers=list(providers.values())
                    )
                if provider is None or model is None:
                    tally.set_apart(NO_MODEL if recorded.model else NAMELESS)
                    continue
                _one(tally, (provider, model, recorded.model), extracted.usage, at)
    return tally.part()


def _one(
    tally: Tally,
    of: tuple[Provider, ModelInfo, str],
    counts: Mapping[str, int | float],
    at: datetime,
) -> None:
    provider, model, name = of
    try:
        theirs = model.calc_price(Theirs(**counts), provider, genai_request_timestamp=at)
    except ValueError:
        tally.set_apart(REFUSED)
        return
    try:
        price = prices.resolve(provider.id, name, "", at)
    except prices.UnusablePrice as error:
        tally.set_apart(_why(error))
        return
    if price is None:
        tally.set_apart(NO_PRICE)
        return
    usage = read(counts)
    tally.compare(f"{provider.id} {name}", usage, charge(usage, price), theirs.total_price)


def _why(error: prices.UnusablePrice) -> str:
    keys = str(error).partition("(")[2].rstrip(")")
    return UNCOUNTED + keys if keys else FINER


def read(counts: Mapping[str, int | float]) -> Usage:
    """Our usage of counts by genai-prices' names, in which kinds are parts of their sums."""

    def count(name: str) -> int:
        return int(counts.get(name, 0))

    cached_audio = count("cache_audio_read_tokens")
    input_audio = count("input_audio_tokens") - cached_audio
    hour = count("cache_write_1h_tokens")
    written = max(count("cache_write_tokens"), hour + count("cache_write_5m_tokens"))
    cached = count("cache_read_tokens")
    return Usage(
        input=count("input_tokens") - cached - written - input_audio,
        cached_read=cached - cached_audio,
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        input_audio=input_audio,
        cached_audio=cached_audio,
        input_image=count("input_image_tokens") - count("cache_image_read_tokens"),
        input_video=count("input_video_tokens") - count("cache_video_read_tokens"),
        output=count("output_tokens") - count("output_audio_tokens") - count("output_image_tokens"),
        output_audio=count("output_audio_tokens"),
        output_image=count("output_image_tokens"),
        reasoning=count("output_reasoning_tokens"),
        searches=count("web_searches"),
    )


def told(usage: Usage) -> Theirs:
    """The same the other way round."""
    written = usage.cache_write_5m + usage.cache_write_1h
    cached = usage.cached_read + usage.cached_audio
    return Theirs(
        input_tokens=usage.input + cached + written + usage.input_audio,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h,
        input_audio_tokens=usage.input_audio + usage.cached_audio,
        cache_audio_read_tokens=usage.cached_audio,
        input_image_tokens=usage.input_image,
        input_video_tokens=usage.input_video,
        output_tokens=usage.output + usage.output_audio + usage.output_image,
        output_audio_tokens=usage.output_audio,
        output_image_tokens=usage.output_image,
        output_reasoning_tokens=usage.reasoning,
        web_searches=usage.searches,
    )


def _grid(at: datetime, most: int | None) -> Part:
    tally = Tally("grid of models, tiers and usages")
    for provider in get_snapshot().providers:
        for model in islice(provider.models, most):
            _model(tally, provider, model, at)
    return tally.part()


def _model(tally: Tally, provider: Provider, model: ModelInfo, at: datetime) -> None:
    try:
        price = prices.price_of(provider, model, at)
    except prices.UnusablePrice as error:
        tally.set_apart(_why(error))
        return
    if price is None:
        tally.set_apart(NO_PRICE)
        return
    _tier(tally, (provider, model, price), {}, at)
    for variant in {tuple(each.when.items()): each for each in model.price_variants or ()}.values():
        if variant.when.keys() <= set(SERVICES):
            _tier(tally, (provider, model, price), variant.when, at)
        else:
            tally.set_apart(UNTOLD + ", ".join(variant.when))


def _tier(
    tally: Tally, of: tuple[Provider, ModelInfo, Price], when: Mapping[str, str], at: datetime
) -> None:
    provider, model, price = of
    tier = next(iter(when.values()), "")
    for plain in usages_of(model.get_prices(at, dict(when))):
        usage = msgspec.structs.replace(plain, service_tier=tier)
        theirs = model.calc_price(
            told(usage), provider, genai_request_timestamp=at, price_context=dict(when)
        )
        name = f"{provider.id} {model.id} {tier}".rstrip()
        tally.compare(name, usage, charge(usage, price), theirs.total_price)


def usages_of(published: ModelPrice) -> Iterator[Usage]:
    """Each size of input alone, with each kind of its tokens, and with all of them."""
    starts = {
        tier.start for value in published.__dict__.values() for tier in getattr(value, "tiers", ())
    }
    sizes = {*SIZES, *(start + step for start in starts for step in (-1, 0, 1))}
    for size in sorted(sizes):
        yield Usage(input=size, output=333)
        for kind in INPUT_KINDS:
            yield _split(size, {kind: size // 2})
        each = size // (len(INPUT_KINDS) + 1)
        yield _split(size, dict.fromkeys(INPUT_KINDS, each))
    for kind in OUTPUT_KINDS:
        yield msgspec.structs.replace(Usage(input=11, output=2002), **{kind: 1001})
    every = dict.fromkeys(OUTPUT_KINDS, 499)
    yield msgspec.structs.replace(Usage(input=3, output=501, searches=3), **every)
    yield Usage(searches=1)


def _split(size: int, kinds: Mapping[str, int]) -> Usage:
    beside = sum(count for kind, count in kinds.items() if kind not in PARTS)
    return msgspec.structs.replace(Usage(input=size - beside, output=77), **kinds)
