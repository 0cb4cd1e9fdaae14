"""What new meters take over from the ledger."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from portico.contract.budget import Recorded, Scope
from portico.contract.ledger import SpendingKey
from portico.cost.budgets.answers import Seeding
from portico.cost.budgets.matching import tagged
from portico.cost.budgets.meters import NANO, REPEATS, STEPS, TOKENS, WALL, Account, Meter
from portico.cost.budgets.sessions import IDLE_NS, SessionKey, Sessions
from portico.cost.budgets.windows import QUARTER_NS

KeyIds = Callable[[str], Collection[str]]
"""The ids of keys of a name: scopes may name keys, the ledger has ids."""


class Gap(NamedTuple):
    """A time of whole quarters of an hour whose sum an account lacks."""

    account: Account
    since_ns: int
    until_ns: int


def gaps(seeding: Seeding) -> list[Gap]:
    """Before `since_ns` no call that is under way can have been received: sums will do there."""
    found = []
    for meter in seeding.meters:
        for account in meter.accounts.values():
            until_ns = min(account.window.ends_ns, seeding.since_ns)
            if until_ns > account.window.starts_ns:
                found.append(Gap(account, account.window.starts_ns, until_ns))
    return found


def conditions(scope: Scope, ids: KeyIds) -> list[tuple[tuple[SpendingKey, str], ...]]:
    """A scope in the terms of a query, one for each key of its name: their sums add up."""
    names: tuple[tuple[SpendingKey, str], ...] = (
        ("project", scope.project), ("team", scope.team), ("workload", scope.workload),
        ("tag", scope.tag),
    )  # fmt: skip
    where = tuple((key, value) for key, value in names if value)
    keys = sorted({scope.key, *ids(scope.key)}) if scope.key else []
    return [(*where, ("key", key)) for key in keys] or [where]


def by_session(seeding: Seeding) -> bool:
    """Whether any of its meters counts by session, so that the ledger's sessions are needed."""
    return any(m.identity.per == "session" and m.unit != REPEATS for m in seeding.meters)


def take(seeding: Seeding, recorded: Iterable[Recorded], ids: KeyIds) -> None:
    """Adds single calls to the accounts of their windows."""
    windows = [meter for meter in seeding.meters if meter.accounts]
    for each in unknown(seeding, recorded):
        for meter in windows:
            if within(meter.identity.scope, each, ids):
                _spend(meter, each)


def take_sessions(
    seeding: Seeding, sessions: Sessions, recorded: Iterable[Recorded], ids: KeyIds
) -> None:
    """Adds what sessions have had, those heard of last first, as far as there is room."""
    meters = [m for m in seeding.meters if m.identity.per == "session" and m.unit != REPEATS]
    found = [
        run
        for run in _runs(unknown(seeding, recorded))
        if run[-1].received_ns > seeding.at_ns - IDLE_NS
    ]
    found.sort(key=_heard, reverse=True)
    for run in found:
        session = sessions.recall(_session(run[0]), run[0].received_ns, run[-1].received_ns)
        if session is None:
            break
        for meter in meters:
            mine = [each for each in run if within(meter.identity.scope, each, ids)]
            if mine and meter.unit != WALL:
                session.account(meter, "").spent += sum(_amount(meter, each) for each in mine)


def unknown(seeding: Seeding, recorded: Iterable[Recorded]) -> list[Recorded]:
    """Those that the book does not count itself."""
    at_ns, known = seeding.at_ns, seeding.known
    return [each for each in recorded if each.received_ns <= at_ns and each.call not in known]


def within(scope: Scope, each: Recorded, ids: KeyIds) -> bool:
    return (
        scope.project == each.project
        and scope.team in ("", each.team)
        and scope.workload in ("", each.workload)
        and (not scope.key or scope.key == each.key or each.key in ids(scope.key))
        and tagged(scope, each.tags)
    )


def _spend(meter: Meter, each: Recorded) -> None:
    for account in meter.accounts.values():
        if account.window.starts_ns <= each.received_ns < account.window.ends_ns:
            account.spent += each.nano


def _amount(meter: Meter, each: Recorded) -> int:
    return {NANO: each.nano, TOKENS: each.tokens, STEPS: each.calls}[meter.unit]


def _session(each: Recorded) -> SessionKey:
    return SessionKey(each.project, each.team, each.session)


def _runs(recorded: Iterable[Recorded]) -> list[Sequence[Recorded]]:
    """Each session since it was last idle for so long that it was over. A quarter of an hour
    more is allowed, since sums do not tell when in it their calls came."""
    named = sorted((each for each in recorded if each.session), key=_place)
    runs: list[Sequence[Recorded]] = []
    for _, group in groupby(named, _session):
        run: list[Recorded] = []
        for each in group:
            if run and each.received_ns - run[-1].received_ns > IDLE_NS + QUARTER_NS:
                run = []
            run.append(each)
        runs.append(run)
    return runs


def _place(each: Recorded) -> tuple[SessionKey, int]:
    return _session(each), each.received_ns


def _heard(run: Sequence[Recorded]) -> int:
    return run[-1].received_ns
