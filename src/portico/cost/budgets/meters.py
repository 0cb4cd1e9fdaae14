"""What a budget counts: one meter for each of its units, and the accounts that it counts in."""

from fractions import Fraction
from math import ceil
from typing import Final, Literal, NamedTuple

from portico.contract.budget import Budget, Period, Scope, Unit
from portico.cost.budgets.windows import SECOND_NS, Window
from portico.methods.hashing import content_hash

NANO, TOKENS, STEPS, REPEATS, WALL = range(5)
UNITS: Final[tuple[Unit | Literal["wall_time"], ...]] = (
    "nano", "tokens", "steps", "repeats", "wall_time",
)  # fmt: skip
UNBOUNDED: Final = 1 << 62
SOFT, FULL = 1, 2
"""Bits of the thresholds that were told."""


class Identity(NamedTuple):
    """What of a budget makes its count. An edit that leaves it alone keeps what was counted."""

    name: str
    scope: Scope
    per: Period
    time_zone: str
    unit: int


class Meter:
    """One unit of one budget in force. Its amounts may be edited; its identity stays.

    `limit`, `mark` and `acts` are what the amounts come to: beyond `limit` nothing is held, from
    `mark` on thresholds are looked at, from `acts` on `otherwise` acts.
    """

    __slots__ = (
        "_soft", "accounts", "acts", "amount", "budget", "current", "id", "identity", "limit",
        "mark", "pending", "unit",
    )  # fmt: skip

    def __init__(self, identity: Identity, budget: Budget, amount: int, *, pending: bool) -> None:
        self.identity = identity
        self.unit = identity.unit
        self.id = content_hash(identity, 24)
        """The same in every process."""
        self.accounts: dict[int, Account] = {}
        """By the start of their windows, in order of their making."""
        self.current: Account | None = None
        self.pending = pending
        """What the ledger has is not known yet."""
        self.amend(budget, amount)

    def amend(self, budget: Budget, amount: int) -> None:
        """Takes the amounts of an edited budget."""
        self.budget = budget
        self.amount = amount
        self._bound()

    def ready(self) -> None:
        """What the ledger has is in."""
        self.pending = False
        self._bound()

    def soft_amount(self) -> int | None:
        """From where on the soft share is reached. None: there is none."""
        return self._soft

    def _bound(self) -> None:
        budget, soft = self.budget, _share(self.amount, self.budget.soft)
        acts = soft if soft is not None else (UNBOUNDED if budget.hard else self.amount)
        mark = max(1, self.amount if soft is None else min(self.amount, soft))
        self._soft = soft
        self.limit = (-1 if self.pending else self.amount) if budget.hard else UNBOUNDED
        self.mark = UNBOUNDED if self.pending else mark
        self.acts = UNBOUNDED if budget.otherwise == "warn" else acts


class Account:
    """What one meter has counted in one window or session.

    `held` are the ceilings of open holds and what is settled of calls not closed yet, `settled`
    the latter alone. On a shared budget `spent` is what this process has spent, `elsewhere` what
    others are known to have, and `grant` the most that this process may use.
    """

    __slots__ = (
        "elsewhere", "grant", "held", "meter", "refused", "scope_key", "settled", "spent", "told",
        "unit", "window",
    )  # fmt: skip

    def __init__(self, meter: Meter, window: Window, scope_key: tuple[str, ...] = ()) -> None:
        self.meter = meter
        self.unit = meter.unit
        self.window = window
        self.scope_key = scope_key
        """Which session it is of, and which fingerprint; empty: it is of a window."""
        self.spent = 0
        self.settled = 0
        self.held = 0
        self.refused = 0
        self.told = 0
        self.grant = UNBOUNDED
        self.elsewhere = 0

    @property
    def key(self) -> str:
        """Names the account in every process alike."""
        scope = content_hash(self.scope_key, 24) if self.scope_key else self.window.label
        return f"{self.meter.id}:{scope}"

    @property
    def used(self) -> int:
        """What cannot come back: spent anywhere, and settled of calls under way here."""
        return self.spent + self.settled + self.elsewhere

    def know(self) -> None:
        """What is passed already is not told again."""
        soft = self.meter.soft_amount()
        if soft is not None and self.used >= soft:
            self.told |= SOFT
        if self.used >= self.meter.amount:
            self.told |= SOFT | FULL


def amounts_of(budget: Budget) -> list[tuple[Identity, int]]:
    """The meters of a budget with their amounts. All but money count by session."""
    found: list[tuple[Identity, int]] = []
    if budget.nano is not None:
        zone = budget.time_zone if budget.per in ("day", "week", "month") else ""
        found.append((Identity(budget.name, budget.scope, budget.per, zone, NANO), budget.nano))
    wall = None if budget.wall_time_s is None else round(budget.wall_time_s * SECOND_NS)
    for unit, amount in (
        (TOKENS, budget.tokens),
        (STEPS, budget.steps),
        (REPEATS, budget.repeats),
        (WALL, wall),
    ):
        if amount is not None:
            found.append((Identity(budget.name, budget.scope, "session", "", unit), amount))
    return found


def _share(amount: int, share: float | None) -> int | None:
    """The least whole amount that reaches a share, which is meant as it is written."""
    return None if share is None else ceil(Fraction(repr(share)) * amount)
