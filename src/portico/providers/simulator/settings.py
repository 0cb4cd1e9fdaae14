"""A simulated model id: one of four models, and settings written like a query.

    echo?ttft=200ms&tps=50&fail=503@0.3&retry_after=1&stall=0.01&cut=40&slow=0.02:3s&seed=7
    echo?break=throttling@0.3

What each setting means is in docs/simulator.md.
"""

import difflib
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec

from portico.contract.errors import InvalidRequest, UnknownModel

Base = Literal["echo", "extract", "script", "embed"]

Break = Literal["throttling", "unavailable", "internal", "model", "validation"]
"""What a stream may say that it broke of. Each wire has its own word for it."""

MODELS: tuple[Base, ...] = ("echo", "extract", "script", "embed")

BREAKS: tuple[Break, ...] = get_args(Break)

MAX_ID = 512
"""Characters of a model id."""
MAX_SECONDS = 3600.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A model id as it was understood. Rates are shares of requests, from 0 to 1."""

    base: Base
    seed: int
    """The `seed` setting; without one, a checksum of the id, so that two ids do not fail alike."""
    ttft_s: float = 0.0
    tokens_per_s: float | None = None
    """None: as fast as it can be written."""
    fail_status: int = 0
    fail_rate: float = 0.0
    retry_after_s: float | None = None
    stall_rate: float = 0.0
    stall_bytes: int = 0
    """Bytes of the body that come before a call hangs; 0: it hangs before the head."""
    cut_bytes: int = 0
    cut_rate: float = 0.0
    break_by: Break | None = None
    break_rate: float = 0.0
    slow_rate: float = 0.0
    slow_s: float = 0.0


Value = float | int | str
Parser = Callable[[str], Mapping[str, Value]]

_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
_UNITS: Mapping[str, float] = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(us|ms|s)")
_WHOLE = re.compile(r"[0-9]{1,18}")


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _rate(text: str) -> float:
    rate = _number(text)
    if rate > 1:
        raise ValueError(text)
    return rate


def _duration(text: str) -> float:
    found = _DURATION.fullmatch(text)
    seconds = float(found[1]) * _UNITS[found[2]] if found else -1.0
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(text)
    return seconds


def _ttft(text: str) -> Mapping[str, Value]:
    return {"ttft_s": _duration(text)}


def _tps(text: str) -> Mapping[str, Value]:
    rate = _number(text)
    if rate <= 0:
        raise ValueError(text)
    return {"tokens_per_s": rate}


def _fail(text: str) -> Mapping[str, Value]:
    status, at, rate = text.partition("@")
    number = _whole(status)
    if not 400 <= number <= 599:
        raise ValueError(text)
    return {"fail_status": number, "fail_rate": _rate(rate) if at else 1.0}


def _retry_after(text: str) -> Mapping[str, Value]:
    seconds = _number(text) if _NUMBER.fullmatch(text) else _duration(text)
    return {"retry_after_s": seconds}


def _stall(text: str) -> Mapping[str, Value]:
    before, at, rate = text.rpartition("@")
    return {"stall_bytes": _whole(before) if at else 0, "stall_rate": _rate(rate)}


def _cut(text: str) -> Mapping[str, Value]:
    size, at, rate = text.partition("@")
    return {"cut_bytes": _whole(size), "cut_rate": _rate(rate) if at else 1.0}


def _break(text: str) -> Mapping[str, Value]:
    kind, at, rate = text.partition("@")
    if kind not in BREAKS:
        raise ValueError(text)
    return {"break_by": kind, "break_rate": _rate(rate) if at else 1.0}


def _slow(text: str) -> Mapping[str, Value]:
    rate, _, delay = text.partition(":")
    return {"slow_rate": _rate(rate), "slow_s": _duration(delay)}


def _seed(text: str) -> Mapping[str, Value]:
    return {"seed": _whole(text)}


SETTINGS: Mapping[str, tuple[Parser, str]] = {
    "ttft": (_ttft, "a duration such as 200ms or 1.5s"),
    "tps": (_tps, "tokens per second, above 0, such as 50"),
    "fail": (_fail, "a status from 400 to 599 and maybe a rate, such as 503@0.3"),
    "retry_after": (_retry_after, "seconds, such as 1"),
    "stall": (_stall, "a rate such as 0.01, or bytes and a rate such as 200@0.01"),
    "cut": (_cut, "bytes such as 40, or bytes and a rate such as 40@0.1"),
    "break": (_break, f"one of {', '.join(BREAKS)}, and maybe a rate, such as throttling@0.3"),
    "slow": (_slow, "a rate and a duration, such as 0.02:3s"),
    "seed": (_seed, "a whole number such as 7"),
}
"""Every setting: how it is read, and what to say when it cannot be."""


def parse(model_id: str) -> Settings:
    """Reads a model id.

    Raises UnknownModel for an unknown model, with the names that are nearest, and
    InvalidRequest for an unknown, repeated or unreadable setting, with what was expected.
    """
    if len(model_id) > MAX_ID:
        raise InvalidRequest(
            f"A simulated model id has at most {MAX_ID} characters; this one has {len(model_id)}.",
            field="model",
        )
    name, query, written = model_id.partition("?")
    if name not in MODELS:
        raise _unknown(name)
    found: dict[str, Value] = {"seed": zlib.crc32(model_id.encode("utf-8", "surrogatepass"))}
    if query:
        found.update(_read(written))
    return msgspec.convert({"base": name, **found}, Settings)


def _unknown(name: str) -> UnknownModel:
    near = difflib.get_close_matches(name.lower(), MODELS, n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return UnknownModel(
        f"The simulator has no model '{name[:80]}'. {hint}It has {', '.join(MODELS)}.",
        field="model",
    )


def _read(written: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    seen: set[str] = set()
    for piece in written.split("&"):
        name, _, value = piece.partition("=")
        if name not in SETTINGS:
            raise _bad(f"has no setting '{name[:80]}'; it knows {', '.join(SETTINGS)}")
        if name in seen:
            raise _bad(f"was given the setting {name} twice; keep one")
        seen.add(name)
        reader, expected = SETTINGS[name]
        try:
            found.update(reader(value))
        except ValueError:
            raise _bad(f"cannot read {name}={value[:80]}; it expects {expected}") from None
    return found


def _bad(problem: str) -> InvalidRequest:
    return InvalidRequest(f"The simulator {problem}.", field="model")


def base_of(model_id: str) -> Base | None:
    """The model that an id names, its settings unread; None if there is no such model."""
    name = model_id.partition("?")[0]
    return name if name in MODELS else None
