"""What an attempt costs: exact integers, rounded once."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.money import Price, Rates, Service, Tier
from portico.contract.usage import Usage
from portico.cost.charge import bound, ceiling, charge, rates_for, served, unpriced_tier

KINDS = {
    "input": ("input",),
    "cached_read": ("cached_read", "input"),
    "cache_write_5m": ("cache_write_5m", "input"),
    "cache_write_1h": ("cache_write_1h", "input"),
    "input_audio": ("input_audio", "input"),
    "cached_audio": ("cached_audio", "cached_read", "input"),
    "output": ("output",),
    "output_audio": ("output_audio", "output"),
    "output_image": ("output_image", "output"),
}
"""Kind of token to the rates that may price it, the first that is there."""
RATE = st.integers(0, 10**9)
MAYBE = st.none() | RATE
TOKENS = st.integers(0, 10**7)
RATES = st.builds(
    Rates,
    input=RATE,
    output=RATE,
    cached_read=MAYBE,
    cache_write_5m=MAYBE,
    cache_write_1h=MAYBE,
    input_audio=MAYBE,
    cached_audio=MAYBE,
    output_audio=MAYBE,
    output_image=MAYBE,
    request=st.integers(0, 10**11),
)
THRESHOLDS = st.lists(st.integers(0, 10**7), unique=True, max_size=3).map(sorted)
PRICES = st.builds(
    lambda rates, above, tiers: Price(
        rates=rates,
        tiers=tuple(Tier(above=n, rates=r) for n, r in zip(above, tiers, strict=False)),
    ),
    RATES,
    THRESHOLDS,
    st.lists(RATES, min_size=3, max_size=3),
)
USAGES = st.builds(Usage, **dict.fromkeys(KINDS, TOKENS))


def exactly(usage: Usage, price: Price) -> int:
    """The same by another way: in dollars, with decimals."""
    total_input = sum(getattr(usage, kind) for kind in KINDS if not kind.startswith("output"))
    rates = [price.rates, *(tier.rates for tier in price.tiers if total_input > tier.above)][-1]
    dollars = Decimal(rates.request) / 10**12
    for kind, fallbacks in KINDS.items():
        rate = next(r for name in fallbacks if (r := getattr(rates, name)) is not None)
        dollars += Decimal(getattr(usage, kind)) * Decimal(rate) / 10**12
    return int((dollars * 10**9).to_integral_value(ROUND_HALF_UP))


@given(USAGES, PRICES)
def test_a_charge_is_the_exact_sum_rounded_once(usage: Usage, price: Price) -> None:
    assert charge(usage, price) == exactly(usage, price)


@given(USAGES, PRICES, st.integers(0, 10**6))
def test_the_ceiling_is_never_below_the_charge(usage: Usage, price: Price, more: int) -> None:
    """Whatever the kinds of the tokens, as long as there are no more than the bytes."""
    tokens = sum(getattr(usage, kind) for kind in KINDS if not kind.startswith("output"))
    output = usage.output + usage.output_audio + usage.output_image
    assert ceiling(tokens + more, output, 1, price) >= charge(usage, price)


@pytest.mark.parametrize(
    ("tokens", "rate", "nano"), [(1, 499, 0), (1, 500, 1), (3, 500, 2), (1, 1499, 1)]
)
def test_half_a_nano_dollar_is_rounded_up(tokens: int, rate: int, nano: int) -> None:
    assert charge(Usage(input=tokens), Price(rates=Rates(input=rate, output=0))) == nano


def test_a_million_tokens_cost_the_published_price() -> None:
    price = Price(rates=Rates(input=250_000, output=2_000_000))
    assert charge(Usage(input=1_000_000), price) == 250_000_000
    assert charge(Usage(output=1_000_000), price) == 2_000_000_000


def test_reasoning_is_part_of_the_output_and_not_charged_again() -> None:
    price = Price(rates=Rates(input=1000, output=1000))
    assert charge(Usage(output=10, reasoning=8), price) == charge(Usage(output=10), price)


def test_a_tier_holds_for_the_whole_attempt_from_one_token_above_its_threshold() -> None:
    low, high = Rates(input=1000, output=0), Rates(input=2000, output=0)
    price = Price(rates=low, tiers=(Tier(above=100, rates=high),))
    assert charge(Usage(input=60, cached_read=40), price) == 100
    assert charge(Usage(input=61, cached_read=40), price) == 202
    assert rates_for(price, 100) is low
    assert rates_for(price, 101) is high


def test_the_ceiling_counts_choices_and_the_dearest_kind_at_the_dearest_tier_in_reach() -> None:
    low = Rates(input=1000, output=2000, cache_write_1h=3000)
    high = Rates(input=9000, output=8000)
    price = Price(rates=low, tiers=(Tier(above=100, rates=high),))
    assert ceiling(100, 10, 2, price) == 100 * 3 + 20 * 2
    assert ceiling(101, 10, 2, price) == 101 * 9 + 20 * 8
    assert ceiling(1, 0, 1, Price(rates=Rates(input=1, output=0))) == 1


def test_reasoning_with_a_rate_of_its_own_is_charged_by_it_in_the_place_of_outputs() -> None:
    price = Price(rates=Rates(input=0, output=1000, reasoning=3000))
    assert charge(Usage(output=10, reasoning=8), price) == 2 * 1 + 8 * 3
    cheaper = Price(rates=Rates(input=0, output=3000, reasoning=1000))
    assert charge(Usage(output=10, reasoning=8), cheaper) == 2 * 3 + 8 * 1


def test_images_and_video_are_parts_of_the_input_with_a_rate_of_their_own() -> None:
    price = Price(rates=Rates(input=1000, output=0, input_image=5000, input_video=7000))
    usage = Usage(input=10, input_image=2, input_video=3)
    assert charge(usage, price) == 5 * 1 + 2 * 5 + 3 * 7
    assert charge(usage, Price(rates=Rates(input=1000, output=0))) == 10


def test_parts_that_are_more_than_their_whole_are_charged_as_the_whole() -> None:
    price = Price(rates=Rates(input=1000, output=1000, input_image=0, reasoning=0))
    assert charge(Usage(input=10, input_image=99, output=10, reasoning=99), price) == 0


def test_searches_are_charged_by_number() -> None:
    price = Price(rates=Rates(input=0, output=0, search=10**10))
    assert charge(Usage(searches=3), price) == 30_000_000


FLEX = Service(
    name="flex",
    rates=Rates(input=500, output=0),
    tiers=(Tier(above=100, rates=Rates(input=4000, output=0)),),
)
TIERED = Price(
    rates=Rates(input=1000, output=0),
    tiers=(Tier(above=100, rates=Rates(input=2000, output=0)),),
    services=(FLEX,),
)


def test_the_tier_that_served_chooses_the_rates_with_their_own_long_context() -> None:
    assert charge(Usage(input=100, service_tier="flex"), TIERED) == 50
    assert charge(Usage(input=101, service_tier="flex"), TIERED) == 404
    assert charge(Usage(input=100), TIERED) == 100
    assert served(TIERED, "flex") is FLEX


def test_a_tier_without_rates_is_charged_as_standard_and_told() -> None:
    usage = Usage(input=100, service_tier="priority")
    assert charge(usage, TIERED) == 100
    assert unpriced_tier(usage, TIERED)
    assert not unpriced_tier(Usage(service_tier="flex"), TIERED)
    for tier in ("", "default", "standard"):
        assert not unpriced_tier(Usage(service_tier=tier), TIERED)


def test_a_bound_takes_the_dearest_service_tier_unless_one_is_asked_for() -> None:
    dear = Service(name="priority", rates=Rates(input=9000, output=0))
    price = Price(rates=TIERED.rates, tiers=TIERED.tiers, services=(FLEX, dear))
    assert bound(price).nano(100, 0) == 900
    assert bound(price, "auto").nano(100, 0) == 900
    assert bound(price, "flex").nano(100, 0) == 100  # the standard tier may serve it
    assert bound(price, "flex").nano(101, 0) == 404
    assert bound(price, "default").nano(100, 0) == 100
    assert bound(price, "unheard of").nano(100, 0) == 100
    assert ceiling(100, 0, 1, price, "priority") == 900


def test_a_bound_counts_searches_where_it_is_told_of_them() -> None:
    price = Price(rates=Rates(input=0, output=0, search=1_000))
    assert bound(price).nano(1, 1) == 0
    assert ceiling(1, 1, 1, price, searches=7) == 7
