"""The most that an attempt can cost, in tokens, before anything is sent.

    input  <=  bytes of the request  +  what its media can cost  +  what the provider adds
    output <=  max_tokens times choices

A token stands for at least one byte of text, so bytes bound tokens without a vocabulary. Media
and references do not, so they have maxima of their own (`parts`). Where only the context window
bounds them, it is the model's; where that is not known, nothing does, and the reach is open.
Why each of these holds, and what it rests on: docs/decisions/0012-ceilings.md.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from portico.contract.money import Rates, Tier
from portico.contract.snapshot import Model
from portico.cost import parts
from portico.cost.parts import ROUNDS, Found

_KINDS: Final = (
    rb"text|object|string|integer|number|boolean|array|null|function|custom|ephemeral"
    rb"|json_object|json_schema|tool_use|tool_result|thinking|redacted_thinking|auto|any|tool"
    rb"|none|enabled|disabled|adaptive|refusal|allowed_tools"
)
"""Values of `type` that are no media and no tool of a provider."""
_OTHER: Final = rb'ype"\s*:\s*"(?!(?:' + _KINDS + rb')")'

MARKERS: Final[Mapping[str, re.Pattern[bytes]]] = {
    "openai_chat": re.compile(
        rb'"(?:t(?:(ools")|' + _OTHER + rb")|[acfmpw](?:udio|onversation|unctions|cp_servers|rompt"
        rb'|lugins|revious_response_id|eb_search_options)")'
    ),
    "anthropic_messages": re.compile(
        rb'"(?:t(?:(ools")|' + _OTHER + rb')|[cm](?:ontainer|ontext_management|cp_servers)")'
    ),
    "bedrock_converse": re.compile(
        rb'"(?:t(oolConfig")|[adgisv](?:udio|dditionalModelRequestFields|ocument|uardContent'
        rb'|mage|earchResult|3Location|ystemTool|ideo)")'
    ),
    "gemini": re.compile(
        rb'"(?:t(ools")|[cefgimru](?:ached_?[cC]ontent|ode_?[eE]xecution|omputer_?[uU]se'
        rb"|nterprise_?[wW]eb_?[sS]earch|ile_?(?:[dD]ata|[sS]earch)|oogle_?[mMsS]\w*"
        rb'|nline_?[dD]ata|cp_?[sS]ervers|etrieval|rl_?[cC]ontext)")'
    ),
}
"""By wire: what has to be there for a request to hold more than text. A request that only talks
about it has its quotes escaped; a match too many costs time, never money. Group 1 is where tools
are listed, which need not be more than text. Names stand behind their first letters, which halves
the time. Other wires have none.
"""
HIDDEN: Final = re.compile(rb"\\u00[2-7]")
"""An escape that can hide a letter of a marker."""


class Reach(msgspec.Struct, frozen=True):
    """How far an attempt's input can go."""

    tokens: int
    searches: int = 0
    """Searches that the provider may run and bill."""
    open: bool = False
    """Nothing that is known bounds it; `tokens` is then no ceiling."""
    because: str = ""
    """The member that is not bounded by the request itself."""


class _Rule(msgspec.Struct, frozen=True):
    marker: re.Pattern[bytes] | None
    request: int
    tools: int


@cache
def _rules() -> Mapping[str, _Rule]:
    return {
        wire: _Rule(MARKERS.get(wire), row.request, row.tools)
        for row in parts.table().overheads
        for wire in row.wires
    }


def input_tokens_at_most(body: bytes, wire: str, model: Model) -> Reach:
    """Tokens of the input that no provider can exceed for these bytes, sent in this wire.

    Raises KeyError for a wire that nobody has written a rule for.
    """
    rule = _rules()[wire]
    tokens = len(body) + rule.request
    if b"\\" in body and HIDDEN.search(body):
        return _weighed(tokens + rule.tools, body, wire, model)
    if rule.marker is None:
        return Reach(tokens)
    tools = 0
    for match in rule.marker.finditer(body):
        if match.lastindex is None:
            return _weighed(tokens + rule.tools, body, wire, model)
        tools = rule.tools
    return Reach(tokens + tools)


def _weighed(tokens: int, body: bytes, wire: str, model: Model) -> Reach:
    found = parts.read(body, wire)
    each = parts.image_tokens(model.stands_for or model.id) if found.images else 0
    if each is None:
        found.unbounded("an image")
        each = 0
    context = model.facts.context if model.facts else None
    heard = min(found.heard, context) if context else found.heard
    tokens += found.images * each + found.tools + heard - found.aside
    because = found.rounds or found.window
    if found.endless and _charges_searches(model):
        return Reach(tokens, found.searches, True, found.endless)
    if not because:
        return Reach(tokens, found.searches)
    if context is None:
        return Reach(tokens, found.searches, True, because)
    return Reach(_windows(tokens, context, wire, found), found.searches, False, because)


def _windows(tokens: int, context: int, wire: str, found: Found) -> int:
    """With something in it that only the window bounds, and is read as often as tools are run."""
    return max(tokens, context) * (ROUNDS.get(wire, 1) if found.rounds else 1)


def _charges_searches(model: Model) -> bool:
    price = model.price
    if price is None:
        return False
    services = (rates for each in price.services for rates in (each.rates, *_tiers(each.tiers)))
    return any(rates.search for rates in (price.rates, *_tiers(price.tiers), *services))


def _tiers(tiers: tuple[Tier, ...]) -> tuple[Rates, ...]:
    return tuple(tier.rates for tier in tiers)
