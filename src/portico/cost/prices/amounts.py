"""Dollars as integers, exactly, and parts of them, rounded against the payer."""

from decimal import Decimal
from fractions import Fraction

import msgspec

from portico.contract.money import Rates

PICO_PER_TOKEN = 1_000_000
"""Pico-dollars a token in one US dollar per million tokens."""
PICO_PER_USD = 10**12
NANO_PER_USD = 10**9
MOST = 2**63 - 1
"""What a stored integer holds: some nine million dollars in pico-dollars."""


class UnusablePrice(ValueError):
    """A price that cannot be held as integers, or that prices what Portico does not count."""


def exact(amount: Decimal, factor: int) -> int:
    """`amount` times `factor`. Raises UnusablePrice where that is not a whole number."""
    if not amount.is_finite() or amount < 0:
        raise UnusablePrice(f"{amount} is not an amount of money")
    scaled = amount * factor
    if scaled > MOST:
        raise UnusablePrice(f"{amount} US dollars is more than can be held")
    whole = int(scaled)
    if scaled != whole:
        raise UnusablePrice(
            f"{amount} US dollars is finer than a millionth of a millionth of a dollar a token"
        )
    return whole


def part(amount: int, share: Fraction) -> int:
    """`amount` times `share`, rounded up to a whole number where it is none."""
    return -(-amount * share.numerator // share.denominator)


def scaled(rates: Rates, share: Fraction, names: frozenset[str]) -> Rates:
    """The rates, of which those in `names` are multiplied by `share` and rounded up."""
    changed = {
        name: part(rate, share) for name in names if (rate := getattr(rates, name)) is not None
    }
    return msgspec.structs.replace(rates, **changed)
