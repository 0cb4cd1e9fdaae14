"""Energy and carbon over HTTP."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from portico.contract.errors import InvalidRequest
from portico.contract.ledger import EnergyKey
from portico.contract.ports import Clock, Ledger
from portico.control.ledger.answers import answered, json, schemas_of
from portico.control.ledger.carbon import CarbonReport, carbon_report

NANO = 1_000_000_000
MOST_DAYS = 400


def router(ledger: Ledger, clock: Clock) -> APIRouter:
    """The route /carbon."""
    routes = APIRouter(prefix="/carbon", tags=["carbon"])

    @routes.get("", response_class=Response, responses=answered("CarbonReport"))
    async def report_carbon(
        by: EnergyKey = "workload",
        days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="Until now.")] = 30,
        since: Annotated[
            date | None, Query(alias="from", description="The first day, in UTC.")
        ] = None,
        until: Annotated[
            date | None, Query(alias="to", description="The last day, in UTC.")
        ] = None,
    ) -> Response:
        """Energy and carbon of calls as intervals, and the sizes of the models they reached.

        The last `days`, or the days `from` to `to`.
        """
        start, end = window(clock.now_ns(), days, since, until)
        rows = await ledger.energy(_ns(start), _ns(end), by)
        return json(carbon_report(rows, by, start.isoformat(), end.isoformat()))

    return routes


def window(
    now_ns: int, days: int, since: date | None, until: date | None
) -> tuple[datetime, datetime]:
    """Start, and end that is not in it any more. Raises InvalidRequest."""
    end = datetime.fromtimestamp(now_ns // NANO + 1, UTC)
    try:
        if until is not None:
            end = _midnight(until) + timedelta(days=1)
        start = end - timedelta(days=days) if since is None else _midnight(since)
    except OverflowError:
        raise InvalidRequest("That is no day that calls were made on.", field="to") from None
    if start >= end:
        raise InvalidRequest("`from` has to be a day before `to`, or the same.", field="from")
    if start.year < 1970 or end.year > 2200:
        raise InvalidRequest("Days are those from 1970 to 2200.", field="from")
    return start, end


def schemas() -> dict[str, object]:
    """JSON Schemas of the report, for the OpenAPI document."""
    return schemas_of([CarbonReport])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * NANO
