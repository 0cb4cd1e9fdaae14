"""`teams`, `lanes`, `limits`, `budgets`, `tools`, `kpis`, `webhooks`, `retention`, `currency`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from portico.control.projects.schema.part import Part
from portico.control.projects.schema.providers import Quota
from portico.control.projects.schema.workloads import Latency, Money
from portico.control.projects.units import (
    Amount,
    Count,
    CurrencyCode,
    Duration,
    IsoDate,
    Label,
    Name,
    Share,
    Size,
    Text,
    Words,
    one_or_many,
)


class Team(Part):
    budget: Money | None = None
    quota: Quota | None = None


class LaneSettings(Part):
    latency: Latency = Field(default_factory=Latency)
    concurrent: Count | None = None
    queue: Count | None = None
    hedge: Share | None = None


class Lanes(Part):
    voice: LaneSettings = Field(default_factory=LaneSettings)
    chat: LaneSettings = Field(default_factory=LaneSettings)
    batch: LaneSettings = Field(default_factory=LaneSettings)


class Limits(Part):
    body: Size = 32 * 1024 * 1024
    headers: Size = 64 * 1024
    nesting: Annotated[int, Field(ge=8, le=500)] = 100
    read_body: Duration = 30.0
    drain: Duration = 30.0


class Budget(Money):
    """A budget of its own: whose spending it bounds is the conjunction of the names given."""

    team: Name | None = None
    workload: Name | None = None
    key: Label | None = None
    tag: Label | None = None


class Returns(Part):
    free_text: Words = Field(default_factory=list)
    record: Words = Field(default_factory=list)


class Tool(Part):
    sinks: Words = Field(default_factory=list)
    external: bool = False
    returns: Returns | None = None
    readers: Words = Field(default_factory=list)
    hide: bool = False


class Kpi(Part):
    measure: Literal[
        "error", "refusal", "blocked", "feedback", "quality", "latency", "first_token", "cost"
    ]
    workload: Name | None = None
    target: float | None = Field(default=None, allow_inf_nan=False)
    within: Duration | None = None
    quantile: Share | None = None
    window: Duration | None = None


class Webhook(Part):
    url: Text
    secret: Text = ""
    events: Annotated[
        list[Literal["prompt_observed", "budget_threshold", "budget_exhausted"]],
        BeforeValidator(one_or_many),
    ] = Field(default_factory=list)
    shape: Literal["portico", "slack"] = "portico"


class Retention(Part):
    receipts: Duration | None = None
    transcripts: Duration | None = None
    audit: Duration | None = None
    feedback: Duration | None = None


class Currency(Part):
    """What amounts are shown in; the ledger and budgets are in US dollars."""

    code: CurrencyCode
    per_usd: Amount
    date: IsoDate
    source: Text = ""


def as_mode(value: object) -> object:
    return {"mode": value} if isinstance(value, str) else value


class Durability(Part):
    """When an answered call is safe. A word stands for `{mode: word}`."""

    mode: Literal["journal", "commit"] = "journal"
    fsync: Duration = 1.0
    journal: Size = 64 * 1024 * 1024
    when_full: Literal["refuse", "serve"] = "refuse"


DurabilityWord = Annotated[Durability, BeforeValidator(as_mode)]
