"""An administrative API with everything behind it in memory, for the tests of its rooms."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.adapters.memory.store import MemoryStore
from portico.contract.budget import Standing as BudgetStanding
from portico.contract.call import Principal
from portico.contract.own import OwnAnswer, OwnCall
from portico.contract.ports import Clock, Ledger
from portico.contract.receipt import Attempt, Receipt
from portico.contract.snapshot import Snapshot
from portico.control.deployments.shown import Standing
from portico.control.keys.service import Keys
from portico.control.projects.outcome import Plan, RolledBack, Turn, Wish
from portico.control.prompts.adopting import Readers
from portico.control.prompts.registry import ProjectPrompts
from portico.gateway.wires import DOORS, WIRES
from portico.main.admin import AdminServices, ApplyOutcome, Changes, create_admin

CALL = "call_01a2085fd4dfaa31882d7767e960"
RECEIPT = Receipt(
    call=CALL,
    received_ns=1_700_000_000_000_000_001,
    door="openai_chat",
    cost_nano=1_250_000,
    attempts=(
        Attempt(
            id="att_1", provider="p", kind="openai", model="m", model_id="m", wire="w", status="ok"
        ),
    ),
)


class CannedCaller:
    """Answers every call of Portico's own with what it was given."""

    def __init__(self) -> None:
        self.made: list[tuple[OwnCall, str]] = []
        self.answer = OwnAnswer(status=200, body=b"{}", receipt=None)

    async def call(self, call: OwnCall, release: str) -> OwnAnswer:
        self.made.append((call, release))
        return self.answer


class CannedBudgets:
    """Stand as a test says."""

    def __init__(self) -> None:
        self.stand: list[BudgetStanding] = []
        self.away = ""

    def standings(self, now_ns: int) -> Sequence[BudgetStanding]:
        return self.stand

    def degraded(self) -> str:
        return self.away


class Office:
    """An administrative API with everything behind it in memory."""

    def __init__(self, ledger: Ledger | None = None, clock: Clock | None = None) -> None:
        self.journal = MemoryJournal()
        self.journal.record(RECEIPT)
        self.snapshot = Snapshot(project="default", providers=(), models=(), workloads=())
        self.published: list[int] = []
        self.applied: list[Wish] = []
        self.turns: list[Turn] = []
        self.outcome = ApplyOutcome(digest="abc", changed=("workload support: new",))
        self.plan = Plan(project="default")
        self.store = MemoryStore()
        self.standing = Standing(snapshot=self.snapshot, pointers={}, made={})
        self.projects: list[ProjectPrompts] = []
        self.caller = CannedCaller()
        self.budgets = CannedBudgets()
        self.app = create_admin(
            AdminServices(
                keys=Keys(self.store, FakeClock(), b"p" * 32, os.urandom),
                store=self.store,
                ledger=ledger or MemoryLedger(self.journal),
                budgets=self.budgets,
                clock=clock or FakeClock(),
                snapshot=lambda: self.snapshot,
                workloads=lambda: ("support",),
                on_keys_changed=self._publish,
                changes=Changes(
                    apply=self._apply,
                    plan=self._plan,
                    rollback=self._rollback,
                    status=self._status,
                ),
                standing=lambda: self.standing,
                registered=lambda: self.projects,
                caller=self.caller,
                readers=Readers(DOORS, WIRES),
            )
        )

    async def _publish(self) -> None:
        self.published.append(len(self.store.keys()))

    async def _apply(self, wish: Wish) -> ApplyOutcome:
        self.applied.append(wish)
        return self.outcome

    async def _plan(self, wish: Wish) -> Plan:
        self.applied.append(wish)
        return self.plan

    async def _rollback(self, turn: Turn) -> RolledBack:
        self.turns.append(turn)
        return RolledBack(workload=turn.workload, from_="rel_b", to=turn.to or "rel_a", since_ns=7)

    async def _status(self) -> Mapping[str, object]:
        raise ZeroDivisionError("a secret stands here")

    def ask(self, method: str, path: str, body: bytes = b"", query: str = "") -> tuple[int, Any]:
        return asyncio.run(self._ask(method, path, body, query))

    async def _ask(self, method: str, path: str, body: bytes, query: str) -> tuple[int, Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": f"/admin/v1{path}",
            "raw_path": f"/admin/v1{path}".encode(),
            "query_string": query.encode(),
            "headers": [(b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "portico.principal": Principal(key="key_boss", kind="admin"),
        }
        await self.app(scope, receive, send)
        return sent[0]["status"], json.loads(b"".join(part.get("body", b"") for part in sent[1:]))
