"""Tokens as OpenAI counts them, and as Portico does.

OpenAI's details are parts of its totals; Portico's fields do not overlap. An upstream's numbers
are not trusted: what is negative, missing or not a number counts as zero and nothing fails.

Source: https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage.
"""

import math

from portico.contract.conversation import Json
from portico.contract.usage import Usage

_MOST = 2**53
"""Above any honest count, below what a database column holds."""


def read(body: Json) -> Usage | None:
    """The usage object of an answer; None where it has none."""
    if not isinstance(body, dict):
        return None
    if "prompt_tokens" not in body and "completion_tokens" not in body:
        return None
    prompt = _count(body.get("prompt_tokens"))
    completion = _count(body.get("completion_tokens"))
    into = body.get("prompt_tokens_details")
    out = body.get("completion_tokens_details")
    cached = writes = heard = reasoning = spoken = 0
    if isinstance(into, dict):
        cached = _count(into.get("cached_tokens"))
        writes = _count(into.get("cache_write_tokens"))
        heard = _count(into.get("audio_tokens"))
    if not cached and "prompt_cache_hit_tokens" in body:
        # DeepSeek: https://api-docs.deepseek.com/guides/kv_cache
        cached = _count(body["prompt_cache_hit_tokens"])
    if isinstance(out, dict):
        reasoning = _count(out.get("reasoning_tokens"))
        spoken = _count(out.get("audio_tokens"))
    if reasoning and body.get("total_tokens") == prompt + completion + reasoning:
        # xAI counts reasoning beside the completion, not within it:
        # https://docs.x.ai/docs/key-information/consumption-and-rate-limits
        completion += reasoning
    return Usage(
        input=max(0, prompt - cached - writes - heard),
        cached_read=cached,
        cache_write_5m=writes,
        input_audio=heard,
        output=max(0, completion - spoken),
        output_audio=spoken,
        reasoning=reasoning,
    )


def write(usage: Usage) -> dict[str, Json]:
    """The usage object of an answer."""
    writes = usage.cache_write_5m + usage.cache_write_1h
    cached = usage.cached_read + usage.cached_audio
    prompt = usage.input + cached + writes + usage.input_audio
    completion = usage.output + usage.output_audio
    into: dict[str, Json] = {"cached_tokens": cached, "audio_tokens": usage.input_audio}
    if writes:
        into["cache_write_tokens"] = writes
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": into,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.output_audio,
        },
    }


def _count(value: Json) -> int:
    if not value:
        return 0
    if type(value) is int:
        return min(value, _MOST) if value > 0 else 0
    if isinstance(value, float) and math.isfinite(value) and value > 0:
        return min(int(value), _MOST)
    return 0
