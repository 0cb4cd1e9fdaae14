"""Where two lists of words differ, in nearly linear time.

Patience alignment (B. Cohen, 2008; https://bramcohen.livejournal.com/73318.html): words that
stand exactly once on both sides are anchors, the longest rising chain of them is kept, and the
parts between are aligned in the same way. Where nothing stands once, the whole part differs.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from portico.operations.observed.words import SLOT

DEEPEST: Final = 24
WIDE: Final = 48
"""Words from which on anchors are three words long: in long texts one word meets by chance."""


ISLAND: Final = 4
MEANT: Final = frozenset("<>\"'`#:")
"""Signs that part a template's places from each other."""


class Run(NamedTuple):
    """Words `start` to before `end` of the known text became `left` to before `right`."""

    start: int
    end: int
    left: int
    right: int


def differences(known: Sequence[str], seen: Sequence[str]) -> list[Run]:
    """The runs that differ, in order; equal islands too small to mean anything are in them."""
    found: list[Run] = []
    open_parts = [(Run(0, len(known), 0, len(seen)), 0)]
    while open_parts:
        part, depth = open_parts.pop()
        part = _trimmed(known, seen, part)
        if part.start == part.end and part.left == part.right:
            continue
        anchors = _anchors(known, seen, part) if depth < DEEPEST else []
        if not anchors:
            found.append(part)
            continue
        start, left = part.start, part.left
        for mine, theirs in [*anchors, (part.end, part.right)]:
            open_parts.append((Run(start, mine, left, theirs), depth + 1))
            start, left = mine, theirs
            if mine < part.end:
                start, left = mine + 1, theirs + 1
    return _without_islands(known, sorted(found))


def _trimmed(known: Sequence[str], seen: Sequence[str], part: Run) -> Run:
    start, end, left, right = part
    while start < end and left < right and known[start] == seen[left]:
        start, left = start + 1, left + 1
    while start < end and left < right and known[end - 1] == seen[right - 1]:
        end, right = end - 1, right - 1
    return Run(start, end, left, right)


def _anchors(known: Sequence[str], seen: Sequence[str], part: Run) -> list[tuple[int, int]]:
    """Pairs of places with the same words, rising on both sides."""
    start, end, left, right = part
    if start == end or left == right:
        return []
    width = 3 if min(end - start, right - left) > WIDE else 1
    mine = _once(known, start, end, width)
    theirs = _once(seen, left, right, width)
    pairs = [(place, theirs[key]) for key, place in mine.items() if key in theirs]
    return _rising(sorted(pairs))


def _once(words: Sequence[str], start: int, end: int, width: int) -> dict[tuple[str, ...], int]:
    part = words[start:end]
    keys = list(zip(*(part[shift:] for shift in range(width)), strict=False))
    counts = Counter(keys)
    return {
        key: start + place for place, key in enumerate(keys) if counts[key] == 1 and SLOT not in key
    }


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest chain that rises on the right side too (M. Fredman, 1975)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, theirs) in enumerate(pairs):
        place = bisect_left(tails, theirs)
        before.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(theirs)
            ends.append(index)
        else:
            tails[place], ends[place] = theirs, index
    chain: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _without_islands(known: Sequence[str], runs: list[Run]) -> list[Run]:
    """Runs with so little between them that it is chance are one run."""
    merged: list[Run] = []
    for run in runs:
        if merged:
            last = merged[-1]
            island = known[last.end : run.start]
            least = min(_size(known, last), _size(known, run))
            if len(island) * 3 <= least and len(island) <= ISLAND and not MEANT & set(island):
                merged[-1] = Run(last.start, run.end, last.left, run.right)
                continue
        merged.append(run)
    return merged


def _size(known: Sequence[str], run: Run) -> int:
    """Words on the wider side. What stands beside a slot was found to be the template's before."""
    if SLOT in known[run.start : run.end]:
        return 0
    return max(run.end - run.start, run.right - run.left)
