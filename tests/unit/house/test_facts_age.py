"""tools/facts_age.py warns about old provider facts and never fails."""

import datetime
import json
from pathlib import Path

import pytest
from tools import facts_age

TODAY = datetime.date(2026, 7, 1)


def facts(root: Path, value: object) -> None:
    path = root / "src/portico/providers/openai/facts.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def aged(days: int) -> str:
    return (TODAY - datetime.timedelta(days=days)).isoformat()


def test_facts_older_than_180_days_are_named_with_their_place_and_source(tmp_path: Path) -> None:
    old = {"date": aged(181), "source": "https://example.com/models"}
    facts(tmp_path, {"models": {"a": old, "b": old | {"date": aged(180)}}})
    [warning] = facts_age.warnings(tmp_path, TODAY)
    assert warning.startswith("src/portico/providers/openai/facts.json: models.a: read 181 days")
    assert warning.endswith("at https://example.com/models")


@pytest.mark.parametrize("name", [{"ids": ["m-1", "m-1-latest"]}, {"id": "m-1"}])
def test_rows_of_a_list_are_named_by_their_first_id(
    name: dict[str, object], tmp_path: Path
) -> None:
    facts(tmp_path, [name | {"date": aged(400)}, {"ids": ["m-2"], "date": aged(0)}])
    [warning] = facts_age.warnings(tmp_path, TODAY)
    assert ": [m-1]: read 400 days ago" in warning


def test_grids_age_as_facts_of_providers_do(tmp_path: Path) -> None:
    path = tmp_path / "src/portico/sustainability/grid.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"zones": {"FRA": {"date": aged(181), "source": "s"}}}))
    [warning] = facts_age.warnings(tmp_path, TODAY)
    assert "grid.json: zones.FRA: read 181 days" in warning


@pytest.mark.parametrize("date", ["soon", "2026-13-01", "2026-07-02"])
def test_dates_that_cannot_be_are_named(date: str, tmp_path: Path) -> None:
    facts(tmp_path, {"m": {"date": date}})
    [warning] = facts_age.warnings(tmp_path, TODAY)
    assert date in warning


def test_the_command_exits_0_though_it_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts(tmp_path, {"m": {"date": aged(500)}})
    assert facts_age.main([str(tmp_path), "--today", TODAY.isoformat()]) == 0
    assert capsys.readouterr().out.startswith("warning: ")


def test_a_tree_without_facts_warns_of_nothing(tmp_path: Path) -> None:
    assert list(facts_age.warnings(tmp_path, TODAY)) == []
