"""What is held before an attempt is never less than what it comes to."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from portico.contract.money import Price, Rates, Service, Tier
from portico.contract.usage import Usage
from portico.cost.charge import Bound, applied, bound, ceiling, charge, input_tokens

RATE = st.integers(0, 10**9)
MAYBE = st.none() | RATE
TOKENS = st.integers(0, 10**7)
SERVICES = ("batch", "flex", "priority")
KINDS = tuple(
    name for name in Rates.__struct_fields__ if name not in ("input", "output", "request", "search")
)
RATES = st.builds(
    Rates,
    input=RATE,
    output=RATE,
    request=st.integers(0, 10**11),
    search=st.integers(0, 10**11),
    **dict.fromkeys(KINDS, MAYBE),
)


def schedule(rates: Sequence[Rates], above: Sequence[int]) -> tuple[Tier, ...]:
    return tuple(Tier(above=n, rates=r) for n, r in zip(sorted(above), rates[1:], strict=False))


LEVELS = st.lists(st.integers(0, 10**7), unique=True, max_size=3)
SCHEDULES = st.lists(RATES, min_size=4, max_size=4)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    rates = draw(SCHEDULES)
    services = []
    for name in draw(st.lists(st.sampled_from(SERVICES), unique=True)):
        own = draw(SCHEDULES)
        services.append(Service(name=name, rates=own[0], tiers=schedule(own, draw(LEVELS))))
    tiers = schedule(rates, draw(LEVELS))
    return Price(rates=rates[0], tiers=tiers, services=tuple(services))


@st.composite
def usages(draw: st.DrawFn, tiers: tuple[str, ...] = ("", *SERVICES, "unheard of")) -> Usage:
    text, output = draw(TOKENS), draw(TOKENS)
    image = draw(st.integers(0, text))
    return Usage(
        input=text,
        cached_read=draw(TOKENS),
        cache_write_5m=draw(TOKENS),
        cache_write_1h=draw(TOKENS),
        input_audio=draw(TOKENS),
        cached_audio=draw(TOKENS),
        input_image=image,
        input_video=draw(st.integers(0, text - image)),
        output=output,
        output_audio=draw(TOKENS),
        output_image=draw(TOKENS),
        reasoning=draw(st.integers(0, output)),
        searches=draw(st.integers(0, 100)),
        service_tier=draw(st.sampled_from(tiers)),
    )


def output_tokens(usage: Usage) -> int:
    return usage.output + usage.output_audio + usage.output_image


def most(ready: Bound, usage: Usage, more: int) -> int:
    return ready.nano(input_tokens(usage) + more, output_tokens(usage), usage.searches)


@given(usages(), prices(), st.integers(0, 10**6))
def test_nothing_asked_for_is_bounded_whatever_tier_serves(
    usage: Usage, price: Price, more: int
) -> None:
    assert most(bound(price), usage, more) >= charge(usage, price)
    assert most(bound(price, "auto"), usage, more) >= charge(usage, price)


@given(st.data(), prices(), st.sampled_from((*SERVICES, "unheard of", "default", "standard")))
def test_a_tier_asked_for_is_bounded_where_it_or_the_standard_one_serves(
    data: st.DataObject, price: Price, asked: str
) -> None:
    usage = data.draw(usages(("", asked)))
    assert most(bound(price, asked), usage, 0) >= charge(usage, price)


@given(usages(), prices())
def test_the_ceiling_is_the_bound_of_all_choices(usage: Usage, price: Price) -> None:
    tokens, output = input_tokens(usage), output_tokens(usage)
    assert ceiling(tokens, output, 3, price) == bound(price).nano(tokens, 3 * output)


@given(usages(), prices())
def test_a_price_without_the_other_tiers_charges_the_same(usage: Usage, price: Price) -> None:
    kept = applied(price, usage.service_tier)
    assert len(kept.services) <= 1
    assert charge(usage, kept) == charge(usage, price)


@given(prices(), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_bound_never_falls_when_the_input_grows(price: Price, tokens: int, more: int) -> None:
    ready = bound(price)
    assert ready.nano(tokens + more, 100) >= ready.nano(tokens, 100)
