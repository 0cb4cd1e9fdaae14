"""Prompts over HTTP: what there is, how it came about, what it is used for."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from portico.contract.call import Principal
from portico.control.ledger.answers import answered, json, schemas_of
from portico.control.prompts.adopting import Adopted, Wanted
from portico.control.prompts.comparing import Compared, Comparison, SampleCase
from portico.control.prompts.service import Prompts
from portico.control.prompts.shown import History, PromptList, WholePrompt
from portico.control.prompts.use import PromptsUse

MOST_DAYS = 400
MOST_CASES = 50
LONGEST_NAME = 200
VERSION = r"^ver_[0-9a-f]{1,64}$"
FINGERPRINT = r"^(observed:)?[0-9a-f]{16}$"
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}(/[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63})?$"

Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="The window's length.")]
InName = Annotated[str, InPath(max_length=LONGEST_NAME)]
ProjectName = Annotated[str | None, Query(max_length=100)]


class Case(BaseModel):
    """Values to render both versions with."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(max_length=200)] = ""
    variables: dict[str, object] = {}
    context: Annotated[list[str], Field(max_length=100)] = []


class ComparePrompt(BaseModel):
    """Two versions of a prompt: what is live, and the one before it, where they are not named."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    project: Annotated[str, Field(max_length=100)] | None = None
    from_: Annotated[str, Field(pattern=VERSION)] | None = Field(default=None, alias="from")
    to: Annotated[str, Field(pattern=VERSION)] | None = None
    cases: Annotated[list[Case], Field(max_length=MOST_CASES)] | None = Field(
        default=None, description="Null: those of the suite of the prompt's name, if there is one."
    )


class AdoptPrompt(BaseModel):
    """An observed prompt, and the name that its file is to have."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fingerprint: Annotated[str, Field(pattern=FINGERPRINT)]
    name: Annotated[str, Field(pattern=NAME)]
    workload: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="Where several workloads have the prompt: which is meant."
    )


def router(prompts: Prompts) -> APIRouter:
    """The routes under /prompts."""
    routes = APIRouter(prefix="/prompts", tags=["prompts"])

    @routes.get("", response_class=Response, responses=answered("PromptList"))
    async def list_prompts(days: Days = 30) -> Response:
        """Registered, adopted and observed prompts, with their calls in the last `days`."""
        return json(await prompts.list(days))

    @routes.get("/use", response_class=Response, responses=answered("PromptsUse"))
    async def show_use(days: Days = 30) -> Response:
        """Traffic by where its prompt comes from, versions, parameters, and rollbacks used."""
        return json(await prompts.use(days))

    @routes.post("/diff", response_class=Response, responses=answered("Compared"))
    async def compare_prompt(body: ComparePrompt) -> Response:
        """Two versions: what differs in text and variables, and rendered over sample cases."""
        cases = body.cases
        comparison = Comparison(
            name=body.name,
            project=body.project,
            before=body.from_,
            after=body.to,
            cases=None
            if cases is None
            else tuple(SampleCase(case.id, case.variables, tuple(case.context)) for case in cases),
        )
        return json(await prompts.compare(comparison))

    @routes.post("/adopt", response_class=Response, responses=answered("Adopted"))
    async def adopt_prompt(body: AdoptPrompt, request: Request) -> Response:
        """An observed prompt as the files of a project, for its directory; nothing is changed."""
        who: Principal = request.scope["portico.principal"]
        wanted = Wanted(
            fingerprint=body.fingerprint.removeprefix("observed:"),
            name=body.name,
            workload=body.workload,
            by=who.key,
        )
        return json(await prompts.adopt(wanted))

    @routes.get("/{name:path}/history", response_class=Response, responses=answered("History"))
    async def show_history(name: InName, project: ProjectName = None) -> Response:
        """A prompt's versions, newest first, each with what it changed."""
        return json(await prompts.history(name, project))

    @routes.get("/{name:path}", response_class=Response, responses=answered("WholePrompt"))
    async def show_prompt(
        name: InName,
        project: ProjectName = None,
        version: Annotated[str | None, Query(pattern=VERSION)] = None,
    ) -> Response:
        """A prompt's text and front matter as it is live, or a version of it; its versions."""
        return json(await prompts.show(name, project, version))

    return routes


def schemas() -> dict[str, object]:
    """JSON Schemas of the answers, for the OpenAPI document."""
    kinds = [PromptList, PromptsUse, WholePrompt, History, Compared, Adopted]
    return schemas_of(kinds)
