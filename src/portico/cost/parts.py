"""Parts of a request whose tokens are not bounded by the bytes of the request.

Law of the file: what a wire's reader does not know is counted as something that only the model's
context window bounds. The numbers are parts.json, with sources and a date.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

Object = dict[str, Any]
"""A JSON object, walked by the readers of this file alone."""

ROUNDS: Final[Mapping[str, int]] = {"anthropic_messages": 10, "bedrock_converse": 10}
"""How often a provider may read the context in one request, where it runs tools itself; once on
wires that are not here. https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools
"""
DENSE: Final = frozenset({"audio/wav", "audio/x-wav", "audio/mp3", "audio/mpeg", "wav", "mp3"})
"""Audio that takes more bytes than tokens a second: at most 32 tokens, at least 300 bytes."""


class Overhead(msgspec.Struct, frozen=True):
    wires: tuple[str, ...]
    request: int
    tools: int
    source: str
    note: str = ""


class ImageMaximum(msgspec.Struct, frozen=True):
    family: str
    """How the provider's id of the model begins, after a vendor's name."""
    tokens: int
    source: str
    note: str = ""


class ToolMaximum(msgspec.Struct, frozen=True):
    """A tool that a provider defines and the caller runs: its definition is not in the body."""

    prefix: str
    tokens: int
    source: str
    note: str = ""


class Table(msgspec.Struct, frozen=True):
    date: str
    overheads: tuple[Overhead, ...]
    images: tuple[ImageMaximum, ...]
    tools: tuple[ToolMaximum, ...]


class Found(msgspec.Struct):
    """What a reader has seen. Each place is the first of its kind, for a message."""

    images: int = 0
    tools: int = 0
    """Tokens of tools that the provider defines."""
    heard: int = 0
    """Characters of base64 that are audio of a dense kind."""
    aside: int = 0
    """Bytes of the body that are media and not text."""
    window: str = ""
    """A part that only the context window bounds."""
    rounds: str = ""
    """A tool that the provider runs itself."""
    searches: int = 0
    endless: str = ""
    """A search tool without a limit."""

    def unbounded(self, place: str) -> None:
        self.window = self.window or place


@cache
def table() -> Table:
    return msgspec.json.decode(Path(__file__).with_name("parts.json").read_bytes(), type=Table)


@lru_cache(maxsize=1024)
def image_tokens(model_id: str) -> int | None:
    """The most that one image costs; None where nobody has written it down."""
    fitting = [
        row
        for row in table().images
        if re.search(rf"(?:^|[/.:]){re.escape(row.family)}(?![a-z0-9])", model_id.lower())
    ]
    return max(fitting, key=lambda row: len(row.family)).tokens if fitting else None


def read(body: bytes, wire: str) -> Found:
    """Walks a body. One that cannot be read without doubt is bounded by the window alone."""
    # imported here: only bodies with media or tools of a provider need a reader that sees
    # members which are there twice
    import json

    found = Found()
    try:
        document = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        READERS[wire](document, found)
    else:
        found.unbounded("body")
    return found


def _once(pairs: list[tuple[str, Any]]) -> Object:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is there twice")
    return members


def _objects(value: object) -> Iterable[Object]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _object(value: object) -> Object:
    return value if isinstance(value, dict) else {}


def _size(value: object) -> int:
    return len(value) if isinstance(value, str) else 0


def _provided(kind: str, tool: Object, found: Found) -> None:
    """A tool that is not the caller's own."""
    for row in table().tools:
        if kind.startswith(row.prefix):
            found.tools += row.tokens
            return
    found.rounds = found.rounds or f"tools[].{kind}"
    if "search" not in kind.lower():
        return
    uses = tool.get("max_uses")
    if isinstance(uses, int):
        found.searches += uses
    else:
        found.endless = found.endless or f"tools[].{kind}"


# --- OpenAI --------------------------------------------------------------------------------

_REFERENCES: Final = ("previous_response_id", "conversation", "prompt", "mcp_servers", "plugins")


def _openai_chat(body: Object, found: Found) -> None:
    for message in _objects(body.get("messages")):
        for part in _objects(message.get("content")):
            _openai_part(part, found)
        if message.get("audio") is not None:
            found.unbounded("messages[].audio")
    for tool in _objects(body.get("tools")):
        if tool.get("type") not in ("function", "custom"):
            _provided(str(tool.get("type")), tool, found)
    for name in _REFERENCES:
        if body.get(name) is not None:
            found.unbounded(name)
    if body.get("web_search_options") is not None:
        found.rounds = found.rounds or "web_search_options"
        found.searches += 1


def _openai_part(part: Object, found: Found) -> None:
    kind = part.get("type")
    if kind in ("text", "refusal"):
        return
    inner = part.get(str(kind))
    if kind == "image_url":
        found.images += 1
        url = inner if isinstance(inner, str) else _object(inner).get("url")
        if isinstance(url, str) and url.startswith("data:"):
            found.aside += len(url)
    elif kind == "input_audio" and _object(inner).get("format") in DENSE:
        found.heard += _size(_object(inner).get("data"))
        found.aside += _size(_object(inner).get("data"))
    else:
        found.aside += _size(_object(inner).get("file_data"))
        found.unbounded(f"messages[].content[].{kind}")


# --- Anthropic -----------------------------------------------------------------------------

_ANTHROPIC_TEXT: Final = frozenset(
    {
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "server_tool_use",
        "mcp_tool_use",
        "tool_reference",
        "compaction",
    }
)
_ANTHROPIC_NESTED: Final = frozenset(
    {
        "tool_result",
        "search_result",
        "web_search_tool_result",
        "web_search_result",
        "mcp_tool_result",
    }
)


def _anthropic_messages(body: Object, found: Found) -> None:
    for holder in (body.get("system"), *(m.get("content") for m in _objects(body.get("messages")))):
        _anthropic_blocks(holder, found)
    for tool in _objects(body.get("tools")):
        if tool.get("type") not in (None, "custom"):
            _provided(str(tool.get("type")), tool, found)
    for name in ("mcp_servers", "container"):
        if body.get(name):
            found.rounds = found.rounds or name
    for edit in _objects(_object(body.get("context_management")).get("edits")):
        if not str(edit.get("type")).startswith("clear_"):
            found.rounds = found.rounds or "context_management"


def _anthropic_blocks(content: object, found: Found) -> None:
    for block in _objects(content):
        kind = block.get("type")
        if kind in _ANTHROPIC_TEXT:
            continue
        if kind in _ANTHROPIC_NESTED:
            _anthropic_blocks(block.get("content"), found)
        elif kind == "image":
            found.images += 1
            found.aside += _size(_object(block.get("source")).get("data"))
        elif kind == "document":
            _anthropic_document(_object(block.get("source")), found)
        else:
            found.unbounded(f"messages[].content[].{kind}")


def _anthropic_document(source: Object, found: Found) -> None:
    kind = source.get("type")
    if kind == "content":
        _anthropic_blocks(source.get("content"), found)
    elif kind != "text":
        found.aside += _size(source.get("data"))
        found.unbounded("messages[].content[].document")


# --- Bedrock -------------------------------------------------------------------------------

_BEDROCK_TEXT: Final = frozenset(
    ("text", "json", "toolUse", "cachePoint", "reasoningContent", "citationsContent")
)


def _bedrock_converse(body: Object, found: Found) -> None:
    for holder in (body.get("system"), *(m.get("content") for m in _objects(body.get("messages")))):
        _bedrock_blocks(holder, found)
    for tool in _objects(_object(body.get("toolConfig")).get("tools")):
        for kind in tool.keys() - {"toolSpec", "cachePoint"}:
            _provided(kind, {}, found)
    for tool in _objects(_object(body.get("additionalModelRequestFields")).get("tools")):
        _provided(str(tool.get("type")), tool, found)


def _bedrock_blocks(content: object, found: Found) -> None:
    for block in _objects(content):
        for kind, inner in block.items():
            if kind not in _BEDROCK_TEXT:
                _bedrock_part(kind, _object(inner), found)


def _bedrock_part(kind: str, inner: Object, found: Found) -> None:
    source = _object(inner.get("source"))
    found.aside += _size(source.get("bytes"))
    if kind == "image":
        found.images += 1
    elif kind in ("toolResult", "searchResult"):
        _bedrock_blocks(inner.get("content"), found)
    elif kind == "guardContent":
        _bedrock_blocks([inner], found)
    elif kind == "document" and "content" in source:
        _bedrock_blocks(source["content"], found)
    elif kind != "document" or "text" not in source:
        found.unbounded(f"messages[].content[].{kind}")


# --- Gemini --------------------------------------------------------------------------------

_GEMINI_TEXT: Final = frozenset(
    {
        "text",
        "thought",
        "thoughtsignature",
        "functioncall",
        "executablecode",
        "codeexecutionresult",
        "videometadata",
        "mediaresolution",
        "partmetadata",
    }
)


def _spelled(value: object) -> Object:
    """Google takes either spelling of a member."""
    return {name.replace("_", "").lower(): inner for name, inner in _object(value).items()}


def _gemini(body: Object, found: Found) -> None:
    request = _spelled(body)
    contents = request.get("contents")
    for content in (
        request.get("systeminstruction"),
        *(contents if isinstance(contents, list) else [contents]),
    ):
        _gemini_parts(_object(content).get("parts"), found)
    tools = request.get("tools")
    for tool in tools if isinstance(tools, list) else [tools]:
        for kind in _spelled(tool).keys() - {"functiondeclarations"}:
            _provided(kind, {}, found)
    if request.get("cachedcontent") is not None:
        found.unbounded("cachedContent")


def _gemini_parts(parts: object, found: Found) -> None:
    for part in parts if isinstance(parts, list) else [parts]:
        for kind, inner in _spelled(part).items():
            if kind == "functionresponse":
                _gemini_parts(_object(inner).get("parts"), found)
            elif kind == "inlinedata":
                _gemini_blob(_spelled(inner), found)
            elif kind not in _GEMINI_TEXT:
                found.unbounded(f"contents[].parts[].{kind}")


def _gemini_blob(blob: Object, found: Found) -> None:
    media = str(blob.get("mimetype")).partition(";")[0].strip().lower()
    size = _size(blob.get("data"))
    if media.startswith("text/"):
        return
    found.aside += size
    if media.startswith("image/"):
        found.images += 1
    elif media in DENSE:
        found.heard += size
    else:
        found.unbounded(f"contents[].parts[].inlineData ({media})")


def _texts(body: Object, found: Found) -> None:
    """Embeddings of texts: every token has its bytes."""


READERS: Final[Mapping[str, Callable[[Object, Found], None]]] = {
    "openai_chat": _openai_chat,
    "anthropic_messages": _anthropic_messages,
    "bedrock_converse": _bedrock_converse,
    "gemini": _gemini,
    "openai_embeddings": _texts,
    "gemini_embeddings": _texts,
    "bedrock_embeddings": _texts,
}
