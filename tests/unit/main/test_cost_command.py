"""`portico cost report` and `forecast`, against a server that answers what the test says."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
import pytest
from tests.unit.main.test_commands import Stand, alone, run

from portico.contract.ledger import Spending
from portico.contract.snapshot import Currency
from portico.control.ledger.cost import Asked, CostReport, Found, cost_report, nothing
from portico.control.ledger.forecast import (
    BudgetForecast,
    CapacityForecast,
    CostEstimate,
    CostForecast,
    SpendForecast,
    WorkloadForecast,
)
from portico.main.cli.costed import about

EUR = Currency(code="EUR", per_usd=0.86, date="2026-11-20", source="ECB")


def spent(name: str, simulated: bool = False, **numbers: int) -> Spending:
    return msgspec.structs.replace(nothing((name,), simulated), **numbers)


def report(*rows: Spending, idle: int = 0, currency: Currency | None = None) -> CostReport:
    found = Found(rows=rows, whole=rows, idle={("(idle)",): idle} if idle else {})
    asked = Asked(
        since="2026-11-01", until="2026-11-08", by=("workload",), where=(("team", "care"),)
    )
    return cost_report(asked, found, currency)


CARE = spent(
    "care", calls=4, answered=4, sessions=2, attempts=5, failed=1, unpriced=1, tokens_in=40,
    tokens_cached=10, tokens_out=8, cost_nano=1_234_567_890_123, capped=3, cap_hits=1, judged=2,
    accepted=1,
)  # fmt: skip
REHEARSAL = spent("care", True, calls=3, answered=3, cost_nano=5)


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    alone(monkeypatch)
    monkeypatch.chdir(tmp_path)
    stand = Stand(tmp_path)
    stand.says(200, report(CARE, REHEARSAL))
    yield stand
    stand.close()


def asked(stand: Stand) -> list[tuple[str, str]]:
    _, path, _, _ = stand.asked[-1]
    name, _, query = path.partition("?")
    assert name == "/admin/v1/cost"
    return parse_qsl(query)


def test_the_report_shows_costs_unit_economics_and_caps(answering: Stand) -> None:
    result = run("cost", "report")
    assert result.exit_code == 0
    head, care, rehearsal, total = result.stdout.splitlines()[:4]
    for fact in ("WORKLOAD", "PER CALL", "PER SESSION", "PER ACCEPTED", "CAP SET", "CAP HITS"):
        assert fact in head
    for fact in ("1 of 5", "40 (25% cached)", "$1,234.57", "100.0%", "$308.64", "$617.28",
                 "75.0%", "25.0%"):  # fmt: skip
        assert fact in care
        assert fact in total
    assert rehearsal.startswith("care (simulated)")
    for fact in ("team care", "1 attempts have no price", "1 of 2 judged", "3 simulated calls"):
        assert fact in result.stdout


def test_columns_without_anything_in_them_are_left_out(answering: Stand) -> None:
    answering.says(200, report(spent("care", calls=1, cost_nano=1)))
    result = run("cost", "report")
    head = result.stdout.splitlines()[0]
    for column in ("CAPACITY", "UNPRICED", "ACCEPTED", "EUR"):
        assert column not in head
    assert "no answer was judged" in result.stdout


def test_capacity_and_a_second_currency_have_columns_of_their_own(answering: Stand) -> None:
    answering.says(200, report(CARE, idle=2_000_000_000, currency=EUR))
    result = run("cost", "report")
    head, _, idle = result.stdout.splitlines()[:3]
    assert head.split().index("CAPACITY") < head.split().index("EUR")
    assert idle.split()[0] == "(idle)"
    assert "$2.00" in idle
    assert " 1.72 " in idle
    assert "EUR: at 0.86 for a US dollar, 2026-11-20 ECB" in result.stdout


def test_what_is_asked_for_goes_to_the_server(answering: Stand) -> None:
    run("cost", "report", "--by", "team, day", "--from", "2026-11-01", "--to", "2026-11-07",
        "--where", "tag=a=b", "--where", "model=small")  # fmt: skip
    assert asked(answering) == [
        ("by", "team,day"), ("from", "2026-11-01"), ("to", "2026-11-07"),
        ("where", "tag=a=b"), ("where", "model=small"),
    ]  # fmt: skip
    run("cost", "report", "--days", "7")
    assert asked(answering) == [("by", "workload"), ("days", "7")]


def test_json_and_csv_are_as_the_server_says_them(answering: Stand) -> None:
    shown = json.loads(run("cost", "report", "--json").stdout)
    assert shown["total"]["total_usd"] == "1234.567890123"
    answering.respond = lambda method, path, body: (200, {}, b"row,workload\r\nuse,'=a\r\n")
    result = run("cost", "report", "--csv")
    assert result.stdout_bytes == b"row,workload\r\nuse,'=a\r\n"
    assert ("format", "csv") in asked(answering)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "moon"), "is not one of 'project', 'team', 'workload'"),
        (("--by", ""), "is not one of"),
        (("--by", "team,model,day,tag"), "at most 3 keys"),
        (("--by", "team,team"), "twice"),
        (("--where", "team"), "KEY=VALUE"),
        (("--where", "moon=1"), "is not one of"),
        (("--from", "2026-11-05", "--to", "2026-11-04"), "--from"),
        (("--from", "2026-11-05", "--days", "3"), "not both"),
        (("--from", "yesterday"), "yesterday"),
        (("--days", "0"), "--days"),
        (("--json", "--csv"), "exclude"),
    ],
)
def test_what_cannot_be_asked_for_is_a_fault_of_usage(
    answering: Stand, words: tuple[str, ...], said: str
) -> None:
    result = run("cost", "report", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert answering.asked == []


def test_names_that_somebody_chose_do_not_command_the_terminal(answering: Stand) -> None:
    answering.says(200, report(spent("\x1b[2Jcare", calls=1)))
    assert "\x1b" not in run("cost", "report").stdout


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        ("0.00", "$0.00"), ("0.00125", "$0.00125"), ("0.000000001", "$0.000000001"),
        ("0.123456789", "$0.123"), ("0.999999999", "$1.000"), ("1.005", "$1.00"),
        ("1234567.891", "$1,234,567.89"), (None, "-"),
    ],
)  # fmt: skip
def test_amounts_have_the_digits_that_a_reader_needs(usd: str | None, shown: str) -> None:
    assert about(usd) == shown


ESTIMATE = CostEstimate(low_usd="10.00", median_usd="20.00", high_usd="40.00")
KNOWN = SpendForecast(
    spent_usd="7.00", spent_converted=None, daily=ESTIMATE, month_end=ESTIMATE, days=28,
    by_weekday=True, reason="",
)  # fmt: skip
UNKNOWN = SpendForecast(
    spent_usd="1.00", spent_converted=None, daily=None, month_end=None, days=1,
    by_weekday=False, reason="nothing to go on",
)  # fmt: skip
BUDGET = BudgetForecast(
    budget="budgets.care", window="2026-11", starts="2026-11-01T00:00:00+00:00",
    ends="2026-12-01T00:00:00+00:00", amount_usd="100.00", spent_usd="90.00", held_usd="1.00",
    share=0.9, state="runs_out", runs_out="2026-11-26T03:04:05+00:00",
    earliest="2026-11-25T00:00:00+00:00", latest=None, days=28, reason="",
)  # fmt: skip
FORECAST = CostForecast(
    at="2026-11-23T12:00:00+00:00", month="2026-11", ends="2026-12-01T00:00:00+00:00",
    total=KNOWN,
    workloads=(
        WorkloadForecast(workload="support", forecast=KNOWN),
        WorkloadForecast(workload="new", forecast=UNKNOWN),
    ),
    capacity=CapacityForecast(spent_usd="2.00", month_end_usd="182.00"),
    budgets=(
        BUDGET,
        msgspec.structs.replace(BUDGET, state="spent", runs_out=None, earliest=None),
        msgspec.structs.replace(BUDGET, state="unknown", runs_out=None, earliest=None),
    ),
    method="The median. And more.",
)  # fmt: skip


def test_the_forecast_shows_the_month_s_end_and_when_budgets_run_out(answering: Stand) -> None:
    answering.says(200, FORECAST)
    result = run("cost", "forecast")
    assert result.exit_code == 0
    assert answering.asked[-1][1] == "/admin/v1/cost/forecast"
    _, support, new, hours, total, _, _, budget, gone, unknown, *rest = result.stdout.splitlines()
    assert support.split() == ["support", "$7.00", "$20.00", "$10.00", "-", "$40.00", "$20.00",
                               "$10.00", "-", "$40.00", "28"]  # fmt: skip
    assert new.split() == ["new", "$1.00", "-", "-", "-", "-", "1"]
    assert "$182.00" in hours
    assert total.startswith("total")
    assert budget.split()[:6] == ["budgets.care", "2026-11", "$100.00", "$90.00", "$1.00", "90.0%"]
    assert budget.split()[6:] == ["2026-11-26", "03:04", "2026-11-25", "00:00", "lasts"]
    assert gone.endswith("is spent")
    assert unknown.split()[-3:] == ["-", "-", "-"]
    assert rest[-2:] == ["The median.", "And more."]


def test_the_forecast_as_json_is_as_the_server_says_it(answering: Stand) -> None:
    answering.says(200, FORECAST)
    shown = json.loads(run("cost", "forecast", "--json").stdout)
    assert shown["workloads"][1]["forecast"]["month_end"] is None
