"""Turns as messages.

Law of the file: what a message cannot say is looked up in `tables.RULES`; a name that is not in
the table cannot be dropped or refused.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from portico.contract.conversation import (
    NOTHING,
    Audio,
    Document,
    Extra,
    FileReference,
    Image,
    Inline,
    Json,
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
from portico.wires.foreign import fitted, is_signed
from portico.wires.losses import Losses
from portico.wires.openai_chat.schema import NAME
from portico.wires.openai_chat.tables import RULES
from portico.wires.turns import plain_text

Body = dict[str, Json]
Placed = tuple[int, Part]
"""A part and its place among the caller's, for errors that name it."""

LONGEST_ID = 40

_MEDIA_NOTE = "(Its images and documents follow in the next user message.)"


def refuse(what: str, field: str) -> InvalidRequest:
    """The error of a row of the table, for the member at fault."""
    rule = RULES[what]
    if rule.fate != "refused":
        raise LookupError(what)
    return InvalidRequest(
        f"`{field}` cannot be sent to a model of the OpenAI chat wire. {rule.how}", field=field
    )


def messages(turns: Sequence[Turn], losses: Losses) -> list[Body]:
    """All messages. Media of tool results wait until the run of tool messages is over."""
    written: list[Body] = []
    waiting: list[Body] = []
    for index, turn in enumerate(turns):
        field = f"messages[{index}]"
        text = plain_text(turn)
        if text is not None and not waiting and turn.role != "tool":
            written.append({"role": turn.role, "content": text})
            continue
        placed = list(enumerate(turn.parts))
        results = [(place, part) for place, part in placed if isinstance(part, ToolResult)]
        others = [(place, part) for place, part in placed if not isinstance(part, ToolResult)]
        extra = losses.unknown(turn.extra, "messages[].")
        for place, result in results:
            within = field if turn.role == "tool" else f"{field}.content[{place}]"
            message, media = _tool_message(result, losses, within)
            waiting += media
            written.append({**message, **_named(turn), **(NOTHING if others else extra)})
        if not others and results:
            continue
        message = _message(turn, others, losses, field)
        if waiting and message["role"] == "user":
            message["content"] = [*waiting, *_as_parts(message["content"])]
            waiting = []
        elif waiting:
            written.append({"role": "user", "content": waiting})
            waiting = []
        written.append({**message, **_named(turn), **extra})
    if waiting:
        written.append({"role": "user", "content": waiting})
    return written


def _named(turn: Turn) -> Body:
    return {} if turn.name is None else {"name": turn.name}


def _as_parts(content: Json) -> list[Json]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _message(turn: Turn, parts: Sequence[Placed], losses: Losses, field: str) -> Body:
    if turn.role == "assistant":
        return _assistant(parts, losses, field)
    role = "user" if turn.role == "tool" else turn.role
    return {"role": role, "content": _content(parts, losses, f"{field}.content")}


def _content(parts: Iterable[Placed], losses: Losses, field: str) -> Json:
    """A string where one text says it all, otherwise a list of parts."""
    bodies = [
        body
        for place, part in parts
        if (body := write_part(part, losses, f"{field}[{place}]")) is not None
    ]
    if not bodies:
        return ""
    only = bodies[0]
    if len(bodies) == 1 and only.keys() == {"type", "text"}:
        return only["text"]
    return bodies


def _assistant(parts: Sequence[Placed], losses: Losses, field: str) -> Body:
    message: Body = {"role": "assistant"}
    calls: list[Body] = []
    spoken: list[Placed] = []
    for place, part in parts:
        if _beside(part, message, calls, losses):
            continue
        if isinstance(part, Image | Document | Audio):
            raise refuse("assistant.media", f"{field}.content[{place}]")
        spoken.append((place, part))
    silent = calls or "refusal" in message or "audio" in message
    content = None if silent and not spoken else _content(spoken, losses, f"{field}.content")
    return {**message, "content": content, **({"tool_calls": calls} if calls else {})}


def _beside(part: Part, message: Body, calls: list[Body], losses: Losses) -> bool:
    """Writes a part that has its own member beside the content; False for all others."""
    if isinstance(part, ToolCall):
        calls.append(tool_call(part, losses))
    elif isinstance(part, Opaque) and part.wire == NAME and "id" in part.body:
        calls.append(dict(part.body))
    elif isinstance(part, Reasoning):
        _reasoning(part, message, losses)
    elif isinstance(part, Refusal):
        message["refusal"] = part.text
    elif isinstance(part, Audio) and isinstance(part.source, FileReference) and losses.own:
        message["audio"] = {"id": part.source.id}
    else:
        return False
    return True


def _reasoning(part: Reasoning, message: Body, losses: Losses) -> None:
    """Servers that send reasoning take it back under the member they sent it in."""
    if not losses.own:
        losses.drop("reasoning")
        return
    member = str(part.extra.get("member", "reasoning_content"))
    message[member] = f"{message.get(member, '')}{part.text}"


def tool_call(part: ToolCall, losses: Losses) -> Body:
    if part.cache is not None:
        losses.drop("cache")
    function: Body = {"name": part.name, "arguments": part.arguments or "{}"}
    extra = dict(losses.unknown(part.extra, "messages[].tool_calls[]."))
    if isinstance(inner := extra.pop("function", None), dict):
        function.update(inner)
    return {"id": tool_id(part.id, losses), "type": "function", "function": function, **extra}


def tool_id(text: str, losses: Losses) -> str:
    """An id as OpenAI takes it, the same for a call and its result."""
    if is_signed(text):
        losses.drop("tool_call.signature")
    elif losses.own:
        return text
    return fitted(text, LONGEST_ID)


def _tool_message(part: ToolResult, losses: Losses, field: str) -> tuple[Body, list[Body]]:
    """The tool message, and the media that must follow in a user message."""
    if part.cache is not None:
        losses.drop("cache")
    losses.unknown(part.extra, "messages[].content[].")
    call = tool_id(part.call_id, losses)
    texts: list[Part] = []
    media: list[Body] = []
    for place, inner in enumerate(part.content):
        if isinstance(inner, Image | Document) and getattr(inner, "text", None) is None:
            body = write_part(inner, losses, f"{field}.content[{place}]")
            media += [] if body is None else [body]
        else:
            texts.append(inner)
    if part.is_error:
        texts = _as_error(texts)
    if media:
        texts.append(Text(text=_MEDIA_NOTE))
        media.insert(0, {"type": "text", "text": f"From the result of tool call {call}:"})
    content = _content(enumerate(texts), losses, f"{field}.content")
    return {"role": "tool", "tool_call_id": call, "content": content}, media


def _as_error(parts: list[Part]) -> list[Part]:
    if parts and isinstance(first := parts[0], Text):
        return [Text(text=f"Error: {first.text}", extra=first.extra), *parts[1:]]
    return [Text(text="Error: the tool failed."), *parts]


def write_part(part: Part, losses: Losses, field: str) -> Body | None:
    """A content part; None where nothing is left to say."""
    body = _WRITERS[type(part)](part, losses, field)
    if getattr(part, "cache", None) is None:
        return body
    if body is None or not losses.own:
        losses.drop("cache")
        return body
    return {"prompt_cache_breakpoint": {"mode": "explicit"}, **body}


def _with_extra(kind: str, body: Body, inner: Body, part: Part, losses: Losses) -> Body:
    given: Extra = getattr(part, "extra", NOTHING)
    extra = dict(losses.unknown(given, "messages[].content[]."))
    if isinstance(more := extra.pop(kind, None), dict):
        inner.update(more)
    return {**body, **extra}


def _text(part: Text, losses: Losses, field: str) -> Body:
    if part.citations:
        losses.drop("citations")
    extra = losses.unknown(part.extra, "messages[].content[].")
    return {"type": "text", "text": part.text, **extra}


def _url(source: Source, field: str) -> str:
    if isinstance(source, Inline):
        return f"data:{source.media_type};base64,{source.data}"
    if isinstance(source, FileReference):
        raise refuse("file", field)
    return source.url


def _image(part: Image, losses: Losses, field: str) -> Body:
    inner: Body = {"url": _url(part.source, field)}
    if part.detail is not None:
        inner["detail"] = part.detail
    return _with_extra("image_url", {"type": "image_url", "image_url": inner}, inner, part, losses)


def _document(part: Document, losses: Losses, field: str) -> Body:
    if part.citations:
        losses.drop("document.citations")
    if part.text is not None:
        words = (part.title, part.context, part.text)
        return {"type": "text", "text": "\n\n".join(word for word in words if word)}
    if part.context is not None:
        losses.drop("document.context")
    inner: Body = {}
    if isinstance(part.source, Inline):
        inner["file_data"] = _url(part.source, field)
    elif isinstance(part.source, FileReference) and losses.own:
        inner["file_id"] = part.source.id
    else:
        raise refuse("file" if isinstance(part.source, FileReference) else "document.link", field)
    if part.title is not None or not losses.own:
        inner["filename"] = part.title or "document.pdf"
    return _with_extra("file", {"type": "file", "file": inner}, inner, part, losses)


def _audio(part: Audio, losses: Losses, field: str) -> Body:
    if not isinstance(part.source, Inline):
        raise refuse("audio.link", field)
    form = part.format or part.source.media_type.rpartition("/")[2]
    inner: Body = {"data": part.source.data, "format": form}
    return _with_extra(
        "input_audio", {"type": "input_audio", "input_audio": inner}, inner, part, losses
    )


def _refusal(part: Refusal, losses: Losses, field: str) -> Body:
    return {"type": "refusal", "refusal": part.text}


def _opaque(part: Opaque, losses: Losses, field: str) -> Body:
    if part.wire != NAME:
        raise refuse("opaque", field)
    return dict(part.body)


def _misplaced(part: Part, losses: Losses, field: str) -> Body:
    raise refuse("opaque", field)


_WRITERS: dict[type[Part], Callable[[Any, Losses, str], Body | None]] = {
    Text: _text,
    Image: _image,
    Document: _document,
    Audio: _audio,
    Refusal: _refusal,
    Opaque: _opaque,
    Reasoning: _misplaced,
    ToolCall: _misplaced,
    ToolResult: _misplaced,
}
