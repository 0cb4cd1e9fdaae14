"""Facts about models: data with the page to check it at and the day it was written down."""

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from portico.contract.snapshot import Facts

MAX_AGE_DAYS = 180
"""Facts that were written down longer ago are reported as stale."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model under all its ids."""

    ids: tuple[str, ...]
    source: str
    date: str
    context: int | None = None
    max_output: int | None = None
    input: tuple[str, ...] = ("text",)
    output: tuple[str, ...] = ("text",)
    reasoning: bool | None = None
    retires: str = ""


def read(body: bytes) -> Mapping[str, Facts]:
    """A facts.json by model id. Raises msgspec.ValidationError where it has another shape."""
    facts: dict[str, Facts] = {}
    for entry in msgspec.json.decode(body, type=tuple[Entry, ...]):
        known = Facts(
            context=entry.context,
            max_output=entry.max_output,
            input=entry.input,
            output=entry.output,
            retires=entry.retires,
            reasoning=entry.reasoning,
            source=entry.source,
            date=entry.date,
        )
        facts.update(dict.fromkeys(entry.ids, known))
    return facts


def stale(facts: Mapping[str, Facts], today: date) -> tuple[str, ...]:
    """The ids whose facts were read more than MAX_AGE_DAYS before `today`."""
    oldest = (today - timedelta(days=MAX_AGE_DAYS)).isoformat()
    return tuple(sorted(name for name, known in facts.items() if known.date < oldest))
