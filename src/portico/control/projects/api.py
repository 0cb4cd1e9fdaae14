"""Shipping a project directory, and how the server stands, over HTTP."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from portico.contract.call import Principal
from portico.contract.errors import BodyTooLarge, InvalidRequest
from portico.control.projects.outcome import Apply, ApplyOutcome, Place, Status

__all__ = ["ApplyOutcome", "Place", "router"]

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 5000
LONGEST_PATH = 500
CONFIGURATION = "portico.yaml"


class Applied(msgspec.Struct, frozen=True):
    digest: str
    changed: Sequence[str]
    warnings: Sequence[str]


class RefusedBody(msgspec.Struct, frozen=True):
    code: str
    message: str
    problems: Sequence[Place]


class Refused(msgspec.Struct, frozen=True):
    error: RefusedBody
    problems: Sequence[Place]


class ApplyProject(BaseModel):
    """The text files of a project directory by their paths in it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    project: Annotated[str, Field(min_length=1, max_length=100)] = "default"
    files: Annotated[dict[str, str], Field(max_length=MOST_FILES)]


def router(apply: Apply, status: Status) -> APIRouter:
    """The routes /apply and /status."""
    routes = APIRouter(tags=["project"])

    @routes.post("/apply", response_class=Response)
    async def apply_project(body: ApplyProject, request: Request) -> Response:
        """Makes a project directory live, or says everything that is wrong with it."""
        check_files(body.files)
        who: Principal = request.scope["portico.principal"]
        outcome = await apply(body.project, body.files, who.key)
        if outcome.problems:
            return _json(400, _refused(outcome.problems))
        return _json(200, Applied(outcome.digest, outcome.changed, outcome.warnings))

    @routes.get("/status", response_class=Response)
    async def show_status() -> Response:
        """What is live, what is degraded, how the journal stands."""
        return _json(200, await status())

    return routes


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


def _json(code: int, value: object) -> Response:
    return Response(msgspec.json.encode(value), code, media_type="application/json")
