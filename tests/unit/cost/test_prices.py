"""Published prices as integers, equal to what genai-prices computes itself."""

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest

from portico.contract.money import Rates
from portico.contract.usage import Usage
from portico.cost import prices
from portico.cost.charge import charge, input_tokens

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
MODELS = [
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-5-mini"),
    ("openai", "gpt-5-mini-2025-08-07"),
    ("openai", "gpt-5.4"),
    ("openai", "gpt-6-sol"),
    ("openai", "gpt-audio"),
    ("openai", "text-embedding-3-small"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-haiku-5-5"),
    ("anthropic", "claude-opus-5"),
]
USAGES = [
    Usage(),
    Usage(input=1),
    Usage(input=1000, output=500),
    Usage(input=12_345, cached_read=67_890, output=4321, reasoning=1234),
    Usage(input=100_000, output=1),
    Usage(input=100_001, output=1),
    Usage(input=200_000, cached_read=72_000, output=999),
    Usage(input=200_000, cached_read=72_001, output=999),
    Usage(input=1, cached_read=1_000_000, output=7),
]
CACHING = [
    Usage(input=50, cached_read=1000, cache_write_5m=2000, cache_write_1h=3000, output=70),
    Usage(input=150_000, cache_write_5m=40_000, cache_write_1h=10_001, output=3),
]
AUDIO = [Usage(input=100, input_audio=900, output=50, output_audio=450)]


def theirs(kind: str, model: str, usage: Usage) -> Decimal:
    """Nano-dollars by genai-prices' own calculation."""
    counts = {
        "input_tokens": input_tokens(usage),
        "output_tokens": usage.output + usage.output_audio,
        "cache_read_tokens": usage.cached_read,
        "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_write_5m_tokens": usage.cache_write_5m,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "input_audio_tokens": usage.input_audio,
        "output_audio_tokens": usage.output_audio,
    }
    given = {name: count for name, count in counts.items() if count or "put_tokens" in name}
    found = genai_prices.calc_price(
        genai_prices.Usage(**given), model, provider_id=kind, genai_request_timestamp=AT
    )
    return found.total_price * 10**9


def ours(kind: str, model: str, usage: Usage) -> int:
    price = prices.resolve(kind, model, "", AT)
    assert price is not None
    return charge(usage, price)


@pytest.mark.parametrize(("kind", "model"), MODELS)
def test_charges_equal_those_of_genai_prices_up_to_the_rounding(kind: str, model: str) -> None:
    usages = USAGES + (CACHING if kind == "anthropic" else [])
    for usage in usages:
        assert abs(ours(kind, model, usage) - theirs(kind, model, usage)) <= Decimal("0.5"), usage


@pytest.mark.parametrize("usage", AUDIO)
def test_audio_is_charged_at_its_own_rate(usage: Usage) -> None:
    expected = theirs("openai", "gpt-audio", usage)
    assert abs(ours("openai", "gpt-audio", usage) - expected) <= Decimal("0.5")


def test_every_model_of_the_catalogues_charges_as_genai_prices_does() -> None:
    usage = Usage(input=300_001, cached_read=20_000, output=1000)
    for kind in ("openai", "anthropic"):
        listed = prices.catalogue(kind, AT)
        assert len(listed) > 20
        for entry in listed:
            difference = charge(usage, entry.price) - theirs(kind, entry.id, usage)
            assert abs(difference) <= Decimal("0.5"), entry.id


def test_the_catalogue_has_no_models_that_neither_chat_nor_embed() -> None:
    ids = {entry.id for entry in prices.catalogue("openai", AT)}
    assert {"gpt-5-mini", "gpt-4o", "gpt-4o-2024-11-20", "text-embedding-3-small"} <= ids
    assert not ids & {"whisper-1", "tts-1", "gpt-image-1", "gpt-realtime", "moderation"}


def test_a_resolved_price_says_where_it_comes_from_and_of_when_it_is() -> None:
    price = prices.resolve("openai", "gpt-5-mini", "", AT)
    assert price is not None
    assert price.source.startswith("genai-prices ")
    assert price.date == "2026-11-23"
    assert price.rates == Rates(input=250_000, output=2_000_000, cached_read=25_000, search=10**10)


def test_the_address_decides_whose_price_holds() -> None:
    assert prices.resolve("openai", "gpt-4o", "https://api.openai.com/v1", AT) is not None
    assert prices.resolve("openai", "gpt-4o", "https://x.openai.azure.com", AT) is not None
    assert prices.resolve("openai", "gpt-4o", "http://127.0.0.1:8000/v1", AT) is None


def test_a_model_that_nobody_prices_has_no_price() -> None:
    assert prices.resolve("openai", "zork-1", "", AT) is None
    assert prices.resolve("zork", "gpt-4o", "", AT) is None
    assert prices.context("openai", "zork-1", "") is None


def test_a_price_with_parts_that_are_not_counted_is_refused_and_not_cut_short() -> None:
    with pytest.raises(prices.UnusablePrice, match="image"):
        prices.resolve("openai", "gpt-image-1", "", AT)


def test_an_amount_that_is_no_whole_number_of_pico_dollars_is_refused() -> None:
    assert prices.exact(Decimal("0.000001"), prices.PICO_PER_TOKEN) == 1
    for amount in ("0.0000001", "NaN", "Infinity", "-1"):
        with pytest.raises(prices.UnusablePrice):
            prices.exact(Decimal(amount), prices.PICO_PER_TOKEN)


def test_an_own_price_is_dollars_per_million_tokens_and_dollars_a_request() -> None:
    amounts = {
        "input": Decimal("0.05"),
        "output": Decimal("0.1"),
        "cached_input": Decimal("0.01"),
        "cache_write": Decimal("0.06"),
        "input_audio": Decimal(1),
        "output_audio": Decimal(2),
        "request": Decimal("0.001"),
    }
    price = prices.override(amounts, AT)
    assert price.rates == Rates(
        input=50_000,
        output=100_000,
        cached_read=10_000,
        cache_write_5m=60_000,
        cache_write_1h=60_000,
        input_audio=1_000_000,
        output_audio=2_000_000,
        request=10**9,
    )
    assert price.source == "portico.yaml"
    longer = prices.override(amounts | {"cache_write_1h": Decimal("0.1")}, AT)
    assert (longer.rates.cache_write_5m, longer.rates.cache_write_1h) == (60_000, 100_000)


def test_simulated_models_cost_nothing_and_say_so() -> None:
    price = prices.simulated(AT)
    assert charge(Usage(input=10**9, output=10**9), price) == 0
    assert price.source == "simulator"
