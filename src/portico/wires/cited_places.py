"""Where a passage stands in a document that came with the call: Claude's words and Converse's.

Both wires count the documents of a request, and the places within one, in the same way; a
search result counts beside them. Web pages are not here: they have an address instead.

https://platform.claude.com/docs/en/build-with-claude/citations
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CitationLocation.html
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from portico.contract.conversation import Citation, Extra, Json


class Kind(msgspec.Struct, frozen=True):
    """One kind of place. `begin` and `end` are Claude's members; Converse has `start`, `end`."""

    claude: str
    begin: str
    end: str
    converse: str
    search: bool = False
    """Of a search result, which has a source and an index of its own."""


KINDS: Final = (
    Kind("char_location", "start_char_index", "end_char_index", "documentChar"),
    Kind("page_location", "start_page_number", "end_page_number", "documentPage"),
    Kind("content_block_location", "start_block_index", "end_block_index", "documentChunk"),
    Kind(
        "search_result_location",
        "start_block_index",
        "end_block_index",
        "searchResultLocation",
        search=True,
    ),
)
_BY_CLAUDE: Final = {kind.claude: kind for kind in KINDS}
_BY_CONVERSE: Final = {kind.converse: kind for kind in KINDS}


def for_claude(citation: Citation) -> Extra | None:
    """A citation of Converse as a location of the Messages API; None for any other."""
    body = citation.body
    location = body.get("location")
    if not isinstance(location, Mapping) or len(location) != 1:
        return None
    name, place = next(iter(location.items()))
    kind = _BY_CONVERSE.get(name)
    if kind is None or not isinstance(place, Mapping):
        return None
    index = place.get("searchResultIndex" if kind.search else "documentIndex")
    found = (index, place.get("start"), place.get("end"))
    if not all(map(_is_count, found)):
        return None
    number, begin, end = found
    said: dict[str, Json] = {"type": kind.claude, "cited_text": citation.text}
    title = citation.title or None
    if kind.search:
        source = body.get("source")
        named = source if isinstance(source, str) else ""
        said |= {"source": named, "title": title, "search_result_index": number}
    else:
        said |= {"document_index": number, "document_title": title}
    return {**said, kind.begin: begin, kind.end: end}


def for_converse(citation: Citation) -> Extra | None:
    """A location of the Messages API as a citation of Converse; None for any other."""
    body = citation.body
    word = body.get("type")
    kind = _BY_CLAUDE.get(word) if isinstance(word, str) else None
    if kind is None:
        return None
    index = "search_result_index" if kind.search else "document_index"
    found = (body.get(index), body.get(kind.begin), body.get(kind.end))
    if not all(map(_is_count, found)):
        return None
    number, begin, end = found
    counted = "searchResultIndex" if kind.search else "documentIndex"
    said: dict[str, Json] = {
        "location": {kind.converse: {counted: number, "start": begin, "end": end}}
    }
    if citation.title:
        said["title"] = citation.title
    if kind.search and isinstance(source := body.get("source"), str):
        said["source"] = source
    if citation.text:
        said["sourceContent"] = [{"text": citation.text}]
    return said


def _is_count(value: Json) -> bool:
    return type(value) is int and value >= 0
