"""Token counts, both ways. `inputTokens` holds neither reads from nor writes to the cache.

https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
The tier stands beside the usage, in the answer and in a stream's `metadata`:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ServiceTier.html

What an upstream may report wrongly, and what becomes of it: `portico.wires.counts`.
"""

import msgspec

from portico.contract.conversation import NOTHING, Extra, Json
from portico.contract.usage import Usage
from portico.wires.counts import (
    MOST_INPUT,
    Audit,
    InputCount,
    OutputCount,
    TotalCount,
    cache_writes,
    input_sum,
    tier,
)

COUNTED = frozenset(
    (
        "inputTokens",
        "outputTokens",
        "totalTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
        "cacheDetails",
    )
)


class _Reported(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Usage as nearly every answer has it; the details of cache writes are read apart."""

    input_tokens: InputCount = 0
    output_tokens: OutputCount = 0
    total_tokens: TotalCount | None = None
    cache_read_input_tokens: InputCount | None = None
    cache_write_input_tokens: InputCount | None = None


def read_usage(body: Json, served: Json = None) -> Usage | None:
    """None where it counts nothing. `served`: the `serviceTier` of the answer."""
    if not isinstance(body, dict):
        return None
    if body.get("inputTokens") is None and body.get("outputTokens") is None:
        return None
    audit = None
    try:
        found = msgspec.convert(body, _Reported)
    except msgspec.ValidationError:
        audit = Audit()
        found = _cleaned(body, audit)
    five, hour = found.cache_write_input_tokens or 0, 0
    if body.get("cacheDetails"):
        audit = audit or Audit()
        five, hour = _writes(body, five, audit)
    tier_word = served.get("type") if isinstance(served, dict) else None
    usage = Usage(
        input=found.input_tokens,
        cached_read=found.cache_read_input_tokens or 0,
        cache_write_5m=five,
        cache_write_1h=hour,
        output=found.output_tokens,
        service_tier=tier(tier_word),
    )
    if audit is None and _is_sound(found, usage):
        return usage
    audit = audit or Audit()
    if audit.silent and not _is_sound(found, usage):
        audit.inconsistent(None)
    return audit.close(usage, body)


def _is_sound(found: _Reported, usage: Usage) -> bool:
    """Whether the total, where there is one, is the sum. Some leave out what the cache had."""
    whole, total = input_sum(usage), found.total_tokens
    plain = found.input_tokens + found.output_tokens
    return whole <= MOST_INPUT and (not total or total in (plain, whole + found.output_tokens))


def write_usage(usage: Usage | None, extra: Json = None) -> dict[str, Json]:
    """Usage as an answer or the end of a stream reports it. Audio and images have no place of
    their own."""
    found = usage or Usage()
    fresh = found.input + found.input_audio
    read = found.cached_read + found.cached_audio
    written = cache_writes(found)
    output = found.output + found.output_audio + found.output_image
    body: dict[str, Json] = {
        "inputTokens": fresh,
        "outputTokens": output,
        "totalTokens": fresh + read + written + output,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }
    details = (("1h", found.cache_write_1h), ("5m", found.cache_write_5m))
    if written:
        body["cacheDetails"] = [
            {"inputTokens": count, "ttl": ttl} for ttl, count in details if count
        ]
    return {**body, **extra} if isinstance(extra, dict) else body


def uncounted(body: Json) -> Extra:
    """The members of a usage object that are no token counts."""
    if not isinstance(body, dict):
        return NOTHING
    return {name: value for name, value in body.items() if name not in COUNTED}


def _cleaned(body: dict[str, Json], audit: Audit) -> _Reported:
    """Usage with counts that are odd."""
    return _Reported(
        input_tokens=audit.main(body, "inputTokens", "input"),
        output_tokens=audit.main(body, "outputTokens", "output"),
        total_tokens=audit.count(body.get("totalTokens"), None),
        cache_read_input_tokens=audit.count(body.get("cacheReadInputTokens"), "input"),
        cache_write_input_tokens=audit.count(body.get("cacheWriteInputTokens"), "input"),
    )


def _writes(body: dict[str, Json], total: int, audit: Audit) -> tuple[int, int]:
    """Tokens written to the cache for five minutes and for an hour.

    What the details do not explain counts as five minutes, which is the default.
    """
    split = {"5m": 0, "1h": 0}
    for detail in audit.entries(body.get("cacheDetails"), "input"):
        ttl = detail.get("ttl")
        if isinstance(ttl, str) and ttl in split:
            split[ttl] += audit.count(detail.get("inputTokens"), "input")
    if body.get("cacheWriteInputTokens") is not None and sum(split.values()) > total:
        audit.inconsistent("input")
    return max(split["5m"], total - split["1h"]), split["1h"]
