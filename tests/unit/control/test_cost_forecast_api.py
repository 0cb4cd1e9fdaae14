"""Forecasts and the standing of budgets over the administrative API."""

import msgspec
from tests.unit.control.cost_books import Books, at
from tests.unit.control.office import Office

from portico.adapters.memory.clock import FakeClock
from portico.contract.budget import Budget, Scope, Standing
from portico.contract.ledger import Capacity
from portico.contract.snapshot import Currency, Key
from portico.control.ledger.budgets_api import BudgetStandings
from portico.control.ledger.forecast import CostForecast

USD = 10**9
NOVEMBER = {"starts_ns": at("2026-11-01T00:00"), "ends_ns": at("2026-12-01T00:00")}


def spend(
    books: Books, days: range, usd: int, *, workload: str = "support", team: str = "", key: str = ""
) -> None:
    for day in days:
        books.write(
            f"2026-11-{day:02}T10:00",
            numbers={"calls": 1, "cost_nano": usd * USD},
            workload=workload,
            team=team,
            key=key,
        )


def office(books: Books, budgets: tuple[Budget, ...] = ()) -> Office:
    made = Office(books, FakeClock(at("2026-11-23T12:00")))
    made.snapshot = msgspec.structs.replace(
        made.snapshot, budgets=budgets, currency=Currency(code="EUR", per_usd=0.5, date="d")
    )
    return made


def forecast(made: Office) -> CostForecast:
    status, body = made.ask("GET", "/cost/forecast")
    assert status == 200, body
    return msgspec.convert(body, CostForecast)


def standing(name: str, amount: int, spent: int, **more: int) -> Standing:
    return Standing(
        budget=name, unit="nano", window="2026-11", amount=amount * USD, spent=spent * USD,
        held=USD, **(NOVEMBER | more),
    )  # fmt: skip


def test_the_month_is_forecast_by_workload_and_in_all_without_simulated_calls() -> None:
    books = Books()
    spend(books, range(13, 24), 2)
    spend(books, range(20, 23), 10, workload="faq")
    books.write("2026-11-20T10:00", simulated=True, numbers={"cost_nano": 900 * USD})
    found = forecast(office(books))
    assert (found.month, found.ends) == ("2026-11", "2026-12-01T00:00:00+00:00")
    assert [each.workload for each in found.workloads] == ["faq", "support"]
    faq, support = (each.forecast for each in found.workloads)
    assert (support.spent_usd, support.days) == ("22.00", 10)
    assert support.daily is not None
    assert support.daily.median_usd == "2.00"
    assert support.month_end is not None
    assert support.month_end.median_usd == "37.00"  # 22 and 2 for seven days and a half
    assert (faq.spent_usd, faq.days) == ("30.00", 3)
    assert (found.total.spent_usd, found.total.spent_converted) == ("52.00", "26.000000")


def test_days_of_last_month_tell_the_rate_and_are_not_in_the_month() -> None:
    books = Books()
    books.write("2026-10-30T10:00", numbers={"cost_nano": 5 * USD})
    found = forecast(office(books))
    assert (found.total.spent_usd, found.total.days) == ("0.00", 24)


def test_with_fewer_than_two_days_there_is_no_forecast_and_it_says_so() -> None:
    books = Books()
    spend(books, range(22, 24), 2)
    total = forecast(office(books)).total
    assert (total.spent_usd, total.daily, total.month_end, total.days) == ("4.00", None, None, 1)
    assert "fewer than 2 whole days" in total.reason


def test_a_ledger_without_calls_has_an_empty_forecast() -> None:
    found = forecast(office(Books()))
    assert (found.workloads, found.budgets, found.capacity) == ((), (), None)
    assert found.total.month_end is None


def test_capacity_is_known_to_the_end_of_the_month_and_is_in_the_total() -> None:
    books = Books()
    spend(books, range(13, 23), 0)
    books.terms = [
        Capacity(project="default", model="m", nano_per_hour=USD,
                 since_ns=at("2026-11-23T10:00"), until_ns=0),
    ]  # fmt: skip
    found = forecast(office(books))
    assert found.capacity is not None
    assert (found.capacity.spent_usd, found.capacity.month_end_usd) == ("2.00", "182.00")
    assert found.total.spent_usd == "2.00"
    assert found.total.month_end is not None
    assert found.total.month_end.high_usd == "182.00"


def test_a_budget_runs_out_at_the_pace_of_what_its_scope_spends() -> None:
    books = Books()
    spend(books, range(1, 23), 4, team="care")
    spend(books, range(1, 23), 400, team="sales")
    made = office(books, (Budget(name="budgets.care", scope=Scope(team="care"), nano=100 * USD),))
    made.budgets.stand = [standing("budgets.care", 100, 90)]
    [found] = forecast(made).budgets
    assert (found.amount_usd, found.spent_usd, found.held_usd) == ("100.00", "90.00", "1.00")
    assert (found.share, found.state, found.days) == (0.9, "runs_out", 22)
    assert found.runs_out is not None
    assert found.runs_out.startswith("2026-11-26T0")  # 10 USD at 4 a day
    assert found.reason == ""


def test_a_key_of_a_budget_may_be_its_name() -> None:
    books = Books()
    spend(books, range(1, 23), 4, key="key_1")
    made = office(books, (Budget(name="budgets.app", scope=Scope(key="app"), nano=100 * USD),))
    made.store.put_key(Key(id="key_1", verifier=b"", name="app"))
    made.budgets.stand = [standing("budgets.app", 1000, 90)]
    [found] = forecast(made).budgets
    assert (found.state, found.days) == ("lasts", 22)


def test_a_budget_without_days_to_go_on_says_so() -> None:
    made = office(Books(), (Budget(name="budgets.new", nano=100 * USD),))
    made.budgets.stand = [standing("budgets.new", 100, 1)]
    [found] = forecast(made).budgets
    assert (found.state, found.runs_out) == ("unknown", None)
    assert "nothing to go on" in found.reason


def test_only_budgets_of_money_in_windows_of_time_are_forecast() -> None:
    made = office(Books(), (Budget(name="workloads.a.budget", per="session", nano=USD, steps=5),))
    made.budgets.stand = [
        standing("workloads.a.budget", 1, 0, ends_ns=0),
        msgspec.structs.replace(standing("workloads.a.budget", 5, 1), unit="steps"),
        standing("budgets.gone", 5, 1),
    ]
    assert forecast(made).budgets == ()


def test_standings_are_dollars_as_text_and_everything_else_whole_numbers() -> None:
    made = office(Books(), (Budget(name="budgets.care", nano=USD, hard=False),))
    made.budgets.stand = [
        standing("budgets.care", 10, 12),
        Standing(budget="workloads.agent.budget", unit="steps", window="ses_1", starts_ns=0,
                 ends_ns=0, amount=20, spent=5, held=1, refused=2),
    ]  # fmt: skip
    made.budgets.away = "valkey is away"
    status, body = made.ask("GET", "/budgets")
    assert status == 200
    found = msgspec.convert(body, BudgetStandings)
    money, steps = found.budgets
    assert (money.unit, money.amount, money.spent, money.left) == ("usd", "10.00", "12.00", "0.00")
    assert (money.share, money.per, money.hard) == (1.2, "month", False)
    assert money.ends == "2026-12-01T00:00:00+00:00"
    assert (steps.unit, steps.amount, steps.left, steps.refused) == ("steps", 20, 14, 2)
    assert (steps.ends, steps.per, steps.hard) == (None, None, None)
    assert found.degraded == "valkey is away"
