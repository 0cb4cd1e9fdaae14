"""How much carbon a kilowatt-hour carries, by where it is used. The data is grid.json."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

WORLD: Final = "WOR"
MG_PER_G: Final = 1000


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Grams of CO2 equivalent a kilowatt-hour: the year's mean, and what hours range over."""

    mean: float
    low: float
    high: float
    source: str
    date: str


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    zones: Mapping[str, Zone]
    regions: Mapping[str, str]
    """A cloud's region to its zone."""
    geographies: Mapping[str, tuple[str, ...]]
    """A geography of inference profiles to the zones that it may run in."""


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """`low` and `high` in milligrams of CO2 equivalent a kilowatt-hour."""

    zone: str
    low: int
    high: int
    source: str
    date: str


@cache
def table() -> Table:
    return msgspec.json.decode(Path(__file__).with_name("grid.json").read_bytes(), type=Table)


def grid(region: str, otherwise: str = WORLD) -> Grid:
    """The grid of a region: a cloud's name for it, a zone's own, or `eu-west-1/eu` where a call
    may run anywhere in a geography. Of a region that is not known: that of `otherwise`."""
    near, _, geography = region.partition("/")
    if geography:
        zones = table().geographies.get(geography, ())
        if zones:
            return _spanning(geography, zones)
    zone = table().regions.get(near.lower(), near.upper())
    return _spanning(zone, (zone,)) if zone in table().zones else _spanning(otherwise, (otherwise,))


def _spanning(name: str, zones: Iterable[str]) -> Grid:
    found = [table().zones[zone] for zone in zones]
    return Grid(
        zone=name,
        low=int(min(zone.low for zone in found) * MG_PER_G),
        high=-int(-max(zone.high for zone in found) * MG_PER_G // 1),
        source=", ".join(dict.fromkeys(zone.source for zone in found)),
        date=min(zone.date for zone in found),
    )
