"""What the ledger counts: calls and attempts over a time window."""

from typing import Literal

import msgspec


class ModelUse(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts of one model in one region."""

    model: str
    """The catalogue's name when the attempt was made; it may be gone since."""
    provider: str
    region: str
    """Empty where it is not known."""
    listed: bool
    """False where portico.yaml did not name the model."""
    simulated: bool
    attempts: int
    failed: int
    """Attempts that did not end well."""
    calls: int


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that reached at least one model, and by which models they were served."""

    calls: int = 0
    """Distinct calls with an attempt that was not simulated."""
    unlisted_calls: int = 0
    """Those of `calls` with an attempt on a model that portico.yaml did not name."""
    simulated_calls: int = 0
    models: tuple[ModelUse, ...] = ()
    """By model, provider and region, in the order of their names."""


class PromptUse(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one workload with one prompt version under one release."""

    workload: str
    release: str
    prompt: str
    """Empty: the call had no system prompt, or named a model and no workload."""
    version: str
    source: str
    """"registered", "adopted", "observed" or empty (`PromptSource`)."""
    simulated: bool
    calls: int
    tokens_in: int
    tokens_out: int
    cost_nano: int
    parameters: tuple[str, ...] = ()
    """Every parameter that the prompt set on any of these calls."""


EnergyKey = Literal["workload", "team", "model", "day"]
"""What energy is summed by; a day is an ISO date in UTC."""


class EnergyPart(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts of models of one size, by one method."""

    method: str
    """Empty: there is no estimate for them, and all amounts are zero."""
    size_low: int
    size_high: int
    """Parameters."""
    attempts: int
    tokens_out: int
    low_nwh: int
    high_nwh: int
    co2e_low_ng: int
    co2e_high_ng: int


class EnergyUse(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one workload, team, model or day that reached a model."""

    key: str
    simulated: bool
    calls: int
    unestimated_calls: int
    """Those with an attempt that ended well and has no estimate."""
    parts: tuple[EnergyPart, ...]
    """By method and size."""


SpendingKey = Literal[
    "project",
    "team",
    "workload",
    "model",
    "provider",
    "release",
    "prompt",
    "key",
    "tag",
    "day",
    "month",
    "quarter_hour",
]
"""What spending is summed by. A prompt is `name@version`, a tag `name` or `name=value`, a day an
ISO date and a month `2026-11`, both in UTC; `quarter_hour` is its start in nanoseconds."""


class SpendingQuery(msgspec.Struct, frozen=True, kw_only=True):
    since_ns: int
    until_ns: int
    """Not in it any more. Both on a quarter of an hour."""
    by: tuple[SpendingKey, ...] = ()
    """At most three. Empty: one sum. By tag, a call counts once for each of its tags."""
    where: tuple[tuple[SpendingKey, str], ...] = ()
    """Only calls for which all of these hold."""


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over attempts of calls received in the window. Amounts are exact."""

    keys: tuple[str, ...]
    """In the order of the query's `by`."""
    simulated: bool
    calls: int
    """Calls, each counted where its first attempt went; refused ones are not in it."""
    answered: int
    """Those of `calls` that ended well."""
    sessions: int
    """Distinct sessions of these calls."""
    session_nano: int
    """The part of `cost_nano` that calls with a session took."""
    accepted: int
    """Answers of these calls that somebody judged good, by their newest feedback."""
    judged: int
    attempts: int
    failed: int
    unpriced: int
    """Attempts of models without a price."""
    tokens_in: int
    """All input, cached and heard too."""
    tokens_cached: int
    """Of these, read from a cache."""
    tokens_out: int
    cost_nano: int
    capped: int = 0
    """Calls whose output cap was named by the caller or the workload."""
    cap_hits: int = 0
    """Calls whose answer the cap ended."""


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """Provisioned throughput that is paid by the hour, used or not."""

    project: str
    model: str
    nano_per_hour: int
    since_ns: int
    until_ns: int
    """0: it goes on."""
