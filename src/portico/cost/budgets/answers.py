"""What the book answers, and what it asks for."""

from dataclasses import dataclass, field

from portico.contract.budget import Budget
from portico.cost.budgets.meters import UNITS, Account, Meter
from portico.cost.budgets.windows import Window


@dataclass(frozen=True, slots=True)
class Refusal:
    """A hold that does not fit. Amounts are in the unit: of money in nano-US-dollars, of wall
    time in nanoseconds."""

    budget: Budget
    unit: str
    amount: int
    left: int
    """What could still have been held, at least 0."""
    need: int
    window: Window | None = None
    """None: the budget is one of each call."""


@dataclass(frozen=True, slots=True)
class Need:
    """A shared account of which this process has not enough."""

    account: Account
    need: int
    """What the hold takes."""
    lacking: int
    """By how much the grant is too small for it; never more than is useful under `amount`."""
    amount: int
    """All that the budget in force allows, to all processes."""

    @property
    def key(self) -> str:
        return self.account.key


@dataclass(frozen=True, slots=True)
class Short:
    """Nothing is held until all of these have larger grants. Of shared books only."""

    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is held until these meters know what the ledger has."""

    meters: tuple[Meter, ...]


@dataclass(slots=True, eq=False)
class Seeding:
    """What new meters need of the ledger: all calls received up to `at_ns` but for `known`.

    Calls that may still be under way were received from `since_ns` on, a quarter of an hour.
    """

    at_ns: int
    since_ns: int
    meters: tuple[Meter, ...]
    known: set[str] = field(default_factory=set)
    """Calls that the book counts itself. It grows while the seeding is watched."""


def refusal(account: Account, need: int, left: int) -> Refusal:
    meter, unit = account.meter, UNITS[account.unit]
    return Refusal(meter.budget, unit, meter.amount, max(0, left), need, account.window)
