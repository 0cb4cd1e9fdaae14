"""`portico carbon report`, against a server that answers what the test says."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.main.test_commands import Stand, alone, run

from portico.control.ledger.carbon import CarbonReport, Interval, Line, Sizes, Weight

KNOWN = Weight(
    calls=4,
    without_estimate=1,
    share_without=0.25,
    tokens_out=40,
    energy_wh=Interval(low=0.00123456, high=1234.5),
    co2e_g=Interval(low=0.5, high=12.0),
    sizes=Sizes(low=8e9, high=2.5e10, tokens=30, known_share=0.75),
)
NOTHING = Weight(
    calls=2, without_estimate=2, share_without=1.0, tokens_out=9,
    energy_wh=None, co2e_g=None, sizes=None,
)  # fmt: skip
REPORT = CarbonReport(
    since="2026-11-01",
    until="2026-11-08",
    by="team",
    methods=("m 1",),
    total=KNOWN,
    simulated_calls=2,
    lines=(
        Line(key="care", simulated=False, weight=KNOWN),
        Line(key="care", simulated=True, weight=NOTHING),
    ),
)


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    alone(monkeypatch)
    monkeypatch.chdir(tmp_path)
    stand = Stand(tmp_path)
    stand.says(200, REPORT)
    yield stand
    stand.close()


def test_the_report_shows_intervals_sizes_method_and_what_has_no_estimate(
    answering: Stand,
) -> None:
    result = run("carbon", "report", "--by", "team", "--days", "7")
    assert result.exit_code == 0
    care, simulated, total = result.stdout.splitlines()[1:4]
    for fact in ("1 (25%)", "0.00123 - 1234", "0.5 - 12", "8B - 25B"):
        assert fact in care
        assert fact in total
    assert simulated.startswith("care (simulated)")
    assert simulated.split()[-3:] == ["-", "-", "-"]
    for fact in ("method: m 1", "known for 75% of the tokens", "2 simulated calls"):
        assert fact in result.stdout


def test_the_window_and_the_grouping_are_asked_of_the_server(answering: Stand) -> None:
    run("carbon", "report", "--by", "day", "--from", "2026-11-01", "--to", "2026-11-07")
    _, path, _, _ = answering.asked[-1]
    assert path.startswith("/admin/v1/carbon?")
    assert {"by=day", "from=2026-11-01", "to=2026-11-07"} <= set(path.partition("?")[2].split("&"))


def test_with_json_the_report_is_as_the_server_says_it(answering: Stand) -> None:
    shown = json.loads(run("carbon", "report", "--json").stdout)
    assert shown["total"]["energy_wh"] == {"low": 0.00123456, "high": 1234.5}
    assert shown["lines"][1]["weight"]["energy_wh"] is None


def test_a_grouping_that_there_is_not_is_a_fault_of_usage(answering: Stand) -> None:
    assert run("carbon", "report", "--by", "moon").exit_code == 2
    assert answering.asked == []
