"""Whether a text is a known prompt with other values in it, or another prompt.

A run of words that differs is a value if it lies in a slot (it has varied before), if it is all
of a place that holds data, or if it looks like a value on both sides. One run that is none of
these makes the text another prompt, however similar the rest is.
"""

from collections.abc import Mapping
from typing import Final

from portico.operations.observed.alignment import Run, differences
from portico.operations.observed.regions import Kind, Region, regions
from portico.operations.observed.values import (
    extended,
    fits_inline,
    is_value,
    may_follow,
    quoted,
)
from portico.operations.observed.words import SLOT, Words

LEAST_LITERAL: Final = 4
"""Words that two texts must have in common, between their values, to be one prompt."""
LEAST_SHARE: Final = 0.5
"""The least share of such words of the known prompt's, outside of data."""
REPLACED: Final[Mapping[Kind, float]] = {
    "enclosed": 0.5,
    "paragraph": 0.5,
    "later": 0.5,
    "line": 0.99,
}
"""The share of a place that must differ for the place to be data, where its label does not say
so. Chosen by the experiment in tests/unit/operations/test_observed_accuracy.py."""
PARAGRAPHS: Final = ("paragraph", "later")
ANNOUNCED: Final = ("enclosed", "paragraph")
"""Places that are data whatever part of them changes, if their label says so: a conversation
that grows keeps its beginning."""
MOST_RUNS: Final = 100
"""Places in which two texts of one prompt may differ: bounds the time."""
LEFT_OVER: Final = 6
"""Words beside a slot in a place of data that may go into it."""


class _Sides:
    """Both texts, where they differ, and where they hold data."""

    def __init__(self, known: Words, seen: Words, runs: list[Run]) -> None:
        self.known = known
        self.seen = seen
        self.data = regions(known)
        self.new_data = regions(seen)
        self.changed = [False] * len(known.words)
        self.new_changed = [False] * len(seen.words)
        for start, end, left, right in runs:
            self.changed[start:end] = [True] * (end - start)
            self.new_changed[left:right] = [True] * (right - left)


def fold(known: Words, seen: Words) -> Words | None:
    """The known prompt with a slot wherever the two differ in values. None: another prompt."""
    runs = differences(known.words, seen.words)
    if not runs:
        return known
    if len(runs) > MOST_RUNS:
        return None
    sides = _Sides(known, seen, runs)
    spans: list[tuple[int, int]] = []
    for run in runs:
        span = _value(sides, run)
        if span is None:
            return None
        spans.append(span)
    folded = _with_slots(known, spans)
    return folded if _enough(sides, folded) else None


def _value(sides: _Sides, run: Run) -> tuple[int, int] | None:
    """The known words that the value takes, None where the run is an edit."""
    for rule in (_in_slot, _in_data, _by_looks):
        span = rule(sides, run)
        if span is not None:
            return span
    return None


def _in_slot(sides: _Sides, run: Run) -> tuple[int, int] | None:
    words = sides.known.words[run.start : run.end]
    slots = [run.start + index for index, word in enumerate(words) if word == SLOT]
    if not slots:
        return None
    held = _around(sides.data, slots[0], slots[-1] + 1)
    for start, end in _literals(slots, run):
        slight = held is not None and end - start <= LEFT_OVER
        if (
            start < end
            and not slight
            and not is_value(sides.known, start, end, data=held is not None)
        ):
            return None
    if held is not None and held.start <= run.start and run.end <= held.end:
        return run.start, run.end
    if not fits_inline(sides.seen.text(run.left, run.right)):
        return None
    return run.start, run.end


def _literals(slots: list[int], run: Run) -> list[tuple[int, int]]:
    """What lies in the run beside its slots."""
    edges = [run.start, *(edge for slot in slots for edge in (slot, slot + 1)), run.end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _in_data(sides: _Sides, run: Run) -> tuple[int, int] | None:
    """A place of data, the same on both sides, that was replaced all or for the most part."""
    theirs = {
        region.label
        for region in sides.new_data
        if (region.start <= run.left and run.right <= region.end)
        or (region.kind in PARAGRAPHS and run.left < region.end and region.start < run.right)
    }
    touched = [
        region
        for region in sides.data
        if region.label in theirs
        and (
            (region.start <= run.start and run.end <= region.end)
            or (region.kind in PARAGRAPHS and run.start < region.end and region.start < run.end)
        )
    ]
    wide = [region for region in touched if _replaced(sides, region, run) >= _needed(region)]
    whole = next((region for region in wide if region.kind not in PARAGRAPHS), None)
    if whole is not None:
        return whole.start, whole.end
    if wide and len(wide) == sum(region.kind in PARAGRAPHS for region in touched):
        start, end = min(each.start for each in wide), max(each.end for each in wide)
        if start <= run.start and run.end <= end:
            return start, end
    return None


def _needed(region: Region) -> float:
    return 0.0 if region.announced and region.kind in ANNOUNCED else REPLACED[region.kind]


def _replaced(sides: _Sides, region: Region, run: Run) -> float:
    """The share of the place that differs, on the side where it is larger."""
    size = region.end - region.start
    mine = sum(sides.changed[region.start : region.end]) / size if size else 1.0
    theirs = [
        each
        for each in sides.new_data
        if (each.kind, each.label) == (region.kind, region.label)
        and each.start <= run.left
        and run.right <= each.end
    ]
    if not theirs:
        return mine
    place = theirs[0]
    new_size = place.end - place.start
    new = sum(sides.new_changed[place.start : place.end]) / new_size if new_size else 1.0
    return max(mine, new)


def _by_looks(sides: _Sides, run: Run) -> tuple[int, int] | None:
    mine = _around(sides.data, run.start, run.end) is not None
    theirs = _around(sides.new_data, run.left, run.right) is not None
    if not is_value(sides.known, run.start, run.end, data=mine):
        return None
    if not is_value(sides.seen, run.left, run.right, data=theirs):
        return None
    if quoted(sides.known, run.start, run.end):
        return run.start, run.end
    return extended(sides.known, run.start, run.end)


def _around(places: tuple[Region, ...], start: int, end: int) -> Region | None:
    return next((each for each in places if each.start <= start and end <= each.end), None)


def _with_slots(known: Words, spans: list[tuple[int, int]]) -> Words:
    """One slot for each span; spans that touch, or have only a sign between them, share one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    words: list[str] = []
    spaces: list[str] = []
    place = 0
    for start, end in merged:
        words += known.words[place:start]
        spaces += known.spaces[place:start]
        words.append(SLOT)
        spaces.append(known.spaces[end - 1] if end else "")
        place = end
    return joined(Words((*words, *known.words[place:]), (*spaces, *known.spaces[place:])))


def joined(text: Words) -> Words:
    """The text with slots that have at most a sign between them made one."""
    words: list[str] = []
    spaces: list[str] = []
    last = -1
    for word, space in zip(text.words, text.spaces, strict=True):
        if (
            word == SLOT
            and last >= 0
            and may_follow(words[last + 1 :])
            and not any("\n" in each for each in spaces[last:])
        ):
            del words[last + 1 :], spaces[last:]
            spaces.append(space)
            continue
        if word == SLOT:
            last = len(words)
        words.append(word)
        spaces.append(space)
    return Words(tuple(words), tuple(spaces))


def _enough(sides: _Sides, folded: Words) -> bool:
    """Whether what is left in common says that this is one prompt."""
    inside = [False] * len(sides.known.words)
    for region in sides.data:
        inside[region.start : region.end] = [True] * (region.end - region.start)
    before = sum(
        word[0].isalnum() and not held for word, held in zip(sides.known.words, inside, strict=True)
    )
    left = sum(word[0].isalnum() for word in folded.words)
    return left >= LEAST_LITERAL and left >= LEAST_SHARE * before
