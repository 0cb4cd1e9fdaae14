"""An observed prompt as a prompt file, and what was said with it as cases of a suite."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from portico.contract.deployment import ObservedPrompt
from portico.operations.observed.alignment import differences
from portico.operations.observed.skeleton import skeleton_of, slot_names
from portico.operations.observed.words import LONGEST, MARK, SLOT, words_of
from portico.operations.prompt_files.writing import Draft, literal, to_yaml, write_prompt

MOST_CASES: Final = 1000
COMMENT: Final = """\
# Cases from consented transcripts: what was asked, and what was answered then.
# `expected` is the answer that the model gave, not one that somebody found to be right: read the
# cases, correct their answers, and choose scorers that say what a good answer is.
"""
ROLES: Final = frozenset({"user", "assistant"})


class Message(msgspec.Struct, frozen=True):
    """A message of a call as text; `role` is the canonical conversation's."""

    role: str
    text: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A transcript as cases need it: the call's id, its messages, system text first, and the
    text of the answer."""

    call: str
    messages: tuple[Message, ...]
    answer: str


def adopt(prompt: ObservedPrompt, name: str) -> Draft:
    """The prompt as a file's content: its slots are variables, texts that nobody vouches for."""
    names = slot_names(prompt.text)
    parts = MARK.split(prompt.text)
    text = literal(parts[0])
    for slot, part in zip(names, parts[1:], strict=True):
        text += f"{{{{ {slot} }}}}{literal(part)}"
    return Draft(
        name=name,
        description=f"Adopted from observed:{prompt.fingerprint}.",
        turns=(("system", text),),
        variables={slot: {"type": "string"} for slot in names},
        untrusted=names,
        observed=prompt.fingerprint,
    )


def adopted_text(prompt: ObservedPrompt, name: str) -> str:
    """The text of the prompt file."""
    return write_prompt(adopt(prompt, name))


def values(prompt: ObservedPrompt, text: str) -> dict[str, str] | None:
    """What fills the slots of the prompt in a text. None: the text is not of this prompt."""
    skeleton = skeleton_of(prompt.text)
    names = slot_names(skeleton.text)
    text = text.replace("\x00", "\ufffd").strip()
    found = skeleton.match(text)
    if found is not None:
        return dict(zip(names, found, strict=True))
    if len(text) > LONGEST:
        return None
    words = words_of(text)
    given: list[str] = []
    for run in differences(skeleton.words.words, words.words):
        if skeleton.words.words[run.start : run.end] != (SLOT,):
            return None
        given.append(words.text(run.left, run.right))
    return dict(zip(names, given, strict=True)) if len(given) == len(names) else None


def cases_from(said: Iterable[Said], prompt: ObservedPrompt) -> str:
    """JSON lines, one case for each call with this prompt; at most 1000. No line: there is none.

    A case's `input` is the call's one question; where it has several turns, these are `messages`.
    """
    lines: list[str] = []
    for each in said:
        if len(lines) == MOST_CASES:
            break
        lines += _case(each, prompt)
    return "".join(f"{line}\n" for line in lines)


def suite_text(name: str) -> str:
    """suite.yaml of such cases."""
    return COMMENT + to_yaml({"name": name, "scorers": [{"kind": "similarity"}]})


def _case(said: Said, prompt: ObservedPrompt) -> Iterator[str]:
    system = "\n\n".join(each.text for each in said.messages if each.role in SYSTEM)
    filled = values(prompt, system)
    rest = [each for each in said.messages if each.role in ROLES and each.text.strip()]
    if filled is None or not rest or rest[-1].role != "user" or not said.answer.strip():
        return
    yield msgspec.json.encode(_body(said, rest, filled)).decode()


SYSTEM: Final = frozenset({"system", "developer"})


def _body(said: Said, rest: Sequence[Message], filled: Mapping[str, str]) -> dict[str, object]:
    body: dict[str, object] = {"id": said.call}
    if len(rest) == 1:
        body["input"] = rest[0].text
    else:
        body["messages"] = [{"role": each.role, "content": each.text} for each in rest]
    if filled:
        body["variables"] = dict(filled)
    return {**body, "expected": said.answer}
