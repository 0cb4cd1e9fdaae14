"""Content blocks as parts. Requests, answers and streams share this vocabulary.

Law of the file: a block that the canonical vocabulary cannot hold whole becomes `Opaque`, so
reading never fails and never loses a member.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from portico.contract.conversation import (
    NOTHING,
    CacheHint,
    Citation,
    Document,
    Extra,
    FileReference,
    Image,
    Inline,
    Json,
    Link,
    Opaque,
    Part,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from portico.wires.anthropic_messages import schema
from portico.wires.anthropic_messages.tables import NAME

Block = dict[str, Json]
S = TypeVar("S", bound=msgspec.Struct)

_FIELDS: dict[type[msgspec.Struct], frozenset[str]] = {
    kind: frozenset((*kind.__struct_fields__, "type", "cache_control"))
    for kind in (
        schema.TextBlock,
        schema.ImageBlock,
        schema.DocumentBlock,
        schema.ThinkingBlock,
        schema.RedactedThinkingBlock,
        schema.ToolUseBlock,
        schema.ToolResultBlock,
    )
}


def read_block(block: Json) -> Part:
    """A content block as a part. Blocks of unknown kinds or shapes become Opaque."""
    if not isinstance(block, dict):
        return Opaque(wire=NAME, kind="", body={"type": "", "value": block})
    kind = block.get("type")
    if kind == "text" and len(block) == 2 and isinstance(text := block.get("text"), str):
        return Text(text=text)  # as most are
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is not None:
        try:
            return reader(block)
        except msgspec.ValidationError:
            return opaque(block)
    return opaque(block)


def read_content(content: Json) -> tuple[Part, ...]:
    """The parts of a `content` member: text, a list of blocks, or nothing."""
    if isinstance(content, str):
        return (Text(text=content),)
    if isinstance(content, list):
        return tuple(read_block(block) for block in content)
    return ()


def read_cache(block: Mapping[str, Json]) -> tuple[CacheHint | None, Extra]:
    """The cache hint of a block; one that we do not know whole is kept as it came."""
    control = block.get("cache_control")
    if control is None:
        return None, NOTHING
    try:
        return CacheHint(lifetime=msgspec.convert(control, schema.CacheControl).ttl), NOTHING
    except msgspec.ValidationError:
        return None, {"cache_control": control}


def read_citation(body: Json) -> Citation:
    """A citation of any location kind, with its own object in `body`."""
    if not isinstance(body, dict):
        return Citation(body={"value": body})
    return Citation(
        text=_text(body.get("cited_text")),
        url=_text(body.get("url")),
        title=_text(body.get("title") or body.get("document_title")),
        start=_place(body, "start_"),
        end=_place(body, "end_"),
        body=body,
    )


def opaque(block: Block) -> Opaque:
    return Opaque(wire=NAME, kind=_text(block.get("type")), body=block)


def rest(
    block: Mapping[str, Json], known: frozenset[str] | tuple[str, ...], more: Extra = NOTHING
) -> Extra:
    """The members that the vocabulary has no place for."""
    unknown = {name: value for name, value in block.items() if name not in known}
    if more:
        unknown.update(more)
    return unknown or NOTHING


def _typed(block: Block, kind: type[S]) -> tuple[S, CacheHint | None, Extra]:
    typed = msgspec.convert(block, kind)
    cache, kept = read_cache(block)
    return typed, cache, rest(block, _FIELDS[kind], kept)


def _read_text(block: Block) -> Part:
    typed, cache, extra = _typed(block, schema.TextBlock)
    citations = tuple(read_citation(body) for body in typed.citations or ())
    return Text(text=typed.text, citations=citations, cache=cache, extra=extra)


def _read_image(block: Block) -> Part:
    typed, cache, extra = _typed(block, schema.ImageBlock)
    if not _is_plain(block["source"], typed.source):
        return opaque(block)
    return Image(source=_source(typed.source), cache=cache, extra=extra)


def _read_document(block: Block) -> Part:
    typed, cache, extra = _typed(block, schema.DocumentBlock)
    source = typed.source
    if not _is_plain(block["source"], source) or not _is_switch(typed.citations):
        return opaque(block)
    text = None
    if isinstance(source, schema.TextSource):
        text = source.data
    elif isinstance(source, schema.ContentSource):
        if not isinstance(source.content, str):
            return opaque(block)
        text, extra = source.content, {**extra, "source": {"type": "content"}}
    return Document(
        source=None
        if isinstance(source, schema.TextSource | schema.ContentSource)
        else _source(source),
        text=text,
        title=typed.title,
        context=typed.context,
        citations=None if typed.citations is None else bool(typed.citations.get("enabled")),
        cache=cache,
        extra=extra,
    )


def _read_thinking(block: Block) -> Part:
    typed, _, extra = _typed(block, schema.ThinkingBlock)
    return Reasoning(text=typed.thinking, signature=typed.signature, extra=extra)


def _read_redacted(block: Block) -> Part:
    typed, _, extra = _typed(block, schema.RedactedThinkingBlock)
    return Reasoning(sealed=typed.data, extra=extra)


def _read_tool_use(block: Block) -> Part:
    typed, cache, extra = _typed(block, schema.ToolUseBlock)
    arguments = msgspec.json.encode(typed.input).decode()
    return ToolCall(id=typed.id, name=typed.name, arguments=arguments, cache=cache, extra=extra)


def _read_tool_result(block: Block) -> Part:
    content = block.get("content")
    if not isinstance(content, str | list | None):
        return opaque(block)
    named = {name: value for name, value in block.items() if name != "content"}
    typed, cache, extra = _typed(named, schema.ToolResultBlock)
    nested = content if isinstance(content, list) else []
    return ToolResult(
        call_id=typed.tool_use_id,
        content=(Text(text=content),)
        if isinstance(content, str)
        else tuple(_read_nested(inner) for inner in nested),
        is_error=typed.is_error,
        cache=cache,
        extra=extra,
    )


def _read_nested(block: Json) -> Text | Image | Document | Opaque:
    part = read_block(block)
    if isinstance(part, Text | Image | Document | Opaque):
        return part
    return opaque(block) if isinstance(block, dict) else opaque({})


def _source(source: schema.Base64Source | schema.UrlSource | schema.FileSource) -> Source:
    if isinstance(source, schema.Base64Source):
        return Inline(media_type=source.media_type, data=source.data)
    if isinstance(source, schema.UrlSource):
        return Link(url=source.url)
    return FileReference(id=source.file_id)


def _is_plain(source: Json, typed: msgspec.Struct) -> bool:
    """Whether a source has no member that the vocabulary would lose."""
    return isinstance(source, dict) and source.keys() <= {"type", *typed.__struct_fields__}


def _is_switch(citations: Mapping[str, Json] | None) -> bool:
    return citations is None or citations.keys() <= {"enabled"}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _place(body: Mapping[str, Json], prefix: str) -> int | None:
    for name, value in body.items():
        if name.startswith(prefix) and isinstance(value, int):
            return value
    return None


_READERS: dict[str, Callable[[Block], Part]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
}
