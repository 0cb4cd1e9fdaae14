"""The observed prompts of a workload, and which of them a text is.

The usual cases cost little: a text that came before is found by its hash, a text with other
values by its literals. Only what neither knows is cut into words and compared.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from portico.contract.deployment import ObservedPrompt
from portico.operations.observed.folding import fold
from portico.operations.observed.skeleton import Skeleton, compiled, skeleton_of
from portico.operations.observed.words import (
    Words,
    fingerprint,
    resemblance,
    shortened,
    sketch,
    words_of,
)

MOST_PROMPTS: Final = 200
MOST_TEXTS: Final = 1000
MATCHED: Final = 64
"""Known prompts whose literals are tried on a text, the most recent first."""
ALIGNED: Final = 6
"""Known prompts that a text is compared with word by word."""
LEAST_RESEMBLANCE: Final = 0.15
OPENING: Final = 3
"""Words at the beginning or the end that make a prompt worth comparing with."""
MOST_WORDS: Final = 60_000
"""Words, of known prompts together, that one text is compared with: bounds the time."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """`prompt` is as it was when it last changed; its counters are those of that moment."""

    fingerprint: str
    new: bool
    changed: bool
    """The prompt's text has other slots than before: what is stored of it is out of date."""
    prompt: ObservedPrompt


class _Entry:
    """A known prompt and its counters."""

    __slots__ = ("calls", "fingerprint", "first_ns", "last_ns", "seen", "skeleton", "sketch")

    def __init__(self, prompt: ObservedPrompt, skeleton: Skeleton) -> None:
        self.fingerprint = prompt.fingerprint
        self.skeleton = skeleton
        self.sketch = prompt.sketch
        self.first_ns = prompt.first_ns
        self.last_ns = prompt.last_ns
        self.calls = prompt.calls
        self.seen = Seen(prompt.fingerprint, False, False, prompt)


class Known:
    """What is known of one workload's observed prompts. `observe` changes it; it is bounded."""

    __slots__ = ("entries", "texts", "workload")

    def __init__(self, workload: str) -> None:
        self.workload = workload
        self.entries: OrderedDict[str, _Entry] = OrderedDict()
        self.texts: dict[int, tuple[int, _Entry]] = {}

    def prompts(self) -> Iterator[ObservedPrompt]:
        """All of them with their counters as they are now, the longest unseen first."""
        for entry in self.entries.values():
            yield _snapshot(self.workload, entry)

    def forget(self, name: str) -> None:
        entry = self.entries.pop(name, None)
        self.texts = {key: kept for key, kept in self.texts.items() if kept[1] is not entry}


def restore(workload: str, prompts: Iterable[ObservedPrompt]) -> Known:
    """What was known when the prompts were stored; their names stay."""
    known = Known(workload)
    for prompt in sorted(prompts, key=lambda each: (each.last_ns, each.fingerprint)):
        known.entries[prompt.fingerprint] = _Entry(prompt, skeleton_of(prompt.text))
        if len(known.entries) > MOST_PROMPTS:
            known.entries.popitem(last=False)
    return known


def recall(known: Known, text: str, now_ns: int) -> Seen | None:
    """Which prompt a system text is, if that can be told cheaply: it came before, or it is a
    known prompt with other values. None: only `observe` can say.

    A text that came before costs its hash and a look-up. The hash is the interpreter's, keyed
    per process (SipHash; J.-P. Aumasson, D. Bernstein, 2012), so nobody can aim at a collision.
    """
    kept = known.texts.get(hash(text))
    if kept is not None and kept[0] == len(text):
        entry = kept[1]
    else:
        found = _matching(known, shortened(text))
        if found is None:
            return None
        entry = found
        _remember(known, text, entry)
    _count(known, entry, now_ns)
    return entry.seen


def observe(known: Known, text: str, now_ns: int) -> Seen:
    """Which prompt a system text is; a new one if it is none of the known. Never raises."""
    return recall(known, text, now_ns) or _look(known, text, now_ns)


def _count(known: Known, entry: _Entry, now_ns: int) -> None:
    entry.calls += 1
    entry.last_ns = now_ns
    known.entries.move_to_end(entry.fingerprint)


def _look(known: Known, text: str, now_ns: int) -> Seen:
    """For a text whose literals are those of no known prompt."""
    words = words_of(shortened(text))
    name = fingerprint(words.words)
    changed = new = False
    entry, folded = _nearest(known, words)
    if entry is None and name in known.entries:
        name = fingerprint(words.words, exact=True)
        entry = known.entries.get(name)
    if entry is not None and folded is not None:
        changed = _refold(known, entry, folded, now_ns)
    if entry is None:
        entry, new = _add(known, words, name, now_ns), True
    _count(known, entry, now_ns)
    _remember(known, text, entry)
    if not new and not changed:
        return entry.seen
    return Seen(entry.fingerprint, new, changed, _snapshot(known.workload, entry))


def _matching(known: Known, text: str) -> _Entry | None:
    for entry in islice(reversed(known.entries.values()), MATCHED):
        if entry.skeleton.match(text) is not None:
            return entry
    return None


def _nearest(known: Known, words: Words) -> tuple[_Entry | None, Words | None]:
    """The known prompt that the text is with other values: that with most words in common."""
    best: tuple[int, _Entry, Words] | None = None
    left = MOST_WORDS
    for entry in _candidates(known, words):
        left -= len(entry.skeleton.words.words)
        if left < 0:
            break
        folded = fold(entry.skeleton.words, words)
        if folded is not None and (best is None or len(folded.words) > best[0]):
            best = (len(folded.words), entry, folded)
    return (best[1], best[2]) if best else (None, None)


def _candidates(known: Known, words: Words) -> list[_Entry]:
    """Known prompts alike in their shingles, or with the same first or last words."""
    mine = sketch(words.words)
    opening, closing = words.words[:OPENING], words.words[-OPENING:]
    ranked: list[tuple[float, int, _Entry]] = []
    for age, entry in enumerate(reversed(known.entries.values())):
        theirs = entry.skeleton.words.words
        alike = resemblance(mine, entry.sketch)
        edges = (theirs[:OPENING] == opening) + (theirs[-OPENING:] == closing)
        if alike >= LEAST_RESEMBLANCE or edges:
            ranked.append((-alike - edges, age, entry))
    ranked.sort(key=lambda each: each[:2])
    return [entry for _, _, entry in ranked[:ALIGNED]]


def _refold(known: Known, entry: _Entry, folded: Words, now_ns: int) -> bool:
    skeleton = compiled(folded)
    if skeleton.text == entry.skeleton.text:
        return False
    entry.skeleton = skeleton
    entry.sketch = sketch(folded.words)
    entry.last_ns = now_ns
    entry.seen = Seen(entry.fingerprint, False, False, _snapshot(known.workload, entry))
    return True


def _add(known: Known, words: Words, name: str, now_ns: int) -> _Entry:
    skeleton = compiled(words)
    prompt = ObservedPrompt(
        workload=known.workload,
        fingerprint=name,
        sketch=sketch(words.words),
        text=skeleton.text,
        first_ns=now_ns,
        last_ns=now_ns,
    )
    entry = known.entries[name] = _Entry(prompt, skeleton)
    while len(known.entries) > MOST_PROMPTS:
        known.forget(next(iter(known.entries)))
    return entry


def _remember(known: Known, text: str, entry: _Entry) -> None:
    while len(known.texts) >= MOST_TEXTS:
        del known.texts[next(iter(known.texts))]
    known.texts[hash(text)] = (len(text), entry)


def _snapshot(workload: str, entry: _Entry) -> ObservedPrompt:
    return ObservedPrompt(
        workload=workload,
        fingerprint=entry.fingerprint,
        sketch=entry.sketch,
        text=entry.skeleton.text,
        first_ns=entry.first_ns,
        last_ns=entry.last_ns,
        calls=entry.calls,
    )
