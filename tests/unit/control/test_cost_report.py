"""Costs over the administrative API: sums, unit economics, output caps, capacity, CSV."""

import csv
import io
import json
from decimal import Decimal

import msgspec
import pytest
from tests.unit.control.cost_books import Books, at
from tests.unit.control.office import Office

from portico.adapters.memory.clock import FakeClock
from portico.contract.ledger import Capacity
from portico.contract.snapshot import Currency
from portico.control.ledger.cost import CostReport, nothing
from portico.control.ledger.cost_csv import cost_csv

WINDOW = "from=2026-11-20&to=2026-11-22"
HOUR = 2_000_000_000
"""Nano-dollars."""


def calls(number: int, nano: int, **more: int) -> dict[str, int]:
    usual = {
        "calls": number, "answered": number, "sessions": number, "attempts": number,
        "tokens_in": 10 * number, "tokens_out": number, "cost_nano": nano,
    }  # fmt: skip
    return usual | more


def office(books: Books) -> Office:
    return Office(books, FakeClock(at("2026-11-23T12:07")))


def report(books: Books, query: str = WINDOW) -> CostReport:
    status, body = office(books).ask("GET", "/cost", query=query)
    assert status == 200, body
    return msgspec.convert(body, CostReport)


def written() -> Books:
    books = Books()
    books.write(
        "2026-11-20T10:00", team="care", tags=("a", "b=1"),
        numbers=calls(4, 1_000_000_001, failed=1, attempts=5, tokens_cached=10, sessions=2,
                      session_nano=800_000_001,
                      judged=2, accepted=1, capped=3, cap_hits=1),
    )  # fmt: skip
    books.write("2026-11-21T10:00", team="care", numbers=calls(2, 500_000_000, unpriced=1))
    books.write("2026-11-21T11:00", workload="faq", model="large", tags=("a",),
                numbers=calls(1, 2_000_000_000))  # fmt: skip
    books.write("2026-11-21T12:00", simulated=True, numbers=calls(9, 7_000))
    books.write("2026-11-23T10:00", numbers=calls(1, 999))
    return books


def keys(found: CostReport) -> list[tuple[str, ...]]:
    return [line.keys for line in found.lines]


def test_the_total_is_the_exact_sum_of_the_lines_without_simulated_calls() -> None:
    found = report(written())
    assert [(line.keys, line.kind) for line in found.lines] == [
        (("faq",), "use"), (("support",), "use"), (("support",), "simulated"),
    ]  # fmt: skip
    real = [line.figures for line in found.lines if line.kind != "simulated"]
    assert found.total.total_usd == "3.500000001"
    assert sum(Decimal(each.total_usd) for each in real) == Decimal(found.total.total_usd)
    assert (found.total.calls, found.simulated_calls) == (7, 9)
    assert [each.share for each in real] == [2 / 3.500000001, 1.500000001 / 3.500000001]
    assert found.lines[2].figures.share is None


def test_a_line_has_its_tokens_failures_caps_and_unit_economics() -> None:
    found = report(written(), WINDOW + "&by=team,day&where=day=2026-11-20")
    [line] = found.lines
    figures = line.figures
    assert line.keys == ("care", "2026-11-20")
    assert (figures.attempts, figures.failed, figures.unpriced) == (5, 1, 0)
    assert (figures.tokens_in, figures.cached_share, figures.tokens_out) == (40, 0.25, 4)
    assert (figures.capped_share, figures.cap_hit_share) == (0.75, 0.25)
    assert figures.per_call_usd == "0.25"
    assert figures.per_session_usd == "0.400000001"  # of calls that have one, to the nearest
    # one of two judged was good, so two of the four answers are taken to be
    assert (figures.acceptance, figures.per_accepted_usd) == (0.5, "0.500000001")


def test_what_an_accepted_answer_costs_is_null_where_none_was_judged() -> None:
    line = next(line for line in report(written()).lines if line.keys == ("faq",))
    assert (line.figures.judged, line.figures.acceptance) == (0, None)
    assert line.figures.per_accepted_usd is None


def test_a_window_without_calls_has_no_lines_and_nothing_is_divided_by_zero() -> None:
    found = report(written(), "from=2026-01-01&to=2026-01-02")
    assert found.lines == ()
    assert found.total.total_usd == "0.00"
    assert (found.total.share, found.total.per_call_usd, found.total.capped_share) == (None,) * 3


def test_by_tag_lines_overlap_and_the_total_counts_each_call_once() -> None:
    found = report(written(), WINDOW + "&by=tag")
    assert keys(found)[:2] == [("a",), ("b=1",)]
    assert [line.figures.calls for line in found.lines[:2]] == [5, 4]
    assert (found.total.calls, found.total.total_usd) == (7, "3.500000001")


def test_times_are_in_their_order_and_everything_else_dearest_first() -> None:
    found = report(written(), WINDOW + "&by=workload,day")
    assert [(line.keys[1], line.keys[0]) for line in found.lines] == [
        ("2026-11-20", "support"), ("2026-11-21", "faq"), ("2026-11-21", "support"),
        ("2026-11-21", "support"),
    ]  # fmt: skip


def test_conditions_all_hold_and_a_tag_s_value_may_have_an_equals_sign() -> None:
    assert report(written(), WINDOW + "&where=team=care&where=tag=b=1").total.calls == 4
    assert report(written(), WINDOW + "&where=month=2026-10").total.calls == 0


def test_the_last_days_go_to_the_quarter_of_an_hour_under_way() -> None:
    books = written()
    found = report(books, "days=1")
    assert (found.since, found.until) == ("2026-11-22T12:15:00+00:00", "2026-11-23T12:15:00+00:00")
    assert found.total.calls == 1


def capacity(since: str, until: str = "", model: str = "large") -> Capacity:
    return Capacity(
        project="default", model=model, nano_per_hour=HOUR,
        since_ns=at(since), until_ns=at(until) if until else 0,
    )  # fmt: skip


def test_capacity_is_spread_over_the_tokens_that_used_it_and_sums_exactly() -> None:
    books = Books()
    books.terms = [capacity("2026-11-20T00:00", "2026-11-20T05:00")]
    for name, number in (("a", 1), ("b", 1), ("c", 1)):
        books.write("2026-11-20T10:00", workload=name, model="large", numbers=calls(number, 0))
    found = report(books)
    parts = [line.figures.capacity_usd for line in found.lines]
    assert sorted(parts) == ["3.333333333", "3.333333333", "3.333333334"]
    assert found.total.capacity_usd == found.total.total_usd == "10.00"


def test_capacity_by_day_falls_to_the_calls_of_that_day_and_is_idle_without_any() -> None:
    books = Books()
    books.terms = [capacity("2026-11-20T22:00", "2026-11-21T03:00")]
    books.write("2026-11-20T10:00", workload="faq", model="large", numbers=calls(1, 0))
    found = report(books, WINDOW + "&by=day,model&by=workload")
    assert [(line.keys, line.kind, line.figures.total_usd) for line in found.lines] == [
        (("2026-11-20", "large", "faq"), "use", "4.00"),
        (("2026-11-21", "large", "(idle)"), "idle", "6.00"),
    ]
    assert found.total.total_usd == "10.00"


def test_capacity_that_nobody_used_is_a_line_of_its_own() -> None:
    books = Books()
    books.terms = [capacity("2026-11-22T23:00")]
    [line] = report(books).lines
    assert (line.keys, line.kind, line.figures.total_usd) == (("(idle)",), "idle", "2.00")
    assert line.figures.share == 1.0


def test_a_condition_takes_its_part_of_the_capacity_and_none_of_what_was_idle() -> None:
    books = Books()
    books.terms = [capacity("2026-11-20T00:00", "2026-11-20T05:00"),
                   capacity("2026-11-20T00:00", model="unused")]  # fmt: skip
    books.write("2026-11-20T10:00", team="care", model="large", numbers=calls(1, 0))
    books.write("2026-11-20T10:00", team="sales", model="large", numbers=calls(3, 0))
    found = report(books, WINDOW + "&where=team=care")
    assert (found.total.capacity_usd, len(found.lines)) == ("2.50", 1)
    assert report(books, WINDOW + "&where=model=large").total.capacity_usd == "10.00"
    assert report(books, WINDOW + "&where=model=small").total.capacity_usd == "0.00"


def test_capacity_by_tag_overlaps_as_the_calls_do() -> None:
    books = Books()
    books.terms = [capacity("2026-11-20T00:00", "2026-11-20T05:00")]
    books.write("2026-11-20T10:00", model="large", tags=("a", "b"), numbers=calls(1, 0))
    books.write("2026-11-20T10:00", model="large", numbers=calls(3, 0))
    found = report(books, WINDOW + "&by=tag")
    assert [line.figures.capacity_usd for line in found.lines] == ["2.50", "2.50"]
    assert found.total.capacity_usd == "10.00"


def test_hours_to_come_are_not_paid_yet() -> None:
    books = Books()
    books.terms = [capacity("2026-11-23T10:07")]
    assert report(books, "from=2026-11-23&to=2026-11-30").total.capacity_usd == "4.00"


def test_capacity_of_simulated_use_is_in_no_total() -> None:
    books = Books()
    books.terms = [capacity("2026-11-20T00:00", "2026-11-20T05:00")]
    books.write("2026-11-20T10:00", model="large", simulated=True, numbers=calls(1, 0))
    found = report(books)
    assert [line.figures.capacity_usd for line in found.lines] == ["10.00"]
    assert found.total.total_usd == "0.00"


def test_a_second_currency_stands_beside_the_dollars_with_its_rate_and_date() -> None:
    at_office = office(written())
    at_office.snapshot = msgspec.structs.replace(
        at_office.snapshot, currency=Currency(code="EUR", per_usd=0.86, date="2026-11-20")
    )
    _, body = at_office.ask("GET", "/cost", query=WINDOW)
    assert body["currency"] == {
        "code": "EUR", "per_usd": 0.86, "date": "2026-11-20", "source": "",
    }  # fmt: skip
    assert body["total"]["total_usd"] == "3.500000001"
    assert body["total"]["total_converted"] == "3.010000"


def test_csv_has_a_row_of_names_the_lines_and_the_total() -> None:
    found = report(written())
    text = cost_csv(found).decode()
    assert text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["row"] for row in rows] == ["use", "use", "simulated", "total"]
    assert [row["workload"] for row in rows] == ["faq", "support", "support", ""]
    assert rows[-1]["total_usd"] == "3.500000001"
    assert rows[0]["per_accepted_usd"] == ""


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\uff1d1"])
def test_a_name_that_a_spreadsheet_would_run_is_text_in_csv(name: str) -> None:
    books = Books()
    books.write("2026-11-20T10:00", workload=name, numbers=calls(1, 1))
    [row, _] = csv.DictReader(io.StringIO(cost_csv(report(books)).decode(), newline=""))
    assert row["workload"] == f"'{name}"


def test_names_with_commas_quotes_and_lines_survive_csv() -> None:
    name = 'a,"b"\nc'
    books = Books()
    books.write("2026-11-20T10:00", workload=name, numbers=calls(1, 1))
    [row, _] = csv.DictReader(io.StringIO(cost_csv(report(books)).decode(), newline=""))
    assert row["workload"] == name


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("by=moon", "by"),
        ("by=", "by"),
        ("by=quarter_hour", "by"),
        ("by=team,team", "by"),
        ("by=team,model,day,tag", "by"),
        ("where=team", "where"),
        ("where=moon=1", "where"),
        ("where=day=yesterday", "where"),
        ("where=month=2026-13", "where"),
        ("where=team=a&where=team=b", "where"),
        ("&".join(["where=tag=a"] * 17), "where"),
        ("from=2026-11-05&to=2026-11-04", "from"),
        ("from=2026-11-05&days=3", "days"),
        ("days=0", "days"),
        ("format=xml", "format"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_its_field(query: str, field: str) -> None:
    books = written()
    status, body = office(books).ask("GET", "/cost", query=query)
    assert status == 400
    assert body["error"]["field"] == field
    assert books.queries == []


def test_a_report_with_too_many_lines_is_refused_with_what_to_do() -> None:
    books = Books()
    sums = nothing((), simulated=False)

    async def spending(query: object) -> list[object]:
        return [msgspec.structs.replace(sums, keys=(str(number),)) for number in range(10_001)]

    books.spending = spending  # type: ignore[method-assign,assignment]
    status, body = office(books).ask("GET", "/cost", query=WINDOW)
    assert status == 400
    assert "fewer keys" in body["error"]["message"]


def test_openapi_has_the_report_and_the_forecast() -> None:
    _, document = office(Books()).ask("GET", "/openapi.json")
    schemas = document["components"]["schemas"]
    assert {"CostReport", "CostLine", "CostFigures", "CostForecast", "BudgetStandings"} <= set(
        schemas
    )
    assert json.dumps(document["paths"]["/admin/v1/cost"])
