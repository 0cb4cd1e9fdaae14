"""Token counts, both ways. https://platform.claude.com/docs/en/build-with-claude/prompt-caching

`service_tier`, `speed` and `server_tool_use` stand in the usage object:
https://platform.claude.com/docs/en/api/messages/create. Of the tools that Anthropic runs, only
searches are billed by number:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool#usage-and-pricing

What an upstream may report wrongly, and what becomes of it: `portico.wires.counts`.
"""

from collections.abc import Mapping

import msgspec

from portico.contract.conversation import NOTHING, Extra, Json
from portico.contract.usage import Usage
from portico.wires.counts import (
    MOST_INPUT,
    MOST_SEARCHES,
    Audit,
    InputCount,
    OutputCount,
    SearchCount,
    input_sum,
    tier,
)

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
READ = COUNTED | {"server_tool_use", "service_tier", "speed"}


class _Written(msgspec.Struct, frozen=True, gc=False):
    ephemeral_5m_input_tokens: InputCount | None = None
    ephemeral_1h_input_tokens: InputCount | None = None


class _Details(msgspec.Struct, frozen=True, gc=False):
    thinking_tokens: OutputCount | None = None


class _Tools(msgspec.Struct, frozen=True, gc=False):
    web_search_requests: SearchCount | None = None


class _Reported(msgspec.Struct, frozen=True, gc=False):
    """Usage as nearly every answer has it."""

    input_tokens: InputCount = 0
    output_tokens: OutputCount = 0
    cache_read_input_tokens: InputCount | None = None
    cache_creation_input_tokens: InputCount | None = None
    cache_creation: _Written | None = None
    output_tokens_details: _Details | None = None
    server_tool_use: _Tools | None = None
    service_tier: Json = None
    speed: Json = None


_NO_SPLIT = _Written()


def read_usage(body: Json) -> Usage | None:
    """Usage of a whole answer, or of a stream's merged reports; None where it counts nothing."""
    if not isinstance(body, dict):
        return None
    if body.get("input_tokens") is None and body.get("output_tokens") is None:
        return None
    audit = None
    try:
        found = msgspec.convert(body, _Reported)
    except msgspec.ValidationError:
        audit = Audit()
        found = _cleaned(body, audit)
    usage = _split(found)
    if audit is None and _is_sound(found, usage):
        return usage
    audit = audit or Audit()
    _contradictions(found, audit)
    return audit.close(usage, body)


def _split(found: _Reported) -> Usage:
    """Counts that do not overlap.

    The total of cache writes is older than its split, and is all that the end of a stream
    reports: what the split does not explain counts as five minutes, which is the default.
    """
    split = found.cache_creation or _NO_SPLIT
    hour = split.ephemeral_1h_input_tokens or 0
    written = (found.cache_creation_input_tokens or 0) - hour
    details, tools = found.output_tokens_details, found.server_tool_use
    thinking = 0 if details is None else details.thinking_tokens or 0
    return Usage(
        input=found.input_tokens,
        cached_read=found.cache_read_input_tokens or 0,
        cache_write_5m=max(split.ephemeral_5m_input_tokens or 0, written),
        cache_write_1h=hour,
        output=found.output_tokens,
        reasoning=min(found.output_tokens, thinking),
        searches=0 if tools is None else tools.web_search_requests or 0,
        service_tier=tier(found.service_tier) or tier(found.speed),
    )


def _is_sound(found: _Reported, usage: Usage) -> bool:
    details, total = found.output_tokens_details, found.cache_creation_input_tokens
    if details is not None and (details.thinking_tokens or 0) > found.output_tokens:
        return False
    written = usage.cache_write_5m + usage.cache_write_1h
    if written and total is not None and written != total:
        return False
    return input_sum(usage) <= MOST_INPUT


def _contradictions(found: _Reported, audit: Audit) -> None:
    """Details that are larger than what they are details of."""
    split, total = found.cache_creation or _NO_SPLIT, found.cache_creation_input_tokens
    written = (split.ephemeral_5m_input_tokens or 0) + (split.ephemeral_1h_input_tokens or 0)
    if total is not None and written > total:
        audit.inconsistent("input")
    details = found.output_tokens_details
    if details is not None and (details.thinking_tokens or 0) > found.output_tokens:
        audit.inconsistent(None)


def _cleaned(body: dict[str, Json], audit: Audit) -> _Reported:
    """Usage with counts that are odd."""
    split = audit.inside(body.get("cache_creation"), "input")
    details = audit.inside(body.get("output_tokens_details"), None)
    tools = audit.inside(body.get("server_tool_use"), None)
    total = body.get("cache_creation_input_tokens")
    searches = tools.get("web_search_requests")
    return _Reported(
        input_tokens=audit.main(body, "input_tokens", "input"),
        output_tokens=audit.main(body, "output_tokens", "output"),
        cache_read_input_tokens=audit.count(body.get("cache_read_input_tokens"), "input"),
        cache_creation_input_tokens=None if total is None else audit.count(total, "input"),
        cache_creation=_Written(
            audit.count(split.get("ephemeral_5m_input_tokens"), "input"),
            audit.count(split.get("ephemeral_1h_input_tokens"), "input"),
        ),
        output_tokens_details=_Details(audit.count(details.get("thinking_tokens"), None)),
        server_tool_use=_Tools(audit.count(searches, None, MOST_SEARCHES)),
        service_tier=body.get("service_tier"),
        speed=body.get("speed"),
    )


def merge(first: Mapping[str, Json], later: Json) -> dict[str, Json]:
    """A stream's usage so far: reports are cumulative, so a later count replaces an earlier.
    Null replaces nothing."""
    if not isinstance(later, dict):
        return dict(first)
    known = {name: value for name, value in later.items() if value is not None or name not in first}
    merged = {**first, **known}
    if len(merged) <= MOST_MEMBERS:
        return merged
    return {name: value for name, value in merged.items() if name in READ}


def write_usage(usage: Usage | None, extra: Json = None) -> dict[str, Json]:
    """Usage as an answer or the end of a stream reports it. Audio and images have no place of
    their own."""
    found = usage or Usage()
    body: dict[str, Json] = {
        "input_tokens": found.input + found.input_audio,
        "cache_creation_input_tokens": found.cache_write_5m + found.cache_write_1h,
        "cache_read_input_tokens": found.cached_read + found.cached_audio,
        "cache_creation": {
            "ephemeral_5m_input_tokens": found.cache_write_5m,
            "ephemeral_1h_input_tokens": found.cache_write_1h,
        },
        "output_tokens": found.output + found.output_audio + found.output_image,
    }
    if found.reasoning:
        body["output_tokens_details"] = {"thinking_tokens": found.reasoning}
    return {**body, **extra} if isinstance(extra, dict) else body


def uncounted(body: Json) -> Extra:
    """The members of a usage object that are no token counts (service tier, region, …)."""
    if not isinstance(body, dict):
        return NOTHING
    return {name: value for name, value in body.items() if name not in COUNTED}
