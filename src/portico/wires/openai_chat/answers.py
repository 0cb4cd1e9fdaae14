"""Whole answers: read from a provider, written for a caller, or skimmed on their way through.

Source: https://platform.openai.com/docs/api-reference/chat/object.
"""

from collections.abc import Iterable, Sequence

import msgspec

from portico.contract.conversation import (
    NOTHING,
    Audio,
    Citation,
    Extra,
    FileReference,
    Inline,
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
from portico.wires.losses import Losses
from portico.wires.openai_chat import schema, usage
from portico.wires.openai_chat.failures import not_an_answer, read_stream_error
from portico.wires.openai_chat.message_reader import arguments_text, rest, tool_calls
from portico.wires.openai_chat.message_writer import Body, tool_call
from portico.wires.openai_chat.schema import NAME
from portico.wires.openai_chat.tables import DROPPED, STOP_READ, STOP_WRITE

_TOP = frozenset(("id", "object", "created", "model", "choices", "usage"))
_CHOICE = frozenset(("index", "message", "finish_reason", "stop_reason", "logprobs"))
_MESSAGE = frozenset(("role", *schema.AnswerMessage.__struct_fields__))


_LAST_SECOND = 2**40


def utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def seconds(created: float | None) -> int | None:
    """A time in seconds since the epoch, if it is one."""
    return int(created) if created is not None and 0 <= created < _LAST_SECOND else None


def stop_reason(word: str | None, sequence: str | int | None, refused: bool) -> StopReason:
    """A finish reason in our words. `sequence` is the stop sequence, where a server names it."""
    reason = STOP_READ.get(word or "", StopReason.OTHER)
    if reason is StopReason.END:
        if refused:
            return StopReason.REFUSAL
        if isinstance(sequence, str) and sequence:
            return StopReason.STOP_SEQUENCE
    return reason


def stop_word(reason: StopReason, refused: bool) -> str:
    """A finish reason in OpenAI's words. A refusal with its own text stops like an answer."""
    if refused and reason is StopReason.REFUSAL:
        return "stop"
    return STOP_WRITE[reason]


def skim(body: bytes) -> Skim:
    """What the receipt needs of an answer that passes through.

    An answer that is none, or an error under a good status, sets `failed`.
    """
    try:
        found = _decode(body)
    except UpstreamFailed as error:
        return Skim(failed=error)
    if found.error is not None:
        counted = usage.read(found.usage, found.service_tier)
        return Skim(usage=counted, failed=read_stream_error(found.error))
    counted = usage.read(found.usage, found.service_tier)
    skim = Skim(model=found.model or "", usage=counted, complete=True)
    for choice in found.choices or ():
        size = _size(choice.message)
        skim.output_bytes += size
        if size or choice.message.audio:
            skim.has_content = True
    if found.choices:
        skim.stop = _stop(found.choices[0])
    return skim


def read_answer(body: bytes) -> Answer:
    """Raises what an error object means, and UpstreamFailed for a body that is no answer."""
    found = _decode(body)
    if found.error is not None:
        raise read_stream_error(found.error)
    if not found.choices:
        raise not_an_answer()
    try:
        raw = schema.objects.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_an_answer() from None
    bodies = raw["choices"] if isinstance(raw["choices"], list) else []
    pairs = list(zip(found.choices, bodies, strict=True))
    ordered = sorted(pairs, key=lambda pair: pair[0].index)
    extra: Body = {**rest(raw, _TOP), "wire": NAME}
    if more := [_unknown(choice) for _, choice in ordered]:
        extra["choices"] = more
    return Answer(
        id=found.id or "",
        model=found.model or "",
        choices=tuple(_choice(choice, inner) for choice, inner in ordered),
        usage=usage.read(found.usage, found.service_tier),
        created=seconds(found.created),
        extra=extra,
    )


def write_answer(answer: Answer) -> bytes:
    """The answer as a chat.completion. Content that only another wire knows is left out."""
    own = answer.extra.get("wire") == NAME
    known = rest(answer.extra, ("wire", "choices")) if own else {}
    kept = answer.extra.get("choices") if own else None
    inner = kept if isinstance(kept, list) else []
    choices: list[Body] = []
    for index, choice in enumerate(answer.choices):
        body = _written(index, choice, own)
        choices.append(_joined(body, inner[index]) if index < len(inner) else body)
    whole: Body = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created or 0,
        "model": answer.model,
        "choices": choices,
    }
    if answer.usage is not None:
        whole["usage"] = usage.write(answer.usage)
    whole.update(known)
    return msgspec.json.encode(whole)


def read_citation(annotation: schema.Annotation, text: str = "") -> Citation | None:
    found = annotation.url_citation
    if found is None:
        return None
    start, end = found.start_index, found.end_index
    passage = text[start:end] if start is not None and end is not None else ""
    return Citation(text=passage, url=found.url, title=found.title or "", start=start, end=end)


def write_citation(citation: Citation) -> Body | None:
    """An annotation; None for a citation that names no URL, which OpenAI cannot say."""
    if not citation.url:
        return None
    return {
        "type": "url_citation",
        "url_citation": {
            "start_index": citation.start or 0,
            "end_index": citation.end or 0,
            "title": citation.title,
            "url": citation.url,
        },
    }


def _decode(body: bytes) -> schema.AnswerBody:
    try:
        found = schema.answers.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_an_answer() from None
    if found.choices is None and found.error is None:
        raise not_an_answer()
    return found


def _stop(choice: schema.AnswerChoice) -> StopReason:
    return stop_reason(choice.finish_reason, choice.stop_reason, bool(choice.message.refusal))


def _size(message: schema.AnswerMessage) -> int:
    size = 0
    if isinstance(message.content, str):
        size = utf8_length(message.content)
    elif message.content:
        size = sum(utf8_length(part.text or "") for part in message.content)
    if thought := message.reasoning_content or message.reasoning:
        size += utf8_length(thought)
    if message.refusal:
        size += utf8_length(message.refusal)
    for call in message.tool_calls or ():
        if call.function is not None:
            size += utf8_length(arguments_text(call.function.arguments))
    return size


def _unknown(choice: Json) -> Body:
    """The unknown members of a choice, and those of its message."""
    message = choice.get("message") if isinstance(choice, dict) else None
    return {**rest(choice, _CHOICE), "message": rest(message, _MESSAGE)}


def _choice(choice: schema.AnswerChoice, raw: Json) -> Choice:
    message = choice.message
    body = raw.get("message") if isinstance(raw, dict) else None
    calls = body.get("tool_calls") if isinstance(body, dict) else None
    parts = [*_spoken(message), *tool_calls(message.tool_calls or [], calls or [])]
    if message.function_call is not None:
        text = arguments_text(message.function_call.arguments)
        parts.append(ToolCall(id="", name=message.function_call.name, arguments=text))
    sequence = choice.stop_reason if isinstance(choice.stop_reason, str) else None
    return Choice(
        parts=tuple(parts),
        stop=_stop(choice),
        sequence=sequence or None,
        logprobs=choice.logprobs,
    )


def _spoken(message: schema.AnswerMessage) -> Iterable[Part]:
    if message.reasoning_content:
        yield Reasoning(text=message.reasoning_content)
    elif message.reasoning:
        yield Reasoning(text=message.reasoning, extra={"member": "reasoning"})
    text = message.content
    if isinstance(text, list):
        text = "".join(part.text or "" for part in text)
    if text:
        found = (read_citation(annotation, text) for annotation in message.annotations or ())
        yield Text(text=text, citations=tuple(citation for citation in found if citation))
    if message.refusal:
        yield Refusal(text=message.refusal)
    if message.audio is not None:
        yield _audio(message.audio)


def _audio(audio: schema.Audio) -> Audio:
    return Audio(
        source=Inline("audio/wav", audio.data or "") if audio.data else FileReference(audio.id),
        transcript=audio.transcript,
        extra={"id": audio.id, "expires_at": audio.expires_at},
    )


def _written(index: int, choice: Choice, own: bool) -> Body:
    message = _message(choice.parts, own)
    body: Body = {
        "index": index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": stop_word(choice.stop, message["refusal"] is not None),
    }
    if choice.sequence:
        body["stop_reason"] = choice.sequence
    return body


def _joined(body: Body, kept: Json) -> Body:
    """A choice with the unknown members that it came with, and those of its message."""
    inner = kept.get("message") if isinstance(kept, dict) else None
    message = {**rest(body["message"], ()), **rest(inner, ())}
    return {**body, **rest(kept, ("message",)), "message": message}


def _message(parts: Sequence[Part], own: bool) -> Body:
    message: Body = {"role": "assistant", "content": None, "refusal": None}
    texts: list[Text] = []
    for part in parts:
        if isinstance(part, Text):
            texts.append(part)
        else:
            _beside(part, message, own)
    if texts:
        message["content"] = "".join([part.text for part in texts])
        if annotations := _annotations(texts):
            message["annotations"] = annotations
    return message


def _beside(part: Part, message: Body, own: bool) -> None:
    """A part that has its own member beside the content; others are left out."""
    if isinstance(part, Refusal):
        message["refusal"] = f"{message['refusal'] or ''}{part.text}"
    elif isinstance(part, Reasoning) and part.text:
        name = str(part.extra.get("member", _THOUGHT)) if own else _THOUGHT
        message[name] = f"{message.get(name) or ''}{part.text}"
    elif isinstance(part, Audio):
        message["audio"] = _audio_body(part)
    elif (body := _call(part, own)) is not None:
        calls = message.setdefault("tool_calls", [])
        assert isinstance(calls, list)  # set here only
        calls.append(body)


_THOUGHT = "reasoning_content"


def _call(part: Part, own: bool) -> Body | None:
    """A tool call's body; None for any other part."""
    if isinstance(part, Opaque) and part.wire == NAME:
        return dict(part.body)
    if not isinstance(part, ToolCall):
        return None
    extra: Extra = part.extra if own else NOTHING
    plain = msgspec.structs.replace(part, extra=extra, cache=None)
    return {**tool_call(plain, Losses(own, DROPPED)), "id": part.id}


def _annotations(texts: Iterable[Text]) -> list[Body]:
    """Citations of all texts; their places count from the start of the joined content."""
    written: list[Body] = []
    offset = 0
    for text in texts:
        for citation in text.citations:
            placed = msgspec.structs.replace(
                citation,
                start=offset + (citation.start or 0),
                end=offset + (len(text.text) if citation.end is None else citation.end),
            )
            if (body := write_citation(placed)) is not None:
                written.append(body)
        offset += len(text.text)
    return written


def _audio_body(part: Audio) -> Body:
    source = part.source
    given = part.extra.get("id")
    return {
        "id": given if isinstance(given, str) else getattr(source, "id", ""),
        "data": source.data if isinstance(source, Inline) else "",
        "transcript": part.transcript or "",
        "expires_at": part.extra.get("expires_at") or 0,
    }
