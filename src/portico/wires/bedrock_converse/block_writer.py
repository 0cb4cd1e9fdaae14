"""Parts as content blocks, for requests and for answers.

Law of the file: a part that came on this wire goes out as it came. What a part of another wire
says and this one cannot is either refused with the field named or noted in `Losses`, each by a
row of `tables.RULES`.
"""

import binascii
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

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
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from portico.contract.errors import InvalidRequest
from portico.wires.anthropic_messages.plain_text import from_base64
from portico.wires.bedrock_converse.tables import (
    AUDIO_FORMATS,
    BY_WHAT,
    DOCUMENT_FORMATS,
    DROPPED,
    IMAGE_FORMATS,
    NAME,
    UNREADABLE,
)
from portico.wires.cited_places import for_converse
from portico.wires.foreign import by_claude, fitted, is_signed
from portico.wires.losses import Losses

Block = dict[str, Json]

LONGEST_ID = 64
LONGEST_NAME = 200

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9\-()\[\]]+")


class Writing:
    """What the parts of one request share: the losses, and the names of its documents.

    `claude`: the model is one of Claude's, or none that we know, so that it may be.
    """

    def __init__(self, own: bool, claude: bool = True) -> None:
        self.own = own
        self.claude = claude
        self.losses = Losses(own, DROPPED)
        self._named: set[str] = set()

    def name(self, title: str | None) -> str:
        """A document's name in the characters that Bedrock takes; no two are equal."""
        name = _NOT_IN_NAMES.sub(" ", title or "").strip()[:LONGEST_NAME].strip() or "document"
        number = 1
        found = name
        while found.casefold() in self._named:
            number += 1
            tail = f" {number}"
            found = name[: LONGEST_NAME - len(tail)] + tail
        self._named.add(found.casefold())
        return found


def refuse(what: str, field: str) -> InvalidRequest:
    """The refusal of a row. Raises LookupError for one that the table does not refuse."""
    rule = BY_WHAT[what]
    if rule.fate != "refused":
        raise LookupError(what)
    return InvalidRequest(f"`{field}` cannot be sent to a Bedrock model: {rule.how}", field=field)


def write_part(part: Part, writing: Writing, field: str) -> list[Block]:
    """A part as blocks: none where nothing is left to say, two with a cache point.

    Raises InvalidRequest naming `field`, which is the part's place in the caller's request.
    """
    block = _WRITERS[type(part)](part, writing, field)
    hints = [getattr(part, "cache", None)]
    if isinstance(part, ToolResult):
        hints += [getattr(inner, "cache", None) for inner in part.content]
    points = [write_cache(hint) for hint in hints if hint is not None]
    return [] if block is None else [block, *points[:1]]


def write_cache(cache: CacheHint) -> Block:
    point: Block = {"type": "default"}
    if cache.lifetime != "5m":
        point["ttl"] = cache.lifetime
    return {"cachePoint": point}


def own_citation(citation: Citation) -> Extra | None:
    """The citation's own object where it is one of this wire, or a place that Claude names."""
    known = {"title", "source", "sourceContent", "location"}
    if citation.body and citation.body.keys() <= known:
        return citation.body
    return for_converse(citation)


def tool_id(text: str, writing: Writing) -> str:
    """An id as Bedrock and Claude on it take it, the same for a call and its result."""
    if is_signed(text):
        writing.losses.drop("tool_call.signature")
    elif writing.own:
        return text
    return fitted(text, LONGEST_ID)


def json_object(text: str) -> msgspec.Raw | None:
    """The text of a JSON object, kept as it is; None if it is anything else."""
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except UNREADABLE:
        return None
    return msgspec.Raw(text.encode())


def is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return False
    return True


def write_citations(citations: Iterable[Citation]) -> list[Extra]:
    found = (write_citation(citation) for citation in citations)
    return [citation for citation in found if citation is not None]


def write_citation(citation: Citation) -> Extra | None:
    """Our own object, or another wire's URL citation as a web location."""
    own = own_citation(citation)
    if own is not None or not citation.url:
        return own
    body: Block = {"location": {"web": {"url": citation.url}}}
    if citation.title:
        body["title"] = citation.title
    if citation.text:
        body["sourceContent"] = [{"text": citation.text}]
    return body


def _text(part: Text, writing: Writing, field: str) -> Block | None:
    if not writing.own and not part.text.strip():
        return None
    citations = [body for body in map(own_citation, part.citations) if body is not None]
    if len(citations) < len(part.citations):
        writing.losses.drop("citations")
    _unknown(part.extra, writing, "messages[].content[].")
    if citations:
        return {"citationsContent": {"content": [{"text": part.text}], "citations": citations}}
    return {"text": part.text}


def _image(part: Image, writing: Writing, field: str) -> Block:
    if part.detail not in {None, "auto"}:
        writing.losses.drop("image.detail")
    extra = _unknown(part.extra, writing, "messages[].content[].")
    source = _source(part.source, extra, "image.link", field)
    word: Json
    if isinstance(part.source, Inline):
        word = IMAGE_FORMATS.get(part.source.media_type)
        if word is None and writing.own:
            word = part.source.media_type.removeprefix("image/")
    else:
        word = extra.get("format") or _ending(part.source, frozenset(IMAGE_FORMATS.values()))
    if word is None:
        raise refuse("image.type", field)
    return {"image": {"format": word, "source": source}}


def _document(part: Document, writing: Writing, field: str) -> Block:
    extra = _unknown(part.extra, writing, "messages[].content[].")
    block: Block = dict(_document_source(part, extra, writing, field))
    block["name"] = (part.title or "document") if writing.own else writing.name(part.title)
    if part.context is not None:
        block["context"] = part.context
    if part.citations is not None:
        block["citations"] = {"enabled": part.citations}
    return {"document": block}


def _document_source(part: Document, extra: Extra, writing: Writing, field: str) -> Block:
    word = extra.get("format")
    text = _document_text(part, writing)
    if text is not None:
        if writing.own or part.citations:
            return {**({} if word is None else {"format": word}), "source": {"text": text}}
        if not text:
            raise refuse("document.type", field)
        return {"format": "txt", "source": {"bytes": b64encode(text.encode()).decode()}}
    if part.source is None:
        raise refuse("document.type", field)
    source = _source(part.source, extra, "document.link", field)
    if isinstance(part.source, Inline):
        word = DOCUMENT_FORMATS.get(_media_type(part.source))
        if word is None:
            raise refuse("document.type", field)
    else:
        word = word or _ending(part.source, frozenset(DOCUMENT_FORMATS.values()))
    return {"source": source} if word is None else {"format": word, "source": source}


def _document_text(part: Document, writing: Writing) -> str | None:
    """Text that goes as text: Bedrock cites plain text only so, and takes it so only to cite."""
    source = part.source
    cited = part.citations and not writing.own
    if cited and isinstance(source, Inline) and _media_type(source) == "text/plain":
        return from_base64(source)
    return part.text


def _media_type(source: Inline) -> str:
    return source.media_type.partition(";")[0].strip().lower()


def _source(source: Source, extra: Extra, link: str, field: str) -> Block:
    if isinstance(source, Inline):
        return {"bytes": source.data}
    if isinstance(source, Link):
        if not source.url.startswith("s3://"):
            raise refuse(link, field)
        owner = {"bucketOwner": extra["bucketOwner"]} if "bucketOwner" in extra else {}
        return {"s3Location": {"uri": source.url, **owner}}
    raise refuse("file", field)


def _ending(source: Source, known: frozenset[str]) -> str | None:
    """The format that the name of a linked file ends in."""
    url = source.url.lower() if isinstance(source, Link) else ""
    ending = url.rpartition(".")[2].replace("jpg", "jpeg")
    return ending if ending in known else None


def _audio(part: Audio, writing: Writing, field: str) -> Block:
    word = part.format
    if not word and isinstance(part.source, Inline):
        word = part.source.media_type.removeprefix("audio/")
    if word not in AUDIO_FORMATS and not writing.own:
        raise refuse("audio.type", field)
    extra = _unknown(part.extra, writing, "messages[].content[].")
    return {"audio": {"format": word, "source": _source(part.source, extra, "audio.type", field)}}


def _reasoning(part: Reasoning, writing: Writing, field: str) -> Block | None:
    _unknown(part.extra, writing, "messages[].reasoning.")
    readable = writing.own or writing.claude
    if part.sealed is not None and (writing.own or (readable and is_base64(part.sealed))):
        return {"reasoningContent": {"redactedContent": part.sealed}}
    if not writing.own and (part.sealed is not None or not part.signature):
        writing.losses.drop("reasoning.unsigned")
        return None
    if part.signature is not None and not (readable and by_claude(part.signature)):
        writing.losses.drop("reasoning.foreign")
        return None
    said: Block = {"text": part.text}
    if part.signature is not None:
        said["signature"] = part.signature
    return {"reasoningContent": {"reasoningText": said}}


def _refusal(part: Refusal, writing: Writing, field: str) -> Block | None:
    return {"text": part.text} if part.text.strip() else None


def _tool_call(part: ToolCall, writing: Writing, field: str) -> Block:
    arguments = json_object(part.arguments.strip() or "{}")
    if arguments is None:
        member = field if writing.own else f"{field}.function.arguments"
        raise refuse("tool_call.arguments", member)
    _unknown(part.extra, writing, "messages[].tool_calls[].")
    call = tool_id(part.id, writing)
    return {"toolUse": {"toolUseId": call, "name": part.name, "input": arguments}}


def _tool_result(part: ToolResult, writing: Writing, field: str) -> Block:
    content: list[Block] = []
    for index, nested in enumerate(part.content):
        block = _nested(nested, writing, f"{field}.content[{index}]")
        if block is not None:
            content.append(block)
    _unknown(part.extra, writing, "messages[].")
    call = tool_id(part.call_id, writing)
    result: Block = {"toolUseId": call, "content": content}
    if part.is_error is not None:
        result["status"] = "error" if part.is_error else "success"
    return {"toolResult": result}


def _nested(part: Part, writing: Writing, field: str) -> Block | None:
    if isinstance(part, Text) and writing.own and part.extra.get("json") is True:
        return {"json": msgspec.Raw(part.text.encode())}
    block: Block | None = _WRITERS[type(part)](part, writing, field)
    return block


def _opaque(part: Opaque, writing: Writing, field: str) -> Block:
    if part.wire != NAME:
        raise refuse("opaque", field)
    return dict(part.body)


def _unknown(extra: Extra, writing: Writing, within: str) -> Extra:
    return writing.losses.unknown(extra, within) if extra else NOTHING


def write_answer_part(part: Part, own: bool) -> Block | None:
    """A part of an answer as a block. Never fails: the answer is already paid for."""
    if isinstance(part, Opaque):
        return dict(part.body) if part.wire == NAME else None
    if isinstance(part, ToolCall):
        arguments = json_object(part.arguments.strip() or "{}") or {"INVALID_JSON": part.arguments}
        return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": arguments}}
    if isinstance(part, Reasoning):
        return _answer_reasoning(part)
    if isinstance(part, Text):
        citations = write_citations(part.citations)
        if citations:
            return {"citationsContent": {"content": [{"text": part.text}], "citations": citations}}
        return {"text": part.text}
    if isinstance(part, Audio):
        return {"text": part.transcript} if part.transcript else None
    if isinstance(part, Refusal):
        return {"text": part.text}
    return _WRITERS[type(part)](part, Writing(True), "content") if own else None


def _answer_reasoning(part: Reasoning) -> Block:
    if part.sealed is not None:
        return {"reasoningContent": {"redactedContent": blob(part.sealed)}}
    said: Block = {"text": part.text}
    if part.signature is not None:
        said["signature"] = part.signature
    return {"reasoningContent": {"reasoningText": said}}


def blob(text: str) -> str:
    """Base64 as it is, any other text in base64, because an SDK decodes it."""
    return text if is_base64(text) else b64encode(text.encode("utf-8", "replace")).decode()


_WRITERS: dict[type[Part], Callable[[Any, Writing, str], Block | None]] = {
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
