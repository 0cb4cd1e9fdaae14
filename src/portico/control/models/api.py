"""The catalogue as evidence, over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from portico.contract.ports import Clock, Ledger
from portico.contract.snapshot import Snapshot
from portico.control.ledger.answers import answered, schemas_of
from portico.control.models.view import Catalogue, Window, catalogue

NANO = 1_000_000_000
DAY_NS = 24 * 3600 * NANO
MOST_DAYS = 400
FOUND = answered("Catalogue")


def router(ledger: Ledger, snapshot: Callable[[], Snapshot], clock: Clock) -> APIRouter:
    """The route /models."""
    routes = APIRouter(prefix="/models", tags=["models"])

    @routes.get("", response_class=Response, responses=FOUND)
    async def list_models(
        days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="The window's length.")] = 30,
        listed: Annotated[bool | None, Query(description="Named in portico.yaml, or not.")] = None,
    ) -> Response:
        """Every model of the live catalogue: versions, facts, prices, and calls in the window."""
        now_ns = clock.now_ns()
        use = await ledger.use(now_ns - days * DAY_NS, now_ns + 1)
        shown = catalogue(snapshot(), use, window(now_ns, days), listed)
        return Response(msgspec.json.encode(shown), media_type="application/json")

    return routes


def window(now_ns: int, days: int) -> Window:
    until = datetime.fromtimestamp(now_ns // NANO, UTC)
    since = until - timedelta(days=days)
    return Window(since.isoformat(), until.isoformat(), until.date())


def schemas() -> dict[str, object]:
    """JSON Schemas of the catalogue and what it is made of, for the OpenAPI document."""
    return schemas_of([Catalogue])
