"""What a replica knows of its leases, and what it says of them. No IO.

Law: `spent + held <= size` of every lease, but for charges above their holds; `size` is never
more than what the server has for this replica, since it grows by answers only and shrinks before
the server is told.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from portico.adapters.budgets.leases import Answer, Claim, Known
from portico.contract.budget import Crossing
from portico.cost.budgets.meters import FULL, SOFT, UNBOUNDED, Account
from portico.cost.budgets.standing import UNIT

MS: Final = 1_000_000
SPARE: Final = 50
"""A replica keeps at most this part of an amount unused, twice as much before it says so."""
LITTLE: Final = 10
"""Where less than this part of an amount is free, nothing is kept unused."""
SESSION_TTL_MS: Final = 24 * 3_600_000
WINDOW_TTL_MS: Final = 2 * 3_600_000
"""After the window's end."""


class Lease:
    """This replica's lease of one account."""

    __slots__ = (
        "account", "alone", "begun", "full", "heard", "kept_until_ns", "key", "lock", "mark",
        "passed", "roster", "size", "taken", "token", "total", "wait_ms", "wanted",
    )  # fmt: skip

    def __init__(self, account: Account, wait_ms: int) -> None:
        self.account = account
        self.key = account.key
        self.lock = asyncio.Lock()
        """Held from before a claim is made until its answer is taken."""
        self.wait_ms = wait_ms
        """Without grants, should nobody know the account."""
        self.size = 0
        self.token = ""
        self.kept_until_ns = 0
        """When the server forgets the account, if nobody says anything."""
        self.roster: Mapping[str, Known] = {}
        self.alone = True
        self.begun = self.heard = 0
        """The last contact, and the last that was answered."""
        self.taken = 0
        """All that anybody had leased when this was last heard of."""
        self.total = 0
        """Spent by all, as far as they had said so."""
        self.wanted = False
        self.full = False
        """A call was turned away here."""
        self.passed = {_share(account)} if account.told & SOFT else set()
        if account.told & FULL:
            self.passed.add("1")
        account.told = SOFT | FULL  # the fleet tells, once
        self.mark = 0
        """What is spent when the next threshold is passed."""
        self.bind()

    def bind(self) -> None:
        """After an edit and after every answer. A soft budget refuses nothing."""
        marks = self._thresholds().values()
        self.mark = min(map(int, marks), default=UNBOUNDED)
        self.account.grant = self.size if self.account.meter.budget.hard else UNBOUNDED

    @property
    def free(self) -> int:
        return self.account.meter.amount - self.taken

    @property
    def used(self) -> int:
        return self.account.spent + self.account.held

    @property
    def news(self) -> bool:
        """A threshold is passed that nobody has told."""
        return self.account.spent + self.account.elsewhere >= self.mark

    def fill(self) -> None:
        """A call was turned away: the whole amount counts as reached."""
        self.full = True
        self.bind()

    def surplus(self) -> int:
        """What this replica should give back. Nothing where nobody else could take it."""
        if self.alone and not self.wanted:
            return 0
        amount = self.account.meter.amount
        keep = 0 if self.wanted or self.free * LITTLE < amount else amount // SPARE
        unused = self.size - self.used
        return unused - keep if unused > 2 * keep else 0

    def shrink(self, surplus: int) -> None:
        self.size -= surplus
        self.bind()

    def lack(self, need: int) -> int:
        """What a call that needs so much lacks."""
        return max(0, min(self.used + need - self.size, need))

    def claim(self, now_ns: int, need: int = 0, *, leaves: bool = False) -> Claim:
        """`need`: of a call that is to fit."""
        self.begun += 1
        account = self.account
        return Claim(
            token=self.token,
            lease=str(max(self.size, self.used)),
            spent=str(account.spent),
            lack=str(self.lack(need)),
            amount=str(account.meter.amount),
            wait=self.wait_ms,
            ttl=_ttl(account, now_ns),
            thresholds=self._thresholds(),
            roster=self.roster,
            done=leaves and not account.held,
        )

    def _thresholds(self) -> dict[str, str]:
        meter = self.account.meter
        found = {}
        soft = meter.soft_amount()
        if soft is not None and soft < meter.amount:
            found[_share(self.account)] = str(max(1, soft))
        found["1"] = "0" if self.full else str(max(1, meter.amount))
        return {share: amount for share, amount in found.items() if share not in self.passed}

    def take(self, answer: Answer, replica: str, now_ns: int) -> list[Crossing]:
        """What the server has is so. Call it before the next claim is made. Returns the thresholds
        that this replica is to tell."""
        account = self.account
        self.heard = self.begun
        self.size, self.token = answer.lease(replica), answer.token(replica)
        self.roster = answer.roster()
        self.alone = self.roster.keys() <= {replica}
        self.kept_until_ns = now_ns + _ttl(account, now_ns) * MS
        self.taken = answer.total("g:")
        self.wanted = answer.wanted(replica)
        known = int(answer.fields[f"s:{replica}"])
        account.spent = max(account.spent, known)  # a session that was forgotten here meanwhile
        self.total = answer.total("s:")
        account.elsewhere = self.total - known
        self.passed.update(
            name.removeprefix("told:") for name in answer.fields if name.startswith("told:")
        )
        self.full = self.full and "1" not in self.passed
        self.bind()
        return [self._crossing(float(share), now_ns) for share in answer.told.split()]

    def _crossing(self, share: float, now_ns: int) -> Crossing:
        account = self.account
        return Crossing(
            budget=account.meter.budget.name,
            unit=UNIT[account.unit],
            window=account.window.label,
            share=share,
            amount=account.meter.amount,
            spent=self.total,
            at_ns=now_ns,
        )


def _share(account: Account) -> str:
    return repr(account.meter.budget.soft)


def _ttl(account: Account, now_ns: int) -> int:
    ends_ns = account.window.ends_ns
    return SESSION_TTL_MS if not ends_ns else max(0, ends_ns - now_ns) // MS + WINDOW_TTL_MS
