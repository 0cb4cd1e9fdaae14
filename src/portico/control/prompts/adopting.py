"""An observed prompt as the files of a project, for whoever keeps its directory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from portico.contract.deployment import ObservedPrompt, Transcript
from portico.contract.errors import InvalidRequest, PorticoError, UnknownRoute
from portico.contract.wires import Door, ProviderWire
from portico.control.ledger.texts import answer_text, text_of
from portico.operations.observed.adoption import (
    Message,
    Said,
    adopted_text,
    cases_from,
    suite_text,
)

MOST_TRANSCRIPTS = 200
"""Of the workload, the newest: what cases are made of."""


NESTING = 500
"""Levels of JSON in a kept body: the most that a project may allow its doors."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which observed prompt is to be a file, and its name."""

    fingerprint: str
    name: str
    by: str
    workload: str | None = None


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """The files, to be written into the project directory."""

    name: str
    workload: str
    files: Mapping[str, str]
    """Text by path: the prompt, and a suite of cases where transcripts are kept."""
    cases: int
    notes: Sequence[str] = ()


def chosen(observed: Sequence[ObservedPrompt], wanted: Wanted) -> ObservedPrompt:
    """Raises UnknownRoute where nothing of that name was observed, InvalidRequest where several
    workloads have it and none is named."""
    found = [
        each
        for each in observed
        if each.fingerprint == wanted.fingerprint and wanted.workload in (None, each.workload)
    ]
    if not found:
        raise UnknownRoute(
            f"No prompt 'observed:{wanted.fingerprint}' was observed; GET /admin/v1/prompts lists "
            "those that were.",
            field="fingerprint",
        )
    if len(found) > 1:
        raise InvalidRequest(
            f"Several workloads have this prompt: say which of "
            f"{', '.join(each.workload for each in found)} is meant.",
            field="workload",
        )
    return found[0]


@dataclass(frozen=True)
class Readers:
    """The wires that transcripts are in, by the name of their door."""

    doors: Mapping[str, Door]
    wires: Mapping[str, ProviderWire]

    def said(self, kept: Transcript) -> Said | None:
        """None where the wire cannot read it."""
        door = self.doors.get(kept.door)
        if door is None:
            return None
        try:
            conversation = door.conversation(door.read(kept.request, NESTING))
        except PorticoError:
            return None
        return Said(
            call=kept.call,
            messages=tuple(Message(turn.role, text_of(turn.parts)) for turn in conversation.turns),
            answer=answer_text(self.wires.get(kept.door), kept.answer, kept.stream),
        )


def files_of(
    prompt: ObservedPrompt, wanted: Wanted, transcripts: Sequence[Transcript], readers: Readers
) -> Adopted:
    """The prompt's file and, of the calls that brought it, a suite."""
    stem = wanted.name.rpartition("/")[2]
    files = {f"prompts/{wanted.name}.md": adopted_text(prompt, stem)}
    said = (found for kept in transcripts if (found := readers.said(kept)) is not None)
    cases = cases_from(said, prompt)
    if cases:
        files |= {
            f"evals/{stem}/suite.yaml": suite_text(stem),
            f"evals/{stem}/cases.jsonl": cases,
        }
    return Adopted(
        name=wanted.name,
        workload=prompt.workload,
        files=files,
        cases=cases.count("\n"),
        notes=() if cases else (_why_none(prompt, transcripts),),
    )


def _why_none(prompt: ObservedPrompt, transcripts: Sequence[Transcript]) -> str:
    if transcripts:
        return (
            f"no suite is written: of the {len(transcripts)} newest transcripts of the workload "
            f"'{prompt.workload}' none has a call with this prompt and an answer"
        )
    return (
        f"no suite is written: no transcripts of the workload '{prompt.workload}' are kept; "
        "transcripts: full under it in portico.yaml keeps them, where its people consent"
    )
