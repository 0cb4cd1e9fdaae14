"""Budgets of one process: counted in memory, taken from the ledger at start and at edits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from portico.adapters.budgets.reading import Read, count, read, read_on
from portico.contract.budget import Amount, Budget, Crossing, Hold, Spender, Standing, Tab
from portico.contract.errors import Overloaded
from portico.contract.ports import Clock, Ledger
from portico.cost.budgets.answers import Refusal, Seeding, Waiting
from portico.cost.budgets.book import Book
from portico.cost.budgets.meters import Meter
from portico.cost.budgets.seeding import KeyIds, take, take_sessions
from portico.cost.budgets.tabs import AttemptHold, CallTab
from portico.cost.budgets.wording import exhausted

READ_S: Final = 30.0
"""One reading of the ledger."""
RETRY_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0)
"""Between readings that fail; the last goes on."""
AGAIN_S: Final = (5.0, 60.0, 900.0)
"""When calls are looked for that were under way, bound by nothing, when a budget was added."""

Pause = Callable[[float], Awaitable[object]]


def _no_ids(_: str) -> tuple[str, ...]:
    return ()


class LocalBudgets:
    """Satisfies `contract.budget.Budgets`. Without a ledger nothing was spent before.

    `key_ids` gives the ids of the keys of a name, for budgets that name a key; `pause` waits
    between readings.
    """

    def __init__(
        self,
        ledger: Ledger | None,
        clock: Clock,
        *,
        key_ids: KeyIds = _no_ids,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._key_ids = key_ids
        self._pause = pause
        self._book = Book()
        self._failed: dict[Seeding, str] = {}
        self._changed = asyncio.Event()
        self._readers: set[asyncio.Task[None]] = set()

    async def replace(self, budgets: Sequence[Budget]) -> None:
        """Returns when the ledger was read, or could not be: then it is read again later, and
        hard budgets that need it stay closed until it was."""
        seeding = self._book.replace(budgets, self._clock.now_ns())
        self._wake()
        if seeding is None:
            return
        if self._ledger is None:
            self._book.seeded(seeding)
            self._book.unwatch(seeding)
            return
        tried = asyncio.Event()
        reader = asyncio.get_running_loop().create_task(self._seed(self._ledger, seeding, tried))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        await tried.wait()

    @property
    def empty(self) -> bool:
        return self._book.empty

    def open(self, who: Spender, fingerprint: Callable[[], str]) -> CallTab | None:
        return self._book.open(who, fingerprint)

    async def hold(self, tab: Tab, ceiling: Amount, now_ns: int) -> AttemptHold:
        assert isinstance(tab, CallTab)
        while True:
            answer = self._book.hold(tab, ceiling, now_ns)
            if isinstance(answer, AttemptHold):
                return answer
            if isinstance(answer, Refusal):
                raise exhausted(answer)
            assert isinstance(answer, Waiting)
            await self._read(answer)

    def settle(self, tab: Tab, hold: Hold, charge: Amount) -> None:
        assert isinstance(tab, CallTab)
        assert isinstance(hold, AttemptHold)
        self._book.settle(tab, hold, charge, self._clock.now_ns())

    def close(self, tab: Tab) -> None:
        assert isinstance(tab, CallTab)
        self._book.close(tab)

    def standings(self, now_ns: int) -> Sequence[Standing]:
        return self._book.standings(now_ns)

    def crossings(self) -> Sequence[Crossing]:
        return self._book.crossings()

    def degraded(self) -> str:
        for seeding, why in self._failed.items():
            names = sorted({meter.budget.name for meter in self._wanted(seeding)})
            return f"the ledger cannot be read ({why}), so {', '.join(names)} cannot be kept"
        return ""

    async def run(self) -> None:
        """Nothing: nobody else spends."""

    async def shut(self) -> None:
        readers = tuple(self._readers)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    async def _read(self, waiting: Waiting) -> None:
        """Waits until the ledger was read for these meters. Raises Overloaded where it fails."""
        for seeding, why in self._failed.items():
            missing = set(seeding.meters).intersection(waiting.meters)
            if missing:
                name = missing.pop().budget.name
                raise Overloaded(
                    f"What the budget {name} has spent is not known, since the ledger cannot be "
                    f"read ({why}); it is closed until it can. Try again soon.",
                    retry_after=RETRY_S[-1],
                    detail={"budget": name},
                )
        await self._changed.wait()

    async def _seed(self, ledger: Ledger, seeding: Seeding, tried: asyncio.Event) -> None:
        try:
            found = await self._first(ledger, seeding, tried)
            for pause in AGAIN_S:
                if found is not None:
                    await self._pause(pause)
                    await self._again(ledger, seeding, found)
        finally:
            self._failed.pop(seeding, None)
            self._book.unwatch(seeding)
            tried.set()

    async def _first(self, ledger: Ledger, seeding: Seeding, tried: asyncio.Event) -> Read | None:
        tries = 0
        while self._wanted(seeding):
            try:
                async with asyncio.timeout(READ_S):
                    found = await read(ledger, seeding, self._key_ids)
            except Exception as error:  # noqa: BLE001 - whatever the ledger's database raises
                self._failed[seeding] = type(error).__name__
                tried.set()
                self._wake()
                await self._pause(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
                continue
            self._failed.pop(seeding, None)
            count(self._book, seeding, found, self._key_ids)
            tried.set()
            self._wake()
            return found
        return None

    async def _again(self, ledger: Ledger, seeding: Seeding, found: Read) -> None:
        """Counts calls that no budget bound when these came in, and that have ended since."""
        try:
            async with asyncio.timeout(READ_S):
                await read_on(ledger, seeding, found)
        except Exception:  # noqa: BLE001 - as above; the next look finds what this one has not
            return
        take(seeding, found.recorded, self._key_ids)
        take_sessions(seeding, self._book.sessions, found.recorded, self._key_ids)

    def _wanted(self, seeding: Seeding) -> list[Meter]:
        """Its meters that are still in force."""
        return [meter for meter in seeding.meters if self._book.in_force(meter)]

    def _wake(self) -> None:
        """Calls that wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()
