"""What the simulated models are, as data."""

from collections.abc import Mapping
from datetime import date

from portico.contract.snapshot import Facts
from portico.providers.simulator.settings import Base, base_of

SOURCE = "docs/simulator.md"
DATE = "2026-11-23"

_CHAT = Facts(
    context=1_000_000,
    max_output=1_000_000,
    input=("text", "image", "document", "audio"),
    output=("text",),
    reasoning=True,
    source=SOURCE,
    date=DATE,
)

FACTS: Mapping[Base, Facts] = {
    "echo": _CHAT,
    "extract": _CHAT,
    "script": _CHAT,
    "embed": Facts(
        context=1_000_000, input=("text",), output=("embedding",), source=SOURCE, date=DATE
    ),
}


def facts(model_id: str) -> Facts | None:
    """Facts of a model id, whatever its settings; None if the simulator has no such model."""
    base = base_of(model_id)
    return FACTS[base] if base is not None else None


def stale(today: date) -> tuple[str, ...]:
    """None ever: these facts are true of the version that they ship with."""
    return ()
