"""What is known of the models of this provider; the data is facts.json."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from portico.contract.snapshot import Facts
from portico.providers import ageing

MAX_AGE_DAYS = ageing.MAX_AGE_DAYS


@cache
def known() -> Mapping[str, Facts]:
    """All facts by model id."""
    return ageing.read(Path(__file__).with_name("facts.json").read_bytes())


def facts(model_id: str) -> Facts | None:
    return known().get(model_id)


def stale(today: date) -> tuple[str, ...]:
    """Ids of models whose facts should be read again; CI warns about them."""
    return ageing.stale(known(), today)
