"""Whole answers: read from a provider, written for a caller, or skimmed on their way through.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
An answer has neither an id nor the name of its model: both are "".
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from portico.contract.conversation import Extra, Json, Part, Reasoning, Refusal, Text, ToolCall
from portico.contract.events import Answer, Choice
from portico.contract.usage import StopReason
from portico.contract.wires import Skim
from portico.wires.bedrock_converse.block_reader import opaque, read_content, rest
from portico.wires.bedrock_converse.block_writer import Block, write_answer_part
from portico.wires.bedrock_converse.failures import malformed
from portico.wires.bedrock_converse.tables import NAME, STOP_FROM_WORD, STOP_TO_WORD, UNREADABLE
from portico.wires.bedrock_converse.usage import read_usage, uncounted, write_usage

_READ = ("output", "stopReason", "usage")


class _Said(msgspec.Struct, rename="camel"):
    text: str = ""
    signature: str | None = None


class _SkimReasoning(msgspec.Struct, rename="camel"):
    reasoning_text: _Said | None = None


class _SkimTool(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")


class _SkimCited(msgspec.Struct):
    content: list[_Said] = []


class _SkimBlock(msgspec.Struct, rename="camel"):
    text: str | None = None
    reasoning_content: _SkimReasoning | None = None
    tool_use: _SkimTool | None = None
    citations_content: _SkimCited | None = None


class _SkimMessage(msgspec.Struct):
    content: list[_SkimBlock] = []


class _SkimOutput(msgspec.Struct):
    message: _SkimMessage


class _SkimAnswer(msgspec.Struct, rename="camel"):
    output: _SkimOutput
    stop_reason: str | None = None
    usage: dict[str, Json] | None = None
    service_tier: Json = None


class _Message(msgspec.Struct):
    content: list[dict[str, Json]]


class _Output(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: str | None = None
    usage: dict[str, Json] | None = None
    service_tier: Json = None
    additional_model_response_fields: Json = None


_skim = msgspec.json.Decoder(_SkimAnswer)


def stop_reason(word: str | None) -> StopReason:
    return STOP_FROM_WORD.get(word or "", StopReason.OTHER)


def utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def skim(body: bytes) -> Skim:
    """What the receipt needs of an answer that passes through.

    An answer that is none sets `failed`, and `complete` stays False.
    """
    try:
        found = _skim.decode(body)
    except UNREADABLE:
        return Skim(failed=malformed())
    blocks = found.output.message.content
    return Skim(
        stop=stop_reason(found.stop_reason),
        usage=read_usage(found.usage, found.service_tier),
        output_bytes=sum(map(_size, blocks)),
        has_content=bool(blocks),
        complete=True,
    )


def read_answer(body: bytes) -> Answer:
    """Raises UpstreamFailed for a body that is no answer of the Converse API."""
    try:
        raw = msgspec.json.decode(body, type=dict[str, Any])
        found = msgspec.convert(raw, _Answer)
    except UNREADABLE:
        raise malformed() from None
    parts = tuple(_answered(part) for part in read_content(raw["output"]["message"]["content"]))
    reason = stop_reason(found.stop_reason)
    choice = Choice(
        parts=parts, stop=reason, sequence=sequence(found.additional_model_response_fields)
    )
    return Answer(
        id="",
        model="",
        choices=(choice,),
        usage=read_usage(found.usage, found.service_tier),
        extra=own_extra(rest(raw, _READ), found.stop_reason, found.usage),
    )


def write_answer(answer: Answer) -> bytes:
    """The first choice as a message. Content that only another wire knows is left out."""
    own, extra, usage = open_extra(answer.extra)
    choice = answer.choices[0]
    blocks = (write_answer_part(part, own) for part in choice.parts)
    body: Block = {
        "output": {
            "message": {
                "role": "assistant",
                "content": [block for block in blocks if block is not None],
            }
        },
        "stopReason": stop_word(choice.stop, _refused(choice.parts), answer.extra),
        "usage": write_usage(answer.usage, usage),
        "metrics": {"latencyMs": 0},
        **extra,
    }
    return msgspec.json.encode(body)


def stop_word(reason: StopReason, refused: bool, extra: Extra) -> str:
    """The word for a reason; the upstream's own where it was one of this wire."""
    word = extra.get("stopReason") if extra.get("wire") == NAME else None
    if isinstance(word, str) and stop_reason(word) is reason:
        return word
    if refused and reason is StopReason.END:
        return STOP_TO_WORD[StopReason.REFUSAL]
    return STOP_TO_WORD[reason]


def sequence(fields: Json) -> str | None:
    """The stop sequence that was met, where the caller asked for it by its path."""
    found = fields.get("stop_sequence") if isinstance(fields, dict) else None
    return found if isinstance(found, str) else None


def own_extra(extra: Extra, word: str | None, usage: Json) -> Extra:
    """An answer's unknown members, marked with the wire that they belong to."""
    return {**extra, "stopReason": word, "usage": uncounted(usage), "wire": NAME}


def open_extra(extra: Extra) -> tuple[bool, Extra, Json]:
    """Whether unknown members are ours; then they and those of `usage`, otherwise nothing."""
    if extra.get("wire") != NAME:
        return False, {}, None
    return True, rest(extra, ("wire", "usage", "stopReason")), extra.get("usage")


def _refused(parts: Iterable[Part]) -> bool:
    return any(isinstance(part, Refusal) for part in parts)


def _answered(part: Part) -> Part:
    """Answers hold text, reasoning, tool calls and blocks of the provider's own."""
    if isinstance(part, Text | Reasoning | ToolCall):
        return part
    block = write_answer_part(part, own=True)
    return opaque(dict(block if isinstance(block, Mapping) else {}))


def _size(block: _SkimBlock) -> int:
    size = utf8_length(block.text or "")
    if block.reasoning_content is not None and block.reasoning_content.reasoning_text is not None:
        size += utf8_length(block.reasoning_content.reasoning_text.text)
    if block.citations_content is not None:
        size += sum(utf8_length(piece.text) for piece in block.citations_content.content)
    return size + (0 if block.tool_use is None else len(block.tool_use.input))
