"""What goes on beside the calls: budgets in force, thresholds told, what is old forgotten."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from portico.adapters.webhooks import Webhooks
from portico.contract.budget import Budgets, Crossing, Scope
from portico.contract.deployment import Happening
from portico.contract.errors import PorticoError
from portico.contract.ports import Clock, Ledger, Note, Notes, NotesState, Store
from portico.contract.snapshot import Retention, Snapshot, Webhook
from portico.control.projects import Unresolved, resolved

log = logging.getLogger("portico")

LOOK_S: Final = 1.0
"""How often thresholds are looked at."""
DELIVER_S: Final = 2.0
"""How long the end waits for webhooks."""
FORGET_S: Final = 3600.0
NANO: Final = 1_000_000_000
SCALE: Final = {"nano": 1e-9}


@dataclass(frozen=True)
class Around:
    """What upkeep reads and writes."""

    store: Store
    ledger: Ledger
    notes: Notes
    clock: Clock
    budgets: Budgets
    webhooks: Webhooks
    environment: Mapping[str, str]


class Upkeep:
    def __init__(self, around: Around) -> None:
        self._around = around
        self._retention = Retention()
        self._scopes: dict[str, Scope] = {}
        self._projects: dict[str, str] = {}

    async def enforce(self, snapshot: Snapshot) -> None:
        """Puts a snapshot's budgets, webhooks, retention and capacities in force."""
        around = self._around
        self._retention = snapshot.retention
        self._scopes = {budget.name: budget.scope for budget in snapshot.budgets}
        self._projects = {each.name: each.project for each in snapshot.workloads}
        around.webhooks.replace(list(self._with_secrets(snapshot.webhooks)))
        await asyncio.to_thread(self._capacities, snapshot)
        await around.budgets.replace(snapshot.budgets)

    def _with_secrets(self, webhooks: Sequence[Webhook]) -> Iterator[Webhook]:
        """One whose secret is not known is left out: unsigned, or signed with what everybody
        knows, it would be worth nothing."""
        for webhook in webhooks:
            try:
                yield resolved(webhook, self._around.environment)
            except Unresolved as error:
                log.error("webhook %s is not sent to: %s", webhook.name, error)  # noqa: TRY400 - the message says what to do

    def _capacities(self, snapshot: Snapshot) -> None:
        """Terms of provisioned throughput begin and end with what is applied."""
        hourly: dict[str, dict[str, int]] = {
            project: {} for project in {each.project for each in snapshot.providers}
        }
        projects = {provider.name: provider.project for provider in snapshot.providers}
        for model in snapshot.models:
            if model.hourly_nano is not None:
                hourly[projects[model.provider]][model.name] = model.hourly_nano
        now_ns = self._around.clock.now_ns()
        for project, prices in hourly.items():
            self._around.store.put_capacities(project, now_ns, prices)

    async def run(self) -> None:
        """Until it is cancelled."""
        since_forgetting = FORGET_S
        while True:
            self.tell()
            if since_forgetting >= FORGET_S:
                since_forgetting = 0.0
                await self.forget()
            await asyncio.sleep(LOOK_S)
            since_forgetting += LOOK_S

    async def deliver(self) -> None:
        """Sends what webhooks wait for, until it is cancelled."""
        await self._around.webhooks.run()

    async def close(self) -> None:
        """Waits a moment for what is under way to be delivered."""
        self.tell()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DELIVER_S):
                await self._around.webhooks.delivered()

    def tell(self) -> None:
        """Thresholds that were passed become happenings."""
        for crossing in self._around.budgets.crossings():
            scope = self._scopes.get(crossing.budget, Scope())
            happening = happened(crossing, scope.workload)
            log.warning("budget %s: %s", crossing.budget, happening.detail["said"])
            self._around.notes.keep(happening)
            self._around.webhooks.send(happening, scope.project)

    def hear(self, note: Note) -> None:
        """Happenings in the traffic are sent as well as kept."""
        if isinstance(note, Happening):
            project = self._projects.get(note.workload, "default")
            self._around.webhooks.send(note, project)

    async def forget(self) -> None:
        """Deletes what is older than the project keeps it. A failure is tried again later."""
        around, kept = self._around, self._retention
        now_ns = around.clock.now_ns()
        try:
            if kept.receipts_s is not None:
                gone = await around.ledger.forget(now_ns - int(kept.receipts_s * NANO))
                if gone:
                    log.info("%d receipts are past their retention and deleted", gone)
            if kept.feedback_s is not None:
                await around.ledger.forget_feedback(now_ns - int(kept.feedback_s * NANO))
            if kept.transcripts_s is not None:
                before_ns = now_ns - int(kept.transcripts_s * NANO)
                await asyncio.to_thread(around.store.forget_transcripts, before_ns)
        except PorticoError as error:
            log.warning("what is past its retention is not deleted yet: %s", error.message)


class Heard:
    """Satisfies `contract.ports.Notes` for the gateway: what it keeps is heard of."""

    def __init__(self, notes: Notes, hear: Callable[[Note], None]) -> None:
        self._notes = notes
        self._hear = hear

    def keep(self, note: Note) -> None:
        self._notes.keep(note)
        self._hear(note)

    async def flushed(self) -> None:
        await self._notes.flushed()

    def state(self) -> NotesState:
        return self._notes.state()

    def close(self, timeout_s: float = 5.0) -> bool:
        return self._notes.close(timeout_s)


def happened(crossing: Crossing, workload: str) -> Happening:
    """The happening of a threshold that was passed."""
    scale = SCALE.get(crossing.unit, 1)
    unit = "USD" if crossing.unit == "nano" else crossing.unit
    amount, spent = crossing.amount * scale, crossing.spent * scale
    return Happening(
        at_ns=crossing.at_ns,
        kind="budget_exhausted" if crossing.share >= 1 else "budget_threshold",
        workload=workload,
        subject=crossing.budget,
        detail={
            "share": crossing.share,
            "unit": unit,
            "amount": amount,
            "spent": spent,
            "window": crossing.window,
            "said": f"{crossing.share:.0%} of {amount:g} {unit} in {crossing.window}",
        },
    )
