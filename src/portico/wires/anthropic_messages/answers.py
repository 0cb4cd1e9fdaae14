"""Whole answers: read from a provider, written for a caller, or skimmed on their way through.

https://platform.claude.com/docs/en/api/messages/create
"""

from collections.abc import Iterable, Mapping

import msgspec

from portico.contract.conversation import (
    Audio,
    Citation,
    Extra,
    Json,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from portico.contract.errors import UpstreamFailed
from portico.contract.events import Answer, Choice
from portico.contract.usage import StopReason
from portico.contract.wires import Skim
from portico.wires.anthropic_messages.block_reader import opaque, read_content, rest
from portico.wires.anthropic_messages.block_writer import (
    LONGEST_ID,
    Block,
    json_object,
    own_citation,
    write_part,
)
from portico.wires.anthropic_messages.tables import NAME, STOP_FROM_WORD, STOP_TO_WORD, UNREADABLE
from portico.wires.anthropic_messages.usage import read_usage, uncounted, write_usage
from portico.wires.foreign import fitted, is_signed
from portico.wires.losses import Losses

_READ = frozenset(
    ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")
)


class _SkimBlock(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")


class _SkimAnswer(msgspec.Struct):
    type: str
    model: str = ""
    content: list[_SkimBlock] = []
    stop_reason: str | None = None
    usage: dict[str, Json] | None = None


class _Answer(msgspec.Struct):
    id: str
    model: str
    content: list[dict[str, Json]]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: dict[str, Json] | None = None


_skim = msgspec.json.Decoder(_SkimAnswer)
_objects = msgspec.json.Decoder(dict[str, Json])


def stop_reason(word: str | None) -> StopReason:
    return STOP_FROM_WORD.get(word or "", StopReason.OTHER)


def utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def malformed(status: str = "body") -> UpstreamFailed:
    return UpstreamFailed(
        "The upstream's answer is not an Anthropic message; check the provider's base URL.",
        detail={"stage": status, "kind": "malformed"},
    )


def skim(body: bytes) -> Skim:
    """What the receipt needs of an answer that passes through.

    An answer that is none sets `failed`, and `complete` stays False.
    """
    try:
        found = _skim.decode(body)
    except UNREADABLE:
        return Skim(failed=malformed())
    if found.type != "message":
        return Skim(usage=read_usage(found.usage), failed=malformed())
    size = 0
    for block in found.content:
        size += utf8_length(block.text or "") + utf8_length(block.thinking or "")
        size += len(block.input)
    return Skim(
        model=found.model,
        stop=stop_reason(found.stop_reason),
        usage=read_usage(found.usage),
        output_bytes=size,
        has_content=bool(found.content),
        complete=True,
    )


def read_answer(body: bytes) -> Answer:
    """Raises UpstreamFailed for a body that is no message."""
    try:
        raw = _objects.decode(body)
        found = msgspec.convert(raw, _Answer)
    except UNREADABLE:
        raise malformed() from None
    return Answer(
        id=found.id,
        model=found.model,
        choices=(
            Choice(
                parts=tuple(
                    _answered(part, block)
                    for part, block in zip(read_content(raw["content"]), found.content, strict=True)
                ),
                stop=stop_reason(found.stop_reason),
                sequence=found.stop_sequence,
            ),
        ),
        usage=read_usage(found.usage),
        extra=own_extra(rest(raw, _READ), found.usage),
    )


def write_answer(answer: Answer) -> bytes:
    """The first choice as a message. Content that only another wire knows is left out."""
    own, extra, usage = open_extra(answer.extra)
    choice = answer.choices[0]
    blocks = (write_answer_part(part, own) for part in choice.parts)
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    body: Block = {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [block for block in blocks if block is not None],
        "stop_reason": stop_word(choice.stop, refused),
        "stop_sequence": choice.sequence,
        "usage": write_usage(answer.usage, usage),
        **extra,
    }
    return msgspec.json.encode(body)


def stop_word(reason: StopReason, refused: bool) -> str:
    """The word for a reason. Another wire's refusal ends like any answer; ours says so."""
    if refused and reason is StopReason.END:
        return "refusal"
    return STOP_TO_WORD[reason]


def own_extra(extra: Extra, usage: Json) -> Extra:
    """An answer's unknown members, marked with the wire that they belong to."""
    return {**extra, "usage": uncounted(usage), "wire": NAME}


def open_extra(extra: Extra) -> tuple[bool, Extra, Json]:
    """Whether unknown members are ours; then they and those of `usage`, otherwise nothing."""
    if extra.get("wire") != NAME:
        return False, {}, None
    kept = {name: value for name, value in extra.items() if name not in {"wire", "usage"}}
    return True, kept, extra.get("usage")


def write_answer_part(part: Part, own: bool) -> Block | None:
    """A part of an answer as a block. Never fails: the answer is already paid for."""
    if isinstance(part, Reasoning) and part.sealed is None:
        extra = part.extra if own else {}
        signature = part.signature or ""
        return {"type": "thinking", "thinking": part.text, "signature": signature, **extra}
    if isinstance(part, ToolCall):
        return _call(part, own)
    if isinstance(part, Audio):
        return {"type": "text", "text": part.transcript} if part.transcript else None
    if isinstance(part, Opaque) and part.wire != NAME:
        return None
    block = write_part(part, Losses(own=own), "content")
    if block is not None and isinstance(part, Text) and part.citations:
        block["citations"] = write_citations(part.citations)
    return block


def write_citations(citations: Iterable[Citation]) -> list[Extra]:
    found = (write_citation(citation) for citation in citations)
    return [citation for citation in found if citation is not None]


def write_citation(citation: Citation) -> Extra | None:
    """Our own object, or another wire's URL citation as a web search result."""
    own = own_citation(citation)
    if own is not None or not citation.url:
        return own
    return {
        "type": "web_search_result_location",
        "cited_text": citation.text,
        "url": citation.url,
        "title": citation.title or None,
        "encrypted_index": "",
    }


def _answered(part: Part, block: Mapping[str, Json]) -> Part:
    """Answers hold text, reasoning, tool calls and blocks of the provider's own."""
    if isinstance(part, Text | Reasoning | ToolCall | Opaque):
        return part
    return opaque(dict(block))


def call_id(text: str) -> str:
    """An id in the alphabet that Anthropic takes back, with the signature that it may carry."""
    return text if is_signed(text) else fitted(text, max(LONGEST_ID, len(text)))


def _call(part: ToolCall, own: bool) -> Block:
    """Arguments that were cut short or are no object still reach the caller, as text.

    The name is the one of Anthropic's documentation for tool input that is not valid JSON:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    given = json_object(part.arguments.strip() or "{}")
    block: Block = {
        "type": "tool_use",
        "id": call_id(part.id),
        "name": part.name,
        "input": {"INVALID_JSON": part.arguments} if given is None else given,
    }
    return {**block, **part.extra} if own else block
