"""Token counts, both ways. `inputTokens` holds neither reads from nor writes to the cache.

https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html

Law of the file: reading never fails, whatever an upstream reports; what is no sane count is 0.
"""

from collections.abc import Mapping

from portico.contract.conversation import NOTHING, Extra, Json
from portico.contract.usage import Usage
from portico.wires.bedrock_converse.tables import MOST_TOKENS

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


def read_usage(body: Json) -> Usage | None:
    """None where there is none, or where a count is absurd: an estimate is nearer the truth."""
    if not isinstance(body, dict) or not ("inputTokens" in body or "outputTokens" in body):
        return None
    five, hour = _writes(body)
    usage = Usage(
        input=_count(body.get("inputTokens")),
        cached_read=_count(body.get("cacheReadInputTokens")),
        cache_write_5m=five,
        cache_write_1h=hour,
        output=_count(body.get("outputTokens")),
    )
    counts = (usage.input, usage.cached_read, five, hour, usage.output)
    return None if max(counts) > MOST_TOKENS else usage


def write_usage(usage: Usage | None, extra: Json = None) -> dict[str, Json]:
    """Usage as an answer or the end of a stream reports it. Audio counts as input or output."""
    found = usage or Usage()
    fresh = found.input + found.input_audio
    read = found.cached_read + found.cached_audio
    written = found.cache_write_5m + found.cache_write_1h
    output = found.output + found.output_audio
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


def _writes(body: Mapping[str, Json]) -> tuple[int, int]:
    """Tokens written to the cache for five minutes and for an hour.

    What the details do not explain counts as five minutes, which is the default.
    """
    total = _count(body.get("cacheWriteInputTokens"))
    split = {"5m": 0, "1h": 0}
    details = body.get("cacheDetails")
    for detail in details if isinstance(details, list) else ():
        ttl = detail.get("ttl") if isinstance(detail, dict) else None
        if isinstance(ttl, str) and ttl in split:
            split[ttl] += _count(detail.get("inputTokens"))
    return max(split["5m"], total - split["1h"]), split["1h"]


def _count(value: Json) -> int:
    """A count that is no positive number is 0; one beyond all sense stays so, for the caller."""
    if isinstance(value, int | float) and value > 0:
        return int(min(value, MOST_TOKENS + 1))
    return 0
