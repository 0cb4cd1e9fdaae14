"""Token counts, both ways. https://platform.claude.com/docs/en/build-with-claude/prompt-caching

Law of the file: reading never fails, whatever an upstream reports; what is no sane count is 0.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from portico.contract.conversation import NOTHING, Extra, Json
from portico.contract.usage import Usage
from portico.wires.anthropic_messages.tables import MOST_TOKENS

MOST_MEMBERS = 64
"""Members of a stream's merged usage, so that an upstream cannot make it grow with each report."""

COUNTED = frozenset(
    (
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_creation",
        "output_tokens",
        "output_tokens_details",
    )
)


Count = Annotated[int, Meta(ge=0, le=MOST_TOKENS)]


class _Written(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: Count = 0
    ephemeral_1h_input_tokens: Count = 0


class _Details(msgspec.Struct, frozen=True):
    thinking_tokens: Count = 0


class _Sane(msgspec.Struct, frozen=True):
    """Usage as nearly every answer has it."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    cache_creation_input_tokens: Count = 0
    cache_creation: _Written = _Written()
    output_tokens_details: _Details = _Details()


def read_usage(body: Json) -> Usage | None:
    """Usage of a whole answer, or of a stream's merged reports.

    None where there is none, or where a count is absurd: then an estimate is nearer the truth.
    """
    if not isinstance(body, dict) or not ("input_tokens" in body or "output_tokens" in body):
        return None
    try:
        sane = msgspec.convert(body, _Sane)
    except msgspec.ValidationError:
        return _doubtful(body)
    written, details = sane.cache_creation, sane.output_tokens_details
    hour = written.ephemeral_1h_input_tokens
    five = max(written.ephemeral_5m_input_tokens, sane.cache_creation_input_tokens - hour)
    return Usage(
        input=sane.input_tokens,
        cached_read=sane.cache_read_input_tokens,
        cache_write_5m=five,
        cache_write_1h=hour,
        output=sane.output_tokens,
        reasoning=min(sane.output_tokens, details.thinking_tokens),
    )


def _doubtful(body: Mapping[str, Json]) -> Usage | None:
    """Usage with counts that are missing, odd or absurd."""
    output = _count(body.get("output_tokens"))
    five, hour = _writes(body)
    details = body.get("output_tokens_details")
    thinking = details.get("thinking_tokens") if isinstance(details, dict) else None
    usage = Usage(
        input=_count(body.get("input_tokens")),
        cached_read=_count(body.get("cache_read_input_tokens")),
        cache_write_5m=five,
        cache_write_1h=hour,
        output=output,
        reasoning=min(output, _count(thinking)) if thinking else 0,
    )
    counts = (usage.input, usage.cached_read, five, hour, output)
    return None if max(counts) > MOST_TOKENS else usage


def merge(first: Mapping[str, Json], later: Json) -> dict[str, Json]:
    """A stream's usage so far: reports are cumulative, so a later count replaces an earlier."""
    if not isinstance(later, dict):
        return dict(first)
    known = {name: value for name, value in later.items() if value is not None}
    merged = {**first, **known}
    if len(merged) <= MOST_MEMBERS:
        return merged
    return {name: value for name, value in merged.items() if name in COUNTED}


def write_usage(usage: Usage | None, extra: Json = None) -> dict[str, Json]:
    """Usage as an answer or the end of a stream reports it. Audio counts as input or output."""
    found = usage or Usage()
    body: dict[str, Json] = {
        "input_tokens": found.input + found.input_audio,
        "cache_creation_input_tokens": found.cache_write_5m + found.cache_write_1h,
        "cache_read_input_tokens": found.cached_read + found.cached_audio,
        "cache_creation": {
            "ephemeral_5m_input_tokens": found.cache_write_5m,
            "ephemeral_1h_input_tokens": found.cache_write_1h,
        },
        "output_tokens": found.output + found.output_audio,
    }
    if found.reasoning:
        body["output_tokens_details"] = {"thinking_tokens": found.reasoning}
    return {**body, **extra} if isinstance(extra, dict) else body


def uncounted(body: Json) -> Extra:
    """The members of a usage object that are no token counts (service tier, region, …)."""
    if not isinstance(body, dict):
        return NOTHING
    return {name: value for name, value in body.items() if name not in COUNTED}


def _writes(body: Mapping[str, Json]) -> tuple[int, int]:
    """Tokens written to the cache for five minutes and for an hour.

    The total is older than its split, and is all that the end of a stream reports: what the
    split does not explain counts as five minutes, which is the default.
    """
    total = _count(body.get("cache_creation_input_tokens"))
    split = body.get("cache_creation")
    if not isinstance(split, dict):
        return total, 0
    hour = _count(split.get("ephemeral_1h_input_tokens"))
    return max(_count(split.get("ephemeral_5m_input_tokens")), total - hour), hour


def _count(value: Json) -> int:
    """A count that is no positive number is 0; one beyond all sense stays so, for the caller."""
    if isinstance(value, int | float) and value > 0:
        return int(min(value, MOST_TOKENS + 1))
    return 0
