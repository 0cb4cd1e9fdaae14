"""Which budgets bound a call, found without looking at all of them."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from portico.contract.budget import Budget, Scope, Spender
from portico.cost.budgets.meters import NANO, WALL, Meter

CALLERS: Final = 10_000
"""Different callers whose budgets are remembered; beyond, they are found anew."""


class Matched(NamedTuple):
    """The meters that bound a call, by where they count."""

    windows: tuple[Meter, ...]
    sessions: tuple[Meter, ...]
    calls: tuple[Meter, ...]
    walls: tuple[Meter, ...]
    budgets: tuple[Budget, ...]
    """Those that the meters are of, in the order of the configuration."""


class _Found(NamedTuple):
    """What is true of a caller whatever its tags are."""

    plain: Matched | None
    tagged: tuple[Meter, ...]
    every: tuple[Meter, ...]
    """Both, in the order of the configuration."""


_Caller = tuple[str, str, str, str, str]


class Matching:
    """Scopes of the meters in force."""

    def __init__(self, meters: Sequence[Meter] = ()) -> None:
        self._meters = tuple(meters)
        self._found: dict[_Caller, _Found] = {}

    def of(self, who: Spender) -> Matched | None:
        """None: nothing bounds the call."""
        caller = (who.project, who.team, who.workload, who.key, who.key_name)
        found = self._found.get(caller)
        if found is None:
            found = self._find(who, caller)
        if not found.tagged:
            return found.plain
        missing = {each for each in found.tagged if not tagged(each.identity.scope, who.tags)}
        return _sorted(each for each in found.every if each not in missing)

    def _find(self, who: Spender, caller: _Caller) -> _Found:
        every = [each for each in self._meters if named(each.identity.scope, who)]
        plain = [each for each in every if not each.identity.scope.tag]
        found = _Found(
            _sorted(plain), tuple(e for e in every if e.identity.scope.tag), tuple(every)
        )
        if len(self._found) >= CALLERS:
            self._found.clear()
        self._found[caller] = found
        return found


def named(scope: Scope, who: Spender) -> bool:
    """Whether a call is in a scope as far as names go, tags apart."""
    return (
        scope.project == who.project
        and scope.team in ("", who.team)
        and scope.workload in ("", who.workload)
        and (not scope.key or scope.key in (who.key, who.key_name))
    )


def tagged(scope: Scope, tags: Sequence[tuple[str, str]]) -> bool:
    """Whether a call's tags are in a scope: `name`, or `name=value`."""
    wanted = scope.tag
    return not wanted or any(wanted in (name, f"{name}={value}") for name, value in tags)


def _sorted(meters: Iterable[Meter]) -> Matched | None:
    places: tuple[list[Meter], ...] = ([], [], [], [])
    budgets: dict[str, Budget] = {}
    for each in meters:
        places[_place(each)].append(each)
        budgets[each.budget.name] = each.budget
    windows, sessions, calls, walls = (tuple(place) for place in places)
    if not budgets:
        return None
    return Matched(windows, sessions, calls, walls, tuple(budgets.values()))


def _place(meter: Meter) -> int:
    """The index in `Matched`."""
    if meter.unit == WALL:
        return 3
    if meter.identity.per == "call":
        return 2
    return 1 if meter.identity.per == "session" or meter.unit != NANO else 0
