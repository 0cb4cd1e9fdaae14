"""Where passages of an answer come from: Gemini's citations and its search grounding.

Offsets count bytes of UTF-8 within a part. https://ai.google.dev/api/generate-content#Segment
"""

from collections.abc import Collection, Iterator

from portico.contract.conversation import Citation, Json

_BY_PROMPT = ("gemini-1", "gemini-2")
_NAMES = frozenset(("citationMetadata", "groundingMetadata"))


def citations(candidate: Json, part: int, text: str | None) -> tuple[Citation, ...]:
    """The citations of a candidate's part. `text` is the part's whole text; None where it is
    not at hand and not ASCII: then offsets are left out."""
    if not isinstance(candidate, dict) or _NAMES.isdisjoint(candidate):
        return ()
    return (*_cited(candidate, text), *_grounded(candidate, part, text))


def searched(candidate: dict[str, Json]) -> Iterator[str]:
    """The queries that Google ran for a candidate. Empty ones are not billed."""
    metadata = candidate.get("groundingMetadata")
    found = metadata.get("webSearchQueries") if isinstance(metadata, dict) else None
    for query in found if isinstance(found, list) else ():
        if isinstance(query, str) and query:
            yield query


def billed_searches(model: str, queries: Collection[str]) -> int:
    """What is billed by number: each query, up to Gemini 2.5 each prompt that led to any.

    https://ai.google.dev/gemini-api/docs/google-search#pricing
    """
    return min(1, len(queries)) if model.startswith(_BY_PROMPT) else len(queries)


def _cited(candidate: dict[str, Json], text: str | None) -> Iterator[Citation]:
    metadata = candidate.get("citationMetadata")
    for source in _list(metadata, "citations") or _list(metadata, "citationSources"):
        start, end = _span(source, text)
        url = _word(source, "uri")
        if url:
            yield Citation(url=url, title=_word(source, "title"), start=start, end=end)


def _grounded(candidate: dict[str, Json], part: int, text: str | None) -> Iterator[Citation]:
    metadata = candidate.get("groundingMetadata")
    chunks = _list(metadata, "groundingChunks")
    for support in _list(metadata, "groundingSupports"):
        segment = support.get("segment")
        if not isinstance(segment, dict) or _number(segment.get("partIndex")) not in (None, part):
            continue
        start, end = _span(segment, text)
        indices = support.get("groundingChunkIndices")
        for index in indices if isinstance(indices, list) else ():
            if isinstance(index, int) and 0 <= index < len(chunks):
                web = chunks[index].get("web") or chunks[index].get("retrievedContext")
                if isinstance(web, dict) and (url := _word(web, "uri")):
                    passage, title = _word(segment, "text"), _word(web, "title")
                    yield Citation(text=passage, url=url, title=title, start=start, end=end)


def _span(found: dict[str, Json], text: str | None) -> tuple[int | None, int | None]:
    start, end = _number(found.get("startIndex")), _number(found.get("endIndex"))
    if text is None or end is None:
        return None, None
    if text.isascii():
        return start or 0, end
    whole = text.encode()
    before = whole[: start or 0].decode("utf-8", "ignore")
    return len(before), len(whole[:end].decode("utf-8", "ignore"))


def _list(value: Json, name: str) -> list[dict[str, Json]]:
    inner = value.get(name) if isinstance(value, dict) else None
    return [entry for entry in inner if isinstance(entry, dict)] if isinstance(inner, list) else []


def _word(body: dict[str, Json], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
