"""Canonical parts as parts of a content, for requests and for answers.

Law of the file: a part that came on this wire goes out as it came; what another wire says and
this one cannot is looked up in `tables.RULES`: a name that is not there cannot be dropped or
refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from portico.contract.conversation import (
    Audio,
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
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.wires.gemini import signatures
from portico.wires.gemini.part_reader import Block, is_google, rest
from portico.wires.gemini.tables import NAME, RULES, UNREADABLE
from portico.wires.losses import Losses

_LINK_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "wav": "audio/wav",
    "mp3": "audio/mp3",
}
"""By the ending of a Cloud Storage address, which names no type otherwise."""


def refuse(what: str, field: str) -> InvalidRequest:
    """The error of a row of the table, for the member at fault."""
    rule = RULES[what]
    if rule.fate != "refused":
        raise LookupError(what)
    return InvalidRequest(f"`{field}` cannot be sent to a Gemini model. {rule.how}", field=field)


@dataclass(frozen=True, slots=True)
class Writing:
    """What writing a part must know of the whole: its losses, the model, the earlier calls."""

    losses: Losses
    modern: bool
    """The model insists on signatures and takes media in a function's response."""
    calls: Mapping[str, tuple[str, int]]
    """A call's id to its name and its place among all calls."""


def known_calls(turns: Iterable[Turn]) -> dict[str, tuple[str, int]]:
    made = (part for turn in turns for part in turn.parts if isinstance(part, ToolCall))
    return {call.id: (call.name, place) for place, call in enumerate(made)}


def write_part(part: Part, writing: Writing, field: str) -> list[Block]:
    """The parts of a request that say it, maybe none. Raises InvalidRequest naming `field`."""
    if getattr(part, "cache", None) is not None and not writing.losses.own:
        writing.losses.drop("cache")
    return _WRITERS[type(part)](part, writing, field)


def json_object(text: str) -> msgspec.Raw | None:
    """The text of a JSON object, kept as it is; None if it is anything else."""
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except UNREADABLE:
        return None
    return msgspec.Raw(text.encode())


def write_call(part: ToolCall, arguments: msgspec.Raw, extra: Extra) -> Block:
    """A function call with its own id and signature, both of which its id may carry."""
    given, signature = signatures.split(part.id)
    more = dict(extra)
    inner = more.pop("functionCall", None)
    call: Block = {"name": part.name, "args": arguments}
    if given:
        call["id"] = given
    block: Block = {"functionCall": {**call, **inner} if isinstance(inner, dict) else call, **more}
    signature = signature or _openai_signature(part)
    if signature is not None:
        block["thoughtSignature"] = signature
    return block


def write_inline(source: Inline, extra: Extra) -> Block:
    more = dict(extra)
    inner = more.pop("inlineData", None)
    blob: Block = {"mimeType": source.media_type, "data": source.data}
    return {"inlineData": {**blob, **inner} if isinstance(inner, dict) else blob, **more}


def _openai_signature(part: ToolCall) -> str | None:
    """Where Google's own OpenAI layer puts a call's signature.
    https://ai.google.dev/gemini-api/docs/thought-signatures#openai"""
    content = part.extra.get("extra_content")
    google = content.get("google") if isinstance(content, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else None


def _unknown(part: Part, writing: Writing, within: str = "messages[].content[].") -> Extra:
    return writing.losses.unknown(getattr(part, "extra", {}), within)


def _text(part: Text, writing: Writing, field: str) -> list[Block]:
    if part.citations and not writing.losses.own:
        writing.losses.drop("citations")
    extra = _unknown(part, writing)
    if not part.text and not writing.losses.own:
        return []
    return [{"text": part.text, **extra}]


def _image(part: Image, writing: Writing, field: str) -> list[Block]:
    if part.detail not in {None, "auto"}:
        writing.losses.drop("image.detail")
    return [_source(part.source, writing, _unknown(part, writing), field)]


def _audio(part: Audio, writing: Writing, field: str) -> list[Block]:
    return [_source(part.source, writing, _unknown(part, writing), field)]


def _document(part: Document, writing: Writing, field: str) -> list[Block]:
    losses = writing.losses
    if part.citations:
        losses.drop("document.citations")
    extra = _unknown(part, writing)
    if part.text is not None:
        words = (part.title, part.context, part.text)
        return [{"text": "\n\n".join(word for word in words if word), **extra}]
    if part.title is not None:
        losses.drop("document.title")
    if part.context is not None:
        losses.drop("document.context")
    if part.source is None:
        raise refuse("document.empty", field)
    return [_source(part.source, writing, extra, field)]


def _source(source: Source, writing: Writing, extra: Extra, field: str) -> Block:
    if isinstance(source, Inline):
        return write_inline(source, extra)
    address = source.url if isinstance(source, Link) else source.id
    own = writing.losses.own
    fetched = isinstance(source, Link) and address.startswith("https://")
    if not own and not fetched and not is_google(address):
        raise refuse("link" if isinstance(source, Link) else "file", field)
    more = dict(extra)
    inner = more.pop("fileData", None)
    file: Block = {"fileUri": address}
    path = urlsplit(address).path
    kind = _LINK_TYPES.get(path.rpartition(".")[2].lower())
    if kind is not None and not own:
        file["mimeType"] = kind
    return {"fileData": {**file, **inner} if isinstance(inner, dict) else file, **more}


def _reasoning(part: Reasoning, writing: Writing, field: str) -> list[Block]:
    losses = writing.losses
    signature = signatures.for_model(part.signature)
    if signature is None and (not losses.own or part.signature is not None):
        losses.drop("reasoning")
        return []
    extra = _unknown(part, writing, "messages[].reasoning.")
    return [write_thought(part.text, signature, extra)]


def write_thought(text: str, signature: str | None, extra: Extra) -> Block:
    """A thought, or the bare part in which a stream sends the signature of its text."""
    block: Block = {"text": text}
    if text:
        block["thought"] = True
    if signature is not None:
        block["thoughtSignature"] = signature
    return {**block, **extra}


def _refusal(part: Refusal, writing: Writing, field: str) -> list[Block]:
    return [{"text": part.text}] if part.text else []


def _tool_call(part: ToolCall, writing: Writing, field: str) -> list[Block]:
    arguments = json_object(part.arguments.strip() or "{}")
    if arguments is None:
        raise refuse("arguments", field)
    extra = part.extra
    if _openai_signature(part) is not None:
        extra = rest(extra, ("extra_content",))
    kept = writing.losses.unknown(extra, "messages[].tool_calls[].")
    return [write_call(part, arguments, kept)]


def _tool_result(part: ToolResult, writing: Writing, field: str) -> list[Block]:
    """The response, and before Gemini 3 what it cannot hold, as parts that follow it."""
    extra = dict(_unknown(part, writing))
    inner = extra.pop("functionResponse", None)
    name = writing.calls.get(part.call_id, ("", 0))[0]
    blocks = [
        block
        for place, nested in enumerate(part.content)
        for block in write_part(nested, writing, f"{field}.content[{place}]")
    ]
    texts = [text for block in blocks if isinstance(text := block.get("text"), str)]
    media = [block for block in blocks if "text" not in block]
    response: Block = {"name": name, "response": _response(part, texts, writing.losses.own)}
    given, _ = signatures.split(part.call_id)
    if given:
        response["id"] = given
    if isinstance(inner, dict):
        response.update(inner)
    if not response["name"]:
        raise refuse("tool_result.unknown", field)
    if media and (writing.modern or writing.losses.own):
        response["parts"] = media
        media = []
    return [{"functionResponse": response, **extra}, *media]


def _response(part: ToolResult, texts: Iterable[str], own: bool) -> Json:
    text = "\n".join(texts)
    if part.is_error and not own:
        return {"error": text}
    found = json_object(text)
    return {"output": text} if found is None else found


def _opaque(part: Opaque, writing: Writing, field: str) -> list[Block]:
    if part.wire != NAME:
        raise refuse("opaque", field)
    return [dict(part.body)]


_WRITERS: dict[type[Part], Callable[[Any, Writing, str], list[Block]]] = {
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
