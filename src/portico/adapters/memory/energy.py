"""What the ledger in memory sums of energy."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from portico.contract.energy import Energy
from portico.contract.ledger import EnergyKey, EnergyPart, EnergyUse
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage

Made = tuple[Receipt, Attempt]
NOTHING: Final = Energy(low_nwh=0, high_nwh=0, co2e_low_ng=0, co2e_high_ng=0)


def _day(receipt: Receipt, _: Attempt) -> str:
    return datetime.fromtimestamp(receipt.received_ns // 10**9, UTC).date().isoformat()


KEYS: Final[Mapping[EnergyKey, Callable[[Receipt, Attempt], str]]] = {
    "workload": lambda receipt, _: receipt.workload,
    "team": lambda receipt, _: receipt.team,
    "model": lambda _, attempt: attempt.model,
    "day": _day,
}


def energy_use(receipts: Iterable[Receipt], by: EnergyKey) -> list[EnergyUse]:
    key = KEYS[by]
    groups: dict[tuple[str, bool], list[Made]] = {}
    for receipt in receipts:
        for attempt in receipt.attempts:
            group = (key(receipt, attempt), attempt.simulated)
            groups.setdefault(group, []).append((receipt, attempt))
    return [
        _use(name, simulated, made)
        for (name, simulated), made in sorted(groups.items(), key=_order)
    ]


def _order(group: tuple[tuple[str, bool], list[Made]]) -> tuple[str, bool]:
    return group[0]


def _use(name: str, simulated: bool, made: Sequence[Made]) -> EnergyUse:
    parts: dict[tuple[str, int, int], list[Attempt]] = {}
    for _, attempt in made:
        parts.setdefault(_basis(attempt), []).append(attempt)
    without = {r.call for r, a in made if a.status == "ok" and not _basis(a)[0]}
    return EnergyUse(
        key=name,
        simulated=simulated,
        calls=len({receipt.call for receipt, _ in made}),
        unestimated_calls=len(without),
        parts=tuple(_part(basis, parts[basis]) for basis in sorted(parts)),
    )


def _basis(attempt: Attempt) -> tuple[str, int, int]:
    basis = attempt.energy_basis
    if basis is None or attempt.energy is None:
        return "", 0, 0
    return basis.method, basis.size_low, basis.size_high


def _part(basis: tuple[str, int, int], attempts: Sequence[Attempt]) -> EnergyPart:
    found = [attempt.energy or NOTHING for attempt in attempts]
    return EnergyPart(
        method=basis[0],
        size_low=basis[1],
        size_high=basis[2],
        attempts=len(attempts),
        tokens_out=sum(_written(each.usage) for each in attempts),
        low_nwh=sum(each.low_nwh for each in found),
        high_nwh=sum(each.high_nwh for each in found),
        co2e_low_ng=sum(each.co2e_low_ng for each in found),
        co2e_high_ng=sum(each.co2e_high_ng for each in found),
    )


def _written(usage: Usage) -> int:
    return usage.output + usage.output_audio + usage.output_image
