"""Values with a unit, as portico.yaml writes them, and the types that read them."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-zµ]+)")
SECONDS: Mapping[str, float] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES: Mapping[str, int] = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
CODE = re.compile(r"[A-Z]{3}")
LONGEST_SECONDS = 100 * 366 * 86400
LARGEST_BYTES = 2**50


def measure(value: object, units: Mapping[str, float], example: str, most: float) -> float:
    """A number with one of the units. Raises ValueError that says what was expected."""
    known = ", ".join(units)
    found = AMOUNT.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    if found is None:
        missing = " (the unit is missing)" if _is_number(value) else ""
        raise ValueError(f"expected a number with a unit, such as {example}{missing}")
    number, unit = float(found[1]), found[2]
    if unit not in units:
        raise ValueError(f"the unit {unit} is not known here; expected one of {known}")
    amount = number * units[unit]
    if amount > most:
        raise ValueError(f"{value} is too much")
    return amount


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def duration(value: object) -> float:
    """Seconds of `800ms`, `8s`, `5m`, `1h`, `1d`, `2w`. Raises ValueError."""
    seconds = measure(value, SECONDS, "800ms, 8s, 1h or 1d", LONGEST_SECONDS)
    if seconds <= 0:
        raise ValueError("expected more than no time")
    return round(seconds, 6)


def size(value: object) -> int:
    """Bytes of `64kB` (decimal) or `64KiB` (binary). Raises ValueError."""
    return int(measure(value, BYTES, "32MB, 64kB or 64MiB", LARGEST_BYTES))


def price(value: float) -> float:
    """Dollars per million tokens; what can only be dollars per token is refused."""
    if 0 < value < 0.001:
        raise ValueError(
            f"{value:g} looks like US dollars a token; prices are US dollars per million tokens"
            f" ({value * 1_000_000:g}?)"
        )
    return value


def currency_code(value: str) -> str:
    if not CODE.fullmatch(value):
        raise ValueError("expected three capital letters, such as EUR")
    return value


def iso_date(value: str) -> str:
    """Raises ValueError for what is no day of the calendar, and for other forms of ISO 8601."""
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass  # told below, as any other text that is no date
    raise ValueError("expected a date, such as 2026-11-20")


def one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def wrapped(key: str) -> Callable[[object], object]:
    """Reads a plain word as the mapping `{key: word}`."""

    def wrap(value: object) -> object:
        return {key: value} if isinstance(value, str) else value

    return wrap


NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
PromptName = Annotated[str, StringConstraints(pattern=f"{NAME[:-1]}(?:/{NAME[1:-1]})?$")]
"""A file under prompts/ without its ending, at most one folder deep."""
Text = Annotated[str, StringConstraints(max_length=4096)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=512)]
CurrencyCode = Annotated[str, AfterValidator(currency_code)]
IsoDate = Annotated[str, AfterValidator(iso_date)]
Duration = Annotated[float, BeforeValidator(duration)]
Size = Annotated[int, BeforeValidator(size)]
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UsdPerMillion = Annotated[
    float,
    Field(ge=0, allow_inf_nan=False),
    BeforeValidator(lambda value: price(value) if _is_number(value) else value),
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**12)]
Amount = Annotated[float, Field(gt=0, le=1e18, allow_inf_nan=False)]
Words = Annotated[list[Name], BeforeValidator(one_or_many)]
