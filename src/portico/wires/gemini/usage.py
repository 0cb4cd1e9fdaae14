"""Token counts, both ways. https://ai.google.dev/api/generate-content#UsageMetadata

Gemini's prompt includes what came from a cache; tool use and thoughts are counted beside it
and beside the candidates. The tier is `serviceTier`, on Vertex `trafficType`:
https://googleapis.github.io/js-genai/release_docs/interfaces/types.UsageMetadata.html

What an upstream may report wrongly, and what becomes of it: `portico.wires.counts`.
"""

from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.usage import Side, Usage
from portico.wires.counts import (
    MOST_INPUT,
    MOST_OUTPUT,
    MOST_SEARCHES,
    Audit,
    InputCount,
    OutputCount,
    TotalCount,
    cache_writes,
    input_sum,
    tier,
)

MODALITIES: Final = ("TEXT", "AUDIO", "IMAGE", "VIDEO")
"""Documents count as text."""


class _Reported(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Usage as nearly every answer has it; counts by modality are read apart."""

    prompt_token_count: InputCount = 0
    candidates_token_count: OutputCount = 0
    cached_content_token_count: InputCount | None = None
    thoughts_token_count: OutputCount | None = None
    tool_use_prompt_token_count: InputCount | None = None
    total_token_count: TotalCount | None = None


class _Modal(msgspec.Struct, frozen=True, gc=False):
    """Tokens of a list of details, but for text."""

    audio: int = 0
    image: int = 0
    video: int = 0


_NONE = _Modal()


def read_usage(body: Json, searches: int = 0) -> Usage | None:
    """None where it counts nothing. `searches`: what the answer says were run, and are billed."""
    if not isinstance(body, dict):
        return None
    if body.get("promptTokenCount") is None and body.get("candidatesTokenCount") is None:
        return None
    audit = Audit()
    try:
        found = msgspec.convert(body, _Reported)
    except msgspec.ValidationError:
        found = _cleaned(body, audit)
    usage = _split(found, body, min(searches, MOST_SEARCHES), audit)
    sums = input_sum(usage), usage.output + usage.output_audio + usage.output_image
    if audit.silent:
        if found.total_token_count and found.total_token_count != sum(sums):
            audit.inconsistent(None)
        elif sums[0] <= MOST_INPUT and sums[1] <= MOST_OUTPUT:
            return usage
    return audit.close(usage, body)


def _split(found: _Reported, body: dict[str, Json], searches: int, audit: Audit) -> Usage:
    """Counts that do not overlap. Details are read only so far as they are not all text."""
    prompt, said = found.prompt_token_count, found.candidates_token_count
    cached = _within(found.cached_content_token_count or 0, prompt, "input", audit)
    given = _modal(body.get("promptTokensDetails"), "input", audit)
    kept = _modal(body.get("cacheTokensDetails"), "input", audit)
    spoken = _modal(body.get("candidatesTokensDetails"), "output", audit)
    cached_audio = _within(kept.audio, cached, "input", audit)
    heard = _within(given.audio, prompt, "input", audit)
    audio = min(prompt - cached, max(0, heard - cached_audio))
    images = _within(given.image, prompt, None, audit)
    video = _within(given.video, prompt - images, None, audit)
    voice = _within(spoken.audio, said, "output", audit)
    drawn = _within(spoken.image, said - voice, "output", audit)
    thoughts = found.thoughts_token_count or 0
    fresh = prompt - cached - audio
    seen = min(fresh, max(0, images - kept.image))
    return Usage(
        input=fresh + (found.tool_use_prompt_token_count or 0),
        cached_read=cached - cached_audio,
        input_audio=audio,
        cached_audio=cached_audio,
        output=said - voice - drawn + thoughts,
        output_audio=voice,
        output_image=drawn,
        reasoning=thoughts,
        input_image=seen,
        input_video=min(fresh - seen, max(0, video - kept.video)),
        searches=searches,
        service_tier=tier(body.get("serviceTier") or body.get("trafficType")),
    )


def _within(part: int, whole: int, side: Side | None, audit: Audit) -> int:
    if part > whole:
        audit.inconsistent(side)
        return whole
    return part


def _modal(details: Json, side: Side, audit: Audit) -> _Modal:
    if not details:
        return _NONE
    counts = dict.fromkeys(MODALITIES, 0)
    for entry in audit.entries(details, side):
        modality = entry.get("modality")
        if isinstance(modality, str) and modality in counts and modality != "TEXT":
            part = side if modality == "AUDIO" or side == "output" else None
            counts[modality] += audit.count(entry.get("tokenCount"), part)
    return _Modal(counts["AUDIO"], counts["IMAGE"], counts["VIDEO"])


def _cleaned(body: dict[str, Json], audit: Audit) -> _Reported:
    """Usage with counts that are odd."""
    return _Reported(
        prompt_token_count=audit.main(body, "promptTokenCount", "input"),
        candidates_token_count=audit.main(body, "candidatesTokenCount", "output"),
        cached_content_token_count=audit.count(body.get("cachedContentTokenCount"), "input"),
        thoughts_token_count=audit.count(body.get("thoughtsTokenCount"), "output"),
        tool_use_prompt_token_count=audit.count(body.get("toolUsePromptTokenCount"), "input"),
        total_token_count=audit.count(body.get("totalTokenCount"), None),
    )


def write_usage(usage: Usage | None) -> dict[str, Json]:
    """Usage as the last chunk or a whole answer reports it. Cache writes count as prompt."""
    found = usage or Usage()
    cached = found.cached_read + found.cached_audio
    writes = cache_writes(found)
    prompt = found.input + found.input_audio + cached + writes
    thoughts = min(found.reasoning, found.output)
    said = found.output - thoughts + found.output_audio + found.output_image
    body: dict[str, Json] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": said,
        "totalTokenCount": prompt + said + thoughts,
    }
    if cached:
        body["cachedContentTokenCount"] = cached
    if thoughts:
        body["thoughtsTokenCount"] = thoughts
    heard = found.input_audio + found.cached_audio
    details = (
        ("promptTokensDetails", prompt, heard, found.input_image, found.input_video),
        ("cacheTokensDetails", cached, found.cached_audio, 0, 0),
        ("candidatesTokensDetails", said, found.output_audio, found.output_image, 0),
    )
    for name, total, audio, images, video in details:
        if audio or images or video:
            counts = (total - audio - images - video, audio, images, video)
            body[name] = [
                {"modality": modality, "tokenCount": count}
                for modality, count in zip(MODALITIES, counts, strict=True)
                if count or modality == "TEXT"
            ]
    return body
