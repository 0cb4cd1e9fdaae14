"""Replays over HTTP."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from portico.contract.call import Principal
from portico.control.ledger.answers import answered, schemas_of
from portico.control.replays.replay import Replayed, Replays

CALL = r"^call_[0-9A-Za-z]{1,64}$"
RELEASE = r"^rel_[0-9a-f]{1,64}$"
MADE = answered("Replayed")


class ReplayCall(BaseModel):
    """Under which release. An empty body leaves it to the workload's assignment."""

    model_config = ConfigDict(extra="forbid", strict=True)

    release: Annotated[str, Field(pattern=RELEASE)] | None = None


def router(replays: Replays) -> APIRouter:
    """The route /calls/{id}/replay."""
    routes = APIRouter(prefix="/calls", tags=["calls"])

    @routes.post("/{id}/replay", response_class=Response, responses=MADE)
    async def replay_call(
        id: Annotated[str, InPath(pattern=CALL)],  # noqa: A002 - the path's word
        request: Request,
        body: ReplayCall | None = None,
    ) -> Response:
        """Makes a call again whose transcript was kept, and compares the answers."""
        who: Principal = request.scope["portico.principal"]
        release = body.release if body is not None else None
        made = await replays.replay(id, release or "", who)
        return Response(msgspec.json.encode(made), media_type="application/json")

    return routes


def schemas() -> dict[str, object]:
    """JSON Schemas of a replay, for the OpenAPI document."""
    return schemas_of([Replayed])
