"""Costs over HTTP: the report, and the forecast."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from portico.contract.ports import Clock, Ledger
from portico.contract.snapshot import Snapshot
from portico.control.ledger.answers import REFERENCE, Responses, answered, json, schemas_of
from portico.control.ledger.carbon_api import MOST_DAYS
from portico.control.ledger.cost import Asked, CostReport, cost_report
from portico.control.ledger.cost_asking import ask
from portico.control.ledger.cost_csv import cost_csv
from portico.control.ledger.cost_question import USUAL_DAYS, Question, keys_of, span, where_of
from portico.control.ledger.forecast import CostForecast
from portico.control.ledger.forecast_asking import Forecasts

CSV = "text/csv; charset=utf-8; header=present"
_JSON_OR_CSV: Responses = {
    200: {
        "description": "Done.",
        "content": {
            "application/json": {"schema": {"$ref": REFERENCE.format(name="CostReport")}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}

By = Annotated[list[str], Query(description="One to three keys, with commas or repeated.")]
Wheres = Annotated[list[str], Query(description="KEY=VALUE; all of them hold.")]


def router(
    ledger: Ledger, clock: Clock, snapshot: Callable[[], Snapshot], forecasts: Forecasts
) -> APIRouter:
    """The routes under /cost."""
    routes = APIRouter(prefix="/cost", tags=["cost"])

    @routes.get("", response_class=Response, responses=_JSON_OR_CSV)
    async def report_cost(
        by: By = ["workload"],  # noqa: B006 - FastAPI copies it
        where: Wheres = [],  # noqa: B006 - as above
        days: Annotated[
            int | None, Query(ge=1, le=MOST_DAYS, description=f"Until now; {USUAL_DAYS}.")
        ] = None,
        since: Annotated[
            date | None, Query(alias="from", description="The first day, in UTC.")
        ] = None,
        until: Annotated[
            date | None, Query(alias="to", description="The last day, in UTC.")
        ] = None,
        form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> Response:
        """What calls cost, with unit economics, output caps and provisioned capacity.

        The last `days`, or the days `from` to `to`. Simulated calls are apart.
        """
        now_ns = clock.now_ns()
        start, end = span(now_ns, days, since, until)
        question = Question(since=start, until=end, by=keys_of(by), where=where_of(where))
        found = await ask(ledger, question, now_ns)
        asked = Asked(
            since=start.isoformat(), until=end.isoformat(), by=question.by, where=question.where
        )
        report = cost_report(asked, found, snapshot().currency)
        if form == "csv":
            return Response(cost_csv(report), media_type=CSV)
        return json(report)

    @routes.get("/forecast", response_class=Response, responses=answered("CostForecast"))
    async def forecast_cost() -> Response:
        """What the month will have cost when it ends, and when each budget runs out."""
        return json(await forecasts.now())

    return routes


def schemas() -> dict[str, object]:
    """JSON Schemas of the report and the forecast, for the OpenAPI document."""
    return schemas_of([CostReport, CostForecast])
