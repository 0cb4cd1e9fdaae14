"""What holds of every estimate."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from portico.contract.energy import Energy, EnergyBasis, EnergyCoefficients
from portico.contract.usage import Usage
from portico.sustainability.accelerators import draw
from portico.sustainability.energy import bounds, coefficients, estimate, total
from portico.sustainability.grid import grid
from portico.sustainability.sizes import Size

TOKENS = st.integers(1, 10**7)
BASIS = EnergyBasis(
    method="m", size_low=1, size_high=1, active_low=1, active_high=1, size_source="s",
    zone="Z", grid_source="g", grid_date="2026-01-01",
)  # fmt: skip


@st.composite
def intervals(draw_: st.DrawFn, most: int) -> tuple[int, int]:
    one, other = draw_(st.integers(0, most)), draw_(st.integers(0, most))
    return min(one, other), max(one, other)


@st.composite
def takings(draw_: st.DrawFn) -> EnergyCoefficients:
    token, zone = draw_(intervals(10**13)), draw_(intervals(2 * 10**6))
    return EnergyCoefficients(
        token_pwh_low=token[0],
        token_pwh_high=token[1],
        request_nwh_high=draw_(st.integers(0, 10**9)),
        grid_low=zone[0],
        grid_high=zone[1],
        basis=BASIS,
    )


def taken(tokens: int, by: EnergyCoefficients) -> Energy:
    found = estimate(Usage(output=tokens), by)
    assert found is not None
    return found


@given(takings(), TOKENS)
def test_the_low_end_is_never_above_the_high_end(by: EnergyCoefficients, tokens: int) -> None:
    found = taken(tokens, by)
    assert 0 <= found.low_nwh <= found.high_nwh
    assert 0 <= found.co2e_low_ng <= found.co2e_high_ng


@given(takings(), TOKENS, TOKENS)
def test_more_tokens_never_take_less(by: EnergyCoefficients, one: int, other: int) -> None:
    fewer, more = taken(min(one, other), by), taken(max(one, other), by)
    assert fewer.low_nwh <= more.low_nwh
    assert fewer.high_nwh <= more.high_nwh
    assert fewer.co2e_low_ng <= more.co2e_low_ng
    assert fewer.co2e_high_ng <= more.co2e_high_ng


@given(takings(), st.lists(TOKENS, min_size=1, max_size=5))
def test_a_sum_is_that_of_its_parts_in_any_order(by: EnergyCoefficients, each: list[int]) -> None:
    parts = [taken(tokens, by) for tokens in each]
    found = total(parts)
    assert found.low_nwh == sum(part.low_nwh for part in parts)
    assert found.co2e_high_ng == sum(part.co2e_high_ng for part in parts)
    assert found == total(reversed(parts))


@given(intervals(10**18))
def test_bounds_that_are_shown_hold_the_interval(interval: tuple[int, int]) -> None:
    low, high = interval
    shown_low, shown_high = map(Decimal, bounds(low, high))
    assert shown_low <= Decimal(low).scaleb(-9)
    assert shown_high >= Decimal(high).scaleb(-9)
    assert shown_low >= Decimal(low).scaleb(-9) * Decimal("0.98")


@given(st.integers(10**6, 10**12), st.integers(10**6, 10**12), st.integers(1, 100))
def test_a_larger_model_or_a_wider_range_never_narrows(one: int, other: int, parts: int) -> None:
    """Of a larger size the high end is higher; of a range the ends are those of its ends."""
    small, large = sorted((one, other))

    def of(low: int, high: int) -> EnergyCoefficients:
        size = Size(
            total=(low, high), active=(max(1, low // parts), max(1, high // parts)), source="s"
        )
        return coefficients(size, draw(size), (1.0, 1.5), grid("WOR"))

    least, most, both = of(small, small), of(large, large), of(small, large)
    assert least.token_pwh_high <= most.token_pwh_high
    assert both.token_pwh_low == least.token_pwh_low
    assert both.token_pwh_high == most.token_pwh_high
