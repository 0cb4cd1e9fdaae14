"""Numbers and times as a person reads them. Money is exact: never through a float."""

import re
from datetime import UTC, datetime

from portico.contract.usage import Usage
from portico.control.ledger.view import dollars
from portico.main.settings import SettingsError

NANO = 1_000_000_000
LONGEST_S = 100 * 365 * 86_400

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h|d|w)")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def duration(text: str, name: str) -> float:
    """Seconds of "90s", "1h" or "30d". Raises SettingsError that blames `name`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise SettingsError(f"{name} must be a number with a unit, like 90s, 15m, 1h or 30d")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > LONGEST_S:
        raise SettingsError(f"{name} is longer than a hundred years")
    return seconds


def money(nano: int) -> str:
    """US dollars with every digit that counts: 1_250_000 -> "$0.00125"."""
    return f"${dollars(nano)}"


def shortened(amount: str) -> str:
    """A decimal amount without the zeros that say nothing: "0.001250000" -> "0.00125"."""
    whole, point, digits = amount.partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(2, '0')}" if point else amount


def per_million(pico: int) -> str:
    """A rate in pico-dollars a token, as US dollars per million tokens."""
    return money(pico * 1000)


def microseconds(value: int) -> str:
    """A duration: "870 µs", "12.4 ms", "3.21 s"."""
    if value < 1000:
        return f"{value} µs"
    if value < 1_000_000:
        return f"{value / 1000:.1f} ms"
    return f"{value / 1_000_000:.2f} s"


def moment(ns: int) -> str:
    """A wall-clock time in UTC, to the second."""
    return datetime.fromtimestamp(ns // NANO, UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment_exact(ns: int) -> str:
    """A wall-clock time in UTC, to the millisecond."""
    whole, rest = divmod(ns, NANO)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d} UTC"


def tokens_in(usage: Usage) -> int:
    """All tokens that were read, whatever they were charged as."""
    return (
        usage.input
        + usage.cached_read
        + usage.cache_write_5m
        + usage.cache_write_1h
        + usage.input_audio
        + usage.cached_audio
    )


def tokens_out(usage: Usage) -> int:
    """All tokens that were written."""
    return usage.output + usage.output_audio


def plain(text: str) -> str:
    """Text that a terminal only shows: no escape sequences, no reversed writing direction.

    A model, a provider or a caller may have written it, and a terminal obeys what it is sent.
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
