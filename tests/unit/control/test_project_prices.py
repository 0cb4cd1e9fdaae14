"""What a project may say of prices, and what it is told where it says it wrongly."""

import datetime

import pytest

from portico.contract.money import Rates
from portico.contract.snapshot import Model
from portico.control.projects import Compiled, Problem, compile_project
from portico.cost import prices

TODAY = datetime.date(2026, 11, 23)
HEAD = """\
providers:
  local: {kind: openai, base_url: "http://127.0.0.1:11434/v1"DISCOUNT}
  openai: {kind: openai, api_key: "${KEY}"DISCOUNT}
  aws: {kind: bedrock, region: eu-west-1}
models:
  m: """
ROOM = "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abc123"


def compiled(model: str, discount: str = "") -> Compiled:
    text = HEAD.replace("DISCOUNT", discount) + model + "\nworkloads: {w: {ladder: [m]}}\n"
    return compile_project({"portico.yaml": text}, {"KEY": "secret"}, TODAY)


def made(model: str, discount: str = "", name: str = "m") -> Model:
    found = compiled(model, discount)
    assert found.snapshot is not None, [str(problem) for problem in found.problems]
    return next(each for each in found.snapshot.models if each.name == name)


def local(price: str, more: str = "") -> str:
    return f"{{provider: local, id: x, price: {price}{more}}}"


def rates(model: str, discount: str = "") -> Rates:
    price = made(model, discount).price
    assert price is not None
    return price.rates


def problem(model: str, discount: str = "") -> Problem:
    found = compiled(model, discount)
    assert found.snapshot is None
    (only,) = found.problems
    return only


def test_every_kind_of_rate_can_be_written() -> None:
    written = (
        "{input: 1, output: 2, cached_input: 3, cache_write: 4, cache_write_1h: 5, input_audio: 6,"
        " cached_audio: 7, output_audio: 8, image: 9, video: 10, output_image: 11, reasoning: 12,"
        " request: 0.001, search: 0.01}"
    )
    kinds = {name for names in prices.OVERRIDE_RATES.values() for name in names}
    names = [name for name in Rates.__struct_fields__ if name in kinds]
    millions = [each * 1_000_000 for each in range(1, 13)]
    expected = Rates(request=10**9, search=10**10, **dict(zip(names, millions, strict=True)))
    assert rates(local(written)) == expected


def test_amounts_may_come_from_the_environment() -> None:
    price = '{input: "${KEY}", output: 2, long_context: {above: "${KEY}", input: 7, output: 8}}'
    text = HEAD.replace("DISCOUNT", ', discount: "${SHARE}"') + local(price)
    project = {"portico.yaml": text + "\nworkloads: {w: {ladder: [m]}}\n"}
    found = compile_project(project, {"KEY": "5", "SHARE": "0.2"}, TODAY)
    assert found.snapshot is not None
    made_price = found.snapshot.models[0].price
    assert made_price is not None
    assert (made_price.rates.input, made_price.tiers[0].above) == (4_000_000, 5)


def test_a_long_context_is_one_level_or_a_list_of_them() -> None:
    one = made(
        local("{input: 1, output: 2, long_context: {above: 200000, input: 2, output: 3}}")
    ).price
    assert one is not None
    (tier,) = one.tiers
    assert (tier.above, tier.rates) == (200_000, Rates(input=2_000_000, output=3_000_000))
    many = made(
        local(
            "{input: 1, output: 2, long_context: "
            "[{above: 1000, input: 2, output: 3}, {above: 2000, input: 4, output: 5}]}"
        )
    ).price
    assert many is not None
    assert [each.above for each in many.tiers] == [1000, 2000]


def test_service_tiers_have_rates_and_long_contexts_of_their_own() -> None:
    price = made(
        local(
            "{input: 1, output: 2, batch: {input: 0.5, output: 1}, priority:"
            " {input: 3, output: 4, long_context: {above: 10, input: 5, output: 6}}}"
        )
    ).price
    assert price is not None
    batch, priority = price.services
    assert (batch.name, batch.rates.input) == ("batch", 500_000)
    assert (priority.name, priority.tiers[0].above) == ("priority", 10)


def test_a_discount_of_the_model_wins_over_its_providers() -> None:
    price = "{input: 1, output: 2}"
    assert rates(local(price, ", discount: 0.15")).input == 850_000
    assert rates(local(price), ", discount: 0.5").input == 500_000
    assert rates(local(price, ", discount: 0.15"), ", discount: 0.5").input == 850_000
    assert rates(local(price, ", discount: 0"), ", discount: 0.5").input == 1_000_000


def test_a_discount_is_taken_from_published_prices_and_listed_models_and_is_kept() -> None:
    named = made("{provider: openai, id: gpt-5-mini}", ", discount: 0.2")
    listed = made("{provider: openai, id: gpt-5-mini}", ", discount: 0.2", "openai/gpt-5")
    assert named.price is not None
    assert listed.price is not None
    assert (named.price.rates.input, named.price.discount) == (200_000, "0.2")
    assert (listed.price.rates.input, listed.price.discount) == (1_000_000, "0.2")
    assert named.price.source.startswith("genai-prices")


def test_capacity_by_the_hour_has_no_price_for_its_tokens() -> None:
    model = made(f'{{provider: aws, id: "{ROOM}", price: {{hourly: 39.60, units: 2}}}}')
    assert model.hourly_nano == 79_200_000_000
    assert model.price is not None
    assert (model.price.source, model.price.rates) == ("provisioned", Rates(input=0, output=0))
    other = made(local("{hourly: 10}", ", throughput: provisioned, discount: 0.1"))
    assert (other.hourly_nano, other.throughput) == (9_000_000_000, "provisioned")


def test_capacity_without_a_price_is_unpriced_and_warned_about() -> None:
    found = compiled(f'{{provider: aws, id: "{ROOM}"}}')
    assert found.snapshot is not None
    model = next(each for each in found.snapshot.models if each.name == "m")
    assert (model.price, model.hourly_nano) == (None, None)
    assert any("paid by the hour" in warning for warning in found.warnings)
    priced = compiled(f'{{provider: aws, id: "{ROOM}", price: {{hourly: 1}}}}')
    assert not any("paid by the hour" in warning for warning in priced.warnings)


def test_a_bedrock_tier_has_its_published_price_where_there_is_one() -> None:
    model = made("{provider: aws, id: 'amazon.nova-pro-v1:0', service_tier: flex}")
    assert model.service_tier == "flex"
    assert model.price is not None
    assert "flex" in {service.name for service in model.price.services}
    unknown = problem("{provider: aws, id: 'amazon.nova-micro-v1:0', service_tier: flex}")
    assert "no price of the service tier flex" in unknown.message
    assert "write price" in unknown.hint


def test_what_is_written_for_a_model_that_asks_for_a_tier_is_the_price_of_that_tier() -> None:
    text = "{provider: aws, id: 'amazon.nova-micro-v1:0', service_tier: reserved, price: PRICE}"
    price = made(text.replace("PRICE", "{input: 1, output: 2}")).price
    assert price is not None
    (asked,) = price.services
    assert (asked.name, asked.rates) == ("reserved", price.rates)


@pytest.mark.parametrize(
    ("model", "path", "message", "hint"),
    [
        (local("{input: .nan, output: 1}"), "price.input", "finite", ""),
        (local("{input: .inf, output: 1}"), "price.input", "finite", ""),
        (local("{input: -1, output: 1}"), "price.input", "greater than or equal to 0", ""),
        (local("{input: '1', output: 1}"), "price.input", "expected a number, found text", ""),
        (local("{input: 1e300, output: 1}"), "price", "more than can be held", ""),
        (local("{input: 1, output: 1, imge: 2}"), "price.imge", "unknown key", "image"),
        (local("{input: 1, output: 1, image: 0.000002}"), "price.image", "dollars a token", ""),
        (local("{input: 1, output: 1, batch: {input: 1}}"), "price.batch.output", "missing", "0"),
        (
            local("{input: 1, output: 1, flex: {input: 0.0000001, output: 1}}"),
            "price.flex.input",
            "dollars a token",
            "",
        ),
        (
            local("{input: 1, output: 1, batch: {input: 1, output: 1, hourly: 3}}"),
            "price.batch.hourly",
            "unknown key",
            "",
        ),
        (
            local("{input: 1, output: 1, long_context: {input: 1, output: 1}}"),
            "price.long_context.above",
            "missing",
            "",
        ),
        (
            local("{input: 1, output: 1, long_context: {above: 0, input: 1, output: 1}}"),
            "price.long_context.above",
            "greater than or equal to 1",
            "",
        ),
        (
            local(
                "{input: 1, output: 1, long_context: [{above: 20, input: 1, output: 1},"
                " {above: 10, input: 1, output: 1}]}"
            ),
            "price.long_context",
            "ascending order",
            "",
        ),
        (
            local("{input: 1, output: 1, long_context: {above: 20, input: 1}}"),
            "price.long_context.output",
            "missing",
            "",
        ),
        (
            local("{input: 1, output: 1, long_context: {above: 20, inptu: 1, output: 1}}"),
            "price.long_context.inptu",
            "unknown key",
            "did you mean input?",
        ),
        (
            local("{input: 1, output: 1, long_context: [{above: 20, inptu: 1, output: 1}]}"),
            "price.long_context.0.inptu",
            "unknown key",
            "did you mean input?",
        ),
        (local("{input: 1, output: 1, long_context: 5}"), "price.long_context", "a list", ""),
        (local("{input: 1, output: 1}", ", discount: 15"), "discount", "mean 0.15?", ""),
        (local("{input: 1, output: 1}", ", discount: -0.1"), "discount", "greater than", ""),
        (local("{input: 1, output: 1}", ", discount: 150"), "discount", "less than", ""),
        (local("{input: 1, output: 1}", ", discount: .nan"), "discount", "", ""),
        (local("{input: 1, output: 1}", ", discount: 15%"), "discount", "found text", ""),
        (local("unpriced", ", discount: 0.1"), "discount", "no price", ""),
        (local("{hourly: 5}"), "price.hourly", "provisioned", "throughput: provisioned"),
        (local("{hourly: 0}", ", throughput: provisioned"), "price.hourly", "no price of", ""),
        (
            local("{hourly: 5, input: 1}", ", throughput: provisioned"),
            "price.input",
            "stands alone",
            "leave out input",
        ),
        (local("{input: 1, output: 1, units: 2}"), "price.units", "by the hour", "hourly"),
        (
            local("{hourly: 5, units: 0}", ", throughput: provisioned"),
            "price.units",
            "greater than or equal to 1",
            "",
        ),
        ("{provider: openai, id: zork-9}", "price", "no price is published", ""),
    ],
)
def test_a_wrong_price_is_named_with_its_place(
    model: str, path: str, message: str, hint: str
) -> None:
    found = problem(model)
    assert (found.file, found.line) == ("portico.yaml", 6)
    assert found.path == f"models.m.{path}"
    assert message in found.message
    assert hint in found.hint


def test_a_providers_discount_as_a_percentage_is_named_with_its_place() -> None:
    found = compiled("{provider: local, id: x, price: unpriced}", ", discount: 15")
    places = [(each.path, each.line) for each in found.problems]
    assert places == [("providers.local.discount", 2), ("providers.openai.discount", 3)]
    assert all("did you mean 0.15?" in each.message for each in found.problems)


def test_a_project_may_say_how_much_a_model_takes_in() -> None:
    text = """
providers: {local: {kind: openai, base_url: "http://127.0.0.1:11434/v1"}}
models: {own: {provider: local, id: "qwen3:8b", price: {input: 1, output: 2}, context: 32768}}
"""
    compiled = compile_project({"portico.yaml": text}, {}, datetime.date(2026, 11, 23))
    assert compiled.snapshot is not None
    facts = compiled.snapshot.models[0].facts
    assert facts is not None
    assert (facts.context, facts.source) == (32768, "portico.yaml")
