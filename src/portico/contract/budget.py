"""Budgets: whose spending they bound, in what time, and how they stand.

An amount is in one of four units: nano-US-dollars, tokens, steps (calls) or repeats (calls that
say the same again). What is reserved before an attempt is its hold; what it came to, its charge.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

Period = Literal["call", "session", "day", "week", "month"]
Unit = Literal["nano", "tokens", "steps", "repeats"]
Degrade = Literal["warn", "refuse", "cached", "smaller"]


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose spending: the conjunction of what is named. Empty: everybody's of the project."""

    project: str = "default"
    team: str = ""
    workload: str = ""
    key: str = ""
    """The id of a key, or its name."""
    tag: str = ""
    """`name`, or `name=value`."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A budget as portico.yaml has it, resolved."""

    name: str
    """Where it is written: `budgets.NAME`, `workloads.NAME.budget`, `teams.NAME.budget`."""
    scope: Scope = Scope()
    per: Period = "month"
    nano: int | None = None
    """Nano-US-dollars. None: it bounds no money."""
    hard: bool = True
    """False: nothing is refused when the amount is reached; `otherwise` may act."""
    soft: float | None = None
    """The share of the amount, 0 to 1, from which `otherwise` acts."""
    otherwise: Degrade = "warn"
    time_zone: str = "UTC"
    """IANA name; when a day, week (from Monday) or month begins."""
    steps: int | None = None
    """Calls a session."""
    tokens: int | None = None
    """Tokens a session, input and output."""
    wall_time_s: float | None = None
    """From a session's first call."""
    repeats: int | None = None
    """How often a session may say the same: its last answer and what came after it."""


class Spender(msgspec.Struct, frozen=True, kw_only=True):
    """What of a call decides which budgets bound it."""

    call: str
    received_ns: int
    """Decides the day, week or month, of all its attempts."""
    project: str = "default"
    team: str = "default"
    workload: str = ""
    key: str = ""
    key_name: str = ""
    session: str = ""
    """Empty: the call is a session of its own."""
    tags: tuple[tuple[str, str], ...] = ()


class Amount(msgspec.Struct, frozen=True):
    """Money and tokens: a ceiling that is held, or a charge that is settled."""

    nano: int = 0
    tokens: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands in one window of time (or one session)."""

    budget: str
    unit: Unit
    window: str
    """`2026-11-23`, `2026-W48`, `2026-11`, or the session."""
    starts_ns: int
    ends_ns: int
    """0: it ends with its session."""
    amount: int
    spent: int
    """Settled and recorded; on a shared budget, as far as this process knows."""
    held: int
    """Of calls under way."""
    refused: int = 0
    """Calls that this process turned away in the window."""


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """A budget passed a threshold, once a window."""

    budget: str
    unit: Unit
    window: str
    share: float
    """The threshold: its `soft` share, or 1."""
    amount: int
    spent: int
    at_ns: int


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger has of one call, as far as budgets care."""

    call: str
    received_ns: int
    team: str
    workload: str
    project: str
    key: str
    session: str
    tags: tuple[tuple[str, str], ...]
    nano: int
    tokens: int
    calls: int = 1
    """Calls with an attempt that the entry stands for."""


# --- the port ----------------------------------------------------------------------------------


class Hold(Protocol):
    """What is reserved for one attempt."""

    ceiling: Amount


class Tab(Protocol):
    """One call's place in the budgets that bound it."""

    budgets: tuple[Budget, ...]
    """All that bound the call."""
    crossed: tuple[Budget, ...]
    """Those whose soft share was passed when the tab was opened, and that do more than warn."""


class Budgets(Protocol):
    """What is left to spend. No hard budget is overspent, whatever the concurrency and the
    number of replicas: an attempt is made only where its ceiling fits into each of them."""

    async def replace(self, budgets: Sequence[Budget]) -> None:
        """The budgets in force from now on. A budget whose scope, period and zone stay keeps what
        it has counted; what is new to it is read from the ledger. Calls under way are counted in
        it once. Until it returns, calls that need it wait."""
        ...

    @property
    def empty(self) -> bool:
        """There are no budgets: nobody need ask."""
        ...

    def open(self, who: Spender, fingerprint: Callable[[], str]) -> Tab | None:
        """None: nothing bounds this call. `fingerprint` is of what it says, its last answer and
        what came after it; it is asked for only where a budget counts repeats.

        Raises Overloaded where no more sessions can be counted.
        """
        ...

    async def hold(self, tab: Tab, ceiling: Amount, now_ns: int) -> Hold:
        """Reserves for one attempt, in every budget or in none; a step and a repeat are counted
        with a call's first hold.

        Raises BudgetExhausted (detail "budget", "unit") where it does not fit, Overloaded where
        a shared budget cannot be asked and this process's share of it is spent.
        """
        ...

    def settle(self, tab: Tab, hold: Hold, charge: Amount) -> None:
        """What the attempt came to, in the place of its hold; more than the hold is counted
        too. Once a hold: a second time is a defect."""
        ...

    def close(self, tab: Tab) -> None:
        """The call's receipt is recorded. In the same step of the loop as its recording, so that
        what is spent here is at all times what the ledger has. Releases what is still held."""
        ...

    def standings(self, now_ns: int) -> Sequence[Standing]:
        """Of every window under way, and the 100 sessions that were last heard of."""
        ...

    def crossings(self) -> Sequence[Crossing]:
        """Thresholds that were passed since this was last asked, each once a window."""
        ...

    def degraded(self) -> str:
        """What is away; empty where nothing is."""
        ...

    async def run(self) -> None:
        """What is to be done beside the calls, until it is cancelled or there is nothing."""
        ...

    async def shut(self) -> None:
        """Gives back what is not spent, and stops."""
        ...
