"""Holds, settlements and edits on the book."""

import pytest

from portico.contract.budget import Amount, Budget, Degrade, Scope, Spender, Standing
from portico.cost.budgets.answers import Refusal, Short, Waiting
from portico.cost.budgets.book import Book
from portico.cost.budgets.tabs import AttemptHold, CallTab

NOW = 1_795_435_200 * 10**9  # 2026-11-23T12:00:00Z
SECOND = 10**9
DAY = 86_400 * SECOND


def a_book(*budgets: Budget, now_ns: int = NOW, share: bool = False) -> Book:
    book = Book(share=share)
    put(book, *budgets, now_ns=now_ns)
    return book


def put(book: Book, *budgets: Budget, now_ns: int = NOW) -> None:
    """Puts budgets in force for which the ledger has nothing."""
    seeding = book.replace(budgets, now_ns)
    if seeding is not None:
        book.seeded(seeding)
        book.unwatch(seeding)


def opened(book: Book, call: str = "call_1", at_ns: int = NOW, said: str = "") -> CallTab:
    tab = book.open(Spender(call=call, received_ns=at_ns), lambda: said)
    assert tab is not None
    return tab


def held(book: Book, tab: CallTab, nano: int, tokens: int = 0) -> AttemptHold:
    hold = book.hold(tab, Amount(nano=nano, tokens=tokens), NOW)
    assert isinstance(hold, AttemptHold)
    return hold


def refused(book: Book, tab: CallTab, nano: int, tokens: int = 0) -> Refusal:
    refusal = book.hold(tab, Amount(nano=nano, tokens=tokens), NOW)
    assert isinstance(refusal, Refusal)
    return refusal


def stands(book: Book, now_ns: int = NOW) -> Standing:
    (standing,) = book.standings(now_ns)
    return standing


def sums(book: Book, now_ns: int = NOW) -> tuple[int, int]:
    standing = stands(book, now_ns)
    return standing.spent, standing.held


def spend(book: Book, nano: int, call: str = "call_0", at_ns: int = NOW) -> None:
    tab = opened(book, call, at_ns)
    book.settle(tab, held(book, tab, nano), Amount(nano=nano), at_ns)
    book.close(tab)


DAILY = Budget(name="budgets.day", per="day", nano=100)


def test_a_charge_takes_the_place_of_its_hold_and_is_spent_when_the_call_ends() -> None:
    book = a_book(DAILY)
    tab = opened(book)

    hold = held(book, tab, 60)
    assert sums(book) == (0, 60)
    book.settle(tab, hold, Amount(nano=25), NOW)
    assert sums(book) == (0, 25)
    book.close(tab)
    assert sums(book) == (25, 0)


def test_a_hold_that_does_not_fit_reserves_in_none_of_the_budgets() -> None:
    book = a_book(Budget(name="wide", per="month", nano=1000), DAILY)
    tab = opened(book)
    held(book, tab, 60)

    refusal = refused(book, opened(book, "call_2"), 41)

    assert (refusal.budget.name, refusal.unit, refusal.left) == ("budgets.day", "nano", 40)
    assert [(each.held, each.refused) for each in book.standings(NOW)] == [(60, 0), (60, 1)]
    held(book, opened(book, "call_3"), 40)


def test_what_is_settled_above_its_hold_is_counted() -> None:
    book = a_book(DAILY)
    tab = opened(book)
    book.settle(tab, held(book, tab, 90), Amount(nano=130), NOW)

    assert sums(book) == (0, 130)
    assert refused(book, opened(book, "call_2"), 1).left == 0


def test_a_call_that_can_cost_nothing_is_not_refused_for_money() -> None:
    book = a_book(DAILY)
    spend(book, 100)

    held(book, opened(book), 0)


def test_closing_gives_back_what_is_still_held_and_may_be_done_again() -> None:
    book = a_book(DAILY)
    tab = opened(book)
    book.settle(tab, held(book, tab, 10), Amount(nano=4), NOW)
    held(book, tab, 50)

    book.close(tab)
    book.close(tab)

    assert sums(book) == (4, 0)


def test_a_hold_is_settled_once() -> None:
    book = a_book(DAILY)
    tab, other = opened(book), opened(book, "call_2")
    hold, open_hold = held(book, tab, 10), held(book, other, 10)
    book.settle(tab, hold, Amount(nano=4), NOW)

    with pytest.raises(AssertionError):
        book.settle(tab, hold, Amount(nano=4), NOW)
    with pytest.raises(AssertionError):
        book.settle(tab, open_hold, Amount(nano=4), NOW)
    book.close(other)
    with pytest.raises(AssertionError):
        book.settle(other, open_hold, Amount(nano=4), NOW)
    with pytest.raises(AssertionError):
        book.hold(other, Amount(nano=1), NOW)


def test_a_soft_budget_counts_and_refuses_nothing() -> None:
    book = a_book(Budget(name="budgets.day", per="day", nano=100, hard=False))

    spend(book, 250)

    assert sums(book) == (250, 0)


def test_a_budget_of_a_call_bounds_all_its_attempts_together() -> None:
    book = a_book(Budget(name="budgets.call", per="call", nano=100))
    tab = opened(book)
    book.settle(tab, held(book, tab, 90), Amount(nano=30), NOW)
    held(book, tab, 70)

    refusal = refused(book, tab, 1)

    assert (refusal.unit, refusal.left, refusal.window) == ("nano", 0, None)
    held(book, opened(book, "call_2"), 100)
    assert book.standings(NOW) == []


def test_a_call_counts_in_the_window_in_which_it_was_received() -> None:
    book = a_book(DAILY)
    before, after = NOW + DAY // 2 - 1, NOW + DAY // 2
    tab = opened(book, at_ns=before)
    hold = held(book, tab, 80)
    spend(book, 90, "call_2", at_ns=after)

    book.settle(tab, hold, Amount(nano=70), after)
    book.close(tab)

    assert sums(book, after) == (90, 0)
    assert refused(book, opened(book, "call_3", at_ns=before), 31).left == 30


def test_a_call_of_a_time_that_nobody_remembers_counts_in_the_oldest_window_kept() -> None:
    book = a_book(DAILY)
    spend(book, 90)

    assert refused(book, opened(book, "call_2", at_ns=NOW - 7 * DAY), 11).left == 10


def test_windows_that_are_over_are_forgotten() -> None:
    book = a_book(DAILY)
    for day in range(40):
        spend(book, 1, f"call_{day}", at_ns=NOW + day * DAY)

    assert len(book.accounts()) <= 3


@pytest.mark.parametrize("otherwise", ["refuse", "cached", "smaller"])
def test_past_its_soft_share_a_budget_is_among_the_crossed(otherwise: Degrade) -> None:
    book = a_book(Budget(name="it", per="day", nano=100, soft=0.8, otherwise=otherwise))
    spend(book, 79)
    assert opened(book).crossed == ()

    tab = opened(book, "call_2")
    book.settle(tab, held(book, tab, 1), Amount(nano=1), NOW)

    assert [budget.name for budget in opened(book, "call_3").crossed] == ["it"]


def test_the_soft_share_is_meant_as_it_is_written() -> None:
    book = a_book(Budget(name="it", per="day", nano=100, soft=0.07, otherwise="cached"))
    spend(book, 7)  # a little less than 0.07 * 100 in floating point

    assert [(each.share, each.spent) for each in book.crossings()] == [(0.07, 7)]
    assert len(opened(book).crossed) == 1


def test_a_budget_of_nothing_lets_pass_what_costs_nothing() -> None:
    book = a_book(Budget(name="it", per="day", nano=0))
    spend(book, 0)

    assert book.crossings() == []
    assert refused(book, opened(book), 1).left == 0


def test_what_is_only_held_does_not_cross_the_soft_share() -> None:
    book = a_book(Budget(name="it", per="day", nano=100, soft=0.5, otherwise="cached"))
    held(book, opened(book), 90)

    assert opened(book, "call_2").crossed == ()
    assert book.crossings() == []


def test_a_budget_that_only_warns_is_not_among_the_crossed() -> None:
    book = a_book(Budget(name="it", per="day", nano=100, soft=0.5))
    spend(book, 90)

    assert opened(book).crossed == ()


def test_a_soft_budget_without_a_share_acts_from_its_amount_on() -> None:
    book = a_book(Budget(name="it", per="day", nano=100, hard=False, otherwise="smaller"))
    spend(book, 99)
    assert opened(book).crossed == ()
    spend(book, 1)
    assert [budget.name for budget in opened(book, "call_2").crossed] == ["it"]


def test_each_threshold_is_told_once_a_window() -> None:
    book = a_book(Budget(name="it", per="day", nano=100, soft=0.8))
    for number in range(10):
        spend(book, 10, f"call_{number}")

    told = [(each.share, each.spent, each.window) for each in book.crossings()]
    assert told == [(0.8, 80, "2026-11-23"), (1.0, 100, "2026-11-23")]
    refused(book, opened(book), 1)
    assert book.crossings() == []
    spend(book, 90, at_ns=NOW + DAY)
    assert [(each.share, each.window) for each in book.crossings()] == [(0.8, "2026-11-24")]


def test_a_refusal_for_lack_of_room_tells_that_the_budget_is_reached() -> None:
    book = a_book(Budget(name="it", per="day", nano=100, soft=0.8))
    spend(book, 70)
    refused(book, opened(book), 40)

    assert [(each.share, each.spent) for each in book.crossings()] == [(1.0, 70)]


def test_a_call_that_could_never_fit_does_not_tell_that_the_budget_is_reached() -> None:
    book = a_book(DAILY)
    refused(book, opened(book), 101)

    assert book.crossings() == []
    assert stands(book).refused == 1


def test_an_edit_of_amounts_keeps_what_was_counted() -> None:
    book = a_book(DAILY)
    spend(book, 50)
    tab = opened(book)
    held(book, tab, 30)

    assert book.replace([Budget(name="budgets.day", per="day", nano=81)], NOW) is None

    assert (sums(book), stands(book).amount) == ((50, 30), 81)
    assert refused(book, tab, 2).left == 1
    held(book, tab, 1)


def test_a_lowered_amount_bounds_calls_under_way_and_is_never_widened_by_them() -> None:
    book = a_book(DAILY)
    tab = opened(book)
    hold = held(book, tab, 80)
    put(book, Budget(name="budgets.day", per="day", nano=40))

    refused(book, tab, 1)
    book.settle(tab, hold, Amount(nano=10), NOW)

    held(book, tab, 30)


def test_a_budget_that_is_added_counts_calls_under_way_once() -> None:
    book = a_book(DAILY)
    tab = opened(book)
    book.settle(tab, held(book, tab, 30), Amount(nano=20), NOW)
    hold = held(book, tab, 40)

    put(book, DAILY, Budget(name="budgets.month", per="month", nano=1000))

    assert [(each.spent, each.held) for each in book.standings(NOW)] == [(0, 60), (0, 60)]
    assert [budget.name for budget in tab.budgets] == ["budgets.day", "budgets.month"]
    book.settle(tab, hold, Amount(nano=5), NOW)
    book.close(tab)
    assert [(each.spent, each.held) for each in book.standings(NOW)] == [(25, 0), (25, 0)]


def test_a_call_under_way_leaves_a_budget_that_is_taken_away() -> None:
    book = a_book(DAILY)
    tab = opened(book)
    hold = held(book, tab, 100)

    put(book)

    assert (tab.budgets, book.empty) == ((), True)
    held(book, tab, 10**9)
    book.settle(tab, hold, Amount(nano=100), NOW)
    book.close(tab)


def test_a_new_budget_holds_nothing_until_it_knows_what_the_ledger_has() -> None:
    book = Book()
    seeding = book.replace([DAILY], NOW)
    assert seeding is not None
    tab = opened(book)

    assert isinstance(book.hold(tab, Amount(nano=1), NOW), Waiting)
    book.seeded(seeding)

    held(book, tab, 1)


def test_a_soft_budget_waits_for_nothing() -> None:
    book = Book()
    book.replace([Budget(name="it", per="day", nano=1, hard=False)], NOW)

    held(book, opened(book), 1)


def test_a_scope_that_is_edited_is_another_count() -> None:
    book = a_book(DAILY)
    spend(book, 50)

    put(book, Budget(name="budgets.day", scope=Scope(team="default"), per="day", nano=100))

    assert sums(book) == (0, 0)


def test_a_shared_book_asks_for_what_it_was_not_granted() -> None:
    book = a_book(DAILY, share=True)
    tab = opened(book)

    short = book.hold(tab, Amount(nano=30), NOW)
    assert isinstance(short, Short)
    (need,) = short.needs
    assert (need.need, need.lacking, need.amount) == (30, 30, 100)
    need.account.grant = 30

    held(book, tab, 30)
    again = book.hold(tab, Amount(nano=10), NOW)
    assert isinstance(again, Short)
    assert again.needs[0].lacking == 10
    assert book.refuse(again.needs[0], 5, NOW).left == 5
    assert stands(book).refused == 1


def test_a_shared_book_asks_nobody_for_a_soft_budget() -> None:
    soft = Budget(name="soft", per="day", nano=10, hard=False)
    book = a_book(soft, DAILY, share=True)
    tab = opened(book)

    short = book.hold(tab, Amount(nano=30), NOW)
    assert isinstance(short, Short)
    assert [need.account.meter.budget.name for need in short.needs] == ["budgets.day"]
    short.needs[0].account.grant = 30

    held(book, tab, 30)


def test_accounts_have_the_same_keys_in_every_process() -> None:
    keys = []
    for _ in range(2):
        book = a_book(DAILY, Budget(name="budgets.agent", per="session", steps=3), share=True)
        who = Spender(call="call_1", received_ns=NOW, session="s1")
        tab = book.open(who, str)
        assert tab is not None
        keys.append([account.key for account in tab.accounts])

    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2


def test_a_shared_book_tells_which_accounts_it_has_forgotten() -> None:
    book = a_book(DAILY, share=True)
    assert book.gone() == []

    book.replace([], NOW)

    assert {account.meter.budget.name for account in book.gone()} == {"budgets.day"}
    assert book.gone() == []
