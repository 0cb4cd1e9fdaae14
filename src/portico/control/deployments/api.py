"""Pointers, releases and the audit trail over HTTP."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath

from portico.contract.deployment import Act, Happening
from portico.contract.errors import UnknownRoute
from portico.contract.ports import Store
from portico.control.deployments import shown
from portico.control.deployments.shown import (
    ActList,
    HappeningList,
    ReleaseList,
    Standings,
    WholeRelease,
    WorkloadList,
)
from portico.control.ledger.answers import answered, json, schemas_of

MOST = 1000
MOST_RELEASES = 200

Name = Annotated[str, InPath(max_length=100)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Before = Annotated[int | None, Query(ge=1, lt=2**63, description="A number, itself excluded.")]


def router(store: Store, standing: Standings) -> APIRouter:
    """The routes under /workloads and /releases, /audit and /happenings."""
    routes = APIRouter(tags=["releases"])

    @routes.get("/workloads", response_class=Response, responses=answered("WorkloadList"))
    async def list_workloads() -> Response:
        """Every workload with the release that it serves, since when, by whom and why."""
        return json(WorkloadList(shown.workloads(standing())))

    @routes.get(
        "/workloads/{name}/releases",
        response_class=Response,
        responses=answered("ReleaseList"),
    )
    async def list_releases(
        name: Name, limit: Annotated[int, Query(ge=1, le=MOST_RELEASES)] = 20
    ) -> Response:
        """The newest releases of a workload, the newest first, each with what it changed."""
        at = standing()
        if name not in at.made and name not in at.pointers:
            raise UnknownRoute(f"There is no workload {name!r}.", field="name")
        found = await asyncio.to_thread(store.releases, name, limit)
        return json(ReleaseList(shown.releases(found, at.pointers.get(name))))

    @routes.get("/releases/{id}", response_class=Response, responses=answered("WholeRelease"))
    async def show_release(id: Annotated[str, InPath(max_length=100)]) -> Response:  # noqa: A002 - the path's word
        """A release with its prompt, ladder and everything else that shapes an answer."""
        found = await asyncio.to_thread(store.release, id)
        if found is None:
            raise UnknownRoute("No such release is stored.", field="id")
        pointer = standing().pointers.get(found.release.workload)
        return json(shown.whole(found, pointer))

    @routes.get("/audit", response_class=Response, responses=answered("ActList"))
    async def list_acts(limit: Limit = 50, before: Before = None) -> Response:
        """Who did what to what, and why; the newest first."""
        return json(ActList(await asyncio.to_thread(store.acts, limit, before)))

    @routes.get("/happenings", response_class=Response, responses=answered("HappeningList"))
    async def list_happenings(limit: Limit = 50, before: Before = None) -> Response:
        """What happened in the traffic and somebody should hear of; the newest first."""
        return json(HappeningList(await asyncio.to_thread(store.happenings, limit, before)))

    return routes


def schemas() -> dict[str, object]:
    """JSON Schemas of the answers, for the OpenAPI document."""
    kinds = [
        WorkloadList, ReleaseList, WholeRelease, ActList, HappeningList, Act, Happening,
    ]  # fmt: skip
    return schemas_of(kinds)
