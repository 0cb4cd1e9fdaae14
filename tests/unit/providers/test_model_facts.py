"""Facts of models: data with its source and date."""

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec
import pytest

from portico.contract.snapshot import Facts
from portico.providers import ageing
from portico.providers.anthropic import facts as anthropic
from portico.providers.openai import facts as openai

ALL: tuple[Mapping[str, Facts], ...] = (openai.known(), anthropic.known())


@pytest.mark.parametrize("known", ALL)
def test_every_fact_has_a_page_and_a_day(known: Mapping[str, Facts]) -> None:
    assert known
    for name, facts in known.items():
        assert facts.source.startswith("https://"), name
        assert date.fromisoformat(facts.date) <= date(2100, 1, 1)
        assert not facts.retires or date.fromisoformat(facts.retires)
        assert facts.context is not None
        assert facts.max_output is None or facts.max_output <= facts.context, name


def test_facts_are_found_by_every_id_of_a_model() -> None:
    assert openai.facts("gpt-4o") == openai.facts("gpt-4o-2024-11-20")
    found = anthropic.facts("claude-haiku-4-5")
    assert found is not None
    assert (found.context, found.max_output) == (200_000, 64_000)
    assert "image" in found.input
    assert openai.facts("zork") is None


def test_facts_are_stale_after_half_a_year() -> None:
    known = {"m": Facts(date="2026-01-01")}
    last = date(2026, 1, 1) + timedelta(days=ageing.MAX_AGE_DAYS)
    assert ageing.stale(known, last) == ()
    assert ageing.stale(known, last + timedelta(days=1)) == ("m",)


def test_facts_of_another_shape_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        ageing.read(b'[{"ids": ["m"], "source": "s", "date": "d", "contxt": 5}]')


def test_stale_facts_of_a_provider_are_named() -> None:
    assert openai.stale(date(2026, 11, 23)) == ()
    assert "gpt-4o" in openai.stale(date(2030, 1, 1))
    assert "claude-haiku-4-5" in anthropic.stale(date(2030, 1, 1))
