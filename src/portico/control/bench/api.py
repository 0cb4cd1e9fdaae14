"""Results of load tests over HTTP: stored against the ledger, listed with their change."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from portico.contract.bench import BenchConditions, BenchResult, BenchSample
from portico.contract.call import Principal
from portico.contract.errors import InvalidRequest
from portico.contract.ports import Ledger, Store
from portico.contract.snapshot import Snapshot
from portico.control.bench.comparison import Change, compare
from portico.control.bench.summary import Tally, is_evidence, summarise
from portico.control.ledger.answers import answered, schemas_of
from portico.control.ledger.view import dollars

MOST_SAMPLES = 10_000
MOST_RESULTS = 1000
AT_ONCE = 500
"""Receipts that are looked up in one step."""
LONGEST_US = 24 * 3600 * 1_000_000
BENCH = r"^bench_[0-9a-f]{28}$"
CALL = r"^(call_[0-9A-Za-z]{1,64})?$"
CODE = r"^[a-z0-9_.-]{0,64}$"

Micros = Annotated[int, Field(ge=0, le=LONGEST_US)]
Text = Annotated[str, Field(max_length=200)]


class Sample(BaseModel):
    """One call as the one who made it saw it; times in microseconds since it was sent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    call: Annotated[str, Field(pattern=CALL)] = ""
    error: Annotated[str, Field(pattern=CODE)] = ""
    total_us: Micros = 0
    first_token_us: Micros | None = None


class Conditions(BaseModel):
    """What was asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    calls: Annotated[int, Field(ge=1, le=MOST_SAMPLES)]
    concurrency: Annotated[int, Field(ge=1, le=10_000)]
    stream: bool = True
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    prompts: Annotated[int, Field(ge=1)] = 1
    prompt_bytes: Annotated[int, Field(ge=0, le=2**53)] = 0
    prompts_digest: Text = ""


class KeepBench(BaseModel):
    """A load test that was run: its calls carry the tag `bench` with its id."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=BENCH)]
    workload: Text
    started_ns: Annotated[int, Field(ge=0, lt=2**63)]
    duration_us: Annotated[int, Field(ge=1, le=LONGEST_US)]
    conditions: Conditions
    samples: Annotated[list[Sample], Field(min_length=1, max_length=MOST_SAMPLES)]


class ShownBench(BenchResult, frozen=True, kw_only=True):
    """A result as it is listed."""

    cost_usd: str
    """Exact, decimal text."""
    evidence: bool
    """False where a simulated model answered or no call held: such a result proves nothing."""
    change: Change | None = None


class BenchList(msgspec.Struct, frozen=True):
    benches: Sequence[ShownBench]


def router(store: Store, ledger: Ledger, snapshot: Callable[[], Snapshot]) -> APIRouter:
    """The routes under /bench."""
    routes = APIRouter(prefix="/bench", tags=["bench"])

    @routes.post(
        "", status_code=201, response_class=Response, responses=answered("ShownBench", 201)
    )
    async def keep_bench(body: KeepBench, request: Request) -> Response:
        """Stores a load test: timings as sent, everything else from the ledger's receipts."""
        who: Principal = request.scope["portico.principal"]
        live = snapshot()
        draft = _draft(body, who.key, live)
        samples = [msgspec.convert(sample.model_dump(), BenchSample) for sample in body.samples]
        tally = await _tally(ledger, draft, samples)
        await asyncio.to_thread(store.put_bench, summarise(draft, samples, tally))
        listed = await asyncio.to_thread(_listed, store, draft.workload)
        mine = next(each for each in listed if each.id == draft.id)
        return _encoded(201, mine)

    @routes.get("", response_class=Response, responses=answered("BenchList", 200))
    async def list_benches(
        limit: Annotated[int, Query(ge=1, le=MOST_RESULTS)] = 50,
        workload: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """Stored results, newest last, each with its change against the one before it."""
        found = await asyncio.to_thread(_listed, store, workload)
        return _encoded(200, BenchList(found[-limit:]))

    return routes


def schemas() -> dict[str, object]:
    """JSON Schemas of a shown result and what it is made of, for the OpenAPI document."""
    return schemas_of([BenchList])


def _draft(body: KeepBench, by: str, live: Snapshot) -> BenchResult:
    """Raises InvalidRequest for a workload that is not live or samples over those asked for."""
    if body.workload not in {workload.name for workload in live.workloads}:
        raise InvalidRequest("There is no workload of that name.", field="workload")
    if len(body.samples) > body.conditions.calls:
        raise InvalidRequest("There are more samples than calls asked for.", field="samples")
    return BenchResult(
        id=body.id,
        workload=body.workload,
        started_ns=body.started_ns,
        duration_us=body.duration_us,
        conditions=msgspec.convert(body.conditions.model_dump(), BenchConditions),
        by=by,
        configuration=live.digest,
    )


async def _tally(ledger: Ledger, draft: BenchResult, samples: Sequence[BenchSample]) -> Tally:
    tally = Tally(draft.id, draft.workload)
    calls = list({sample.call for sample in samples if sample.call})
    for start in range(0, len(calls), AT_ONCE):
        for receipt in await ledger.several(calls[start : start + AT_ONCE]):
            tally.add(receipt)
    return tally


def _listed(store: Store, workload: str | None) -> list[ShownBench]:
    return [
        ShownBench(
            **msgspec.structs.asdict(result),
            cost_usd=dollars(result.cost_nano),
            evidence=is_evidence(result),
            change=change,
        )
        for result, change in compare(store.benches(MOST_RESULTS))
        if workload in (None, result.workload)
    ]


def _encoded(status: int, value: object) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
