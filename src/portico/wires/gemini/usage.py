"""Token counts, both ways. https://ai.google.dev/api/generate-content#UsageMetadata

Gemini's prompt includes what came from a cache; tool use and thoughts are counted beside it
and beside the candidates. Law of the file: reading never fails; what is no sane count is 0.
"""

from collections.abc import Mapping

from portico.contract.conversation import Json
from portico.contract.usage import Usage
from portico.wires.gemini.tables import MOST_TOKENS


def read_usage(body: Json) -> Usage | None:
    """None where there is none, or where a count is absurd: then an estimate is nearer."""
    if not isinstance(body, dict):
        return None
    if "promptTokenCount" not in body and "candidatesTokenCount" not in body:
        return None
    prompt = _count(body.get("promptTokenCount"))
    cached = min(prompt, _count(body.get("cachedContentTokenCount")))
    cached_audio = min(cached, _audio(body, "cacheTokensDetails"))
    audio = min(prompt - cached, max(0, _audio(body, "promptTokensDetails") - cached_audio))
    said = _count(body.get("candidatesTokenCount"))
    spoken = min(said, _audio(body, "candidatesTokensDetails"))
    thoughts = _count(body.get("thoughtsTokenCount"))
    usage = Usage(
        input=prompt - cached - audio + _count(body.get("toolUsePromptTokenCount")),
        cached_read=cached - cached_audio,
        input_audio=audio,
        cached_audio=cached_audio,
        output=said - spoken + thoughts,
        output_audio=spoken,
        reasoning=thoughts,
    )
    return None if max(usage.input, cached, usage.output) > MOST_TOKENS else usage


def write_usage(usage: Usage | None) -> dict[str, Json]:
    """Usage as the last chunk or a whole answer reports it. Cache writes count as prompt."""
    found = usage or Usage()
    cached = found.cached_read + found.cached_audio
    writes = found.cache_write_5m + found.cache_write_1h
    prompt = found.input + found.input_audio + cached + writes
    thoughts = min(found.reasoning, found.output)
    said = found.output - thoughts + found.output_audio
    body: dict[str, Json] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": said,
        "totalTokenCount": prompt + said + thoughts,
    }
    if cached:
        body["cachedContentTokenCount"] = cached
    if thoughts:
        body["thoughtsTokenCount"] = thoughts
    details = (
        ("promptTokensDetails", prompt, found.input_audio + found.cached_audio),
        ("cacheTokensDetails", cached, found.cached_audio),
        ("candidatesTokensDetails", said, found.output_audio),
    )
    for name, total, audio in details:
        if audio:
            body[name] = [
                {"modality": "TEXT", "tokenCount": total - audio},
                {"modality": "AUDIO", "tokenCount": audio},
            ]
    return body


def _audio(body: Mapping[str, Json], name: str) -> int:
    details = body.get(name)
    if not isinstance(details, list):
        return 0
    return sum(
        _count(entry.get("tokenCount"))
        for entry in details
        if isinstance(entry, dict) and entry.get("modality") == "AUDIO"
    )


def _count(value: Json) -> int:
    """A count that is no positive number is 0; one beyond all sense stays so, for the caller."""
    if isinstance(value, int | float) and value > 0:
        return int(min(value, MOST_TOKENS + 1))
    return 0
