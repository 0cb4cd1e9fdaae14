"""The data centres of providers: where they are if no region says so, and their overhead."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

ELSEWHERE: Final = ""
"""Where nobody knows whose data centre it is."""


class Centre(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    zone: str
    pue: tuple[float, float]
    """Power usage effectiveness, low and high: energy of the site over energy of its computers."""
    source: str
    date: str


@cache
def _table() -> Mapping[str, Centre]:
    body = Path(__file__).with_name("centres.json").read_bytes()
    return msgspec.json.decode(body, type=dict[str, Centre])


def centre(whose: str) -> Centre:
    """Of a kind of provider, "azure", or ELSEWHERE."""
    return _table().get(whose) or _table()[ELSEWHERE]
