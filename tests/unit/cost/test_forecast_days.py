"""Forecasts: what the last days say of the coming ones, and when they say nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.cost.forecast import (
    DAY_NS,
    Rate,
    Window,
    history,
    month_end,
    quantile,
    rate,
    run_out,
)

TODAY = date(2026, 11, 23)
"""A Monday; seven whole days of November come after it."""
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def days(*nano: int) -> tuple[tuple[date, int], ...]:
    """Whole days up to yesterday."""
    first = TODAY - timedelta(days=len(nano))
    return tuple((first + timedelta(days=number), each) for number, each in enumerate(nano))


def steady(daily: float) -> Rate:
    return Rate(low=daily, median=daily, high=daily, days=7)


def test_history_begins_with_the_first_day_that_had_a_call_and_ends_yesterday() -> None:
    known = {date(2026, 11, 20): 5, date(2026, 11, 22): 7, TODAY: 100}
    assert history(known, TODAY) == (
        (date(2026, 11, 20), 5), (date(2026, 11, 21), 0), (date(2026, 11, 22), 7),
    )  # fmt: skip


def test_history_is_no_longer_than_28_days() -> None:
    known = {TODAY - timedelta(days=number): number for number in range(1, 60)}
    found = history(known, TODAY)
    assert len(found) == 28
    assert found[0] == (date(2026, 10, 26), 28)


@pytest.mark.parametrize("nano", [(), (5,)])
def test_fewer_than_two_days_say_nothing(nano: tuple[int, ...]) -> None:
    assert rate(days(*nano)) is None


def test_the_rate_is_the_median_within_the_tenth_and_ninetieth_percentiles() -> None:
    found = rate(days(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 1000))
    assert found == Rate(low=10, median=50, high=90, days=11)


@given(st.lists(st.integers(0, 10**15), min_size=2, max_size=28))
def test_the_interval_holds_the_median(nano: list[int]) -> None:
    found = rate(days(*nano))
    assert found is not None
    assert 0 <= found.low <= found.median <= found.high


def test_percentiles_are_interpolated_linearly() -> None:
    assert [quantile([10, 20], share) for share in (0.0, 0.25, 1.0)] == [10, 12.5, 20]
    assert quantile([7], 0.9) == 7


def week(monday_to_friday: int, weekend: int, length: int) -> tuple[tuple[date, int], ...]:
    return tuple(
        (day, weekend if day.weekday() > 4 else monday_to_friday) for day, _ in days(*[0] * length)
    )


def test_from_14_days_on_weekdays_have_their_own_pattern() -> None:
    found = rate(week(70, 0, 14))
    assert found is not None
    assert found.weekly
    assert found.weekdays == pytest.approx((1.4,) * 5 + (0.0, 0.0))
    end = month_end(1000, found, NOON)
    # half of Monday 23, Tuesday to Friday, Monday 30; no weekend
    assert (end.low, end.median, end.high) == (1385, 1385, 1385)


def test_under_14_days_every_day_is_like_the_others() -> None:
    found = rate(week(70, 0, 13))
    assert found is not None
    assert not found.weekly
    assert month_end(1000, found, NOON).median == 1000 + round(70 * 7.5)


def test_days_that_cost_nothing_forecast_nothing_more() -> None:
    found = rate(days(*[0] * 20))
    assert found is not None
    assert month_end(9, found, NOON).high == 9


def test_a_month_ends_with_what_was_spent_and_the_rate_for_what_is_left_of_it() -> None:
    end = month_end(100, Rate(low=10, median=20, high=40, days=5), NOON)
    assert (end.low, end.median, end.high) == (175, 250, 400)


def test_on_the_last_evening_of_a_month_little_is_left() -> None:
    late = datetime(2026, 11, 30, 18, tzinfo=UTC)
    assert month_end(100, steady(40), late).median == 110


def budget(spent: int, amount: int = 1000, *, ends: int = 10) -> Window:
    return Window(starts_ns=0, ends_ns=ends * DAY_NS, amount=amount, spent=spent)


def test_a_budget_without_days_before_it_has_no_date() -> None:
    assert run_out(budget(10), None, DAY_NS).state == "unknown"


def test_a_budget_that_is_spent_says_so_whatever_is_known() -> None:
    assert run_out(budget(1000), None, DAY_NS).state == "spent"
    assert run_out(budget(1001), steady(1), DAY_NS).state == "spent"


def test_a_budget_runs_out_at_its_pace() -> None:
    found = run_out(budget(500), steady(250), 2 * DAY_NS)
    assert found.state == "runs_out"
    assert found.at_ns == found.earliest_ns == found.latest_ns == 4 * DAY_NS


def test_a_budget_lasts_where_its_pace_does_not_reach_the_amount() -> None:
    found = run_out(budget(100), steady(50), 2 * DAY_NS)
    assert (found.state, found.at_ns, found.earliest_ns) == ("lasts", None, None)


def test_a_budget_that_only_a_high_pace_would_spend_may_run_out() -> None:
    found = run_out(budget(100), Rate(low=10, median=50, high=500, days=5), 2 * DAY_NS)
    assert (found.state, found.at_ns, found.latest_ns) == ("may_run_out", None, None)
    assert found.earliest_ns is not None
    assert 2 * DAY_NS < found.earliest_ns < 10 * DAY_NS


def test_the_days_before_count_at_first_and_the_window_itself_at_last() -> None:
    early = run_out(budget(0), steady(400), DAY_NS // 1000)
    assert early.state == "runs_out"
    late = run_out(budget(0), steady(400), 9 * DAY_NS)
    assert late.state == "lasts"


@given(
    st.integers(0, 2000), st.integers(0, 10 * DAY_NS),
    st.lists(st.integers(0, 2000), min_size=2, max_size=28),
)  # fmt: skip
def test_a_date_is_within_what_is_left_of_the_window_and_between_its_bounds(
    spent: int, now_ns: int, nano: list[int]
) -> None:
    found = run_out(budget(spent), rate(days(*nano)), now_ns)
    dates = [each for each in (found.earliest_ns, found.at_ns, found.latest_ns) if each is not None]
    assert dates == sorted(dates)
    assert all(now_ns <= each <= 10 * DAY_NS for each in dates)
    assert (found.at_ns is not None) == (found.state == "runs_out")
