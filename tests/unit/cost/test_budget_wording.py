"""What a caller is told whose call is refused."""

import pytest

from portico.contract.budget import Budget
from portico.cost.budgets.answers import Refusal
from portico.cost.budgets.windows import window_of
from portico.cost.budgets.wording import exhausted, usd

USD = 10**9
NOW = 1_795_435_200 * 10**9
DAY = Budget(name="workloads.support.budget", per="day", nano=50 * USD, time_zone="Europe/Berlin")
TODAY = window_of(NOW, "day", "Europe/Berlin")
AGENT = Budget(name="budgets.agent", per="session", steps=20)


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            Refusal(DAY, "nano", 50 * USD, USD // 4, USD, TODAY),
            (
                "The budget workloads.support.budget has $0.25 of $50.00 left (resets "
                "2026-11-24T00:00:00+01:00), and this attempt may take $1.00. Lower max_tokens, "
                "call again then or raise the budget."
            ),
        ),
        (
            Refusal(DAY, "nano", 50 * USD, 50 * USD, 60 * USD, TODAY),
            (
                "This call alone may take up to $60.00, more than the budget "
                "workloads.support.budget allows at all: $50.00 a day. Lower max_tokens or raise "
                "the budget."
            ),
        ),
        (
            Refusal(Budget(name="each", per="call", nano=USD), "nano", USD, USD // 2, USD),
            (
                "The budget each allows $1.00 a call; $0.50 of it are left, and the next attempt "
                "may take $1.00. Lower max_tokens or raise the budget."
            ),
        ),
        (
            Refusal(AGENT, "steps", 20, 0, 1),
            (
                "The budget budgets.agent allows 20 steps a session, and this one has made them. "
                "Begin another session or raise the budget."
            ),
        ),
        (
            Refusal(AGENT, "repeats", 3, 0, 1),
            (
                "The budget budgets.agent allows a session to say the same 3 times, and this one "
                "did: it may be in a loop. Begin another session or raise the budget."
            ),
        ),
        (
            Refusal(AGENT, "wall_time", 90 * USD, 0, 0),
            (
                "The budget budgets.agent allows a session 90 s, and they are over. Begin another "
                "session or raise the budget."
            ),
        ),
        (
            Refusal(AGENT, "tokens", 1000, 10, 200),
            (
                "The budget budgets.agent has 10 tokens of 1000 tokens left, and this attempt may "
                "take 200 tokens. Lower max_tokens, begin another session or raise the budget."
            ),
        ),
    ],
)
def test_a_refusal_says_what_is_left_until_when_and_what_to_do(
    refusal: Refusal, message: str
) -> None:
    error = exhausted(refusal)

    assert error.message == message
    assert error.detail == {"budget": refusal.budget.name, "unit": refusal.unit}
    assert (error.retry_after, error.retry, error.status) == (None, "no", 429)


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "$0.00"), (1, "$0.000000001"), (10**7, "$0.01"), (1_234_500_000, "$1.2345")],
)
def test_money_is_said_exactly(nano: int, text: str) -> None:
    assert usd(nano) == text
