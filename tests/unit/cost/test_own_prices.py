"""Prices of a project's own: kinds, long contexts, tiers, discounts, capacity by the hour."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.money import Price, Rates, Service, Tier
from portico.cost import prices
from portico.cost.prices import Section

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE = {"input": Decimal(1), "output": Decimal(2)}


def test_every_kind_of_token_can_be_given() -> None:
    keys = {key: Decimal(number + 1) for number, key in enumerate(prices.OVERRIDE_RATES)}
    rates = prices.override(keys, AT).rates
    names = {name for names in prices.OVERRIDE_RATES.values() for name in names}
    assert names == set(Rates.__struct_fields__) - {"request", "search"}
    assert all(getattr(rates, name) for name in names)


def test_a_fee_holds_for_long_inputs_and_tiers_unless_they_have_their_own() -> None:
    price = prices.override(
        ONE | {"request": Decimal("0.001"), "search": Decimal("0.01")},
        AT,
        ((1000, {"input": Decimal(3), "output": Decimal(4)}),),
        {
            "batch": Section({"input": Decimal("0.5"), "output": Decimal(1)}),
            "flex": Section(
                ONE | {"request": Decimal(0)},
                ((1000, {"input": Decimal(9), "output": Decimal(9)}),),
            ),
        },
    )
    batch, flex = price.services
    assert price.tiers[0].rates.request == 10**9
    assert (batch.rates.request, batch.rates.search, batch.tiers) == (10**9, 10**10, ())
    assert (flex.rates.request, flex.tiers[0].rates.request) == (0, 0)
    assert flex.tiers[0].rates.search == 10**10


def test_levels_out_of_order_are_refused() -> None:
    for above in ((2000, 1000), (1000, 1000)):
        with pytest.raises(prices.UnusablePrice, match="ascending"):
            prices.override(ONE, AT, tuple((level, ONE) for level in above))


def test_an_amount_that_no_integer_holds_is_refused() -> None:
    with pytest.raises(prices.UnusablePrice, match="more than can be held"):
        prices.override(ONE | {"input": Decimal("1e300")}, AT)


def test_a_discount_is_taken_from_every_rate_and_what_is_left_is_rounded_up() -> None:
    rates = Rates(input=3, output=100, cached_read=1, request=10, search=7)
    price = Price(
        rates=rates,
        tiers=(Tier(above=5, rates=rates),),
        services=(Service(name="flex", rates=rates, tiers=(Tier(above=6, rates=rates),)),),
        source="portico.yaml",
    )
    less = prices.discounted(price, Decimal("0.15"))
    expected = Rates(input=3, output=85, cached_read=1, request=9, search=6)
    flex = less.services[0]
    assert less.rates == less.tiers[0].rates == flex.rates == flex.tiers[0].rates == expected
    assert (less.discount, less.source) == ("0.15", "portico.yaml")


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_a_discounted_rate_is_the_least_integer_that_is_not_below_the_exact_one(
    rate: int, millionths: int
) -> None:
    price = Price(rates=Rates(input=rate, output=0))
    less = prices.discounted(price, Decimal(millionths) / 10**6).rates.input
    exactly = rate * (1 - Fraction(millionths, 10**6))
    assert 0 <= less - exactly < 1


def test_no_discount_leaves_the_price_as_it_is_and_all_of_it_leaves_nothing() -> None:
    price = prices.override(ONE, AT)
    assert prices.discounted(price, Decimal(0)) is price
    assert prices.discounted(price, Decimal(1)).rates == Rates(input=0, output=0)


@pytest.mark.parametrize("share", ["-0.1", "1.01", "15", "NaN", "Infinity"])
def test_what_is_no_share_is_no_discount(share: str) -> None:
    with pytest.raises(prices.UnusablePrice, match="from 0 to 1"):
        prices.discounted(prices.override(ONE, AT), Decimal(share))


def test_capacity_is_paid_by_the_hour_and_unit_and_its_tokens_cost_nothing() -> None:
    assert prices.hourly_nano(Decimal("39.60"), 1) == 39_600_000_000
    assert prices.hourly_nano(Decimal("39.60"), 2, Decimal("0.25")) == 59_400_000_000
    assert prices.hourly_nano(Decimal("0.000000001"), 1, Decimal("0.5")) == 1
    price = prices.provisioned(AT)
    assert (price.source, price.rates) == ("provisioned", Rates(input=0, output=0))


@pytest.mark.parametrize("hourly", ["0", "-1", "NaN", "Infinity", "0.0000000001", "1e30"])
def test_what_is_no_price_of_an_hour_is_refused(hourly: str) -> None:
    with pytest.raises(prices.UnusablePrice):
        prices.hourly_nano(Decimal(hourly), 1)
