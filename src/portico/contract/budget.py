"""Budgets: whose spending they bound, in what time, and how they stand.

An amount is in one of four units: nano-US-dollars, tokens, steps (calls) or repeats (calls that
say the same again). What is reserved before an attempt is its hold; what it came to, its charge.
"""

from typing import Literal

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
