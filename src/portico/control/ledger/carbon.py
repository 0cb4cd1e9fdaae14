"""Energy and carbon over a time window: evidence for the Lens (GENSUS03-BP01)."""

from collections.abc import Iterable, Sequence

import msgspec

from portico.contract.ledger import EnergyKey, EnergyPart, EnergyUse

NANO = 1_000_000_000


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """From the least to the most that is likely."""

    low: float
    high: float


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of models, weighted by the output tokens that they wrote."""

    low: float
    high: float
    tokens: int
    """Output tokens of models whose size is known or a range."""
    known_share: float
    """The part of `tokens` whose model's size is known, 0 to 1; of the rest there is a range."""


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """What some calls took."""

    calls: int
    without_estimate: int
    """Calls that a model answered and that have no estimate; they are in no amount here."""
    share_without: float | None
    """Of `calls`, 0 to 1; null where there were none."""
    tokens_out: int
    energy_wh: Interval | None
    co2e_g: Interval | None
    """Null where no answer has an estimate: it is never a zero."""
    sizes: Sizes | None
    """Null where no size is known."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    """The workload, team, model or day."""
    simulated: bool
    weight: Weight


class CarbonReport(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of simulated models have lines of their own and are in no total: they used no
    accelerator. Carbon is that of the electricity; making the hardware is not in it."""

    since: str
    until: str
    by: EnergyKey
    methods: tuple[str, ...]
    """Whose estimates they are, with version and date."""
    total: Weight
    simulated_calls: int
    lines: tuple[Line, ...]


def carbon_report(rows: Sequence[EnergyUse], by: EnergyKey, since: str, until: str) -> CarbonReport:
    """By "model", a call counts once for each model that it reached, in the total as well."""
    real = [row for row in rows if not row.simulated]
    return CarbonReport(
        since=since,
        until=until,
        by=by,
        methods=tuple(sorted({part.method for row in real for part in row.parts if part.method})),
        total=_weight(real),
        simulated_calls=sum(row.calls for row in rows if row.simulated),
        lines=tuple(
            Line(key=row.key, simulated=row.simulated, weight=_weight([row])) for row in rows
        ),
    )


def _weight(rows: Sequence[EnergyUse]) -> Weight:
    parts = [part for row in rows for part in row.parts]
    known = [part for part in parts if part.method]
    calls = sum(row.calls for row in rows)
    without = sum(row.unestimated_calls for row in rows)
    return Weight(
        calls=calls,
        without_estimate=without,
        share_without=without / calls if calls else None,
        tokens_out=sum(part.tokens_out for part in parts),
        energy_wh=_interval((part.low_nwh, part.high_nwh) for part in known),
        co2e_g=_interval((part.co2e_low_ng, part.co2e_high_ng) for part in known),
        sizes=_sizes(known),
    )


def _interval(bounds: Iterable[tuple[int, int]]) -> Interval | None:
    """The sum of nano-amounts."""
    found = tuple(bounds)
    if not found:
        return None
    return Interval(
        low=sum(low for low, _ in found) / NANO, high=sum(high for _, high in found) / NANO
    )


def _sizes(parts: Iterable[EnergyPart]) -> Sizes | None:
    low = high = tokens = known = 0
    for part in parts:
        low += part.size_low * part.tokens_out
        high += part.size_high * part.tokens_out
        tokens += part.tokens_out
        known += part.tokens_out if part.size_low == part.size_high else 0
    if not tokens:
        return None
    return Sizes(low=low / tokens, high=high / tokens, tokens=tokens, known_share=known / tokens)
