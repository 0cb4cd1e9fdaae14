"""The doctor's look at the catalogue."""

from datetime import date

import pytest

from portico.contract.snapshot import Facts, Model, Provider, Snapshot, Workload
from portico.main.cli.findings import Finding
from portico.main.cli.models import catalogue

TODAY = date(2026, 11, 23)


def look(*models: Model) -> list[Finding]:
    snapshot = Snapshot(
        project="p",
        providers=(
            Provider(name="openai", kind="openai"),
            Provider(name="sim", kind="simulator"),
        ),
        models=models,
        workloads=(Workload(name="default", ladder=(("openai/gpt-5",),)),),
    )
    return list(catalogue(snapshot, TODAY))


def discovered(name: str, facts: Facts | None) -> Model:
    return Model(name=f"openai/{name}", provider="openai", id=name, facts=facts, listed=False)


@pytest.mark.parametrize(
    ("retires", "warned"),
    [("2026-11-01", True), ("2027-02-21", True), ("2027-02-22", False), ("", False)],
)
def test_a_model_of_a_ladder_that_retires_within_ninety_days_is_warned_about(
    retires: str, warned: bool
) -> None:
    rows = look(discovered("gpt-5", Facts(retires=retires, source="s", date="2026-11-01")))
    assert [row.state for row in rows] == ["warn"] * warned + ["ok"]
    if warned:
        assert retires in rows[0].found
        assert rows[0].todo


def test_a_retiring_model_that_nobody_uses_is_no_trouble() -> None:
    rows = look(discovered("gpt-4", Facts(retires="2026-12-01", date="2026-11-01")))
    assert [row.state for row in rows] == ["ok"]


def test_facts_that_were_read_long_ago_are_warned_about() -> None:
    old = Facts(source="https://example.com/models", date="2026-01-01")
    stale = Model(name="small", provider="openai", id="gpt-5-mini", facts=old)
    fresh = Model(name="large", provider="openai", id="x", facts=Facts(date="2026-11-01"))
    undated = Model(name="other", provider="openai", id="y", facts=Facts(context=5))
    rows = look(stale, fresh, undated)
    assert [(row.check, row.state) for row in rows] == [
        ("model small", "warn"),
        ("catalogue", "ok"),
    ]
    assert "2026-01-01 (https://example.com/models)" in rows[0].found


def test_ids_without_a_version_are_named() -> None:
    alias = Model(name="small", provider="openai", id="gpt-5-mini")
    dated = Model(name="dated", provider="openai", id="gpt-5-mini-2025-08-07")
    simulated = Model(name="sim/echo", provider="sim", id="echo")
    (row,) = look(alias, dated, simulated)
    assert row.found == "models in use: 2; their id names no version: small"
