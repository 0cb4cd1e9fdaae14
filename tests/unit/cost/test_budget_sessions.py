"""What is bounded by session: money, tokens, steps, time and repeats."""

import pytest

from portico.contract.budget import Amount, Budget, Scope, Spender
from portico.contract.errors import Overloaded
from portico.cost.budgets.answers import Refusal
from portico.cost.budgets.book import Book
from portico.cost.budgets.sessions import FINGERPRINTS, IDLE_NS, SPARE_NS
from portico.cost.budgets.tabs import AttemptHold, CallTab

NOW = 1_795_435_200 * 10**9
SECOND = 10**9
ONE = Amount(nano=1, tokens=10)


def a_book(*budgets: Budget, room: int = 1000) -> Book:
    book = Book(sessions=room)
    seeding = book.replace(budgets, NOW)
    if seeding is not None:
        book.seeded(seeding)
        book.unwatch(seeding)
    return book


def opened(
    book: Book, session: str = "s1", at_ns: int = NOW, said: str = "", team: str = "care"
) -> CallTab:
    who = Spender(call="call_1", received_ns=at_ns, session=session, team=team)
    tab = book.open(who, lambda: said)
    assert tab is not None
    return tab


def step(book: Book, tab: CallTab, ceiling: Amount = ONE, now_ns: int = NOW) -> Refusal | None:
    """One call to its end: what refused it, if anything did."""
    answer = book.hold(tab, ceiling, now_ns)
    if isinstance(answer, AttemptHold):
        book.settle(tab, answer, ceiling, now_ns)
    book.close(tab)
    return answer if isinstance(answer, Refusal) else None


def test_a_session_makes_as_many_calls_as_its_steps() -> None:
    book = a_book(Budget(name="agent", per="session", steps=2))

    assert step(book, opened(book)) is None
    assert step(book, opened(book)) is None

    refusal = step(book, opened(book))
    assert refusal is not None
    assert (refusal.unit, refusal.amount, refusal.left) == ("steps", 2, 0)
    assert step(book, opened(book, "s2")) is None


def test_attempts_of_one_call_are_one_step() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1))
    tab = opened(book)

    for _ in range(3):
        hold = book.hold(tab, ONE, NOW)
        assert isinstance(hold, AttemptHold)
        book.settle(tab, hold, ONE, NOW)
    book.close(tab)

    (standing,) = book.standings(NOW)
    assert (standing.unit, standing.spent, standing.held) == ("steps", 1, 0)


def test_a_call_that_was_never_sent_is_no_step() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1))
    tab = opened(book)
    assert isinstance(book.hold(tab, ONE, NOW), AttemptHold)

    book.close(tab)

    assert step(book, opened(book)) is None


def test_tokens_of_a_session_are_held_and_settled_like_money() -> None:
    book = a_book(Budget(name="agent", per="session", tokens=100))
    tab = opened(book)
    hold = book.hold(tab, Amount(tokens=100), NOW)
    assert isinstance(hold, AttemptHold)
    book.settle(tab, hold, Amount(tokens=40), NOW)
    book.close(tab)

    refusal = step(book, opened(book), Amount(tokens=61))
    assert refusal is not None
    assert (refusal.unit, refusal.left) == ("tokens", 60)
    assert step(book, opened(book), Amount(tokens=60)) is None


def test_money_may_be_bounded_by_day_and_steps_by_session_in_one_budget() -> None:
    book = a_book(Budget(name="agent", per="day", nano=3, steps=2))

    for session, unit in (
        ("s1", None),
        ("s1", None),
        ("s1", "steps"),
        ("s2", None),
        ("s2", "nano"),
    ):
        refusal = step(book, opened(book, session))
        assert (refusal.unit if refusal else None) == unit


def test_a_session_ends_when_its_wall_time_is_over() -> None:
    book = a_book(Budget(name="agent", per="session", wall_time_s=60))
    assert step(book, opened(book)) is None

    tab = opened(book, at_ns=NOW + 59 * SECOND)
    assert isinstance(book.hold(tab, ONE, NOW + 60 * SECOND), AttemptHold)
    refusal = step(book, tab, now_ns=NOW + 61 * SECOND)

    assert refusal is not None
    assert (refusal.unit, refusal.amount) == ("wall_time", 60 * SECOND)
    assert step(book, opened(book, "s2", NOW + 61 * SECOND), now_ns=NOW + 61 * SECOND) is None


def test_past_the_soft_share_of_its_wall_time_a_session_is_among_the_crossed() -> None:
    budget = Budget(name="agent", per="session", wall_time_s=60, soft=0.5, otherwise="smaller")
    book = a_book(budget)

    assert opened(book).crossed == ()
    assert opened(book, at_ns=NOW + 30 * SECOND).crossed == (budget,)


def test_a_session_says_the_same_only_so_often() -> None:
    book = a_book(Budget(name="agent", per="session", repeats=2))

    assert step(book, opened(book, said="a")) is None
    assert step(book, opened(book, said="b")) is None
    assert step(book, opened(book, said="a")) is None
    refusal = step(book, opened(book, said="a"))

    assert refusal is not None
    assert (refusal.unit, refusal.amount) == ("repeats", 2)
    assert step(book, opened(book, said="b")) is None
    assert step(book, opened(book, "s2", said="a")) is None


def test_what_a_call_says_is_not_asked_where_no_budget_counts_repeats() -> None:
    book = a_book(Budget(name="agent", per="session", steps=2))
    asked: list[str] = []

    def said() -> str:
        asked.append("x")
        return "x"

    book.open(Spender(call="call_1", received_ns=NOW, session="s1"), said)

    assert asked == []


def test_only_so_many_different_things_of_a_session_are_remembered() -> None:
    book = a_book(Budget(name="agent", per="session", repeats=1))
    for number in range(FINGERPRINTS * 3):
        assert step(book, opened(book, said=f"said {number}")) is None

    assert len(book.accounts()) == FINGERPRINTS
    assert step(book, opened(book, said=f"said {FINGERPRINTS * 3 - 1}")) is not None


def test_a_call_without_a_session_is_a_session_of_its_own() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1, nano=5))

    for _ in range(3):
        assert step(book, opened(book, ""), Amount(nano=5)) is None
    refusal = step(book, opened(book, ""), Amount(nano=6))

    assert refusal is not None
    assert refusal.unit == "nano"
    assert book.standings(NOW) == []


def test_sessions_of_different_teams_are_different() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1))

    assert step(book, opened(book, team="care")) is None
    assert step(book, opened(book, team="sales")) is None
    assert step(book, opened(book, team="care")) is not None


def test_a_session_that_was_idle_for_a_day_is_over() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1))
    assert step(book, opened(book)) is None

    assert step(book, opened(book, at_ns=NOW + IDLE_NS)) is not None
    assert step(book, opened(book, at_ns=NOW + 2 * IDLE_NS + 1)) is None


def test_a_session_with_a_call_under_way_is_not_over() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1))
    tab = opened(book)
    assert isinstance(book.hold(tab, ONE, NOW), AttemptHold)

    assert step(book, opened(book, at_ns=NOW + 2 * IDLE_NS)) is not None


def test_sessions_that_are_over_are_forgotten_a_few_at_each_new_one() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1))
    for number in range(100):
        step(book, opened(book, f"old {number}"))

    for number in range(20):
        step(book, opened(book, f"new {number}", NOW + IDLE_NS + 1))

    assert len(book.sessions) == 20


def test_where_there_is_no_room_the_longest_idle_session_goes_after_an_hour() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1), room=2)
    step(book, opened(book, "s1"))
    step(book, opened(book, "s2", NOW + 1))

    with pytest.raises(Overloaded):
        opened(book, "s3", NOW + SPARE_NS)
    assert step(book, opened(book, "s3", NOW + SPARE_NS + 1)) is None

    assert len(book.sessions) == 2
    assert step(book, opened(book, "s2", NOW + SPARE_NS + 1)) is not None


def test_a_soft_budget_turns_nobody_away_for_lack_of_room() -> None:
    book = a_book(Budget(name="agent", per="session", steps=1, hard=False), room=1)
    step(book, opened(book, "s1"))

    assert step(book, opened(book, "s2")) is None


def test_the_hundred_sessions_heard_of_last_are_shown() -> None:
    book = a_book(Budget(name="agent", per="session", steps=5, repeats=5))
    for number in range(120):
        step(book, opened(book, f"s{number}", said="a"))
        step(book, opened(book, f"s{number}", said="a"))
        step(book, opened(book, f"s{number}", said="b"))

    shown = book.standings(NOW)

    assert {each.window for each in shown} == {f"s{number}" for number in range(20, 120)}
    assert {(each.unit, each.spent) for each in shown} == {("steps", 3), ("repeats", 2)}
    assert {each.ends_ns for each in shown} == {0}


def test_a_budget_by_session_that_is_added_counts_calls_under_way() -> None:
    book = a_book(Budget(name="wide", scope=Scope(team="care"), per="month", nano=1000))
    tab = opened(book)
    assert isinstance(book.hold(tab, ONE, NOW), AttemptHold)

    seeding = book.replace([Budget(name="agent", per="session", steps=1)], NOW)
    assert seeding is not None
    book.seeded(seeding)

    assert [(each.unit, each.held) for each in book.standings(NOW)] == [("steps", 1)]
    assert step(book, opened(book)) is not None
    book.close(tab)
    assert [(each.spent, each.held) for each in book.standings(NOW)] == [(0, 0)]
    assert step(book, opened(book)) is None
