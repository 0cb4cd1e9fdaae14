"""Amounts in a second currency: shown beside US dollars, never in their place and never summed."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from portico.contract.snapshot import Currency

STEP: Final = Decimal("0.000001")


def converted(nano: int, currency: Currency | None) -> str | None:
    """Nano-dollars at the currency's rate, as decimal text rounded to a millionth. None where
    the project names no currency."""
    if currency is None:
        return None
    amount = Decimal(nano).scaleb(-9) * Decimal(repr(currency.per_usd))
    return f"{amount.quantize(STEP, ROUND_HALF_EVEN):f}"
