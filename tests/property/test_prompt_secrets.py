"""Recognising secrets reads every text once, whatever stands in it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from portico.methods.credentials import FORMATS, find

MORE = [
    "eyJa.", "://a:", "a@", "-----BEGIN ", "PRIVATE KEY-----\n", "A-b: ", "sk-",
    "secret_access_key=", "aZ9/" * 10, " ", "-",
]  # fmt: skip
PARTS = sorted({each.literal for each in FORMATS} | set(MORE))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_findings_are_in_order_apart_and_within_the_text(text: str) -> None:
    end = 0
    for each in find(text):
        assert end <= each.start < each.end <= len(text)
        end = each.end


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("".join))
def test_hostile_repetition_ends(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert all(each.end <= len(text) for each in find(text))
