"""Prices that nobody publishes: a project's own, the simulator's, capacity by the hour."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from portico.contract.money import Price, Rates, Service, Tier
from portico.cost.prices.amounts import (
    MOST,
    NANO_PER_USD,
    PICO_PER_TOKEN,
    PICO_PER_USD,
    UnusablePrice,
    exact,
    part,
    scaled,
)

OVERRIDE_RATES: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("input",),
    "output": ("output",),
    "cached_input": ("cached_read",),
    "cache_write": ("cache_write_5m", "cache_write_1h"),
    "cache_write_1h": ("cache_write_1h",),
    "input_audio": ("input_audio",),
    "cached_audio": ("cached_audio",),
    "output_audio": ("output_audio",),
    "image": ("input_image",),
    "video": ("input_video",),
    "output_image": ("output_image",),
    "reasoning": ("reasoning",),
}
"""Key of `price` in portico.yaml to the rates that it sets; later keys win."""
OVERRIDE_FEES: Final = ("request", "search")
"""Keys in US dollars apiece, of the same name as their rate."""
EVERYTHING: Final = frozenset(Rates.__struct_fields__)

Amounts = Mapping[str, Decimal]
Levels = tuple[tuple[int, Amounts], ...]
"""Rates for inputs of more than so many tokens, in ascending order."""


class Section(msgspec.Struct, frozen=True):
    """Amounts by the keys of `price`, and those of long inputs."""

    amounts: Amounts
    long_context: Levels = ()


NO_SERVICES: Final[Mapping[str, Section]] = {}


def override(
    amounts: Amounts,
    at: datetime,
    long_context: Levels = (),
    services: Mapping[str, Section] = NO_SERVICES,
) -> Price:
    """A price from portico.yaml: US dollars per million tokens, `request` and `search` dollars
    apiece, which hold for long inputs and service tiers too unless these have their own.

    All need `input` and `output`. Raises UnusablePrice where an amount is not exact, or where
    levels are not in ascending order.
    """
    rates, tiers = _schedule(Section(amounts, long_context), {})
    return Price(
        rates=rates,
        tiers=tiers,
        services=tuple(
            Service(name=name, rates=own, tiers=levels)
            for name, section in services.items()
            for own, levels in (_schedule(section, amounts),)
        ),
        source="portico.yaml",
        date=at.date().isoformat(),
    )


def _schedule(section: Section, outer: Amounts) -> tuple[Rates, tuple[Tier, ...]]:
    above = [level for level, _ in section.long_context]
    if above != sorted(set(above)):
        raise UnusablePrice("the thresholds of long_context are not in ascending order")
    fees = {key: amount for key, amount in outer.items() if key in OVERRIDE_FEES}
    within = {**fees, **section.amounts}
    inherited = {key: amount for key, amount in within.items() if key in OVERRIDE_FEES}
    tiers = tuple(
        Tier(above=level, rates=_rates({**inherited, **amounts}))
        for level, amounts in section.long_context
    )
    return _rates(within), tiers


def _rates(amounts: Amounts) -> Rates:
    rates = {
        rate: exact(amounts[key], PICO_PER_TOKEN)
        for key, names in OVERRIDE_RATES.items()
        if key in amounts
        for rate in names
    }
    fees = {key: exact(amounts[key], PICO_PER_USD) for key in OVERRIDE_FEES if key in amounts}
    return Rates(**rates, **fees)


def simulated(at: datetime) -> Price:
    """Simulated models cost nothing."""
    return Price(rates=Rates(input=0, output=0), source="simulator", date=at.date().isoformat())


def provisioned(at: datetime) -> Price:
    """Capacity that is paid by the hour: its tokens cost nothing beside."""
    return Price(rates=Rates(input=0, output=0), source="provisioned", date=at.date().isoformat())


def hourly_nano(hourly: Decimal, units: int, discount: Decimal = Decimal(0)) -> int:
    """Nano-dollars an hour of so many units, used or not, after the discount, rounded up.

    Raises UnusablePrice where an hour of a unit is no whole number of nano-dollars, or nothing.
    """
    if not hourly.is_finite() or hourly <= 0:
        raise UnusablePrice(f"{hourly} is no price of an hour")
    nano = hourly * NANO_PER_USD
    if nano * units > MOST:
        raise UnusablePrice(f"{hourly} US dollars an hour is more than can be held")
    if nano != int(nano):
        raise UnusablePrice(f"{hourly} US dollars is finer than a billionth of a dollar an hour")
    return part(int(nano) * units, 1 - Fraction(discount))


def discounted(price: Price, discount: Decimal) -> Price:
    """The price after a private discount: 0.15 takes 15% off every rate and fee.

    What is left of a rate is rounded up to a whole pico-dollar. Raises UnusablePrice where
    the discount is not from 0 to 1.
    """
    if not discount.is_finite() or not 0 <= discount <= 1:
        raise UnusablePrice(f"a discount of {discount} is not from 0 to 1")
    if not discount:
        return price
    left = 1 - Fraction(discount)

    def less(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        return tuple(
            Tier(above=tier.above, rates=scaled(tier.rates, left, EVERYTHING)) for tier in tiers
        )

    return msgspec.structs.replace(
        price,
        rates=scaled(price.rates, left, EVERYTHING),
        tiers=less(price.tiers),
        services=tuple(
            Service(
                name=each.name,
                rates=scaled(each.rates, left, EVERYTHING),
                tiers=less(each.tiers),
            )
            for each in price.services
        ),
        discount=format(discount.normalize(), "f"),
    )
