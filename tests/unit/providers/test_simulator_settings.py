import pytest

from portico.contract.errors import InvalidRequest, UnknownModel
from portico.providers.simulator.draws import COUNT, Draws
from portico.providers.simulator.facts import facts
from portico.providers.simulator.faults import SMOOTH, course
from portico.providers.simulator.settings import BREAKS, MAX_ID, MODELS, SETTINGS, parse


def test_every_setting_of_a_model_id_is_read() -> None:
    found = parse(
        "echo?ttft=200ms&tps=50&fail=503@0.3&retry_after=1&stall=0.01&cut=40&slow=0.02:3s&seed=7"
    )
    assert found.base == "echo"
    assert found.ttft_s == pytest.approx(0.2)
    assert found.tokens_per_s == 50
    assert (found.fail_status, found.fail_rate) == (503, 0.3)
    assert found.retry_after_s == 1
    assert (found.stall_bytes, found.stall_rate) == (0, 0.01)
    assert (found.cut_bytes, found.cut_rate) == (40, 1)
    assert (found.slow_rate, found.slow_s) == (0.02, 3)
    assert found.seed == 7


def test_a_stall_and_a_cut_take_bytes_and_a_rate() -> None:
    found = parse("echo?stall=100@0.5&cut=40@0.25")
    assert (found.stall_bytes, found.stall_rate) == (100, 0.5)
    assert (found.cut_bytes, found.cut_rate) == (40, 0.25)


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse("echo?speed=3")
    assert "'speed'" in caught.value.message
    assert all(name in caught.value.message for name in SETTINGS)
    assert caught.value.field == "model"


@pytest.mark.parametrize(
    "query",
    [
        "ttft=200",
        "ttft=2h",
        "ttft=4000s",
        "ttft=",
        "tps=0",
        "tps=-1",
        "tps=nan",
        "tps=1e9",
        "fail=200",
        "fail=700",
        "fail=503@2",
        "fail=503@",
        "fail=x",
        "retry_after=soon",
        "stall=1.5",
        "stall=@1",
        "cut=-1",
        "cut=x@1",
        "slow=0.1",
        "slow=2:3s",
        "seed=x",
        "seed",
        "fail=٥٠٣",
    ],
)
def test_a_value_that_cannot_be_read_is_refused_with_what_was_expected(query: str) -> None:
    name = query.partition("=")[0]
    with pytest.raises(InvalidRequest) as caught:
        parse(f"echo?{query}")
    assert SETTINGS[name][1] in caught.value.message


def test_a_setting_given_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="tps twice"):
        parse("echo?tps=1&tps=2")


def test_an_empty_setting_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no setting ''"):
        parse("echo?")


def test_an_unknown_model_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownModel, match="Did you mean echo") as caught:
        parse("ehco")
    assert all(name in caught.value.message for name in MODELS)


def test_an_endless_model_id_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=str(MAX_ID)):
        parse("echo?" + "a" * MAX_ID)


def test_facts_are_found_whatever_the_settings() -> None:
    assert facts("echo?ttft=1s") == facts("echo")
    assert facts("echo") is not None
    assert facts("gpt") is None


def test_draws_of_the_same_request_are_the_same_and_of_others_are_not() -> None:
    assert Draws(7).at(3) == Draws(7).at(3)
    assert Draws(7).at(3) != Draws(7).at(4)
    assert Draws(7).at(3) != Draws(8).at(3)


def test_draws_stay_what_they_were_in_earlier_versions() -> None:
    assert [round(draw, 6) for draw in Draws(7).at(0)] == [0.57082, 0.314955, 0.177346, 0.089262]


def test_draws_are_spread_evenly() -> None:
    found = [draw for n in range(2000) for draw in Draws(1).at(n)]
    assert len(found) == 2000 * COUNT
    assert all(0 <= draw < 1 for draw in found)
    for tenth in range(10):
        share = sum(tenth <= draw * 10 < tenth + 1 for draw in found) / len(found)
        assert share == pytest.approx(0.1, abs=0.015)


def test_a_model_without_settings_runs_smoothly() -> None:
    assert course(parse("echo"), 0) is SMOOTH
    assert SMOOTH.instant


def test_faults_come_at_their_rate_and_come_again() -> None:
    settings = parse("echo?fail=503@0.3&retry_after=2&seed=7")
    failures = [course(settings, n).failure for n in range(2000)]
    assert failures == [course(settings, n).failure for n in range(2000)]
    found = [failure for failure in failures if failure is not None]
    assert len(found) / 2000 == pytest.approx(0.3, abs=0.04)
    assert all((failure.status, failure.retry_after_s) == (503, 2) for failure in found)


def test_two_models_without_a_seed_do_not_fail_together() -> None:
    first, second = parse("echo?fail=503@0.5"), parse("extract?fail=503@0.5")
    assert [course(first, n).failure for n in range(64)] != [
        course(second, n).failure for n in range(64)
    ]


def test_adding_a_fault_moves_no_other_fault() -> None:
    plain = parse("echo?slow=0.5:3s&seed=7")
    more = parse("echo?slow=0.5:3s&stall=100@0.5&seed=7")
    assert [course(plain, n).delay_s for n in range(64)] == [
        course(more, n).delay_s for n in range(64)
    ]


def test_a_slow_tail_comes_on_top_of_the_time_to_the_first_token() -> None:
    assert course(parse("echo?ttft=1s&slow=1:3s"), 0).delay_s == 4
    assert course(parse("echo?ttft=1s&slow=0:3s"), 0).delay_s == 1


def test_a_call_that_stalls_does_not_break_as_well() -> None:
    found = course(parse("echo?stall=10@1&cut=40"), 0)
    assert (found.stall_after, found.cut_after) == (10, None)
    assert not found.instant


def test_a_cut_happens_at_once_where_nothing_else_is_asked() -> None:
    found = course(parse("echo?cut=40"), 0)
    assert found.cut_after == 40
    assert found.instant


@pytest.mark.parametrize("kind", BREAKS)
def test_a_stream_breaks_by_a_kind_at_a_rate(kind: str) -> None:
    settings = parse(f"echo?break={kind}@0.3&seed=7")
    found = [course(settings, n).broken_by for n in range(2000)]
    assert set(found) == {kind, None}
    assert found.count(None) / len(found) == pytest.approx(0.7, abs=0.03)
    assert course(parse(f"echo?break={kind}"), 0).broken_by == kind


@pytest.mark.parametrize("value", ["", "nothing", "throttling@", "throttling@2", "@0.5"])
def test_a_break_that_no_wire_knows_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="one of throttling, unavailable"):
        parse(f"echo?break={value}")


def test_breaks_move_no_other_fault() -> None:
    plain = parse("echo?fail=503@0.3&cut=40@0.2&seed=7")
    more = parse("echo?fail=503@0.3&cut=40@0.2&break=internal@0.5&seed=7")
    for n in range(200):
        assert course(plain, n).failure == course(more, n).failure
        assert course(plain, n).cut_after == course(more, n).cut_after
