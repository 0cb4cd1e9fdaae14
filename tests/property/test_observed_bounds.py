"""Observed prompts: any text, any order, any size."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from portico.operations.observed import Known, alignment, observe, restore
from portico.operations.observed.adoption import adopted_text, values
from portico.operations.observed.regions import regions
from portico.operations.observed.skeleton import skeleton_of
from portico.operations.observed.words import MOST_WORDS, SLOT, numbered, words_of

PIECES = st.sampled_from(
    [
        *"<>/`\"'#:.!? \n\t{}%\x00\x02", "{{ value_1 }}", "{{", "<doc>", "</doc>", "Name: ", "\n\n",
        "Anna", "Bob", "2026-01-01", "be brief", "NEVER", "Context:", "中文", "é", "\ud800", "```",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=40).map("".join))


@given(st.lists(TEXTS, max_size=12))
def test_no_text_makes_it_raise_and_the_same_texts_get_the_same_names(texts: list[str]) -> None:
    runs = []
    for _ in range(2):
        known = Known("w")
        runs.append([observe(known, text, at).fingerprint for at, text in enumerate(texts)])
    assert runs[0] == runs[1]


@given(st.lists(TEXTS, min_size=1, max_size=10))
def test_a_restart_keeps_every_name(texts: list[str]) -> None:
    known = Known("w")
    for at, text in enumerate(texts):
        observe(known, text, at)
    stored = list(known.prompts())
    again = restore("w", stored)
    assert {each.fingerprint for each in again.prompts()} == {each.fingerprint for each in stored}
    assert observe(again, texts[-1], 99).fingerprint == observe(known, texts[-1], 99).fingerprint


@given(TEXTS)
def test_a_stored_skeleton_reads_back_as_itself(text: str) -> None:
    words = words_of(text)
    assert words_of(numbered(words)) == words
    assert skeleton_of(numbered(words)).text == numbered(words).strip()
    assert all(0 <= each.start <= each.end <= len(words.words) for each in regions(words))


@given(TEXTS, TEXTS)
def test_an_adopted_prompt_is_always_text_and_values_never_raise(one: str, two: str) -> None:
    known = Known("w")
    observe(known, one, 1)
    prompt = observe(known, two, 2).prompt
    assert adopted_text(prompt, "adopted").startswith("---\n")
    found = values(prompt, one)
    assert found is None or all(name.startswith("value_") for name in found)


@given(st.lists(st.sampled_from("abcdef\x00"), max_size=60), st.lists(st.sampled_from("abcdef")))
def test_what_lies_between_the_differences_is_equal(known: Sequence[str], seen: list[str]) -> None:
    at, other = 0, 0
    for start, end, left, right in alignment.differences(known, seen):
        assert list(known[at:start]) == seen[other:left]
        at, other = end, right
    assert list(known[at:]) == seen[other:]


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(["a b ", "<a>", "<a", "a:\n", '"', "`", "Ab. Cd! ", "1 ", "\x00"])
)  # fmt: skip
def test_work_is_bounded_at_any_size(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    known = Known("w")
    for each in (text, f"{text[:30_000]}other{text[30_005:]}", text[:50_000], text[1:]):
        seen = observe(known, each, 1)
        assert len(words_of(seen.prompt.text).words) <= MOST_WORDS + 1
    for entry in known.entries.values():
        assert len(entry.skeleton.words.words) <= MOST_WORDS + 1
        assert entry.skeleton.words.words.count(SLOT) == len(entry.skeleton.literals) - 1
