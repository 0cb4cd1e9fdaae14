"""The bounded queue of notes: what it holds, in which order, and what it drops."""

import pytest

from portico.adapters.notes.options import NotesOptions
from portico.adapters.notes.waiting import Waiting, size_of
from portico.contract.deployment import Happening, ObservedPrompt
from portico.contract.ports import Note


def a_note(subject: str, detail: str = "") -> Happening:
    return Happening(
        at_ns=1, kind="prompt_observed", workload="w", subject=subject, detail={"text": detail}
    )


def an_observed(calls: int, text: str = "text") -> ObservedPrompt:
    return ObservedPrompt(
        workload="w", fingerprint="f", sketch=(1, 2), text=text, first_ns=1, last_ns=1, calls=calls
    )


def held(waiting: Waiting) -> tuple[int, int, int]:
    return (len(waiting), waiting.bytes, waiting.dropped)


def test_what_is_being_written_counts_until_it_is_written() -> None:
    waiting = Waiting(NotesOptions(most=2, batch=1))
    first, second = a_note("1"), a_note("2")
    assert waiting.add(first)
    assert waiting.add(second)
    assert waiting.take() == [first]
    assert not waiting.add(a_note("3"))
    assert held(waiting) == (2, size_of(first) + size_of(second), 1)
    waiting.done(0)
    assert waiting.add(a_note("4"))
    assert len(waiting) == 2


def test_bytes_that_are_being_written_count_until_they_are_written() -> None:
    size = size_of(a_note("1"))
    waiting = Waiting(NotesOptions(most_bytes=size))
    waiting.add(a_note("1"))
    waiting.take()
    assert not waiting.add(a_note("2"))
    waiting.done(0)
    assert held(waiting) == (0, 0, 1)
    assert waiting.add(a_note("3"))


def test_a_batch_stays_the_same_until_it_is_done() -> None:
    waiting = Waiting(NotesOptions())
    waiting.add(a_note("1"))
    batch = waiting.take()
    waiting.add(a_note("2"))
    assert waiting.take() == batch == [a_note("1")]
    waiting.done(1)
    assert waiting.take() == [a_note("2")]
    assert waiting.dropped == 1


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (NotesOptions(batch=2), [2, 2, 1]),
        (NotesOptions(batch_bytes=3 * size_of(a_note("1"))), [3, 2]),
        (NotesOptions(batch_bytes=1), [1] * 5),
    ],
    ids=["by count", "by bytes", "one larger than a batch"],
)
def test_batches_are_bounded_and_keep_the_order(options: NotesOptions, sizes: list[int]) -> None:
    waiting = Waiting(options)
    notes = [a_note(str(number)) for number in range(5)]
    for note in notes:
        waiting.add(note)
    batches: list[list[Note]] = []
    while batch := waiting.take():
        batches.append(batch)
        waiting.done(0)
    assert [len(each) for each in batches] == sizes
    assert [note for each in batches for note in each] == notes
    assert held(waiting) == (0, 0, 0)


def test_an_observed_prompt_replaces_its_older_self_only_where_it_still_waits() -> None:
    waiting = Waiting(NotesOptions(most=2))
    waiting.add(an_observed(1))
    waiting.add(an_observed(2, "a longer text"))
    assert held(waiting) == (1, size_of(an_observed(2, "a longer text")), 0)
    assert waiting.take() == [an_observed(2, "a longer text")]
    waiting.add(an_observed(3))
    assert len(waiting) == 2
    waiting.done(0)
    assert waiting.take() == [an_observed(3)]


def test_an_observed_prompt_that_grew_too_large_leaves_its_older_self() -> None:
    waiting = Waiting(NotesOptions(most_bytes=2000))
    waiting.add(an_observed(1))
    assert not waiting.add(an_observed(2, "x" * 2000))
    assert waiting.take() == [an_observed(1)]
    assert waiting.dropped == 1


def test_giving_up_drops_what_waits_and_what_is_being_written() -> None:
    waiting = Waiting(NotesOptions(batch=1))
    for number in range(3):
        waiting.add(a_note(str(number)))
    waiting.take()
    waiting.shut()
    assert not waiting.add(a_note("late"))
    assert waiting.give_up() == 3
    assert held(waiting) == (0, 0, 4)
    assert waiting.take() == []
    assert waiting.give_up() == 0


def test_the_size_of_a_note_is_known_whatever_is_in_it() -> None:
    odd = Happening(
        at_ns=1, kind="prompt_observed", workload="w", subject="s", detail={"a": object}
    )
    assert size_of(odd) > 0
    assert size_of(a_note("1", "x" * 5000)) > 5000
    assert size_of(an_observed(1, "x" * 5000)) > 5000
