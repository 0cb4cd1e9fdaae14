"""How budgets stand, over HTTP."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec
from fastapi import APIRouter, Response

from portico.contract.budget import Budget, Period, Standing
from portico.contract.ports import Clock
from portico.contract.snapshot import Snapshot
from portico.control.ledger.answers import answered, json, schemas_of
from portico.control.ledger.forecast import moment
from portico.control.ledger.view import dollars

UNITS: dict[str, Literal["usd", "tokens", "steps", "repeats"]] = {
    "nano": "usd",
    "tokens": "tokens",
    "steps": "steps",
    "repeats": "repeats",
}


class Bounding(Protocol):
    """What is read here of `contract.budget.Budgets`."""

    def standings(self, now_ns: int) -> Sequence[Standing]: ...

    def degraded(self) -> str: ...


class BudgetStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A budget in a window of time, or in one session."""

    budget: str
    unit: Literal["usd", "tokens", "steps", "repeats"]
    """What the next four count: of US dollars exact decimal text, otherwise whole numbers."""
    amount: str | int
    spent: str | int
    held: str | int
    """Reserved by calls under way."""
    left: str | int
    """Neither spent nor held; never below zero."""
    share: float | None
    """Spent, of the amount; above 1 where a soft budget was passed."""
    per: Period | None
    hard: bool | None
    """This and `per` are null where the live projects have no such budget any more."""
    window: str
    starts: str
    ends: str | None
    """Null: with its session."""
    refused: int
    """Calls that this server turned away in the window."""


class BudgetStandings(msgspec.Struct, frozen=True, kw_only=True):
    budgets: tuple[BudgetStanding, ...]
    """Every window under way, and the 100 sessions that were last heard of."""
    degraded: str
    """What is away; empty where nothing is."""


def router(budgets: Bounding, clock: Clock, snapshot: Callable[[], Snapshot]) -> APIRouter:
    """The route /budgets."""
    routes = APIRouter(prefix="/budgets", tags=["budgets"])

    @routes.get("", response_class=Response, responses=answered("BudgetStandings"))
    async def list_budgets() -> Response:
        """How each budget stands in its window under way."""
        known = {budget.name: budget for budget in snapshot().budgets}
        standings = budgets.standings(clock.now_ns())
        return json(
            BudgetStandings(
                budgets=tuple(shown(each, known.get(each.budget)) for each in standings),
                degraded=budgets.degraded(),
            )
        )

    return routes


def shown(standing: Standing, budget: Budget | None) -> BudgetStanding:
    def write(amount: int) -> str | int:
        return dollars(amount) if standing.unit == "nano" else amount

    return BudgetStanding(
        budget=standing.budget,
        unit=UNITS[standing.unit],
        amount=write(standing.amount),
        spent=write(standing.spent),
        held=write(standing.held),
        left=write(max(0, standing.amount - standing.spent - standing.held)),
        share=standing.spent / standing.amount if standing.amount else None,
        per=budget.per if budget else None,
        hard=budget.hard if budget else None,
        window=standing.window,
        starts=moment(standing.starts_ns),
        ends=moment(standing.ends_ns) if standing.ends_ns else None,
        refused=standing.refused,
    )


def schemas() -> dict[str, object]:
    """JSON Schemas of the answer, for the OpenAPI document."""
    return schemas_of([BudgetStandings])
