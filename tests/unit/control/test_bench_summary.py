"""What a load test found: percentiles of the caller's clock, all else from receipts."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.bench import BenchConditions, BenchResult, BenchSample, Latency
from portico.contract.errors import InvalidRequest
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage
from portico.control.bench.comparison import compare
from portico.control.bench.summary import Tally, is_evidence, latency, summarise

DRAFT = BenchResult(
    id="bench_1",
    workload="support",
    started_ns=1,
    duration_us=2_000_000,
    conditions=BenchConditions(calls=4, concurrency=2),
)


def receipt(call: str, **changes: Any) -> Receipt:
    known: dict[str, Any] = {
        "call": call,
        "received_ns": 1,
        "door": "openai_chat",
        "workload": "support",
        "model": "small",
        "release": "rel_1",
        "tags": (("bench", "bench_1"),),
        "usage": Usage(input=7, cached_read=3, output=4),
        "cost_nano": 1001,
        "attempts": (
            Attempt(
                id="a", provider="p", kind="openai", model="small", model_id="s", region="eu"
            ),
        ),
    }  # fmt: skip
    return Receipt(**(known | changes))


def tally(*receipts: Receipt) -> Tally:
    made = Tally("bench_1", "support")
    for each in receipts:
        made.add(each)
    return made


def sample(call: str, total_us: int = 10, **more: Any) -> BenchSample:
    return BenchSample(call=call, total_us=total_us, **more)


def test_percentiles_are_values_that_were_seen_by_nearest_rank() -> None:
    assert latency(range(1, 101)) == Latency(p50_us=50, p90_us=90, p99_us=99)
    assert latency([7]) == Latency(p50_us=7, p90_us=7, p99_us=7)
    assert latency([30, 10, 20]) == Latency(p50_us=20, p90_us=30, p99_us=30)
    assert latency([]) is None


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_at_least_the_share_of_calls_was_as_fast_as_its_percentile(times: list[int]) -> None:
    found = latency(times)
    assert found is not None
    for share, value in ((50, found.p50_us), (90, found.p90_us), (99, found.p99_us)):
        assert value in times
        assert 100 * sum(time <= value for time in times) >= share * len(times)
        assert 100 * sum(time < value for time in times) < share * len(times)


def test_money_tokens_releases_and_regions_are_those_of_all_receipts() -> None:
    failed = receipt("call_2", status="failed", error="overloaded", cost_nano=5, release="rel_2")
    result = summarise(
        DRAFT,
        [sample("call_1", 30, first_token_us=9), sample("call_2", error="overloaded")],
        tally(receipt("call_1"), failed),
    )
    assert (result.cost_nano, result.tokens_in, result.tokens_out) == (1006, 20, 8)
    assert result.releases == ("rel_1", "rel_2")
    assert (result.models, result.regions) == (("small",), ("eu",))
    assert (result.made, result.ok, result.errors) == (2, 1, (("overloaded", 1),))
    assert (result.tokens_per_second, result.calls_per_second) == (4.0, 0.5)
    assert result.total == Latency(p50_us=30, p90_us=30, p99_us=30)
    assert result.first_token == Latency(p50_us=9, p90_us=9, p99_us=9)
    assert result.samples_digest
    assert is_evidence(result)


def test_a_call_that_the_ledger_says_failed_did_not_hold_whatever_its_caller_saw() -> None:
    cut = receipt("call_1", status="failed", error="upstream_failed")
    result = summarise(DRAFT, [sample("call_1")], tally(cut))
    assert (result.ok, result.errors, result.total) == (0, (("upstream_failed", 1),), None)
    assert not is_evidence(result)


def test_a_call_that_never_came_through_needs_no_receipt() -> None:
    result = summarise(DRAFT, [sample("", error="unreachable")] * 2, tally())
    assert (result.made, result.ok, result.errors) == (2, 0, (("unreachable", 2),))


@pytest.mark.parametrize("call", ["", "call_9"])
def test_a_call_that_held_without_a_receipt_is_refused(call: str) -> None:
    with pytest.raises(InvalidRequest, match="no receipt"):
        summarise(DRAFT, [sample(call)], tally(receipt("call_1")))


def test_a_call_that_is_named_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        summarise(DRAFT, [sample("call_1")] * 2, tally(receipt("call_1")))


@pytest.mark.parametrize(
    "changes", [{"tags": ()}, {"tags": (("bench", "bench_2"),)}, {"workload": "other"}]
)
def test_a_call_of_another_purpose_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="call_1 was not made for this load test"):
        tally(receipt("call_1", **changes))


def test_one_simulated_answer_makes_the_result_no_evidence() -> None:
    result = summarise(
        DRAFT,
        [sample("call_1"), sample("call_2")],
        tally(receipt("call_1"), receipt("call_2", simulated=True)),
    )
    assert result.simulated
    assert not is_evidence(result)


def result(id_: str, p50: int, **changes: object) -> BenchResult:
    known = msgspec.structs.replace(
        DRAFT,
        id=id_,
        made=4,
        ok=4,
        total=Latency(p50_us=p50, p90_us=p50, p99_us=p50),
        cost_nano=400,
        calls_per_second=2.0,
    )
    return msgspec.structs.replace(known, **changes)


def test_a_result_is_compared_with_the_one_before_it_of_its_workload() -> None:
    results = [
        result("b1", 100),
        result("b2", 50, workload="other"),
        result("b3", 10, simulated=True),
        result("b4", 110, ok=3, cost_nano=800),
    ]
    changes = [change for _, change in compare(results)]
    assert changes[:3] == [None, None, None]
    last = changes[3]
    assert last is not None
    assert (last.against, last.differs, last.failed) == ("b1", (), 0.25)
    assert last.relative["total_p50"] == 0.1
    assert last.relative["cost_per_call"] == 1.0
    assert "first_token_p50" not in last.relative
    assert "tokens_per_second" not in last.relative


def test_conditions_that_differ_are_named() -> None:
    other = BenchConditions(calls=4, concurrency=8, stream=False)
    changes = [c for _, c in compare([result("b1", 100), result("b2", 100, conditions=other)])]
    assert changes[1] is not None
    assert changes[1].differs == ("concurrency", "stream")


def test_costs_are_not_compared_where_one_is_unpriced() -> None:
    changes = [c for _, c in compare([result("b1", 1), result("b2", 1, unpriced=True)])]
    assert changes[1] is not None
    assert "cost_per_call" not in changes[1].relative
