"""What a simulated model answers to a conversation: a conversation in, an `Outcome` out."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from portico.contract.conversation import (
    Conversation,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from portico.contract.errors import InvalidRequest
from portico.contract.events import (
    Answer,
    Choice,
    Event,
    PartClosed,
    PartDelta,
    PartOpened,
    Started,
    Stopped,
    UsageReported,
)
from portico.contract.usage import StopReason, Usage
from portico.providers.simulator.asked import calls, question
from portico.providers.simulator.extract import extract
from portico.providers.simulator.fitting import shape
from portico.providers.simulator.script import Script
from portico.providers.simulator.settings import Base
from portico.providers.simulator.transcript import clip, pieces, render, tokens

THOUGHT = "I am simulated, so this is all that I think."
SEAL = "c2ltdWxhdGVk"
"""The signature of simulated reasoning: "simulated" in base64."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """An answer and what it used. Every one of `choices` gets the same parts."""

    parts: tuple[Part, ...]
    stop: StopReason
    usage: Usage
    sequence: str | None = None
    """The stop sequence that was met."""
    choices: int = 1


class _Draft(msgspec.Struct, kw_only=True):
    """An answer before stop sequences and the cap."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()
    stop: StopReason | None = None


def answer(
    conversation: Conversation, model: Base, script: Script | None, call_ids: str = "call_sim"
) -> Outcome:
    """Answers a chat. Tool calls are named `call_ids` and a number.

    Raises InvalidRequest if the model does not chat, has no script, or no entry matches.
    """
    rendered = render(conversation)
    draft = _writer(model)(conversation, rendered, script)
    parts, sequence = _stopped(draft, conversation.sampling.stop, call_ids)
    reasoning = conversation.reasoning
    if reasoning is not None and reasoning.enabled and reasoning.effort != "none":
        parts = [Reasoning(text=THOUGHT, signature=SEAL), *parts]
    parts, spent, full = _capped(parts, conversation.sampling.max_output_tokens)
    choices = conversation.sampling.choices
    thought = sum(tokens(part.text) for part in parts if isinstance(part, Reasoning))
    return Outcome(
        parts=tuple(parts),
        stop=StopReason.LENGTH if full else _reason(draft, sequence),
        sequence=None if full else sequence,
        usage=Usage(input=tokens(rendered), output=spent * choices, reasoning=thought * choices),
        choices=choices,
    )


# --- models --------------------------------------------------------------------------------


def _echo(conversation: Conversation, rendered: str, script: Script | None) -> _Draft:
    wanted = calls(conversation) if conversation.tools else []
    if wanted:
        return _Draft(calls=wanted)
    return _Draft(text=shape(question(conversation), conversation.output))


def _extract(conversation: Conversation, rendered: str, script: Script | None) -> _Draft:
    wanted = calls(conversation) if conversation.tools else []
    if wanted:
        return _Draft(calls=wanted)
    return _Draft(text=shape(extract(conversation), conversation.output))


def _script(conversation: Conversation, rendered: str, script: Script | None) -> _Draft:
    if script is None:
        raise InvalidRequest(
            "The simulated model 'script' has no script; name a file with the provider's script:.",
            field="model",
        )
    entry = script.find(rendered)
    return _Draft(text=entry.answer, calls=entry.tool_calls, stop=entry.stop)


Writer = Callable[[Conversation, str, Script | None], _Draft]
_WRITERS: Mapping[str, Writer] = {"echo": _echo, "extract": _extract, "script": _script}


def _writer(model: Base) -> Writer:
    writer = _WRITERS.get(model)
    if writer is None:
        raise InvalidRequest(
            f"The simulated model '{model}' does not chat; use {', '.join(_WRITERS)}.",
            field="model",
        )
    return writer


# --- limits --------------------------------------------------------------------------------


def _stopped(draft: _Draft, stops: Sequence[str], call_ids: str) -> tuple[list[Part], str | None]:
    """The draft as parts. A stop sequence ends the text before it, and takes the calls along."""
    met = [(at, stop) for stop in stops if stop and (at := draft.text.find(stop)) >= 0]
    text, sequence = draft.text, None
    if met:
        at, sequence = min(met)
        text = text[:at]
    made: list[Part] = []
    if text or not draft.calls or sequence is not None:
        refused = draft.stop is StopReason.REFUSAL
        made.append(Refusal(text=text) if refused else Text(text=text))
    if sequence is None:
        made += [
            ToolCall(id=f"{call_ids}_{at}", name=name, arguments=arguments)
            for at, (name, arguments) in enumerate(draft.calls)
        ]
    return made, sequence


def _capped(parts: list[Part], limit: int | None) -> tuple[list[Part], int, bool]:
    """The parts that fit into `limit` tokens, the tokens they take, and whether any was cut."""
    sizes = [tokens(_written(part)) for part in parts]
    spent = sum(sizes)
    if limit is None or spent <= limit:
        return parts, spent, False
    kept: list[Part] = []
    left = limit
    for part, need in zip(parts, sizes, strict=True):
        if need <= left:
            kept.append(part)
            left -= need
            continue
        if left > 0 or not kept:
            kept.append(_cut(part, left))
            left -= min(left, tokens(_written(kept[-1])))
        break
    return kept, limit - left, True


def _written(part: Part) -> str:
    """What of a part counts as output."""
    if isinstance(part, ToolCall):
        return part.name + part.arguments
    return part.text if isinstance(part, Text | Reasoning | Refusal) else ""


def _cut(part: Part, limit: int) -> Part:
    if isinstance(part, ToolCall):
        # The name always comes whole; the arguments may end anywhere, as those of models do.
        room = clip(part.name + part.arguments, limit)[len(part.name) :]
        return msgspec.structs.replace(part, arguments=room)
    if isinstance(part, Text | Reasoning | Refusal):
        return msgspec.structs.replace(part, text=clip(part.text, limit))
    return part


def _reason(draft: _Draft, sequence: str | None) -> StopReason:
    if sequence is not None:
        return StopReason.STOP_SEQUENCE
    if draft.stop is not None:
        return draft.stop
    return StopReason.TOOL_CALLS if draft.calls else StopReason.END


# --- shapes --------------------------------------------------------------------------------


def whole(outcome: Outcome, id: str, model: str, created: int) -> Answer:  # noqa: A002 - the field
    """The answer at once. `created` in seconds since the epoch."""
    choice = Choice(parts=outcome.parts, stop=outcome.stop, sequence=outcome.sequence)
    return Answer(
        id=id,
        model=model,
        choices=(choice,) * outcome.choices,
        usage=outcome.usage,
        created=created,
    )


def events(outcome: Outcome, id: str, model: str, created: int) -> Iterator[Event]:  # noqa: A002
    """The answer as a stream, a token a `PartDelta`."""
    yield Started(id=id, model=model, created=created)
    for choice in range(outcome.choices):
        for at, part in enumerate(outcome.parts):
            yield from _part_events(part, at, choice)
        yield Stopped(reason=outcome.stop, choice=choice, sequence=outcome.sequence)
    yield UsageReported(usage=outcome.usage)


def _part_events(part: Part, at: int, choice: int) -> Iterator[Event]:
    if isinstance(part, ToolCall):
        yield PartOpened(part=at, kind="tool_call", choice=choice, id=part.id, name=part.name)
        for piece in pieces(part.arguments):
            yield PartDelta(part=at, text=piece, choice=choice, field="arguments")
    elif isinstance(part, Reasoning):
        yield PartOpened(part=at, kind="reasoning", choice=choice)
        for piece in pieces(part.text):
            yield PartDelta(part=at, text=piece, choice=choice)
        yield PartDelta(part=at, text=part.signature or "", choice=choice, field="signature")
    elif isinstance(part, Text | Refusal):
        yield PartOpened(
            part=at, kind="refusal" if isinstance(part, Refusal) else "text", choice=choice
        )
        for piece in pieces(part.text):
            yield PartDelta(part=at, text=piece, choice=choice)
    yield PartClosed(part=at, choice=choice)
