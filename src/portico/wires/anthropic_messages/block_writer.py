"""Parts as content blocks, for requests and for answers.

Law of the file: a part that came on this wire goes out as it came. What a part of another wire
says and this one cannot is either refused with the field named or noted in `Losses`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from portico.contract.conversation import (
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
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from portico.contract.errors import InvalidRequest
from portico.wires.anthropic_messages.plain_text import from_base64
from portico.wires.anthropic_messages.tables import NAME, UNREADABLE
from portico.wires.cited_places import for_claude
from portico.wires.foreign import by_claude, fitted, is_signed
from portico.wires.losses import Losses

Block = dict[str, Json]

LONGEST_ID = 64


def refuse(field: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"`{field}` cannot be sent to an Anthropic model: {what}.", field=field)


def write_part(part: Part, losses: Losses, field: str) -> Block | None:
    """A part of a request as a block; None where nothing is left to say.

    Raises InvalidRequest naming `field`, which is the part's place in the caller's request.
    """
    return _WRITERS[type(part)](part, losses, field)


def write_cache(cache: CacheHint | None) -> Block:
    if cache is None:
        return {}
    control: Block = {"type": "ephemeral"}
    if cache.lifetime != "5m":
        control["ttl"] = cache.lifetime
    return {"cache_control": control}


def own_citation(citation: Citation) -> Extra | None:
    """The citation's own object where it is one of this wire, or a place that Converse names."""
    kind = citation.body.get("type")
    if isinstance(kind, str) and kind.endswith("_location"):
        return citation.body
    return for_claude(citation)


def tool_id(text: str, losses: Losses) -> str:
    """An id as Anthropic takes it, the same for a call and its result."""
    if is_signed(text):
        losses.drop("messages[].tool_calls[].signature")
    elif losses.own:
        return text
    return fitted(text, LONGEST_ID)


def json_object(text: str) -> msgspec.Raw | None:
    """The text of a JSON object, kept as it is; None if it is anything else."""
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except UNREADABLE:
        return None
    return msgspec.Raw(text.encode())


def _text(part: Text, losses: Losses, field: str) -> Block | None:
    if not part.text and not losses.own:
        return None
    block: Block = {"type": "text", "text": part.text}
    if part.citations:
        citations = [body for body in map(own_citation, part.citations) if body is not None]
        if len(citations) < len(part.citations):
            losses.drop("messages[].annotations")
        if citations:
            block["citations"] = citations
    if part.cache is not None:
        block.update(write_cache(part.cache))
    if part.extra:
        block.update(losses.unknown(part.extra, "messages[].content[]."))
    return block


def _image(part: Image, losses: Losses, field: str) -> Block:
    if part.detail not in {None, "auto"}:
        losses.drop("messages[].content[].image_url.detail")
    extra = losses.unknown(part.extra, "messages[].content[].")
    source = _source(part.source, losses, field)
    return {"type": "image", "source": source, **write_cache(part.cache), **extra}


def _document(part: Document, losses: Losses, field: str) -> Block:
    kept = dict(losses.unknown(part.extra, "messages[].content[]."))
    shape = kept.pop("source", None)
    block: Block = {"type": "document", "source": _document_source(part, shape, losses, field)}
    if part.title is not None:
        block["title"] = part.title
    if part.context is not None:
        block["context"] = part.context
    if part.citations is not None:
        block["citations"] = {"enabled": part.citations}
    return {**block, **write_cache(part.cache), **kept}


def _document_source(part: Document, shape: Json, losses: Losses, field: str) -> Block:
    if part.text is not None:
        if isinstance(shape, Mapping) and shape.get("type") == "content":
            return {"type": "content", "content": part.text}
        return {"type": "text", "media_type": "text/plain", "data": part.text}
    source = part.source
    if source is None:
        raise refuse(field, "the document is empty")
    if losses.own or not isinstance(source, Inline) or source.media_type == "application/pdf":
        return _source(source, losses, field)
    text = from_base64(source)
    if text is None:
        raise refuse(field, "documents must be PDF or UTF-8 text")
    return {"type": "text", "media_type": "text/plain", "data": text}


def _source(source: Source, losses: Losses, field: str) -> Block:
    if isinstance(source, Inline):
        return {"type": "base64", "media_type": source.media_type, "data": source.data}
    if isinstance(source, Link):
        return {"type": "url", "url": source.url}
    if losses.own:
        return {"type": "file", "file_id": source.id}
    raise refuse(field, "a file id is known only to the provider that gave it; send the content")


def _audio(part: Audio, losses: Losses, field: str) -> Block:
    raise refuse(field, "it takes no audio; send a transcript as text")


def _reasoning(part: Reasoning, losses: Losses, field: str) -> Block | None:
    readable = losses.own if part.signature is None else by_claude(part.signature)
    if part.sealed is None and not readable:
        losses.drop("messages[].reasoning")
        return None
    extra = losses.unknown(part.extra, "messages[].reasoning.")
    if part.sealed is not None:
        return {"type": "redacted_thinking", "data": part.sealed, **extra}
    block: Block = {"type": "thinking", "thinking": part.text}
    if part.signature is not None:
        block["signature"] = part.signature
    return {**block, **extra}


def _refusal(part: Refusal, losses: Losses, field: str) -> Block | None:
    return {"type": "text", "text": part.text} if part.text else None


def _tool_call(part: ToolCall, losses: Losses, field: str) -> Block:
    arguments = json_object(part.arguments.strip() or "{}")
    if arguments is None:
        member = field if losses.own else f"{field}.function.arguments"
        raise refuse(member, "tool arguments must be a JSON object")
    return {
        "type": "tool_use",
        "id": tool_id(part.id, losses),
        "name": part.name,
        "input": arguments,
        **write_cache(part.cache),
        **losses.unknown(part.extra, "messages[].tool_calls[]."),
    }


def _tool_result(part: ToolResult, losses: Losses, field: str) -> Block:
    inner = (
        write_part(nested, losses, f"{field}.content[{index}]")
        for index, nested in enumerate(part.content)
    )
    block: Block = {
        "type": "tool_result",
        "tool_use_id": tool_id(part.call_id, losses),
        "content": [nested for nested in inner if nested is not None],
    }
    if part.is_error is not None:
        block["is_error"] = part.is_error
    extra = losses.unknown(part.extra, "messages[].")
    return {**block, **write_cache(part.cache), **extra}


def _opaque(part: Opaque, losses: Losses, field: str) -> Block:
    if part.wire != NAME:
        raise refuse(field, f"only the wire {part.wire} knows content of this kind")
    return dict(part.body)


_WRITERS: dict[type[Part], Callable[[Any, Losses, str], Block | None]] = {
    Text: _text,
    Image: _image,
    Document: _document,
    Audio: _audio,
    Reasoning: _reasoning,
    Refusal: _refusal,
    ToolCall: _tool_call,
    ToolResult: _tool_result,
    Opaque: _opaque,
}
