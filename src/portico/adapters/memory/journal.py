"""A journal in memory, with the promises of the real one and a switch for its database."""

import asyncio

from portico.adapters.journal.entries import encode, lost
from portico.adapters.journal.options import WhenFull
from portico.contract.errors import Overloaded
from portico.contract.ports import JournalState
from portico.contract.receipt import Intent, Receipt

CAPACITY = 64 * 1024 * 1024
RESERVE = 16 * 1024


class MemoryJournal:
    """Implements `contract.ports.Journal`. `receipts` is what the database has, by call id.

    While `error` is set the database takes nothing: entries wait, and the capacity fills.
    """

    def __init__(self, *, capacity: int = CAPACITY, when_full: WhenFull = "refuse") -> None:
        self.receipts: dict[str, Receipt] = {}
        self._capacity = capacity
        self._when_full = when_full
        self._open: dict[str, Receipt] = {}
        self._waiting: list[tuple[Receipt, int]] = []
        self._held: dict[str, int] = {}
        self._used = 0
        self._lost = 0
        self._error = ""
        self._changed = asyncio.Event()

    def intend(self, intent: Intent) -> None:
        receipt = intent.receipt
        held = self._held.get(receipt.call, 0)
        reserve = max(held, RESERVE)
        if self._free() < reserve - held:
            self._full("the attempt was not started")
            return
        self._held[receipt.call] = reserve
        self._open[receipt.call] = receipt

    def record(self, receipt: Receipt) -> None:
        size = len(encode(receipt))
        held = self._held.pop(receipt.call, 0)
        if not held and self._free() < size:
            self._full("the call was not recorded")
            self._lost += 1
            return
        self._open.pop(receipt.call, None)
        self._waiting.append((receipt, size))
        self._used += size
        self._load()

    async def committed(self) -> None:
        while self._waiting:
            self._changed.clear()
            await self._changed.wait()

    def state(self) -> JournalState:
        return JournalState(
            waiting=len(self._waiting),
            waiting_bytes=self._used,
            capacity_bytes=self._capacity,
            lost=self._lost,
            error=self._error,
        )

    def database_away(self, error: str) -> None:
        """The database takes nothing from now on, because of `error`; empty: it is back."""
        self._error = error
        self._load()

    def crashed(self) -> "MemoryJournal":
        """What the next process finds: calls that were under way have become lost ones."""
        heir = MemoryJournal(capacity=self._capacity, when_full=self._when_full)
        heir.receipts = dict(self.receipts)
        left = [receipt for receipt, _ in self._waiting] + [lost(r) for r in self._open.values()]
        for receipt in left:
            heir.receipts.setdefault(receipt.call, receipt)
        return heir

    def _free(self) -> int:
        return self._capacity - self._used - sum(self._held.values())

    def _load(self) -> None:
        if self._error:
            return
        for receipt, size in self._waiting:
            self.receipts.setdefault(receipt.call, receipt)
            self._used -= size
        self._waiting.clear()
        self._changed.set()

    def _full(self, consequence: str) -> None:
        if self._when_full == "refuse":
            raise Overloaded(f"The journal takes no more, so {consequence}.", retry_after=1.0)
