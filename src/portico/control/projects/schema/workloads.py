"""`workloads:`, what applications call as `model`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from portico.control.projects.schema.guards import Guards, Trust
from portico.control.projects.schema.part import Part
from portico.control.projects.schema.providers import Quota
from portico.control.projects.units import Count, Duration, Name, PromptName, Share, Text, Usd

ModelName = Annotated[str, Field(min_length=1, max_length=600)]
Lane = Literal["voice", "chat", "batch"]


class Rung(Part):
    """Models that stand in for each other. A word stands for a pool of one."""

    pool: Annotated[list[ModelName], Field(min_length=1, max_length=50)]


def as_pool(value: object) -> object:
    return {"pool": [value]} if isinstance(value, str) else value


class Latency(Part):
    first_token: Duration | None = None
    total: Duration | None = None


class SemanticCache(Part):
    threshold: Share = 0.95
    ttl: Duration | None = None


class Cache(Part):
    exact: Duration | None = None
    semantic: SemanticCache | None = None


class Money(Part):
    """A budget: an amount for a time, and limits of a session. At least one of them is given."""

    usd: Usd | None = None
    per: Literal["call", "session", "day", "week", "month"]
    soft: Share | None = None
    hard: bool = True
    otherwise: Literal["warn", "refuse", "cached", "smaller"] = "warn"
    time_zone: Text = "UTC"
    steps: Count | None = None
    tokens: Count | None = None
    wall_time: Duration | None = None
    repeats: Count | None = None


def as_shadow(value: object) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value != "replay" and not (number and 0 <= float(str(value)) <= 1):
        raise ValueError("expected a share from 0 to 1, or replay")
    return value


class Rollout(Part):
    gate: Name | None = None
    shadow: Annotated[float | str | None, BeforeValidator(as_shadow)] = None
    canary: list[Annotated[float, Field(gt=0, le=100)]] = Field(default_factory=list)
    watch: list[
        Literal["error", "refusal", "blocked", "feedback", "quality", "latency", "cost"]
    ] = Field(default_factory=list)
    approval: bool = False
    minimum_calls: Count | None = None


class Aws(Part):
    """Who calls Bedrock for this workload, so that AWS can split its bill."""

    assume_role: Text = ""
    session_tags: dict[str, Text] = Field(default_factory=dict)


class Workload(Part):
    team: Name = "default"
    lane: Lane = "chat"
    prompt: PromptName | None = None
    ladder: Annotated[
        list[Annotated[Rung, BeforeValidator(as_pool)]], Field(min_length=1, max_length=20)
    ]
    latency: Latency = Field(default_factory=Latency)
    trust: Trust | None = None
    guards: Guards | None = None
    cache: Cache | None = None
    budget: Money | None = None
    quota: Quota | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    aws: Aws | None = None
    transcripts: Literal["off", "redacted", "full"] = "off"
    data_class: Name | None = None
    rollout: Rollout | None = None
