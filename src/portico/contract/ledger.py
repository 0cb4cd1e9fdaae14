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
