"""The tighter limit wins, and every lane has one."""

import pytest

from portico.contract.snapshot import Workload
from portico.performance.deadline import LANE_TOTAL_S, LONGEST_S, open_deadline


@pytest.mark.parametrize(
    ("total_s", "asked_ms", "expected"),
    [(None, None, 300.0), (8.0, None, 8.0), (8.0, 2500, 2.5), (8.0, 60_000, 8.0), (None, 50, 0.05)],
)
def test_the_tighter_of_workload_and_caller_holds(
    total_s: float | None, asked_ms: int | None, expected: float
) -> None:
    deadline = open_deadline(Workload(name="w", total_s=total_s), asked_ms, 100.0)
    assert deadline.total_s == expected
    assert deadline.at == 100.0 + expected


def test_each_lane_has_its_default() -> None:
    for lane in ("voice", "chat", "batch"):
        deadline = open_deadline(Workload(name="w", lane=lane), None, 0.0)
        assert deadline.total_s == LANE_TOTAL_S[lane]


def test_no_caller_can_ask_for_more_than_a_day() -> None:
    assert open_deadline(Workload(name="w"), 10**15, 0.0).total_s == LONGEST_S


def test_what_is_left_never_goes_below_zero() -> None:
    deadline = open_deadline(Workload(name="w", total_s=2.0), None, 10.0)
    assert deadline.left(11.5) == 0.5
    assert deadline.left(20.0) == 0.0


def test_a_stream_s_beginning_has_its_own_limit_within_the_total() -> None:
    plain = open_deadline(Workload(name="w", total_s=8.0), None, 10.0)
    assert plain.left_to_begin(11.0) == 7.0
    split = open_deadline(Workload(name="w", total_s=8.0, first_token_s=0.5), None, 10.0)
    assert split.left_to_begin(10.1) == pytest.approx(0.4)
    late = open_deadline(Workload(name="w", total_s=8.0, first_token_s=20.0), None, 10.0)
    assert late.left_to_begin(11.0) == 7.0
