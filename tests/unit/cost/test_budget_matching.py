"""Which budgets bound a call."""

import pytest

from portico.contract.budget import Amount, Budget, Scope, Spender
from portico.cost.budgets.book import Book
from portico.cost.budgets.matching import CALLERS, Matching, tagged
from portico.cost.budgets.meters import Meter, amounts_of

CALLER = Spender(
    call="call_1", received_ns=1, team="care", workload="support", key="key_1", key_name="app",
    tags=(("customer", "acme"), ("batch", "")),
)  # fmt: skip


def bound(scope: Scope, who: Spender = CALLER) -> bool:
    book = Book(share=True)
    book.replace([Budget(name="it", scope=scope, nano=1)], 1)
    tab = book.open(who, str)
    return tab is not None and [budget.name for budget in tab.budgets] == ["it"]


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(team="care"),
        Scope(workload="support"),
        Scope(key="key_1"),
        Scope(key="app"),
        Scope(tag="customer"),
        Scope(tag="customer=acme"),
        Scope(tag="batch"),
        Scope(team="care", workload="support", key="app", tag="customer=acme"),
    ],
)
def test_a_budget_bounds_calls_for_which_all_that_it_names_holds(scope: Scope) -> None:
    assert bound(scope)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(project="other"),
        Scope(team="sales"),
        Scope(workload="other"),
        Scope(key="key_2"),
        Scope(tag="customer=other"),
        Scope(tag="region"),
        Scope(tag="acme"),
        Scope(team="care", workload="other"),
    ],
)
def test_a_budget_does_not_bound_calls_for_which_something_does_not_hold(scope: Scope) -> None:
    assert not bound(scope)


def test_two_calls_of_one_caller_differ_by_their_tags() -> None:
    book = Book(share=True)
    book.replace(
        [
            Budget(name="all", nano=1),
            Budget(name="acme", scope=Scope(tag="customer=acme"), nano=1),
            Budget(name="batch", scope=Scope(tag="batch"), nano=1),
        ],
        1,
    )
    untagged = Spender(call="call_2", received_ns=1, team="care", workload="support", key="key_1")

    first, second = book.open(CALLER, str), book.open(untagged, str)

    assert first is not None
    assert second is not None
    assert [budget.name for budget in first.budgets] == ["all", "acme", "batch"]
    assert [budget.name for budget in second.budgets] == ["all"]


def test_callers_beyond_those_that_are_remembered_are_matched_as_well() -> None:
    budget = Budget(name="it", scope=Scope(workload="support"), nano=1)
    meters = [Meter(i, budget, amount, pending=False) for i, amount in amounts_of(budget)]
    matching = Matching(meters)

    for number in range(CALLERS + 2):
        who = Spender(call="c", received_ns=1, workload="support", key=f"key_{number}")
        matched = matching.of(who)
        assert matched is not None
        assert matched.windows == tuple(meters)


def test_a_tag_with_a_value_is_not_its_name() -> None:
    assert tagged(Scope(tag="a=b"), (("a", "b"),))
    assert not tagged(Scope(tag="a=b"), (("a", "c"), ("b", "b")))


def test_a_ceiling_is_held_in_every_budget_that_matches() -> None:
    book = Book()
    day = Budget(name="day", per="day", nano=100)
    month = Budget(name="month", per="month", nano=50)
    seeding = book.replace([day, month], 1)
    assert seeding is not None
    book.seeded(seeding)
    tab = book.open(CALLER, str)
    assert tab is not None

    book.hold(tab, Amount(nano=50), 1)

    assert [(each.budget, each.held) for each in book.standings(1)] == [("day", 50), ("month", 50)]
