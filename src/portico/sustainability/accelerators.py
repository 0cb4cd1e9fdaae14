"""What an output token takes on the accelerators that serve it.

ecologits' model (https://ecologits.ai/latest/methodology/llm_inference/) estimates it from the
parameters at one fixed batch. A caller never learns the batch, and measurements of one model
differ fiftyfold by it, so its estimate is stretched to the interval that measurements fall into:
`fit.json`, made by `benchmarks/energy.py --fit` from ML.ENERGY's.
"""

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from portico.sustainability.sizes import Size, edition

if TYPE_CHECKING:
    from ecologits.utils.range_value import ValueOrRange

BILLION: Final = 10**9
WH_PER_KWH: Final = 1000


class Fit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measured = scale * estimated ** power, within a factor of `low` to `high`; watt-hours."""

    source: str
    date: str
    configurations: int
    coverage: float
    """The share of measurements of a model left out of the fit that are to lie between."""
    scale: float
    power: float
    low: float
    high: float


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """Watt-hours, without the data centre's overhead."""

    method: str
    accelerators_low: float
    accelerators_high: float
    """An output token."""
    servers_high: float
    """An output token: the rest of the servers."""
    request_high: float
    """A request: the rest of the servers up to the first token."""


@cache
def fit() -> Fit:
    return msgspec.json.decode(Path(__file__).with_name("fit.json").read_bytes(), type=Fit)


def draw(size: Size, by: Fit | None = None) -> Draw:
    """What a model of that size takes, from the smallest of the range to the largest."""
    by = fit() if by is None else by
    least, _, _ = point(size.active[0], size.total[0], size.tps, size.ttft)
    most, servers, request = point(size.active[1], size.total[1], size.tps, size.ttft)
    return Draw(
        method=f"{edition()}; {by.source} {by.date}",
        accelerators_low=centre(least, by) * by.low,
        accelerators_high=centre(most, by) * by.high,
        servers_high=servers,
        request_high=request,
    )


def centre(estimated: float, by: Fit) -> float:
    return float(by.scale * estimated**by.power)


@cache
def point(
    active: int, total: int, tps: float | None = None, ttft: float | None = None, bits: int = 16
) -> tuple[float, float, float]:
    """ecologits' own estimate in watt-hours: accelerators and the rest of the servers a token,
    and the rest of the servers a request. `bits`: of a weight."""
    one, two = (_energy((active, total, bits), tokens, tps, ttft) for tokens in (1, 2))
    servers = two[1] - one[1]
    return one[0], servers, max(0.0, one[1] - servers)


def _energy(
    model: tuple[int, int, int], tokens: int, tps: float | None, ttft: float | None
) -> tuple[float, float]:
    """Watt-hours of the accelerators and of the rest of the servers."""
    # imported here: ecologits costs 30 ms, which only a project with models of known size pays
    from ecologits.impacts.llm import compute_llm_impacts_dag

    active, total, bits = model
    found = compute_llm_impacts_dag(
        model_active_parameter_count=active / BILLION,
        model_total_parameter_count=total / BILLION,
        model_quantization_bits=bits,
        output_token_count=tokens,
        request_latency=math.inf,
        if_electricity_mix_adpe=0.0,
        if_electricity_mix_pe=0.0,
        if_electricity_mix_gwp=0.0,
        if_electricity_mix_wue=0.0,
        datacenter_pue=1.0,
        datacenter_wue=0.0,
        tps=tps,
        ttft=ttft,
    )
    accelerators = _number(found["gpu_required_count"]) * _number(found["gpu_energy"])
    whole = _number(found["request_it_energy"])
    return accelerators * WH_PER_KWH, (whole - accelerators) * WH_PER_KWH


def _number(value: "ValueOrRange") -> float:
    """Single numbers in give single numbers out; a range would be two calls."""
    assert isinstance(value, int | float)
    return float(value)
