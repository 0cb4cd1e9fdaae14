"""Messages and their parts as canonical turns. Used for requests; answers have `answers.py`."""

from collections.abc import Collection
from typing import Any

import msgspec

from portico.contract.conversation import (
    Audio,
    CacheHint,
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
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from portico.contract.errors import InvalidRequest
from portico.wires.openai_chat import schema
from portico.wires.openai_chat.schema import NAME

_KNOWN = frozenset(("role", "content", "name"))
_KNOWN_TOOL = _KNOWN | {"tool_call_id"}
_KNOWN_ASSISTANT = _KNOWN | {
    "tool_calls",
    "refusal",
    "audio",
    "reasoning_content",
    "reasoning",
    "function_call",
}
_BREAKPOINT = {"mode": "explicit"}
"""What a cache hint says in full; one that says more is kept beside it, as it came."""


def turns(messages: list[Any]) -> tuple[Turn, ...]:
    """The messages of a body that the door has checked, decoded without types."""
    return tuple([_read(message, index) for index, message in enumerate(messages)])


def _read(raw: dict[str, Any], index: int) -> Turn:
    """Most messages are a role and a text; unknown members of others go into `extra`."""
    text = raw.get("content")
    if len(raw) == 2 and isinstance(text, str) and raw["role"] != "function":
        return Turn(role=raw["role"], parts=(Text(text=text),))
    return _turn(msgspec.convert(raw, schema.Message), raw, f"messages[{index}]")


def tool_calls(calls: list[schema.ToolCallBody], raw: Json) -> list[Part]:
    """Tool calls of a message; those that are not functions are opaque."""
    bodies = raw if isinstance(raw, list) else []
    return [_tool_call(call, body) for call, body in zip(calls, bodies, strict=True)]


def arguments_text(arguments: str | dict[str, Json] | None) -> str:
    """JSON text of arguments, which some servers send as an object."""
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return arguments or ""


def rest(raw: Json, known: Collection[str]) -> dict[str, Json]:
    """The members of an object that are not known."""
    if not isinstance(raw, dict):
        return {}
    return {name: value for name, value in raw.items() if name not in known}


def _turn(message: schema.Message, raw: dict[str, Json], field: str) -> Turn:
    if message.role == "function":
        raise InvalidRequest(
            f'`{field}.role`: the role "function" has been replaced; use "tool".',
            field=f"{field}.role",
        )
    if message.role == "assistant":
        return _assistant(message, raw, field)
    parts = _content(message.content, raw.get("content"), f"{field}.content")
    known = _KNOWN
    if message.role == "tool":
        known = _KNOWN_TOOL
        parts = [_tool_result(message.tool_call_id or "", parts, f"{field}.content")]
    return Turn(role=message.role, parts=tuple(parts), name=message.name, extra=rest(raw, known))


def _tool_result(call_id: str, parts: list[Part], field: str) -> ToolResult:
    content: list[Text | Image | Document | Opaque] = []
    for part in parts:
        if not isinstance(part, Text | Image | Document | Opaque):
            raise InvalidRequest(f"`{field}`: a tool's result has text only.", field=field)
        content.append(part)
    return ToolResult(call_id=call_id, content=tuple(content))


def _assistant(message: schema.Message, raw: dict[str, Json], field: str) -> Turn:
    if message.function_call is not None:
        name = f"{field}.function_call"
        raise InvalidRequest(f"`{name}` has been replaced; use `tool_calls`.", field=name)
    extra = rest(raw, _KNOWN_ASSISTANT)
    parts: list[Part] = []
    if message.reasoning_content is not None:
        parts.append(Reasoning(text=message.reasoning_content))
        if message.reasoning is not None:
            extra["reasoning"] = message.reasoning
    elif isinstance(message.reasoning, str):
        parts.append(Reasoning(text=message.reasoning, extra={"member": "reasoning"}))
    elif message.reasoning is not None:
        extra["reasoning"] = message.reasoning
    if message.content != "" or not message.tool_calls:
        parts += _content(message.content, raw.get("content"), f"{field}.content")
    if message.refusal is not None:
        parts.append(Refusal(text=message.refusal))
    if message.audio is not None:
        parts.append(Audio(source=FileReference(message.audio.id)))
    parts += tool_calls(message.tool_calls or [], raw.get("tool_calls") or [])
    return Turn(role="assistant", parts=tuple(parts), name=message.name, extra=extra)


def _tool_call(call: schema.ToolCallBody, raw: Json) -> Part:
    made = call.function
    if call.type != "function" or made is None:
        return Opaque(wire=NAME, kind=call.type, body=rest(raw, ()))
    extra = rest(raw, ("id", "type", "function"))
    if inner := rest(raw.get("function") if isinstance(raw, dict) else None, ("name", "arguments")):
        extra["function"] = inner
    text = arguments_text(made.arguments)
    return ToolCall(id=call.id, name=made.name, arguments=text, extra=extra)


def _content(content: str | list[schema.ContentPart] | None, raw: Json, field: str) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(text=content)]
    bodies = raw if isinstance(raw, list) else []
    return [
        _part(part, body, f"{field}[{place}]")
        for place, (part, body) in enumerate(zip(content, bodies, strict=True))
    ]


def _part(part: schema.ContentPart, raw: Json, field: str) -> Part:
    extra = _inner_extra(part.type, raw)
    cache = _cache(part, extra)
    if part.type == "text" and part.text is not None:
        return Text(text=part.text, cache=cache, extra=extra)
    if part.type == "refusal" and part.refusal is not None:
        return Refusal(text=part.refusal)
    if part.type == "image_url" and part.image_url is not None:
        source = _source(part.image_url.url, f"{field}.image_url.url")
        return Image(source=source, detail=part.image_url.detail, cache=cache, extra=extra)
    if part.type == "input_audio" and part.input_audio is not None:
        heard = part.input_audio
        kind = f"audio/{heard.format or 'wav'}"
        return Audio(source=Inline(kind, heard.data), format=heard.format, extra=extra)
    if part.type == "file" and part.file is not None:
        return _document(part.file, cache, extra, f"{field}.file")
    return Opaque(wire=NAME, kind=part.type, body=rest(raw, ()))


def _cache(part: schema.ContentPart, extra: dict[str, Json]) -> CacheHint | None:
    """The cache hint of a part. Where it says it all, it is no unknown member any more."""
    if part.type not in _HINTED or part.prompt_cache_breakpoint is None:
        return None
    if part.prompt_cache_breakpoint == _BREAKPOINT:
        del extra["prompt_cache_breakpoint"]
    return CacheHint()


_HINTED = frozenset(("text", "image_url", "file"))


def _inner_extra(kind: str, raw: Json) -> dict[str, Json]:
    """Unknown members of a part, and under its type those of the object within."""
    extra = rest(raw, ("type", kind))
    inner = raw.get(kind) if isinstance(raw, dict) else None
    known = _INNER.get(kind)
    if known is not None and (more := rest(inner, known)):
        extra[kind] = more
    return extra


_INNER = {
    "image_url": schema.ImageUrl.__struct_fields__,
    "input_audio": schema.InputAudio.__struct_fields__,
    "file": schema.FileBody.__struct_fields__,
}


def _document(file: schema.FileBody, cache: CacheHint | None, extra: Extra, field: str) -> Part:
    source: Source
    if file.file_id is not None:
        source = FileReference(file.file_id)
    elif file.file_data is None:
        raise InvalidRequest(f"`{field}` needs `file_id` or `file_data`.", field=field)
    elif file.file_data.startswith("data:"):
        source = _source(file.file_data, f"{field}.file_data")
    else:
        source = Inline("application/pdf", file.file_data)
    return Document(source=source, title=file.filename, cache=cache, extra=extra)


def _source(url: str, field: str) -> Source:
    """A link, or the bytes of a data: URL (RFC 2397), which must be in base64."""
    if url[:5].lower() != "data:":
        return Link(url)
    head, comma, data = url[5:].partition(",")
    media_type, semicolon, _ = head.partition(";")
    if not comma or not semicolon or not head.endswith("base64"):
        raise InvalidRequest(
            f"`{field}` is a data: URL without base64; send data:<media type>;base64,<data>.",
            field=field,
        )
    return Inline(media_type or "text/plain", data)
