"""Budgets are rebuilt exactly from every ledger, by whatever they are scoped and windowed."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.contract.budget_adapters import DAY, NOW, never
from tests.contract.ledgers import BOTH, Opens, a_call, an_attempt

from portico.adapters.budgets.local import LocalBudgets
from portico.adapters.memory.clock import FakeClock
from portico.contract.budget import Budget, Period, Scope, Standing
from portico.contract.ports import Ledger
from portico.contract.receipt import Receipt
from portico.contract.usage import Usage

ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns")
PERIODS: tuple[Period, ...] = ("day", "week", "month")
SCOPES = (
    Scope(),
    Scope(team="care"),
    Scope(workload="support", team="care"),
    Scope(key="app"),
    Scope(tag="customer"),
    Scope(tag="customer=acme"),
)


def receipts(draw: random.Random) -> list[Receipt]:
    """Calls of five weeks, more of them lately; one in ten was refused."""
    found = []
    for number in range(300):
        age = int(DAY * 35 * draw.random() ** 3)
        call = a_call(
            f"call_{number}",
            NOW - age,
            *(
                an_attempt(cost_nano=draw.randrange(10**6), usage=Usage(input=draw.randrange(99)))
                for _ in range(draw.randint(1, 3))
            ),
            team=draw.choice(["care", "sales"]),
            workload=draw.choice(["support", "other"]),
            key=draw.choice(["key_1", "key_2", "key_3"]),
            session=draw.choice(["", "s1", "s2", "s3"]),
            tags=draw.choice([(), (("customer", "acme"),), (("customer", "other"), ("x", ""))]),
        )
        if not number % 10:
            call.attempts, call.cost_nano = (), 0
        found.append(call)
    return found


def rebuilt(ledger: Ledger, budgets: Sequence[Budget]) -> list[Standing]:
    async def main() -> list[Standing]:
        local = LocalBudgets(
            ledger,
            FakeClock(NOW),
            key_ids=lambda name: ("key_1", "key_3") if name == "app" else (),
            pause=never,
        )
        await local.replace(budgets)
        found = list(local.standings(NOW))
        await local.shut()
        return found

    return asyncio.run(main())


def in_scope(scope: Scope, call: Receipt) -> bool:
    tags = {text for name, value in call.tags for text in (name, f"{name}={value}")}
    return (
        scope.team in ("", call.team)
        and scope.workload in ("", call.workload)
        and (not scope.key or call.key in ("key_1", "key_3"))
        and (not scope.tag or scope.tag in tags)
    )


def same_window(call: Receipt, per: Period, zone: str) -> bool:
    then, now = (
        datetime.fromtimestamp(ns // 10**9, ZoneInfo(zone)) for ns in (call.received_ns, NOW)
    )
    if per == "week":
        return then.isocalendar()[:2] == now.isocalendar()[:2]
    form = "%Y-%m-%d" if per == "day" else "%Y-%m"
    return then.strftime(form) == now.strftime(form)


@pytest.mark.parametrize("opens", BOTH)
def test_windows_have_spent_what_the_ledger_has(opens: Opens, tmp_path: Path) -> None:
    calls = receipts(random.Random(5))
    budgets = [
        Budget(name=f"{per} {zone} {place}", scope=scope, per=per, time_zone=zone, nano=10**12)
        for per in PERIODS
        for zone in ZONES
        for place, scope in enumerate(SCOPES)
    ]

    with contextmanager(opens)(tmp_path, calls) as kept:
        found = {each.budget: each.spent for each in rebuilt(kept.ledger, budgets)}

    assert found == {
        budget.name: sum(
            call.cost_nano
            for call in calls
            if in_scope(budget.scope, call) and same_window(call, budget.per, budget.time_zone)
        )
        for budget in budgets
    }
    assert len({spent for spent in found.values() if spent}) > 20


@pytest.mark.parametrize("opens", BOTH)
def test_sessions_have_spent_what_the_ledger_has(opens: Opens, tmp_path: Path) -> None:
    draw = random.Random(9)
    calls = [call for call in receipts(draw) if call.received_ns > NOW - DAY]
    budget = Budget(
        name="it", scope=Scope(team="care", tag="customer"), per="session", nano=10**12,
        steps=1000, tokens=10**6,
    )  # fmt: skip

    with contextmanager(opens)(tmp_path, calls) as kept:
        found = {(s.window, s.unit): s.spent for s in rebuilt(kept.ledger, [budget])}

    wanted: dict[tuple[str, str], int] = {}
    for call in calls:
        if not call.session or not call.attempts or not in_scope(budget.scope, call):
            continue
        tokens = sum(attempt.usage.input for attempt in call.attempts)
        for unit, amount in (("nano", call.cost_nano), ("tokens", tokens), ("steps", 1)):
            place = (call.session, unit)
            wanted[place] = wanted.get(place, 0) + amount
    assert len(wanted) == 9
    assert found == wanted
