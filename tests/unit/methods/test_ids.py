"""Identifiers sort by time, and equal values hash equally."""

from hypothesis import given
from hypothesis import strategies as st

from portico.methods.estimators import tokens
from portico.methods.hashing import content_hash, keyed_hash
from portico.methods.ids import make

MOMENTS = st.integers(min_value=0, max_value=2**62)


@given(MOMENTS, MOMENTS)
def test_ids_of_different_milliseconds_sort_by_time(first: int, second: int) -> None:
    earlier, later = sorted((first // 1_000_000, second // 1_000_000))
    if earlier == later:
        later += 1
    one = make("call", earlier * 1_000_000, b"\xff" * 8)
    other = make("call", later * 1_000_000, b"\x00" * 8)
    assert one < other


def test_an_id_has_its_prefix_and_a_fixed_length() -> None:
    assert make("call", 1_700_000_000_000_000_000, bytes(8)) == "call_018bcfe56800" + "0" * 16


def test_equal_values_hash_equally_whatever_their_order() -> None:
    assert content_hash({"a": 1, "b": [2]}) == content_hash({"b": [2], "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
    assert len(content_hash("x", 12)) == 12


def test_a_keyed_hash_depends_on_its_key() -> None:
    assert keyed_hash(b"a", "text") != keyed_hash(b"b", "text")


def test_tokens_are_four_bytes_rounded_up() -> None:
    assert [tokens(size) for size in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]
