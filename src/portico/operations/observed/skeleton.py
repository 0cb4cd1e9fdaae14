"""A prompt with slots, compiled for matching: the usual way in which a templated text is known."""

import re
from typing import Final, Literal

import msgspec

from portico.operations.observed.regions import regions
from portico.operations.observed.values import fits_inline
from portico.operations.observed.words import MARK, SLOT, Words, numbered, words_of

Place = Literal["inline", "data"]
MOST_WORDS_ON_LINE: Final = 64


class Skeleton(msgspec.Struct, frozen=True):
    """`literals` stand around the slots (one more than there are slots), `places` say where the
    slots lie: inside a sentence, or in a place that holds data."""

    words: Words
    text: str
    literals: tuple[str, ...]
    places: tuple[Place, ...]

    def match(self, text: str) -> tuple[str, ...] | None:
        """The values with which the skeleton is the text, which `shortened` made. None: none.

        Linear: literals are sought from left to right, each once.
        """
        literals = self.literals
        if not text.startswith(literals[0]):
            return None
        if len(literals) == 1:
            return () if len(text) == len(literals[0]) else None
        end = len(text) - len(literals[-1])
        place = len(literals[0])
        if end < place or not text.endswith(literals[-1]):
            return None
        values: list[str] = []
        for literal in literals[1:-1]:
            found = text.find(literal, place, end)
            if found < 0:
                return None
            values.append(text[place:found])
            place = found + len(literal)
        values.append(text[place:end])
        for value, held in zip(values, self.places, strict=True):
            if held == "inline" and not fits_inline(value):
                return None
        return tuple(values)


def compiled(words: Words) -> Skeleton:
    text = numbered(words).strip()
    data = regions(words)
    slots = [index for index, word in enumerate(words.words) if word == SLOT]
    places: tuple[Place, ...] = tuple(
        "data" if any(each.start <= slot < each.end for each in data) else "inline"
        for slot in slots
    )
    return Skeleton(words, text, tuple(MARK.split(text)), places)


def skeleton_of(text: str) -> Skeleton:
    """The skeleton of a stored text, or of one that is seen for the first time."""
    return compiled(words_of(text))


def slot_names(text: str) -> tuple[str, ...]:
    """`value_1`, `value_2`, … as many as the text of a skeleton has slots."""
    return tuple(re.sub(r"[{} ]", "", found) for found in MARK.findall(text))
