"""What energy calls took, from the roll-ups."""

import sqlite3
from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

from portico.adapters.store import rollup_queries as queries
from portico.adapters.store.rollups import QUARTER_NS
from portico.adapters.store.summing import kinds_of, rows
from portico.adapters.store.windows import TIMES, VALUES, spans
from portico.contract.ledger import EnergyKey, EnergyPart, EnergyUse

PARTS: Final = (
    "attempts", "tokens_out", "energy_low_nwh", "energy_high_nwh", "co2e_low_ng", "co2e_high_ng",
)  # fmt: skip
REACHED: Final = ("reached", "unestimated")
REACHED_MODEL: Final = ("model_reached", "model_unestimated")

Basis = tuple[str, int, int]
"""Method and sizes."""
Group = tuple[str, bool]
T = TypeVar("T", bound=Hashable)


def energy(
    connection: sqlite3.Connection, since_ns: int, until_ns: int, by: EnergyKey
) -> list[EnergyUse]:
    """Of whole quarters of an hour: those that the window begins and ends in are in it."""
    over = spans(since_ns // QUARTER_NS, -(-until_ns // QUARTER_NS))
    measures = PARTS + (REACHED_MODEL if by == "model" else REACHED)
    statement = queries.BY_TIME_AND_KIND if by in TIMES else queries.BY_KIND
    kinds = kinds_of(connection)
    calls: dict[Group, list[int]] = {}
    parts: dict[Group, dict[Basis, list[int]]] = {}
    for quarter, number, sums in rows(connection, statement, measures, over):
        kind = kinds[number]
        key = TIMES[by](quarter) if by in TIMES else VALUES[by](kind)[0]
        group = (key, bool(kind[10]))
        _add(calls, group, sums[len(PARTS) :])
        _add(parts.setdefault(group, {}), kind[11:14], sums[: len(PARTS)])
    return [
        EnergyUse(
            key=key,
            simulated=simulated,
            calls=reached,
            unestimated_calls=unestimated,
            parts=tuple(_part(*each) for each in sorted(parts[key, simulated].items())),
        )
        for (key, simulated), (reached, unestimated) in sorted(calls.items())
    ]


def _add(sums: dict[T, list[int]], at: T, more: Sequence[int]) -> None:
    older = sums.get(at)
    sums[at] = [*more] if older is None else [*map(int.__add__, older, more)]


def _part(basis: Basis, sums: Sequence[int]) -> EnergyPart:
    attempts, tokens_out, low, high, co2e_low, co2e_high = sums
    return EnergyPart(
        method=basis[0],
        size_low=basis[1],
        size_high=basis[2],
        attempts=attempts,
        tokens_out=tokens_out,
        low_nwh=low,
        high_nwh=high,
        co2e_low_ng=co2e_low,
        co2e_high_ng=co2e_high,
    )
