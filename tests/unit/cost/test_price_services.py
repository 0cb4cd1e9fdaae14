"""Service tiers and all kinds of tokens, as genai-prices and our dated data have them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from portico.contract.money import Price, Rates, Service, Tier
from portico.contract.usage import Usage
from portico.cost import prices
from portico.cost.charge import charge
from portico.cost.prices import service_tiers

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def resolved(kind: str, model: str, base_url: str = "") -> Price:
    price = prices.resolve(kind, model, base_url, AT)
    assert price is not None
    return price


def services(price: Price) -> dict[str, Service]:
    return {service.name: service for service in price.services}


def test_openais_tiers_have_their_published_rates_and_long_contexts() -> None:
    price = resolved("openai", "gpt-6-sol")
    assert set(services(price)) == {"batch", "flex", "priority", "fast"}
    usage = Usage(input=1_000_000, output=1_000_000)
    long = [charge(Usage(input=1_000_000, service_tier=t), price) for t in ("", "flex")]
    assert long[0] == 2 * long[1]
    assert charge(usage, price) > 10**9


def test_a_tier_keeps_the_standard_rates_that_it_does_not_change() -> None:
    batch = services(resolved("gemini", "gemini-2.5-flash"))["batch"]
    assert batch.rates.input == 150_000
    assert batch.rates.cached_read == 30_000
    assert batch.rates.search == 35 * 10**9


def test_anothers_model_list_gives_the_standard_price_only() -> None:
    azure = resolved("openai", "gpt-5", "https://x.openai.azure.com")
    assert azure.services == ()
    assert azure.rates == resolved("openai", "gpt-5").rates


def test_anthropics_batches_are_half_price_for_models_that_the_list_leaves_out() -> None:
    price = resolved("anthropic", "claude-3-5-haiku-latest")
    batch, rates = services(price)["batch"].rates, price.rates
    assert rates.cached_read is not None
    assert (2 * batch.input, 2 * batch.output) == (rates.input, rates.output)
    assert batch.cached_read == -(-rates.cached_read // 2)
    assert batch.search == rates.search


def test_geminis_flex_is_half_price_but_for_cached_tokens() -> None:
    price = resolved("gemini", "gemini-2.5-flash")
    flex = services(price)["flex"].rates
    assert (flex.input, flex.output) == (150_000, 1_250_000)
    assert (flex.cached_read, flex.cached_audio) == (30_000, 100_000)
    assert flex.input_audio == 500_000


def test_bedrocks_tiers_are_those_of_its_price_list() -> None:
    found = services(resolved("bedrock", "amazon.nova-pro-v1:0"))
    assert (found["flex"].rates.input, found["flex"].rates.output) == (400_000, 1_600_000)
    assert (found["priority"].rates.input, found["priority"].rates.output) == (1_400_000, 5_600_000)
    assert "flex" not in services(resolved("bedrock", "amazon.nova-micro-v1:0"))


def test_a_discount_of_a_tier_leaves_cached_tokens_at_the_standard_rate() -> None:
    price = Price(
        rates=Rates(input=100, output=200),
        tiers=(Tier(above=10, rates=Rates(input=300, output=400, cached_read=50)),),
    )
    (batch,) = service_tiers.completed(price, "aws", "x.y").services
    assert batch.rates.cached_read == 100
    assert batch.rates.cached_audio == 100
    assert batch.tiers[0].rates == Rates(
        input=150,
        output=200,
        cached_read=50,
        cache_write_5m=300,
        cache_write_1h=300,
        cached_audio=50,
    )


def test_a_published_tier_is_not_replaced_by_our_data() -> None:
    own = Service(name="batch", rates=Rates(input=7, output=7))
    price = Price(rates=Rates(input=100, output=200), services=(own,))
    assert service_tiers.completed(price, "anthropic", "claude-x").services == (own,)
    assert service_tiers.completed(price, "nobody", "claude-x") is price


def test_every_row_of_our_data_names_its_source_and_its_day() -> None:
    for row in service_tiers.rows():
        assert row.source.startswith("https://")
        assert date(2026, 1, 1) <= date.fromisoformat(row.date) <= date(2026, 11, 23)
        assert 0 < Fraction(row.of_standard) < 10


def test_embeddings_of_images_video_and_audio_have_their_rates() -> None:
    rates = resolved("gemini", "gemini-embedding-2").rates
    assert None not in (rates.input_image, rates.input_video, rates.input_audio)


def test_perplexity_charges_for_the_request_and_for_reasoning() -> None:
    price = resolved("openai", "sonar", "https://api.perplexity.ai")
    assert price.rates.request > 0


def test_noise_of_binary_floats_in_a_list_is_not_part_of_a_price() -> None:
    price = resolved("huggingface_together", "Qwen/Qwen3-VL-8B-Instruct")
    assert price.rates.input == 180_000
    with pytest.raises(prices.UnusablePrice, match="finer"):
        prices.exact(Decimal("0.18000000000000002"), prices.PICO_PER_TOKEN)
    with pytest.raises(prices.UnusablePrice, match="finer"):
        prices.resolve("openrouter", "google/gemini-2.5-flash", "", AT)
