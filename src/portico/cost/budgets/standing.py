"""How accounts stand."""

from typing import Final

from portico.contract.budget import Standing, Unit
from portico.cost.budgets.meters import Account, Meter
from portico.cost.budgets.sessions import Session, Sessions

SHOWN: Final = 100
"""Sessions."""
UNIT: Final[tuple[Unit, ...]] = ("nano", "tokens", "steps", "repeats")


def of(account: Account) -> Standing:
    window = account.window
    return Standing(
        budget=account.meter.budget.name,
        unit=UNIT[account.unit],
        window=window.label,
        starts_ns=window.starts_ns,
        ends_ns=window.ends_ns,
        amount=account.meter.amount,
        spent=account.spent + account.elsewhere,
        held=account.held,
        refused=account.refused,
    )


def of_sessions(sessions: Sessions, meters: set[Meter]) -> list[Standing]:
    """Of what a session repeats, what it has said most often."""
    shown = [session for session, _ in zip(sessions, range(SHOWN), strict=False)]
    return [of(each) for session in shown for each in _accounts(session) if each.meter in meters]


def _accounts(session: Session) -> list[Account]:
    most: dict[Meter, Account] = {}
    for account in session.said.values():
        known = most.get(account.meter)
        if known is None or account.spent + account.held > known.spent + known.held:
            most[account.meter] = account
    return [*session.accounts.values(), *most.values()]
