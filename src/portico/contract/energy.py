"""Energy and carbon as intervals of exact integers."""

import msgspec


class EnergyBasis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an estimate rests on, as resolved at load. An attempt keeps the one it had."""

    method: str
    """Whose model, and what its interval was fitted to: "ecologits 0.11.3; ML.ENERGY 2026-11"."""
    size_low: int
    size_high: int
    """Parameters. Equal where the size is known, a range where it is an estimate of others."""
    active_low: int
    active_high: int
    """Parameters that take part in one token; of a dense model the same as its size."""
    size_source: str
    """"portico.yaml", "its id", or the list that the size was found in."""
    zone: str
    """The electricity grid: ISO 3166-1 alpha-3, a part of one, or "WOR" for the world's mix."""
    grid_source: str
    grid_date: str


class EnergyCoefficients(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer of a model takes, from the least to the most that is likely."""

    token_pwh_low: int
    token_pwh_high: int
    """Pico-watt-hours (1e-12 Wh) an output token, data centre included."""
    request_nwh_high: int
    """Nano-watt-hours a request that is answered, beside its tokens. Its low end is zero."""
    grid_low: int
    grid_high: int
    """Milligrams of CO2 equivalent a kilowatt-hour."""
    basis: EnergyBasis


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """What was used, from the least to the most that is likely. Sums are those of the parts."""

    low_nwh: int
    high_nwh: int
    """Nano-watt-hours (1e-9 Wh)."""
    co2e_low_ng: int
    co2e_high_ng: int
    """Nanograms (1e-9 g) of CO2 equivalent, of the electricity alone."""
