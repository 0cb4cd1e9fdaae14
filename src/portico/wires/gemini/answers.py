"""Whole answers: read from a provider, written for a caller, or skimmed on their way through.

https://ai.google.dev/api/generate-content#GenerateContentResponse
"""

from collections.abc import Iterator, Sequence

import msgspec

from portico.contract.conversation import (
    NOTHING,
    Audio,
    Document,
    Extra,
    Image,
    Inline,
    Json,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from portico.contract.events import Answer, Choice
from portico.contract.usage import StopReason
from portico.contract.wires import Skim
from portico.wires.counts import MOST_SEARCHES
from portico.wires.gemini import logprobs, signatures
from portico.wires.gemini.failures import not_an_answer, read_stream_error
from portico.wires.gemini.grounding import billed_searches, citations, searched
from portico.wires.gemini.part_reader import Block, opaque, read_part, rest
from portico.wires.gemini.part_writer import json_object, write_call, write_inline, write_thought
from portico.wires.gemini.tables import NAME, STOP_FROM_WORD, STOP_TO_WORD, UNREADABLE
from portico.wires.gemini.usage import read_usage, write_usage

_TOP = frozenset(("candidates", "modelVersion", "responseId", "usageMetadata"))
_CANDIDATE = frozenset(("content", "finishReason", "index"))
_BESIDE = "beside"
"""Marks the signature of a text, which for other wires stands as a part after it."""


class Candidate(msgspec.Struct, frozen=True):
    content: dict[str, Json] | None
    finish_reason: str | None
    index: int


class Response(msgspec.Struct, rename="camel"):
    """The members of an answer, or of a chunk of a stream, that are read here."""

    candidates: list[dict[str, Json]] | None = None
    model_version: str = ""
    response_id: str = ""
    usage_metadata: dict[str, Json] | None = None
    prompt_feedback: dict[str, Json] | None = None
    error: Json = None

    @property
    def blocked(self) -> bool:
        """The prompt itself was refused, so there is no candidate."""
        return bool(self.prompt_feedback and self.prompt_feedback.get("blockReason"))


decoder = msgspec.json.Decoder(Response)


def utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def stop_reason(word: str | None, called: bool) -> StopReason:
    """`called`: the answer has a function call, which Gemini ends with STOP."""
    reason = STOP_FROM_WORD.get(word or "", StopReason.OTHER)
    return StopReason.TOOL_CALLS if called and reason is StopReason.END else reason


def read_candidate(body: dict[str, Json]) -> Candidate:
    """Raises UpstreamFailed for a candidate of another shape."""
    content, word, index = body.get("content"), body.get("finishReason"), body.get("index", 0)
    if not isinstance(content, dict | None) or not isinstance(word, str | None):
        raise not_an_answer()
    if not isinstance(index, int):
        raise not_an_answer()
    return Candidate(content, word, index)


def parts_of(candidate: Candidate) -> list[Json]:
    parts = candidate.content.get("parts") if candidate.content else None
    return parts if isinstance(parts, list) else []


def skim(body: bytes) -> Skim:
    """What the receipt needs of an answer that passes through; one that is none sets `failed`."""
    try:
        found = decoder.decode(body)
    except UNREADABLE:
        return Skim(failed=not_an_answer())
    if found.error is not None:
        return Skim(usage=read_usage(found.usage_metadata), failed=read_stream_error(found.error))
    if not found.candidates and not found.blocked:
        return Skim(failed=not_an_answer())
    skimmed = Skim(model=found.model_version)
    skimmed.usage = read_usage(found.usage_metadata, gather(set(), found))
    skimmed.complete = True
    skimmed.stop = StopReason.CONTENT_FILTER
    for place, candidate in enumerate(found.candidates or ()):
        called, word = note(skimmed, candidate)
        if place == 0:
            skimmed.stop = stop_reason(word, called)
    return skimmed


def gather(asked: set[str], found: Response) -> int:
    """Adds the searches that an answer, or a chunk, led to; how many are billed so far."""
    for candidate in found.candidates or ():
        if "groundingMetadata" in candidate and len(asked) < MOST_SEARCHES:
            asked.update(searched(candidate))
    return billed_searches(found.model_version, asked) if asked else 0


def note(skimmed: Skim, body: dict[str, Json]) -> tuple[bool, str | None]:
    """Counts a candidate's content: whether it has a call, and its word for its end, if any."""
    content = body.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    called = False
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part:
            skimmed.has_content = True
            called = called or "functionCall" in part
            skimmed.output_bytes += _size(part)
    word = body.get("finishReason")
    return called, word if isinstance(word, str) else None


def _size(part: Block) -> int:
    text = part.get("text")
    size = utf8_length(text) if isinstance(text, str) else 0
    call = part.get("functionCall")
    if isinstance(call, dict):
        size += len(msgspec.json.encode(call.get("args")))
    return size


def read_answer(body: bytes) -> Answer:
    """Raises what an error object means, and UpstreamFailed for a body that is no answer."""
    try:
        raw = msgspec.json.decode(body, type=dict[str, Json])
        found = msgspec.convert(raw, Response)
    except UNREADABLE:
        raise not_an_answer() from None
    if found.error is not None:
        raise read_stream_error(found.error)
    if not found.candidates and not found.blocked:
        raise not_an_answer()
    read = [(read_candidate(entry), entry) for entry in found.candidates or ()]
    read.sort(key=lambda pair: pair[0].index)
    choices = tuple(_choice(candidate, entry, found.response_id) for candidate, entry in read)
    unknown = [rest(entry, _CANDIDATE) for _, entry in read]
    words = [candidate.finish_reason for candidate, _ in read]
    extra = {**rest(raw, _TOP), "candidates": unknown, "words": words, "wire": NAME}
    if found.usage_metadata is not None:
        extra["usageMetadata"] = found.usage_metadata
    return Answer(
        id=found.response_id,
        model=found.model_version,
        choices=choices or (Choice(parts=(), stop=StopReason.CONTENT_FILTER),),
        usage=read_usage(found.usage_metadata, gather(set(), found)),
        extra=extra,
    )


def _choice(candidate: Candidate, entry: Block, answer: str) -> Choice:
    parts: list[Part] = []
    for place, block in enumerate(parts_of(candidate)):
        part = answered(read_part(block, answer, candidate.index, place), block)
        if isinstance(part, Text):
            part = msgspec.structs.replace(part, citations=citations(entry, place, part.text))
        parts.append(part)
        signature = part.extra.get("thoughtSignature") if isinstance(part, Text) else None
        if isinstance(signature, str):
            beside = signatures.inward(signature)
            parts.append(Reasoning(signature=beside, extra={_BESIDE: True}))
    called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(
        parts=tuple(parts),
        stop=stop_reason(candidate.finish_reason, called),
        logprobs=logprobs.read(entry.get("logprobsResult")),
    )


def answered(part: Part, block: Json) -> Part:
    """Answers hold text, thoughts and calls; media and Google's own parts stay as they are."""
    if isinstance(part, Text | Reasoning | ToolCall | Opaque):
        return part
    return opaque(block if isinstance(block, dict) else {})


def write_answer(answer: Answer) -> bytes:
    """The answer as a GenerateContentResponse. Content that only another wire knows is left
    out."""
    own = answer.extra.get("wire") == NAME
    extra = answer.extra if own else NOTHING
    unknown, words = _kept(extra, "candidates"), _kept(extra, "words")
    usage = extra.get("usageMetadata") or write_usage(answer.usage)
    body: Block = {}
    if unknown or not own:
        body["candidates"] = [
            _written(index, choice, words[index] if index < len(words) else None, own)
            | (_mapping(unknown[index]) if index < len(unknown) else {})
            for index, choice in enumerate(answer.choices)
        ]
    body["usageMetadata"] = usage
    body["modelVersion"] = answer.model
    body["responseId"] = answer.id
    mine = ("wire", "candidates", "words", "usageMetadata")
    return msgspec.json.encode({**body, **rest(extra, mine)})


def _written(index: int, choice: Choice, word: Json, own: bool) -> Block:
    parts = list(write_parts(choice.parts, own))
    called = any(isinstance(part, ToolCall) for part in choice.parts)
    if not isinstance(word, str) or stop_reason(word, called) is not choice.stop:
        word = STOP_TO_WORD[choice.stop]
    body: Block = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": word,
        "index": index,
    }
    if not own and (found := logprobs.write(choice.logprobs)) is not None:
        body["logprobsResult"] = found
    return body


def write_parts(parts: Sequence[Part], own: bool) -> Iterator[Block]:
    """Never fails: the answer is already paid for."""
    for part in parts:
        block = _write(part, part.extra if own and hasattr(part, "extra") else NOTHING)
        if block is not None:
            yield block


def _write(part: Part, extra: Extra) -> Block | None:
    if isinstance(part, Text):
        return {"text": part.text, **extra}
    if isinstance(part, Refusal):
        return {"text": part.text}
    if isinstance(part, Reasoning):
        return None if _BESIDE in extra else _thought(part, extra)
    if isinstance(part, ToolCall):
        return write_call(part, arguments(part.arguments), extra)
    if isinstance(part, Opaque):
        return dict(part.body) if part.wire == NAME else None
    if isinstance(part, Image | Audio | Document) and isinstance(part.source, Inline):
        return write_inline(part.source, extra)
    if isinstance(part, Audio) and part.transcript:
        return {"text": part.transcript}
    return None


def _thought(part: Reasoning, extra: Extra) -> Block | None:
    if part.sealed is not None:
        return None
    signature = None if part.signature is None else signatures.for_caller(part.signature)
    return write_thought(part.text, signature, extra) if part.text or signature else None


def arguments(text: str) -> msgspec.Raw:
    """Arguments that were cut short or are no object still reach the caller, as text."""
    found = json_object(text.strip() or "{}")
    return found or msgspec.Raw(msgspec.json.encode({"INVALID_JSON": text}))


def _kept(extra: Extra, name: str) -> list[Json]:
    kept = extra.get(name)
    return kept if isinstance(kept, list) else []


def _mapping(value: Json) -> Block:
    return value if isinstance(value, dict) else {}
