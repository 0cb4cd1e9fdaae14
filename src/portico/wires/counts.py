"""Counts of tokens as providers report them, and what speaks against believing them.

Law of the file: reading never fails, whatever an upstream reports. A count that is negative,
absurd or no number is 0 (of a fraction, the whole part); that it was so is said in `Usage.doubt`,
with the usage object as it came.

Each wire decodes its usage object into a type with these bounds first, which nearly every
answer passes; only what does not pass is taken apart with an `Audit`.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from portico.contract.conversation import Json
from portico.contract.usage import SIDES, Doubt, Side, Usage

MOST_INPUT: Final = 10_000_000
"""Tokens of input for one attempt. The longest contexts on offer hold one to two million tokens
(https://ai.google.dev/gemini-api/docs/long-context); servers that run tools count the input of
each of their rounds, hence the distance. More is a defect of the provider's counter."""
MOST_OUTPUT: Final = 2_000_000
"""Tokens of output for one attempt: the largest caps on output are below 200,000 tokens
(https://platform.claude.com/docs/en/about-claude/models/overview), times several choices."""
MOST_SEARCHES: Final = 10_000
"""Searches for one attempt; the field knows of dozens."""
LONGEST_REPORT: Final = 500
"""Characters of a usage object that are kept where it is doubted."""
LONGEST_TIER: Final = 40

InputCount = Annotated[int, Meta(ge=0, le=MOST_INPUT)]
OutputCount = Annotated[int, Meta(ge=0, le=MOST_OUTPUT)]
TotalCount = Annotated[int, Meta(ge=0, le=MOST_INPUT + MOST_OUTPUT)]
SearchCount = Annotated[int, Meta(ge=0, le=MOST_SEARCHES)]

_MOST: Final[dict[Side | None, int]] = {
    "input": MOST_INPUT,
    "output": MOST_OUTPUT,
    None: MOST_INPUT + MOST_OUTPUT,
}

TIERS: Final[dict[str, str]] = {
    "auto": "",
    "default": "",
    "on_demand": "",
    "scale": "",
    "standard": "",
    "traffic_type_unspecified": "",
    "unspecified": "",
    "batch": "batch",
    "flex": "flex",
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
    "priority": "priority",
}
"""Providers' words for a tier: Portico's, "" for the standard one. A word that is not here stays
as it is, in small letters.

OpenAI https://platform.openai.com/docs/api-reference/chat/object#chat/object-service_tier,
Anthropic https://platform.claude.com/docs/en/api/service-tiers,
Bedrock https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ServiceTier.html,
Gemini https://ai.google.dev/gemini-api/docs/priority-inference and, for `trafficType`,
https://googleapis.github.io/python-genai/genai.html#genai.types.TrafficType."""


def tier(word: Json) -> str:
    """The tier that a provider says it served, in Portico's words."""
    if not isinstance(word, str):
        return ""
    known = TIERS.get(word)
    if known is not None:
        return known
    small = word.lower()[:LONGEST_TIER]
    return TIERS.get(small, small)


class Audit:
    """Takes the counts of one usage object, and notes what is odd about them.

    `side` is the side of the price that a count belongs to; None for one that prices nothing
    (a sum, or a part that another count holds already): it is flagged, but the sides are believed.
    """

    __slots__ = ("_flags", "_sides")

    def __init__(self) -> None:
        self._flags: set[str] = set()
        self._sides: set[Side] = set()

    @property
    def silent(self) -> bool:
        """Nothing odd has been found so far."""
        return not self._flags

    def count(self, value: Json, side: Side | None, most: int | None = None) -> int:
        """The clean number. A member that is not there, or null, is 0 and not odd."""
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._odd("not_a_number", side)
        if value < 0:
            return self._odd("negative", side)
        if value > (_MOST[side] if most is None else most):
            return self._odd("absurd", side)
        if value != int(value):
            self._odd("not_a_number", side)
        return int(value)

    def main(self, body: dict[str, Json], name: str, side: Side) -> int:
        """A count that a usage object must have a number for, where it names it at all."""
        if name in body and body[name] is None:
            return self._odd("not_a_number", side)
        return self.count(body.get(name), side)

    def inside(self, value: Json, side: Side | None) -> dict[str, Json]:
        """The object that details stand in; empty where there is none."""
        if value is None or isinstance(value, dict):
            return value or {}
        self._odd("not_a_number", side)
        return {}

    def entries(self, value: Json, side: Side | None) -> list[dict[str, Json]]:
        """The objects of a list of details; empty where there is none."""
        if not isinstance(value, list):
            self.inside([] if value else None, side)
            return []
        return [self.inside(entry, side) for entry in value]

    def inconsistent(self, side: Side | None) -> None:
        """Counts contradict each other."""
        self._odd("inconsistent", side)

    def close(self, usage: Usage, body: Json) -> Usage:
        """The clean numbers, with the doubt about them. A side whose sum is absurd is 0."""
        if input_sum(usage) > MOST_INPUT:
            self._odd("absurd", "input")
            usage = msgspec.structs.replace(usage, **dict.fromkeys(SIDES["input"], 0))
        if usage.output + usage.output_audio + usage.output_image > MOST_OUTPUT:
            self._odd("absurd", "output")
            usage = msgspec.structs.replace(usage, **dict.fromkeys(SIDES["output"], 0))
        if not self._flags:
            return usage
        doubt = Doubt(
            flags=tuple(sorted(self._flags)),
            reported=_report(body),
            sides=tuple(sorted(self._sides)),
        )
        return msgspec.structs.replace(usage, doubt=doubt)

    def _odd(self, flag: str, side: Side | None) -> int:
        self._flags.add(flag)
        if side is not None:
            self._sides.add(side)
        return 0


def input_sum(usage: Usage) -> int:
    """All input tokens, whatever they cost."""
    fresh = usage.input + usage.input_audio
    return fresh + usage.cached_read + usage.cached_audio + cache_writes(usage)


def cache_writes(usage: Usage) -> int:
    return usage.cache_write_5m + usage.cache_write_1h


def _report(body: Json) -> str:
    try:
        text = msgspec.json.encode(body).decode()
    except (ValueError, OverflowError, RecursionError, TypeError):
        return ""  # numbers or nesting beyond what can be written
    return text[:LONGEST_REPORT]
