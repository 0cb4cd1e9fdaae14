"""portico.methods.nearest: names that somebody may have meant."""

import pytest

from portico.methods.nearest import LONGEST, distance, nearest


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("", "", 0), ("a", "", 1), ("lane", "lnae", 1), ("kitten", "sitting", 3), ("ab", "ba", 1)],
)
def test_the_distance_counts_inserts_deletes_replacements_and_swaps(
    left: str, right: str, edits: int
) -> None:
    assert distance(left, right) == edits
    assert distance(right, left) == edits


def test_the_nearest_name_comes_first_and_unlike_names_do_not_come_at_all() -> None:
    names = ("gpt-5-mini", "gpt-5-nano", "claude-haiku-4-5")
    assert nearest("gpt-5-mni", names)[0] == "gpt-5-mini"
    assert "claude-haiku-4-5" not in nearest("gpt-5-mni", names)
    assert nearest("zork", names) == ()


def test_case_does_not_count_and_the_start_of_a_name_is_enough() -> None:
    assert nearest("SUPPORT", ("support",)) == ("support",)
    assert nearest("claude-haiku", ("claude-haiku-4-5", "gpt-5")) == ("claude-haiku-4-5",)


def test_a_name_that_is_too_long_is_compared_with_nothing() -> None:
    assert nearest("a" * (LONGEST + 1), ("a" * LONGEST,)) == ()
    assert nearest("", ("a",)) == ()
