"""How well prompts are told from their values, against the two simplest ways of doing it.

A template filled in again is to be the prompt that it was, a template whose wording was edited is
to be another, and no two templates are ever to be one.
"""

import random
from collections.abc import Callable
from functools import partial

import pytest
from tests.unit.operations.observed_samples import SAMPLES, Sample, composed, filled

from portico.operations.observed import Known, observe
from portico.operations.observed.words import resemblance, sketch, words_of

FILLED = 12
EDITED = 4
Name = Callable[[str], str]
"""Gives the name of a text's prompt, remembering what came before."""


def folding() -> Name:
    known = Known("w")
    return lambda text: observe(known, text, 0).fingerprint


def exact() -> Name:
    return lambda text: text


def similarity(threshold: float) -> Name:
    seen: list[tuple[int, ...]] = []

    def name(text: str) -> str:
        mine = sketch(words_of(text).words)
        best = max(range(len(seen)), key=lambda at: resemblance(mine, seen[at]), default=-1)
        if best >= 0 and resemblance(mine, seen[best]) >= threshold:
            return str(best)
        seen.append(mine)
        return str(len(seen) - 1)

    return name


def templates() -> tuple[Sample, ...]:
    chance = random.Random(20)
    return (*SAMPLES, *(composed(chance, number) for number in range(24)))


def scores(way: Callable[[], Name], samples: tuple[Sample, ...]) -> tuple[float, float]:
    """The shares of fillings known again, and of edits found to be new."""
    again = found = fillings = edits = 0
    for sample in samples:
        chance = random.Random(sample.name)
        name = way()
        first = name(filled(sample.template, chance))
        for _ in range(FILLED):
            again += name(filled(sample.template, chance)) == first
            fillings += 1
        for old, new in sample.edits:
            edited = sample.template.replace(old, new)
            assert edited != sample.template, (sample.name, old)
            names = {name(filled(edited, chance)) for _ in range(EDITED)}
            found += first not in names and len(names) == 1
            edits += 1
    return again / fillings, found / edits


def test_no_edit_is_taken_for_a_value() -> None:
    for sample in templates():
        chance = random.Random(sample.name)
        name = folding()
        first = {name(filled(sample.template, chance)) for _ in range(FILLED)}
        for old, new in sample.edits:
            edited = filled(sample.template.replace(old, new), chance)
            assert name(edited) not in first, (sample.name, old)


def test_values_fold_and_edits_do_not_where_plain_comparisons_fail_at_one_of_both() -> None:
    samples = templates()
    again, found = scores(folding, samples)
    assert again >= 0.99
    assert found >= 0.97
    best = max(sum(scores(partial(similarity, at), samples)) for at in (0.2, 0.4, 0.6, 0.8))
    assert again + found >= best + 0.3
    same_text, new_text = scores(exact, samples)
    assert same_text <= 0.2
    assert again + found >= same_text + new_text + 0.5


@pytest.mark.parametrize("seed", range(3))
def test_templates_that_come_mixed_keep_one_name_each(seed: int) -> None:
    samples = templates()
    chance = random.Random(seed)
    known = Known("w")
    names: dict[str, set[str]] = {}
    order = [sample for sample in samples for _ in range(6)]
    chance.shuffle(order)
    for sample in order:
        text = filled(sample.template, chance)
        names.setdefault(sample.name, set()).add(observe(known, text, 0).fingerprint)
    of_all = [name for each in names.values() for name in each]
    assert len(of_all) == len(set(of_all)), "two templates share a name"
    split = [sample for sample, each in names.items() if len(each) > 1]
    assert len(split) <= 1, split
