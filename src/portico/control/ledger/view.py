"""A receipt as it is shown: every field, defaults too, so that a reader need not know them."""

from enum import Enum

import msgspec

from portico.contract.receipt import Receipt

NANO = 1_000_000_000


def complete(receipt: Receipt) -> dict[str, object]:
    """The receipt with `id` (its call's id) and `cost_usd` (exact, as decimal text)."""
    shown: dict[str, object] = {"id": receipt.call, "cost_usd": dollars(receipt.cost_nano)}
    fields = _plain(receipt)
    assert isinstance(fields, dict)
    return shown | fields


def dollars(nano: int) -> str:
    """Nano-dollars as decimal US dollars, exactly: 1_250_000 -> "0.00125"."""
    whole, rest = divmod(abs(nano), NANO)
    digits = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if nano < 0 else ''}{whole}.{digits}"


def _plain(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value
