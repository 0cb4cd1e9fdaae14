"""Content blocks as parts. Requests and answers share this vocabulary.

Law of the file: a block that the canonical vocabulary cannot hold whole becomes `Opaque`, so
reading never fails and never loses a member. A `cachePoint` is the cache hint of the part
before it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from portico.contract.conversation import (
    NOTHING,
    Audio,
    CacheHint,
    Citation,
    Document,
    Extra,
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
from portico.wires.bedrock_converse import schema
from portico.wires.bedrock_converse.tables import DOCUMENT_TYPES, NAME

Block = dict[str, Json]
S = TypeVar("S", bound=msgspec.Struct)
Nested = Text | Image | Document | Opaque
Cached = Text | Image | Document | ToolCall | ToolResult
"""Parts that have a place for a cache hint."""

_HINTS = {"5m": CacheHint(lifetime="5m"), "1h": CacheHint(lifetime="1h")}


def read_content(content: Json) -> tuple[Part, ...]:
    """The parts of a `content` member. Cache points join the part before them."""
    parts: list[Part] = []
    for block in content if isinstance(content, list) else ():
        hint = read_cache(block)
        last = parts[-1] if parts else None
        if hint is not None and isinstance(last, Cached) and last.cache is None:
            parts[-1] = replace(last, cache=hint)
        else:
            parts.append(read_block(block))
    return tuple(parts)


def read_block(block: Json) -> Part:
    """A content block as a part. Blocks of unknown kinds or shapes become Opaque."""
    if not isinstance(block, dict):
        return Opaque(wire=NAME, kind="", body={"value": block})
    if len(block) == 1:
        kind, body = next(iter(block.items()))
        reader = _READERS.get(kind)
        if reader is not None:
            try:
                return reader(body) or opaque(block)
            except msgspec.ValidationError:
                return opaque(block)
    return opaque(block)


def read_cache(block: Json) -> CacheHint | None:
    """The hint of a `cachePoint` block; None for any other block, or one with more to it."""
    point = block.get("cachePoint") if isinstance(block, dict) and len(block) == 1 else None
    if not isinstance(point, dict) or not point.keys() <= {"type", "ttl"}:
        return None
    if point.get("type") != "default":
        return None
    ttl = point.get("ttl", "5m")
    return _HINTS.get(ttl) if isinstance(ttl, str) else None


def read_citation(body: Json) -> Citation:
    """A citation of any kind of place, with its own object in `body`."""
    if not isinstance(body, dict):
        return Citation(body={"value": body})
    location = body.get("location")
    places = list(location.values()) if isinstance(location, dict) else []
    place = places[0] if len(places) == 1 and isinstance(places[0], dict) else {}
    return Citation(
        text=_pieces(body.get("sourceContent")),
        url=_text(place.get("url")),
        title=_text(body.get("title")),
        start=_count(place.get("start")),
        end=_count(place.get("end")),
        body=body,
    )


def opaque(block: Block) -> Opaque:
    return Opaque(wire=NAME, kind=next(iter(block), ""), body=block)


def rest(block: Mapping[str, Json], known: Iterable[str]) -> Extra:
    """The members that the vocabulary has no place for."""
    more = {name: value for name, value in block.items() if name not in known}
    return more or NOTHING


def _typed(body: Json, kind: type[S]) -> tuple[S, Block] | None:
    """A block's body if all of its members are known and fit; the body as a dict beside it."""
    typed = msgspec.convert(body, kind)
    if isinstance(body, dict) and body.keys() <= set(kind.__struct_encode_fields__):
        return typed, body
    return None


def _read_text(body: Json) -> Part | None:
    return Text(text=body) if isinstance(body, str) else None


def _source(body: Block, typed: schema.Source, media_type: str) -> tuple[Source, Extra] | None:
    """Bytes, or an S3 address as a link; None for any other source."""
    source = body["source"]
    if not isinstance(source, dict) or len(source) != 1:
        return None
    if typed.bytes is not None:
        return Inline(media_type=media_type, data=typed.bytes), NOTHING
    if typed.s3_location is None or not typed.s3_location.uri.startswith("s3://"):
        return None
    place = source["s3Location"]
    if not isinstance(place, dict) or not place.keys() <= {"uri", "bucketOwner"}:
        return None
    owner = typed.s3_location.bucket_owner
    extra: Extra = {} if owner is None else {"bucketOwner": owner}
    return Link(url=typed.s3_location.uri), extra


def _read_image(body: Json) -> Part | None:
    found = _typed(body, schema.ImageBlock)
    if found is None:
        return None
    typed, block = found
    source = _source(block, typed.source, f"image/{typed.format}")
    if source is None:
        return None
    # A link has no type of its own; the word goes beside it.
    named = {"format": typed.format} if isinstance(source[0], Link) else NOTHING
    return Image(source=source[0], extra={**source[1], **named} or NOTHING)


def _read_audio(body: Json) -> Part | None:
    found = _typed(body, schema.ImageBlock)
    if found is None:
        return None
    typed, block = found
    source = _source(block, typed.source, f"audio/{typed.format}")
    if source is None:
        return None
    return Audio(source=source[0], format=typed.format, extra=source[1])


def _read_document(body: Json) -> Part | None:
    found = _typed(body, schema.DocumentBlock)
    if found is None:
        return None
    typed, block = found
    citations = block.get("citations")
    if isinstance(citations, dict) and len(citations) != 1:
        return None
    document = Document(
        title=typed.name,
        context=typed.context,
        citations=None if typed.citations is None else typed.citations.enabled,
    )
    named: Extra = {} if typed.format is None else {"format": typed.format}
    if block["source"] == {"text": typed.source.text} and typed.source.text is not None:
        return replace(document, text=typed.source.text, extra=named or NOTHING)
    kind = DOCUMENT_TYPES.get(typed.format or "")
    source = _source(block, typed.source, kind or "")
    if source is None or (kind is None and isinstance(source[0], Inline)):
        return None
    if isinstance(source[0], Inline):
        return replace(document, source=source[0])
    return replace(document, source=source[0], extra={**source[1], **named} or NOTHING)


def _read_tool_use(body: Json) -> Part | None:
    found = _typed(body, schema.ToolUseBlock)
    if found is None or not isinstance(found[0].input, dict):
        return None
    typed = found[0]
    arguments = msgspec.json.encode(typed.input).decode()
    return ToolCall(id=typed.tool_use_id, name=typed.name, arguments=arguments)


def _read_tool_result(body: Json) -> Part | None:
    found = _typed(body, schema.ToolResultBlock)
    if found is None:
        return None
    typed, block = found
    content = block["content"]
    return ToolResult(
        call_id=typed.tool_use_id,
        content=tuple(map(_read_nested, content)) if isinstance(content, list) else (),
        is_error=None if typed.status is None else typed.status == "error",
    )


def _read_nested(block: Json) -> Nested:
    """Content of a tool's result. JSON is text that says what it is."""
    if isinstance(block, dict) and block.keys() == {"json"}:
        text = msgspec.json.encode(block["json"]).decode()
        return Text(text=text, extra={"json": True})
    part = read_block(block)
    if isinstance(part, Text | Image | Document | Opaque):
        return part
    return opaque(block) if isinstance(block, dict) else opaque({})


def _read_reasoning(body: Json) -> Part | None:
    if not isinstance(body, dict) or len(body) != 1:
        return None
    sealed = body.get("redactedContent")
    if isinstance(sealed, str):
        return Reasoning(sealed=sealed)
    found = _typed(body.get("reasoningText"), schema.ReasoningText)
    return None if found is None else Reasoning(text=found[0].text, signature=found[0].signature)


def _read_cited(body: Json) -> Part | None:
    found = _typed(body, schema.CitationsContent)
    if found is None or not found[0].citations:
        return None
    typed, block = found
    if any(piece.text is None for piece in typed.content):
        return None
    citations = tuple(read_citation(citation) for citation in typed.citations)
    return Text(text=_pieces(block.get("content")), citations=citations)


def _pieces(content: Json) -> str:
    """The texts of a list of `{"text"}`, joined."""
    if not isinstance(content, list):
        return ""
    return "".join(_text(piece.get("text")) for piece in content if isinstance(piece, dict))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) else None


_READERS: dict[str, Callable[[Json], Part | None]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "audio": _read_audio,
    "toolUse": _read_tool_use,
    "toolResult": _read_tool_result,
    "reasoningContent": _read_reasoning,
    "citationsContent": _read_cited,
}
