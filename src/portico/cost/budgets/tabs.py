"""One call's place in its budgets, and what is reserved for its attempts."""

from collections.abc import Callable

from portico.contract.budget import Amount, Budget, Spender
from portico.contract.errors import Overloaded
from portico.cost.budgets.matching import Matched
from portico.cost.budgets.meters import NANO, TOKENS, Account
from portico.cost.budgets.sessions import Session

Fingerprint = Callable[[], str]
"""What a call says, asked for where it matters. Empty: there is nothing to compare."""


class AttemptHold:
    """Satisfies `contract.budget.Hold`. Without a tab it is settled or released."""

    __slots__ = ("ceiling", "tab")

    def __init__(self, ceiling: Amount, tab: "CallTab") -> None:
        self.ceiling = ceiling
        self.tab: CallTab | None = tab


class CallTab:
    """Satisfies `contract.budget.Tab`."""

    __slots__ = (
        "_fingerprint", "_said", "accounts", "begun", "budgets", "closed", "counted", "crossed",
        "crowded", "holds", "matched", "open_nano", "open_tokens", "session", "settled_nano",
        "settled_tokens", "who",
    )  # fmt: skip

    def __init__(self, who: Spender, fingerprint: Fingerprint, matched: Matched) -> None:
        self.who = who
        self._fingerprint = fingerprint
        self._said: str | None = None
        self.budgets: tuple[Budget, ...] = matched.budgets
        self.matched: Matched | None = matched
        """None: the budgets that bounded it are gone."""
        self.accounts: list[Account] = []
        self.session: Session | None = None
        self.crowded = False
        """There was no room for its session."""
        self.crossed: tuple[Budget, ...] = ()
        self.holds: list[AttemptHold] = []
        self.open_nano = 0
        self.open_tokens = 0
        self.settled_nano = 0
        self.settled_tokens = 0
        self.begun = False
        """It has had a hold, so its step and its repeat are held."""
        self.counted = False
        """An attempt was settled, so the ledger will have the call."""
        self.closed = False

    def said(self) -> str:
        if self._said is None:
            self._said = self._fingerprint()
        return self._said

    def cross(self, budget: Budget) -> None:
        if budget not in self.crossed:
            self.crossed = (*self.crossed, budget)

    def settled(self, unit: int) -> int:
        if unit == NANO:
            return self.settled_nano
        return self.settled_tokens if unit == TOKENS else int(self.counted)

    def held(self, unit: int) -> int:
        """Of open holds and what is settled, in an account's terms."""
        if unit == NANO:
            return self.settled_nano + self.open_nano
        if unit == TOKENS:
            return self.settled_tokens + self.open_tokens
        return int(self.begun)

    def leave(self, account: Account) -> None:
        """What was settled is spent; what is still held comes back."""
        settled = self.settled(account.unit)
        account.held -= self.held(account.unit)
        account.settled -= settled
        account.spent += settled

    def check_room(self) -> None:
        """Raises Overloaded where a hard budget counts by session, and this one's is full."""
        bounds = self.matched.sessions + self.matched.walls if self.matched else ()
        if self.crowded and any(meter.budget.hard for meter in bounds):
            raise Overloaded(
                "There is no room to remember another session, so its budget cannot be kept; "
                "try again when other sessions have ended.",
                retry_after=60.0,
            )
