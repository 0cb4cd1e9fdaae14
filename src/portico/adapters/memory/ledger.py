"""A ledger over the journal in memory."""

from collections.abc import Sequence

from portico.adapters.memory.journal import MemoryJournal
from portico.contract.errors import InvalidRequest
from portico.contract.receipt import Receipt


class MemoryLedger:
    """Implements `contract.ports.Ledger`."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal

    async def recent(
        self, limit: int, *, before: str | None = None, after: str | None = None
    ) -> Sequence[Receipt]:
        await self._journal.committed()
        found = list(self._journal.receipts.values())
        calls = list(self._journal.receipts)
        stop = len(found) if before is None else _index(calls, before, "before")
        if after is None:
            return found[:stop][max(0, stop - limit) :] if limit > 0 else []
        start = _index(calls, after, "after") + 1
        return found[start : min(stop, start + max(0, limit))]

    async def find(self, call: str) -> Receipt | None:
        await self._journal.committed()
        return self._journal.receipts.get(call)


def _index(calls: list[str], call: str, field: str) -> int:
    if call not in calls:
        raise InvalidRequest(f"The ledger has no call {call!r} to read {field}.", field=field)
    return calls.index(call)
