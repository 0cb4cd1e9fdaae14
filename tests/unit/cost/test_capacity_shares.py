"""Provisioned capacity spread over its use: nothing is lost and nothing is made."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.ledger import Capacity
from portico.cost.capacity import HOUR_NS, apportion, paid, paid_by, part

WEIGHTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=40).filter(any)
AMOUNTS = st.integers(0, 10**18)


def term(nano: int, since: int, until: int = 0) -> Capacity:
    return Capacity(
        project="default", model="m", nano_per_hour=nano, since_ns=since, until_ns=until
    )


@given(AMOUNTS, WEIGHTS)
def test_parts_sum_to_the_amount_and_none_is_one_away_from_its_share(
    amount: int, weights: list[int]
) -> None:
    parts = apportion(amount, weights)
    whole = sum(weights)
    assert sum(parts) == amount
    for piece, weight in zip(parts, weights, strict=True):
        assert abs(piece * whole - amount * weight) < whole


@given(AMOUNTS, WEIGHTS)
def test_who_weighs_nothing_gets_nothing(amount: int, weights: list[int]) -> None:
    parts = apportion(amount, [*weights, 0])
    assert [piece for piece, weight in zip(parts, weights, strict=False) if not weight] == [
        0
    ] * weights.count(0)
    assert parts[-1] == 0


def test_what_is_left_goes_to_those_that_lost_most_the_earlier_first() -> None:
    assert apportion(10, [1, 1, 1]) == (4, 3, 3)
    assert apportion(7, [1, 5, 1]) == (1, 5, 1)
    assert apportion(1, [2, 3, 3]) == (0, 1, 0)


@pytest.mark.parametrize(("amount", "weights"), [(1, []), (1, [0, 0]), (-1, [1]), (1, [2, -1])])
def test_what_cannot_be_spread_is_refused(amount: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="spread over weights"):
        apportion(amount, weights)


def test_a_part_of_overlapping_groups_is_rounded_to_the_nearest() -> None:
    assert [part(10, weight, 3) for weight in (0, 1, 2, 3)] == [0, 3, 7, 10]


def test_only_the_hours_of_a_term_that_lie_in_the_window_are_paid() -> None:
    whole = term(600, since=10 * HOUR_NS, until=20 * HOUR_NS)
    assert paid([whole], (0, 100 * HOUR_NS)) == 6_000
    assert paid([whole], (19 * HOUR_NS + HOUR_NS // 2, 100 * HOUR_NS)) == 300
    assert paid([whole], (0, 10 * HOUR_NS)) == 0
    assert paid([whole], (20 * HOUR_NS, 30 * HOUR_NS)) == 0


def test_a_term_without_an_end_is_paid_to_the_window_s() -> None:
    assert paid([term(600, since=0)], (0, 2 * HOUR_NS)) == 1_200


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 50), st.integers(0, 60))),
    st.lists(st.integers(0, 100 * HOUR_NS), min_size=2, max_size=20, unique=True),
)
def test_what_windows_paid_sums_to_what_was_paid_in_all(
    drafts: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    terms = [term(nano, since * HOUR_NS, until * HOUR_NS) for nano, since, until in drafts]
    cuts.sort()
    windows = list(pairwise(cuts))
    assert sum(paid_by(terms, windows)) == paid(terms, (cuts[0], cuts[-1]))
