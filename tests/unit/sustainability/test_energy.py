"""Energy and carbon of an answer, and what they rest on."""

import pytest

from portico.contract.energy import Energy, EnergyBasis, EnergyCoefficients
from portico.contract.usage import Usage
from portico.sustainability import sizes
from portico.sustainability.accelerators import Fit, draw, fit, point
from portico.sustainability.centres import ELSEWHERE, centre
from portico.sustainability.energy import bounds, coefficients, estimate, lost
from portico.sustainability.grid import grid, table

BASIS = EnergyBasis(
    method="m", size_low=1, size_high=1, active_low=1, active_high=1, size_source="s",
    zone="Z", grid_source="g", grid_date="2026-01-01",
)  # fmt: skip
TAKES = EnergyCoefficients(
    token_pwh_low=1_500_500, token_pwh_high=3_000_001, request_nwh_high=7,
    grid_low=100_000, grid_high=400_000, basis=BASIS,
)  # fmt: skip
AS_ESTIMATED = Fit(
    source="f", date="d", configurations=1, coverage=0.9, scale=1.0, power=1.0, low=0.5, high=2.0
)


def test_a_low_end_is_rounded_down_and_a_high_end_up() -> None:
    found = estimate(Usage(input=1000, output=3), TAKES)
    assert found == Energy(low_nwh=4501, high_nwh=9008, co2e_low_ng=450, co2e_high_ng=3604)


def test_audio_counts_as_output() -> None:
    assert estimate(Usage(output=2, output_audio=1), TAKES) == estimate(Usage(output=3), TAKES)


def test_without_output_there_is_no_estimate() -> None:
    assert estimate(Usage(input=1000), TAKES) is None
    assert lost(Usage(input=1000), TAKES) is None


def test_an_attempt_whose_end_nobody_knows_took_from_nothing_to_all_it_could() -> None:
    found = lost(Usage(output=3), TAKES)
    assert found == Energy(low_nwh=0, high_nwh=9008, co2e_low_ng=0, co2e_high_ng=3604)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0, 0, ("0", "0")),
        (1, 2, ("0.000000001", "0.000000002")),
        (12_345_678, 45_612_345, ("0.0123", "0.0457")),
        (1_000_000_000, 12_345_000_000_000, ("1", "12400")),
        (999_900_000, 999_900_000, ("0.999", "1")),
    ],
)
def test_bounds_have_three_digits_and_never_narrow_the_interval(
    low: int, high: int, shown: tuple[str, str]
) -> None:
    assert bounds(low, high) == shown


@pytest.mark.parametrize(
    ("model_id", "total", "active"),
    [
        ("acme-70b-instruct", 70e9, 70e9),
        ("acme:8b", 8e9, 8e9),
        ("acme-30b-a3b", 30e9, 3e9),
        ("acme-8x7b", 56e9, 14e9),
        ("Acme/Acme-1.5B-chat", 1.5e9, 1.5e9),
    ],
)
def test_an_id_may_say_the_size(model_id: str, total: float, active: float) -> None:
    found = sizes.named(model_id)
    assert found is not None
    assert (found.total, found.active) == ((total, total), (active, active))
    assert found.source == "its id"


@pytest.mark.parametrize("model_id", ["acme-large", "acme-8bit", "v2b3", "acme-8k", "ab12b3c"])
def test_an_id_that_says_no_size_has_none(model_id: str) -> None:
    assert sizes.named(model_id) is None


def test_a_size_that_nobody_published_is_a_range_with_its_source() -> None:
    found = sizes.known("openai", "gpt-4o-mini")
    assert found is not None
    assert found.total[0] < found.total[1]
    assert found.source.startswith("ecologits ")


def test_bedrock_s_ids_lead_to_the_model_of_its_maker() -> None:
    own = sizes.known("anthropic", "claude-haiku-4-5-20251001")
    assert own is not None
    for form in ("{}", "eu.{}", "arn:aws:bedrock:eu-west-1::foundation-model/{}"):
        model_id = form.format("anthropic.claude-haiku-4-5-20251001-v1:0")
        assert sizes.known("bedrock", model_id) == own
    meta = sizes.known("bedrock", "us.meta.llama3-1-70b-instruct-v1:0")
    assert meta is not None
    assert meta.total == (70_000_000_000, 70_000_000_000)


def test_open_models_are_known_under_the_names_of_those_who_serve_them() -> None:
    listed = sizes.known("openai", "openai/gpt-oss-120b")
    assert listed is not None
    assert listed.active[1] < listed.total[0]
    assert sizes.known("openai", "gpt-oss:120b") == listed


def test_a_model_that_nobody_knows_has_no_size() -> None:
    assert sizes.known("openai", "acme-large") is None
    assert sizes.known("bedrock", "amazon.nova-lite-v1:0") is None


def test_of_a_written_size_no_more_is_active_than_there_is() -> None:
    assert sizes.written(8e9) == sizes.written(8e9, 9e9)
    assert sizes.written(30e9, 3e9).active == (3_000_000_000, 3_000_000_000)


def test_the_interval_stands_around_ecologits_own_estimate() -> None:
    accelerators, servers, request = point(8 * 10**9, 8 * 10**9, None, 0.5)
    found = draw(sizes.written(8e9), AS_ESTIMATED)
    assert found.accelerators_low == pytest.approx(accelerators / 2)
    assert found.accelerators_high == pytest.approx(accelerators * 2)
    assert found.servers_high == pytest.approx(servers)
    assert request > 0.0
    assert found.method.startswith("ecologits ")


def test_the_fit_that_ships_is_dated_and_an_interval() -> None:
    assert fit().date > "2026-01-01"
    assert 0 < fit().low < 1 < fit().high


def test_overhead_of_the_data_centre_is_in_both_ends() -> None:
    size, found = sizes.written(8e9), draw(sizes.written(8e9), AS_ESTIMATED)
    plain = coefficients(size, found, (1.0, 1.0), grid("FRA"))
    cooled = coefficients(size, found, (1.1, 1.5), grid("FRA"))
    assert cooled.token_pwh_low == pytest.approx(plain.token_pwh_low * 1.1, rel=1e-6)
    assert cooled.token_pwh_high == pytest.approx(plain.token_pwh_high * 1.5, rel=1e-6)
    assert (cooled.basis.zone, cooled.basis.size_source) == ("FRA", "portico.yaml")


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("eu-west-1", "IRL"),
        ("US-WEST-2", "USA-WECC"),
        ("swedencentral", "SWE"),
        ("europe-west9", "FRA"),
        ("deu", "DEU"),
        ("eu-west-1/eu", "eu"),
        ("eu-west-1/nowhere", "IRL"),
        ("moon-1", "WOR"),
        ("", "WOR"),
    ],
)
def test_a_region_leads_to_its_grid(region: str, zone: str) -> None:
    assert grid(region).zone == zone


def test_where_no_region_says_so_the_provider_s_own_place_counts() -> None:
    assert grid("", centre("openai").zone).zone == "USA"
    assert centre("acme") == centre(ELSEWHERE)


def test_a_call_that_may_run_anywhere_has_the_range_of_all_places() -> None:
    everywhere, europe, sweden = grid("eu-west-1/global"), grid("eu-west-1/eu"), grid("SWE")
    assert everywhere.low <= europe.low <= sweden.low
    assert sweden.high < europe.high <= everywhere.high


def test_every_factor_is_dated_and_sourced_and_every_region_has_one() -> None:
    zones = table().zones
    for zone in zones.values():
        assert 0 <= zone.low <= zone.mean <= zone.high
        assert zone.source
        assert zone.date > "2026-01-01"
    assert set(table().regions.values()) <= set(zones)
    assert {zone for of in table().geographies.values() for zone in of} <= set(zones)
