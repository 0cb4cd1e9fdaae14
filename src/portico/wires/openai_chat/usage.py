"""Tokens as OpenAI counts them, and as Portico does.

OpenAI's details are parts of its totals; Portico's fields do not overlap. What an upstream may
report wrongly, and what becomes of it: `portico.wires.counts`.

Sources: https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage and, for
embeddings, https://platform.openai.com/docs/api-reference/embeddings/create. Of compatible
servers: `prompt_cache_hit_tokens` https://api-docs.deepseek.com/guides/kv_cache, `video_tokens`
https://openrouter.ai/docs/agent-sdk/typescript/api-reference/models/prompttokensdetails.
"""

import msgspec

from portico.contract.conversation import Json
from portico.contract.usage import Usage
from portico.wires.counts import (
    MOST_OUTPUT,
    Audit,
    InputCount,
    OutputCount,
    TotalCount,
    cache_writes,
    tier,
)


class _Into(msgspec.Struct, frozen=True, gc=False):
    cached_tokens: InputCount | None = None
    cache_write_tokens: InputCount | None = None
    audio_tokens: InputCount | None = None
    image_tokens: InputCount | None = None
    video_tokens: InputCount | None = None


class _Out(msgspec.Struct, frozen=True, gc=False):
    reasoning_tokens: OutputCount | None = None
    audio_tokens: OutputCount | None = None
    image_tokens: OutputCount | None = None


_NO_INTO = _Into()
_NO_OUT = _Out()


class _Reported(msgspec.Struct, frozen=True, gc=False):
    """Usage as nearly every answer has it."""

    prompt_tokens: InputCount = 0
    completion_tokens: OutputCount = 0
    total_tokens: TotalCount | None = None
    prompt_tokens_details: _Into | None = None
    completion_tokens_details: _Out | None = None
    prompt_cache_hit_tokens: InputCount | None = None


def read(body: Json, served: Json = None) -> Usage | None:
    """The usage object of an answer; None where it counts nothing.

    `served` is the answer's own `service_tier`, which stands beside its usage.
    """
    if not isinstance(body, dict):
        return None
    if body.get("prompt_tokens") is None and body.get("completion_tokens") is None:
        return None
    audit = None
    try:
        found = msgspec.convert(body, _Reported)
    except msgspec.ValidationError:
        audit = Audit()
        found = _cleaned(body, audit)
    into = found.prompt_tokens_details or _NO_INTO
    out = found.completion_tokens_details or _NO_OUT
    if found.total_tokens and (audit is None or audit.silent):
        rest = found.total_tokens - found.prompt_tokens - found.completion_tokens
        if rest:
            audit = audit or Audit()
            found, out = _reconciled(found, out, rest if "completion_tokens" in body else 0, audit)
    usage, sound = _split(found, into, out, tier(served))
    if sound and audit is None:
        return usage
    audit = audit or Audit()
    _contradictions(found, into, out, audit)
    return audit.close(usage, body)


def _split(found: _Reported, into: _Into, out: _Out, served: str) -> tuple[Usage, bool]:
    """Counts that do not overlap, and whether all details are within their totals."""
    if into is _NO_INTO and out is _NO_OUT and not found.prompt_cache_hit_tokens:
        plain = Usage(
            input=found.prompt_tokens, output=found.completion_tokens, service_tier=served
        )
        return plain, True
    cached = into.cached_tokens or found.prompt_cache_hit_tokens or 0
    writes = into.cache_write_tokens or 0
    heard = into.audio_tokens or 0
    spoken = out.audio_tokens or 0
    drawn = out.image_tokens or 0
    reasoning = out.reasoning_tokens or 0
    images = into.image_tokens or 0
    video = into.video_tokens or 0
    fresh = found.prompt_tokens - cached - writes - heard
    said = found.completion_tokens - spoken - drawn
    sound = fresh >= 0 and said >= 0 and reasoning <= found.completion_tokens
    if images or video:
        sound = sound and images + video <= found.prompt_tokens
        images = min(images, max(0, fresh))
        video = min(video, max(0, fresh) - images)
    usage = Usage(
        input=max(0, fresh),
        cached_read=cached,
        cache_write_5m=writes,
        input_audio=heard,
        output=max(0, said),
        output_audio=spoken,
        output_image=drawn,
        reasoning=min(reasoning, max(0, said)),
        input_image=images,
        input_video=video,
        service_tier=served,
    )
    return usage, sound


def _reconciled(found: _Reported, out: _Out, rest: int, audit: Audit) -> tuple[_Reported, _Out]:
    """Counts whose total is not their sum. `rest`: the tokens of the total that they lack.

    Some count thoughts beside the completion, xAI in the details, too
    (https://docs.x.ai/docs/key-information/consumption-and-rate-limits), Gemini's OpenAI
    endpoint only in the total (https://github.com/Clarifai/clarifai-python/pull/978).
    """
    thoughts = out.reasoning_tokens or rest
    completion = found.completion_tokens + rest
    if rest <= 0 or thoughts != rest or completion > MOST_OUTPUT:
        audit.inconsistent(None)
        return found, out
    return (
        msgspec.structs.replace(found, completion_tokens=completion),
        msgspec.structs.replace(out, reasoning_tokens=rest),
    )


def _contradictions(found: _Reported, into: _Into, out: _Out, audit: Audit) -> None:
    """Details that are larger than what they are details of."""
    cached = into.cached_tokens or found.prompt_cache_hit_tokens or 0
    parts = cached + (into.cache_write_tokens or 0) + (into.audio_tokens or 0)
    if parts > found.prompt_tokens:
        audit.inconsistent("input")
    if (into.image_tokens or 0) + (into.video_tokens or 0) > found.prompt_tokens:
        audit.inconsistent(None)
    if (out.audio_tokens or 0) + (out.image_tokens or 0) > found.completion_tokens:
        audit.inconsistent("output")
    if (out.reasoning_tokens or 0) > found.completion_tokens:
        audit.inconsistent(None)


def _cleaned(body: dict[str, Json], audit: Audit) -> _Reported:
    """Usage with counts that are odd."""
    into = audit.inside(body.get("prompt_tokens_details"), "input")
    out = audit.inside(body.get("completion_tokens_details"), "output")
    return _Reported(
        prompt_tokens=audit.main(body, "prompt_tokens", "input"),
        completion_tokens=audit.main(body, "completion_tokens", "output"),
        total_tokens=audit.count(body.get("total_tokens"), None),
        prompt_tokens_details=_Into(
            cached_tokens=audit.count(into.get("cached_tokens"), "input"),
            cache_write_tokens=audit.count(into.get("cache_write_tokens"), "input"),
            audio_tokens=audit.count(into.get("audio_tokens"), "input"),
            image_tokens=audit.count(into.get("image_tokens"), None),
            video_tokens=audit.count(into.get("video_tokens"), None),
        ),
        completion_tokens_details=_Out(
            reasoning_tokens=audit.count(out.get("reasoning_tokens"), None),
            audio_tokens=audit.count(out.get("audio_tokens"), "output"),
            image_tokens=audit.count(out.get("image_tokens"), "output"),
        ),
        prompt_cache_hit_tokens=audit.count(body.get("prompt_cache_hit_tokens"), "input"),
    )


def write(usage: Usage) -> dict[str, Json]:
    """The usage object of an answer."""
    writes = cache_writes(usage)
    cached = usage.cached_read + usage.cached_audio
    prompt = usage.input + cached + writes + usage.input_audio
    completion = usage.output + usage.output_audio + usage.output_image
    into: dict[str, Json] = {"cached_tokens": cached, "audio_tokens": usage.input_audio}
    if writes:
        into["cache_write_tokens"] = writes
    if usage.input_image:
        into["image_tokens"] = usage.input_image
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
