"""What a caller is told whose call is refused."""

from typing import Final

from portico.contract.errors import BudgetExhausted
from portico.cost.budgets.answers import Refusal
from portico.cost.budgets.windows import SECOND_NS, moment

NANO_PER_USD: Final = 1_000_000_000
PER: Final = {
    "call": "a call", "session": "a session", "day": "a day", "week": "a week", "month": "a month",
}  # fmt: skip
_WORTH: Final = (
    "{budget} has {left} of {amount} left{window}, and this attempt may take {need}. "
    "Lower max_tokens, {later} or raise the budget."
)
_TEXTS: Final = {
    "nano": _WORTH,
    "tokens": _WORTH,
    "steps": "{budget} allows {amount} a session, and this one has made them. Begin another "
    "session or raise the budget.",
    "repeats": "{budget} allows a session to say the same {amount}, and this one did: it may be "
    "in a loop. Begin another session or raise the budget.",
    "wall_time": "{budget} allows a session {amount}, and they are over. Begin another session "
    "or raise the budget.",
}
_ALONE: Final = (
    "This call alone may take up to {need}, more than {budget} allows at all: {amount} {per}. "
    "Lower max_tokens or raise the budget."
)
_CALL: Final = (
    "{budget} allows {amount} a call; {left} of it are left, and the next attempt may take "
    "{need}. Lower max_tokens or raise the budget."
)


def exhausted(refusal: Refusal) -> BudgetExhausted:
    """The error: which budget, what is left, until when, and what to do. It has no retry_after:
    a retry does not help."""
    budget, unit, window = refusal.budget, refusal.unit, refusal.window
    ends = moment(window.ends_ns, budget.time_zone) if window and window.ends_ns else ""
    text = _TEXTS[unit]
    if refusal.need > refusal.amount:
        text = _ALONE
    elif unit == "nano" and budget.per == "call":
        text = _CALL
    message = text.format(
        budget=f"{'the' if text is _ALONE else 'The'} budget {budget.name}",
        amount=_said(unit, refusal.amount),
        left=_said(unit, refusal.left),
        need=_said(unit, refusal.need),
        window=f" (resets {ends})" if ends else "",
        later="call again then" if ends else "begin another session",
        per=PER[budget.per if unit == "nano" else "session"],
    )
    return BudgetExhausted(message, detail={"budget": budget.name, "unit": unit})


def usd(nano: int) -> str:
    """`$0.05`: exact, with at least two digits after the point."""
    whole, part = divmod(nano, NANO_PER_USD)
    return f"${whole}.{f'{part:09d}'.rstrip('0'):0<2}"


def _said(unit: str, amount: int) -> str:
    if unit == "nano":
        return usd(amount)
    if unit == "wall_time":
        return f"{amount / SECOND_NS:g} s"
    if unit == "repeats":
        return f"{amount} times"
    return f"{amount} {unit}"
