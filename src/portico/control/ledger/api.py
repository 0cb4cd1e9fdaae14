"""Calls over HTTP: receipts, exactly as they were recorded."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from portico.contract.errors import UnknownRoute
from portico.contract.ports import Ledger
from portico.contract.receipt import Receipt
from portico.control.ledger.answers import REFERENCE, answered_as, json, schemas_of
from portico.control.ledger.view import complete

MOST = 1000
CALL = r"^call_[0-9A-Za-z]{1,64}$"

_ONE = {
    "allOf": [
        {"$ref": REFERENCE.format(name="Receipt")},
        {
            "type": "object",
            "required": ["id", "cost_usd"],
            "properties": {"id": {"type": "string"}, "cost_usd": {"type": "string"}},
        },
    ]
}
_LIST = {
    "type": "object",
    "required": ["calls"],
    "properties": {"calls": {"type": "array", "items": _ONE}},
}

CallId = Annotated[str | None, Query(pattern=CALL, description="A call's id, itself excluded.")]


def router(ledger: Ledger) -> APIRouter:
    """The routes under /calls."""
    routes = APIRouter(prefix="/calls", tags=["calls"])

    @routes.get("", response_class=Response, responses=answered_as(_LIST))
    async def list_calls(
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        before: CallId = None,
        after: CallId = None,
    ) -> Response:
        """Calls in the order of their recording: the newest, or the newest before `before`.

        With `after`: those that follow it directly, so that paging forward misses none.
        """
        found = await ledger.recent(limit, before=before, after=after)
        return json({"calls": [complete(receipt) for receipt in found]})

    @routes.get("/{id}", response_class=Response, responses=answered_as(_ONE))
    async def show_call(id: str) -> Response:  # noqa: A002 - the path's word
        """The whole receipt of one call."""
        receipt = await ledger.find(id)
        if receipt is None:
            raise UnknownRoute(
                "No such call is in the ledger; `portico calls tail` shows the newest.", field="id"
            )
        return json(complete(receipt))

    return routes


def schemas() -> dict[str, object]:
    """JSON Schemas of a receipt and what it is made of, for the OpenAPI document."""
    return schemas_of([Receipt])
