"""Energy and carbon of an answer. Pure.

An answer's energy is taken as proportional to its output tokens: reading the prompt is part of
what a token takes, as it is in the measurements that the interval was fitted to. A model is
resolved into integers once (`coefficients`); a call multiplies them.
"""

from collections.abc import Iterable

from portico.contract.energy import Energy, EnergyBasis, EnergyCoefficients
from portico.contract.usage import Usage
from portico.sustainability.accelerators import Draw
from portico.sustainability.grid import Grid
from portico.sustainability.sizes import Size

PICO = 10**12
NANO = 10**9


def coefficients(
    size: Size, draw: Draw, pue: tuple[float, float], grid: Grid
) -> EnergyCoefficients:
    """What `estimate` multiplies. `pue`: power usage effectiveness of the data centre, low, high.

    The low end counts accelerators alone, the high end the rest of their servers too: how much of
    a server a request occupies is an assumption, not a measurement.
    """
    low, high = pue
    return EnergyCoefficients(
        token_pwh_low=int(draw.accelerators_low * low * PICO),
        token_pwh_high=-int(-(draw.accelerators_high + draw.servers_high) * high * PICO // 1),
        request_nwh_high=-int(-draw.request_high * high * NANO // 1),
        grid_low=grid.low,
        grid_high=grid.high,
        basis=EnergyBasis(
            method=draw.method,
            size_low=size.total[0],
            size_high=size.total[1],
            active_low=size.active[0],
            active_high=size.active[1],
            size_source=size.source,
            zone=grid.zone,
            grid_source=grid.source,
            grid_date=grid.date,
        ),
    )


def estimate(usage: Usage, by: EnergyCoefficients) -> Energy | None:
    """What these tokens took. None without output: the method does not cover embeddings."""
    tokens = usage.output + usage.output_audio
    if tokens <= 0:
        return None
    low = tokens * by.token_pwh_low // 1000
    high = -(-tokens * by.token_pwh_high // 1000) + by.request_nwh_high
    return Energy(
        low_nwh=low,
        high_nwh=high,
        co2e_low_ng=low * by.grid_low // 1_000_000,
        co2e_high_ng=-(-high * by.grid_high // 1_000_000),
    )


def lost(usage: Usage, by: EnergyCoefficients) -> Energy | None:
    """Of an attempt whose end nobody knows: from nothing to all that it could have taken."""
    most = estimate(usage, by)
    if most is None:
        return None
    return Energy(low_nwh=0, high_nwh=most.high_nwh, co2e_low_ng=0, co2e_high_ng=most.co2e_high_ng)


def total(parts: Iterable[Energy]) -> Energy:
    """The exact sum."""
    low = high = co2e_low = co2e_high = 0
    for part in parts:
        low += part.low_nwh
        high += part.high_nwh
        co2e_low += part.co2e_low_ng
        co2e_high += part.co2e_high_ng
    return Energy(low_nwh=low, high_nwh=high, co2e_low_ng=co2e_low, co2e_high_ng=co2e_high)


def bounds(low: int, high: int) -> tuple[str, str]:
    """Two nano-amounts as decimal numbers of three digits, the low one down, the high one up."""
    down, up = _step(low), _step(high)
    return _decimal(low // down * down), _decimal(-(-high // up) * up)


def _step(nano: int) -> int:
    """The unit of the third digit that counts."""
    places = len(str(nano)) - 3
    return int(10**places) if places > 0 else 1


def _decimal(nano: int) -> str:
    digits = str(nano).zfill(10)
    rest = digits[-9:].rstrip("0")
    return f"{digits[:-9]}.{rest}" if rest else digits[:-9]
