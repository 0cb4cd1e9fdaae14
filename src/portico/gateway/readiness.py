"""Whether this process can serve, and what is worse than usual."""

import msgspec

from portico import __version__
from portico.contract.budget import Budgets
from portico.contract.ports import Journal
from portico.gateway.live import Slot


class Readiness:
    """What `/readyz` says. `drift` and `notes` are set by whoever learns of them."""

    def __init__(self, slot: Slot, journal: Journal) -> None:
        self._slot = slot
        self._journal = journal
        self.stopping = False
        self.budgets: Budgets | None = None
        self.drift: tuple[str, ...] = ()
        """How the project directory differs from what is live."""
        self.notes: tuple[str, ...] = ()
        """What went wrong lately without stopping anything (a refused configuration)."""

    def degraded(self) -> list[str]:
        state = self._journal.state()
        found = list(self.notes)
        if state.error:
            found.append(
                f"the ledger's database takes nothing ({state.error}); {state.waiting} entries "
                f"wait in the journal, {state.waiting_bytes} of {state.capacity_bytes} bytes"
            )
        if state.lost:
            found.append(f"{state.lost} receipts found no room and are lost")
        if self.budgets is not None and (away := self.budgets.degraded()):
            found.append(away)
        return found

    def report(self) -> tuple[int, bytes]:
        """Status code and JSON body."""
        degraded = self.degraded()
        snapshot = self._slot.live.snapshot
        status = "stopping" if self.stopping else "degraded" if degraded else "ready"
        body = {
            "status": status,
            "version": __version__,
            "project": snapshot.project,
            "digest": snapshot.digest,
            "degraded": degraded,
            "warnings": snapshot.warnings,
            "drift": self.drift,
        }
        return (503 if self.stopping else 200), msgspec.json.encode(body)
