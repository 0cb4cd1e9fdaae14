"""Parts of a content as canonical parts. Requests, answers and streams share this vocabulary.

Law of the file: a part that the canonical vocabulary cannot hold whole becomes `Opaque`, so
reading never fails and never loses a member.
"""

from collections.abc import Callable, Collection, Mapping

import msgspec

from portico.contract.conversation import (
    Audio,
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
)
from portico.wires.gemini import schema, signatures
from portico.wires.gemini.tables import NAME

Block = dict[str, Json]

FILES_HOST = "https://generativelanguage.googleapis.com/"
_TEXT = ("text", "thought", "thoughtSignature")
_BLOB = schema.members_of(schema.Blob)
_CALL = ("name", "args", "id")


def rest(block: Json, known: Collection[str]) -> Block:
    """The members of an object that are not known."""
    if not isinstance(block, dict):
        return {}
    return {name: value for name, value in block.items() if name not in known}


def is_google(url: str) -> bool:
    """An address that Gemini fetches for itself: Cloud Storage or its own Files API."""
    return url.startswith(("gs://", FILES_HOST, "files/"))


def opaque(block: Mapping[str, Json]) -> Opaque:
    """A part as it is; its kind is the member that says what it holds."""
    kind = next((name for name in block if name not in ("thought", "thoughtSignature")), "")
    return Opaque(wire=NAME, kind=kind, body=block)


def read_part(block: Json, *place: object) -> Part:
    """A part of any kind but a function's response. `place` makes a call's id unique."""
    if not isinstance(block, dict):
        return Opaque(wire=NAME, kind="", body={"value": block})
    text = block.get("text")
    if len(block) == 1 and isinstance(text, str):
        return Text(text=text)  # nearly every chunk of a stream
    try:
        found = msgspec.convert(block, schema.Part)
    except (msgspec.ValidationError, RecursionError):
        return opaque(block)
    for member, reader in _READERS.items():
        if block.get(member) is not None:
            return reader(block, found, place)
    return opaque(block)


def read_source(url: str) -> Source:
    return FileReference(url) if is_google(url) or "://" not in url else Link(url)


def json_text(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _call(block: Block, found: schema.Part, place: tuple[object, ...]) -> Part:
    made = found.function_call
    if made is None:
        return opaque(block)
    inner = rest(block["functionCall"], _CALL)
    extra = rest(block, ("functionCall", "thoughtSignature"))
    return ToolCall(
        id=signatures.call_id(made.id, found.thought_signature, *place, made.name),
        name=made.name,
        arguments=json_text(made.args or {}),
        extra={**extra, "functionCall": inner} if inner else extra,
    )


def _text(block: Block, found: schema.Part, place: tuple[object, ...]) -> Part:
    text, signature = found.text or "", found.thought_signature
    if found.thought or (not text and signature):
        canonical = None if signature is None else signatures.inward(signature)
        return Reasoning(text=text, signature=canonical, extra=rest(block, _TEXT))
    return Text(text=text, extra=rest(block, ("text", "thought")))


def _inline(block: Block, found: schema.Part, place: tuple[object, ...]) -> Part:
    if found.inline_data is None:
        return opaque(block)
    source = Inline(found.inline_data.mime_type, found.inline_data.data)
    extra = rest(block, ("inlineData",))
    if inner := rest(block["inlineData"], _BLOB):
        extra["inlineData"] = inner
    return _media(block, source.media_type, source, extra)


def _file(block: Block, found: schema.Part, place: tuple[object, ...]) -> Part:
    if found.file_data is None:
        return opaque(block)
    extra = rest(block, ("fileData",))
    if inner := rest(block["fileData"], ("fileUri",)):
        extra["fileData"] = inner
    kind = found.file_data.mime_type or "application/pdf"
    return _media(block, kind, read_source(found.file_data.file_uri), extra)


def _media(block: Block, media_type: str, source: Source, extra: Extra) -> Part:
    kind, _, form = media_type.partition("/")
    if kind == "image":
        return Image(source=source, extra=extra)
    if kind == "audio":
        return Audio(source=source, format=form, extra=extra)
    if kind == "video":
        return opaque(block)
    return Document(source=source, extra=extra)


_READERS: dict[str, Callable[[Block, schema.Part, tuple[object, ...]], Part]] = {
    "functionCall": _call,
    "text": _text,
    "inlineData": _inline,
    "fileData": _file,
}
"""Which member says what a part is, the first that is there."""
