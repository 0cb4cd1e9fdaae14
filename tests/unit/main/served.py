"""A publisher over the fakes that ship, for the tests of plans, applies and rollbacks."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.store import MemoryStore
from portico.adapters.simulator.upstream import SimulatedUpstream
from portico.contract.ports import Store
from portico.contract.snapshot import Key
from portico.control.projects import compile_project
from portico.control.projects.outcome import ApplyOutcome, Plan, RolledBack, Turn, Wish
from portico.control.projects.serving import Shipped
from portico.gateway.readiness import Readiness
from portico.main.publisher import Publisher, World, directory_shipped

Files = Mapping[str, str]
PEPPER = b"p" * 32


def project(ladder: str = "echo", name: str = "default", workload: str = "support") -> Files:
    """A directory with one workload that renders one prompt."""
    return {
        "portico.yaml": (
            f"project: {name}\nproviders: {{sim: {{kind: simulator}}}}\n"
            f"models: {{echo: {{provider: sim, id: echo}}, pick: {{provider: sim, id: extract}}}}\n"
            f"workloads:\n  {workload}: {{ladder: [{ladder}], prompt: greet}}\n"
        ),
        "prompts/greet.md": "Be kind.\n",
    }


class Served:
    """A server's publisher, its store, and the directory beside it."""

    def __init__(
        self,
        place: Path,
        files: Files,
        *,
        store: Store | None = None,
        environment: Files | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.store = store if store is not None else MemoryStore()
        self.environment = environment or {}
        self.directory = place / "project"
        self.write(files)
        data = place / "data"
        data.mkdir(exist_ok=True)
        self.publisher = Publisher(
            World(self.store, self.clock, self.environment, data, self.directory),
            PEPPER,
            SimulatedUpstream({}),
            Key(id="local", verifier=b"", kind="local"),
        )
        self.note = self.publisher.boot(self._chosen(files))
        self.readiness = Readiness(self.publisher.slot, MemoryJournal())
        self.publisher.readiness = self.readiness
        self.publisher.look_for_drift()

    def write(self, files: Files) -> None:
        for path, text in files.items():
            (self.directory / path).parent.mkdir(parents=True, exist_ok=True)
            (self.directory / path).write_text(text)

    def _chosen(self, files: Files) -> Sequence[Shipped]:
        today = datetime.fromtimestamp(self.clock.now_ns() / 1e9, UTC).date()
        applied = self.store.applied()
        if applied:
            return [
                Shipped(each, compile_project(each.files, self.environment, today))
                for each in applied
            ]
        compiled = compile_project(files, self.environment, today)
        return [directory_shipped(files, compiled, self.clock.now_ns())]

    def apply(self, files: Files, base: str | None = None, why: str = "") -> ApplyOutcome:
        wish = Wish(files=files, by="key_ann", base=base, why=why)
        return asyncio.run(self.publisher.apply(wish))

    def plan(self, files: Files) -> Plan:
        return asyncio.run(self.publisher.plan(Wish(files=files, by="key_ann")))

    def rollback(self, workload: str = "support", to: str | None = None) -> RolledBack:
        turn = Turn(workload=workload, by="key_bob", to=to, why="it was worse")
        return asyncio.run(self.publisher.rollback(turn))

    def live(self, workload: str = "support") -> str:
        """The release that calls of the workload get."""
        return self.publisher.slot.live.route(workload).release
