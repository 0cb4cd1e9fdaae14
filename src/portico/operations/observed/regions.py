"""Where a system prompt holds data: between tags or fences, after a label, on a `key: value` line.

The law of this file: places are indices of words, end excluded; every scan is linear.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from portico.operations.observed.vocabulary import DATA, EMPHASIS, INSTRUCTIVE
from portico.operations.observed.words import SLOT, Words

Kind = Literal["enclosed", "paragraph", "later", "line"]
TAG_WORDS: Final = 12
LABEL_WORDS: Final = 10
SHORT_LABEL: Final = 4
LINE_WORDS: Final = 16
COLONS: Final = (":", "\uff1a")


class Region(msgspec.Struct, frozen=True, order=True):
    """Words that are data if they change as a whole. `label` says after or between what; the
    first paragraph after one is of the kind `paragraph`, the others are `later`."""

    start: int
    end: int
    kind: Kind
    label: str

    @property
    def announced(self) -> bool:
        """Whether the label says that these are data."""
        names = {part for word in self.label.lower().split() for part in word.split("_")}
        return bool(names & DATA)


class Line(msgspec.Struct, frozen=True):
    start: int
    end: int
    last: bool
    """An empty line follows, or nothing."""


def regions(text: Words) -> tuple[Region, ...]:
    """All of them, the wider first where they overlap."""
    lines = tuple(lines_of(text))
    found = [*_tagged(text.words), *_fenced(text.words), *_labelled(text, lines)]
    return tuple(sorted(found, key=lambda region: (region.start, -region.end)))


def lines_of(text: Words) -> Iterator[Line]:
    start = 0
    for index, space in enumerate(text.spaces):
        if "\n" in space:
            yield Line(start, index + 1, space.count("\n") > 1)
            start = index + 1
    if start < len(text.words):
        yield Line(start, len(text.words), True)


def _tagged(words: tuple[str, ...]) -> Iterator[Region]:
    """`<name …>` to `</name>`, the outermost of a name."""
    openers: dict[str, int] = {}
    if "<" not in words:
        return
    for index, word in enumerate(words):
        if word != "<" or index + 2 >= len(words):
            continue
        if words[index + 1] == "/":
            name = words[index + 2].lower()
            start = openers.pop(name, None)
            if start is not None and start <= index:
                yield Region(start, index, "enclosed", name)
            continue
        name = words[index + 1].lower()
        if not _instructive((name,)):
            ahead = words[index + 2 : index + 2 + TAG_WORDS]
            if ">" in ahead:
                openers.setdefault(name, index + 3 + ahead.index(">"))


def _fenced(words: tuple[str, ...]) -> Iterator[Region]:
    for sign in ("`", '"', "'"):
        if words.count(sign) < 6:
            continue
        places = [
            index
            for index in range(len(words) - 2)
            if words[index] == words[index + 1] == words[index + 2] == sign
        ]
        inside: int | None = None
        after = 0
        for place in places:
            if place < after:
                continue
            after = place + 3
            if inside is None:
                inside = after
            else:
                yield Region(inside, place, "enclosed", sign)
                inside = None


def _labelled(text: Words, lines: tuple[Line, ...]) -> Iterator[Region]:
    """Paragraphs below a label or heading that announces data, and values on `key: value` lines."""
    label = ""
    start = -1
    kind: Kind = "paragraph"
    for line in lines:
        words = text.words[line.start : line.end]
        heading = _heading(words)
        if heading is not None:
            label, start, kind = heading, line.end, "paragraph"
            continue
        pair = _value_after_colon(text, line)
        if pair is not None:
            yield pair
        if label and start >= 0:
            if line.last and start < line.end:
                yield Region(start, line.end, kind, label)
                start, kind = line.end, "later"
        else:
            start = -1


def _heading(words: tuple[str, ...]) -> str | None:
    """The label that a line is, "" for one of instructions, None for a line that is none."""
    marked = words[0] == "#"
    if not marked and words[-1] != "." and not words[-1].endswith(COLONS):
        return None
    if len(words) > 4 * LABEL_WORDS:
        return None
    bare = tuple(word for word in words if word.strip("#*_-=:\uff1a"))
    if not bare or SLOT in bare or len(bare) > LABEL_WORDS + 8:
        return None
    if not marked and not words[-1].endswith(COLONS) and not _announces(words, bare):
        return None
    known = {word.lower() for word in bare}
    if _instructive(bare):
        return ""
    short = len(bare) <= SHORT_LABEL
    return " ".join(bare) if short or known & DATA else ""


def _announces(words: tuple[str, ...], bare: tuple[str, ...]) -> bool:
    """A sentence such as "Use the document below." """
    return words[-1] == "." and bool({"below", "following"} & {word.lower() for word in bare})


def _value_after_colon(text: Words, line: Line) -> Region | None:
    limit = min(line.start + SHORT_LABEL + 3, line.end)
    for index in range(line.start, limit):
        word = text.words[index]
        if word in COLONS or (word.endswith(COLONS) and len(word) > 1):
            label = text.words[line.start : index]
            start = index + 1
            spoken = index == line.start or any(part.lower() in EMPHASIS for part in label)
            if spoken or _instructive(label) or line.end - start > LINE_WORDS:
                return None
            return Region(start, line.end, "line", " ".join(label))
    return None


def _instructive(label: tuple[str, ...]) -> bool:
    return any(part in INSTRUCTIVE for word in label for part in word.lower().split("_"))
