"""Planning and shipping a project directory, and how the server stands, over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from portico.contract.call import Principal
from portico.contract.errors import BodyTooLarge, InvalidRequest
from portico.control.ledger.answers import answered, json, schemas_of
from portico.control.projects.outcome import (
    Apply,
    ApplyOutcome,
    Place,
    Plan,
    Planned,
    Rollback,
    RolledBack,
    Status,
    Turn,
    Wish,
)

__all__ = ["ApplyOutcome", "Changes", "Place", "router", "schemas"]

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 5000
LONGEST_PATH = 500
LONGEST_WORDS = 2000
RELEASE = r"^rel_[0-9a-f]{1,64}$"
CONFIGURATION = "portico.yaml"


class Applied(msgspec.Struct, frozen=True):
    project: str
    digest: str
    changed: Sequence[str]
    notes: Sequence[str]
    warnings: Sequence[str]


class RefusedBody(msgspec.Struct, frozen=True):
    code: str
    message: str
    problems: Sequence[Place]


class Refused(msgspec.Struct, frozen=True):
    error: RefusedBody
    problems: Sequence[Place]


class PlanProject(BaseModel):
    """The text files of a project directory by their paths in it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    project: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="What the directory must say it is; null: whatever it says."
    )
    files: Annotated[dict[str, str], Field(max_length=MOST_FILES)]


class ApplyProject(PlanProject):
    """A directory that is to be live."""

    base: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="The plan's base; null: whatever is live is replaced."
    )
    message: Annotated[str, Field(max_length=LONGEST_WORDS)] = Field(
        default="", description="What the new releases and prompt versions are about."
    )
    why: Annotated[str, Field(max_length=LONGEST_WORDS)] = Field(
        default="", description="For the audit trail."
    )


class RollBack(BaseModel):
    """Where to, and why. An empty body goes back to the release before the present one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Annotated[str, Field(pattern=RELEASE)] | None = None
    why: Annotated[str, Field(max_length=LONGEST_WORDS)] = ""


@dataclass(frozen=True)
class Changes:
    """What the routes ask for, done by whoever owns what is live."""

    apply: Apply
    plan: Planned
    rollback: Rollback
    status: Status


def router(changes: Changes) -> APIRouter:
    """The routes /plan, /apply, /workloads/{name}/rollback and /status."""
    routes = APIRouter(tags=["project"])

    @routes.post("/plan", response_class=Response, responses=answered("Plan"))
    async def plan_project(body: PlanProject, request: Request) -> Response:
        """What an apply of the directory would change; nothing is changed by this."""
        return json(await changes.plan(_wish(body, request)))

    @routes.post("/apply", response_class=Response, responses=answered("Applied"))
    async def apply_project(body: ApplyProject, request: Request) -> Response:
        """Makes a project directory live, or says everything that is wrong with it."""
        wish = msgspec.structs.replace(
            _wish(body, request), base=body.base, message=body.message, why=body.why
        )
        made = await changes.apply(wish)
        if made.problems:
            return json(_refused(made.problems), 400)
        return json(Applied(made.project, made.digest, made.changed, made.notes, made.warnings))

    @routes.post(
        "/workloads/{name}/rollback", response_class=Response, responses=answered("RolledBack")
    )
    async def roll_back(
        name: Annotated[str, InPath(max_length=100)], request: Request, body: RollBack | None = None
    ) -> Response:
        """Moves the workload's pointer to another of its releases. Live before it is answered."""
        who: Principal = request.scope["portico.principal"]
        wanted = body or RollBack()
        turn = Turn(workload=name, by=who.key, to=wanted.to, why=wanted.why)
        return json(await changes.rollback(turn))

    @routes.get("/status", response_class=Response)
    async def show_status() -> Response:
        """What is live, what is degraded, how the journal stands."""
        return json(await changes.status())

    return routes


def schemas() -> dict[str, object]:
    """JSON Schemas of the answers, for the OpenAPI document."""
    return schemas_of([Plan, Applied, RolledBack])


def _wish(body: PlanProject, request: Request) -> Wish:
    check_files(body.files)
    who: Principal = request.scope["portico.principal"]
    return Wish(files=body.files, by=who.key, project=body.project)


def check_files(files: Mapping[str, str]) -> None:
    """Relative paths inside the directory and a bounded total. Raises InvalidRequest."""
    if CONFIGURATION not in files:
        raise InvalidRequest(f"'files' has no {CONFIGURATION}.", field="files")
    for path in files:
        steps = path.split("/")
        if len(path) > LONGEST_PATH or not path.isprintable() or "\\" in path:
            raise InvalidRequest("'files' has a path that is no plain path.", field="files")
        if any(step in ("", ".", "..") for step in steps):
            raise InvalidRequest(
                f"'files' has the path {path!r}, which does not lead into the project.",
                field="files",
            )
    if sum(len(text.encode()) for text in files.values()) > MOST_BYTES:
        raise BodyTooLarge(
            f"A project may have {MOST_BYTES >> 20} MiB of text in all.", field="files"
        )


def _refused(problems: Sequence[Place]) -> Refused:
    count = len(problems)
    message = f"The project has {count} problem{'s' if count > 1 else ''}; nothing was changed."
    return Refused(RefusedBody("invalid_request", message, problems), problems)
