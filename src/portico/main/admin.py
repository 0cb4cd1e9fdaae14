"""The administrative API: the rooms of control behind one FastAPI application.

Law of the file: whoever gets here was let in by the gateway (`scope["portico.principal"]`),
and every failure leaves in one shape: `{"error": {"code", "message", "field", "fault", "retry"}}`.
Paths are whole (`/admin/v1/…`): the application takes the scope as the server made it.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from portico import __version__
from portico.contract.errors import (
    BodyTooLarge,
    InternalFault,
    InvalidRequest,
    MethodNotAllowed,
    PorticoError,
    UnknownRoute,
)
from portico.contract.own import Caller
from portico.contract.ports import Clock, Ledger, Store
from portico.contract.snapshot import Snapshot
from portico.control.bench.api import router as bench_router
from portico.control.bench.api import schemas as bench_schemas
from portico.control.deployments.api import router as deployments_router
from portico.control.deployments.api import schemas as deployments_schemas
from portico.control.deployments.shown import Standings
from portico.control.keys.api import router as keys_router
from portico.control.keys.service import Keys
from portico.control.ledger.api import router as ledger_router
from portico.control.ledger.api import schemas
from portico.control.ledger.budgets_api import Bounding
from portico.control.ledger.budgets_api import router as budgets_router
from portico.control.ledger.budgets_api import schemas as budgets_schemas
from portico.control.ledger.carbon_api import router as carbon_router
from portico.control.ledger.carbon_api import schemas as carbon_schemas
from portico.control.ledger.cost_api import router as cost_router
from portico.control.ledger.cost_api import schemas as cost_schemas
from portico.control.ledger.forecast_asking import Forecasts
from portico.control.models.api import router as models_router
from portico.control.models.api import schemas as models_schemas
from portico.control.projects.api import Changes
from portico.control.projects.api import router as projects_router
from portico.control.projects.api import schemas as projects_schemas
from portico.control.projects.outcome import ApplyOutcome, Place
from portico.control.prompts.adopting import Readers
from portico.control.prompts.api import router as prompts_router
from portico.control.prompts.api import schemas as prompts_schemas
from portico.control.prompts.registry import Registered
from portico.control.prompts.service import Prompts
from portico.control.replays.api import router as replays_router
from portico.control.replays.api import schemas as replays_schemas
from portico.control.replays.replay import Replays

__all__ = ["AdminServices", "ApplyOutcome", "Changes", "Place", "create_admin"]

log = logging.getLogger("portico.admin")

PREFIX = "/admin/v1"
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes. A project of 10 MiB grows when its text is written as JSON."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ERROR_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                name: {"type": "string"} for name in ("code", "message", "field", "fault", "retry")
            },
        }
    },
}
ERROR_REPLY: Mapping[str, object] = {
    "description": "Refused or failed.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
SCHEMAS: Final[Sequence[Callable[[], dict[str, object]]]] = (
    schemas,
    carbon_schemas,
    cost_schemas,
    budgets_schemas,
    bench_schemas,
    models_schemas,
    projects_schemas,
    deployments_schemas,
    prompts_schemas,
    replays_schemas,
)
BY_STATUS: Mapping[int, type[InvalidRequest]] = {
    404: UnknownRoute,
    405: MethodNotAllowed,
    413: BodyTooLarge,
}
MESSAGES: Mapping[int, str] = {
    404: "There is no such administrative route; GET /admin/v1/openapi.json lists them.",
    405: "This route does not take this method; GET /admin/v1/openapi.json says which it does.",
    413: f"An administrative body may have {LARGEST_BODY >> 20} MiB.",
}


@dataclass(frozen=True)
class AdminServices:
    """What the administrative API needs of the process that serves it."""

    keys: Keys
    store: Store
    ledger: Ledger
    budgets: Bounding
    clock: Clock
    snapshot: Callable[[], Snapshot]
    workloads: Callable[[], Sequence[str]]
    on_keys_changed: Callable[[], Awaitable[None]]
    changes: Changes
    standing: Standings
    registered: Registered
    caller: Caller
    readers: Readers


def create_admin(services: AdminServices) -> Application:
    """The ASGI application for everything under /admin/v1."""
    app = FastAPI(
        title="Portico administrative API",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for routes in _rooms(services):
        app.include_router(routes, prefix=PREFIX)
    app.add_exception_handler(PorticoError, _on_portico_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_defect)
    _document(app)
    return _bounded(app)


def _rooms(services: AdminServices) -> Iterator[APIRouter]:
    store, ledger, clock = services.store, services.ledger, services.clock
    yield keys_router(services.keys, services.workloads, services.on_keys_changed)
    yield ledger_router(ledger)
    yield carbon_router(ledger, clock)
    forecasts = Forecasts(ledger, clock, services.snapshot, services.budgets, store.keys)
    yield cost_router(ledger, clock, services.snapshot, forecasts)
    yield budgets_router(services.budgets, clock, services.snapshot)
    yield replays_router(Replays(store, ledger, clock, services.caller, services.readers.wires))
    yield bench_router(store, ledger, services.snapshot)
    yield models_router(ledger, services.snapshot, clock)
    yield projects_router(services.changes)
    yield deployments_router(store, services.standing)
    yield prompts_router(Prompts(store, ledger, clock, services.registered, services.readers))


def _document(app: FastAPI) -> None:
    """Adds to the OpenAPI document what FastAPI cannot see: receipts, and our error shape."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        document = written()
        parts: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
        parts.pop("HTTPValidationError", None)
        parts.pop("ValidationError", None)
        parts.setdefault("Error", ERROR_SCHEMA)
        for described in SCHEMAS:
            for name, schema in described().items():
                parts.setdefault(name, schema)
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = ERROR_REPLY
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _bounded(app: FastAPI) -> Application:
    """Refuses a body over the bound, whether it says its length or not."""

    async def bounded(scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST_BODY:
                raise HTTPException(413)
            return message

        try:
            await app(scope, counted, send)
        except Exception as defect:  # noqa: BLE001 - a defect: answered by _on_defect, logged here
            # no trace here: it would log the error's message, which may quote what was sent
            log.error("defect: %s at %s", type(defect).__name__, _place(defect))  # noqa: TRY400

    return bounded


def _place(defect: BaseException) -> str:
    """File and line where it was raised: its message may hold what is not for a log."""
    frames = traceback.extract_tb(defect.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"


def write_error(error: PorticoError) -> Response:
    """An error as this API says it."""
    body: dict[str, object] = {
        "code": error.code,
        "message": error.message,
        "fault": error.fault,
        "retry": error.retry,
    }
    if error.field is not None:
        body["field"] = error.field
    headers = {"x-portico-error": error.code}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    return Response(msgspec.json.encode({"error": body}), error.status, headers, "application/json")


async def _on_portico_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PorticoError)
    return write_error(error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    """Names the first member at fault; what was sent there is not repeated."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(step) for step in first["loc"] if step not in ("body", "query", "path")]
    name = ".".join(place)
    if first["type"] == "json_invalid" or not name:
        return write_error(InvalidRequest("The body is not the JSON object that is expected."))
    return write_error(InvalidRequest(f"'{name}': {first['msg']}.", field=name))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = BY_STATUS.get(error.status_code, InvalidRequest)
    message = MESSAGES.get(error.status_code, "The request could not be read.")
    return write_error(kind(message))


async def _on_defect(request: Request, error: Exception) -> Response:
    """The server's log has the trace; the caller gets no inner detail."""
    return write_error(InternalFault("The administrative API failed; the server's log says where."))
