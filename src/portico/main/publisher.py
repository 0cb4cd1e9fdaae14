"""From what is stored to what is served: compile, keep, swap.

The store says what is live; this file turns it into a `Live` and swaps it in. What does not
compile is refused with its reasons and the old one stays. What has begun to be stored is
finished, whoever asked for it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from portico.adapters.simulator.upstream import SimulatedUpstream
from portico.contract.deployment import Applied
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.ports import Clock, Store
from portico.contract.snapshot import Key, Snapshot
from portico.control.projects import (
    Compiled,
    Unresolved,
    compile_project,
    project_of,
    with_secrets,
)
from portico.control.projects.drafting import Draft, draft, problems, refused
from portico.control.projects.drift import drifted
from portico.control.projects.outcome import (
    ApplyOutcome,
    Place,
    Plan,
    RolledBack,
    Turn,
    Wish,
)
from portico.control.projects.renewing import renewed
from portico.control.projects.returning import Return, checked, wanted
from portico.control.projects.serving import Serving, Shipped
from portico.control.projects.shipping import Order
from portico.gateway.live import Live, Slot, compile_live, with_keys
from portico.gateway.readiness import Readiness
from portico.main.directory import CONFIGURATION, read_project
from portico.main.errands import Errands
from portico.main.kept import Kept
from portico.main.stock import stocked
from portico.main.upkeep import Upkeep

log = logging.getLogger("portico")

STARTER = "portico up"
CLOSE_S = 10.0


@dataclass(frozen=True)
class World:
    """What a publisher reads and writes."""

    store: Store
    clock: Clock
    environment: Mapping[str, str]
    data: Path
    directory: Path


class Publisher:
    """Owns the way from files to `Live`. Its methods run on the loop, one change at a time."""

    def __init__(
        self, world: World, pepper: bytes, simulated: SimulatedUpstream, local: Key
    ) -> None:
        self.slot = Slot()
        self.readiness: Readiness | None = None
        self.upkeep: Upkeep | None = None
        """Puts what is beside the calls in force before a snapshot serves."""
        self.serving = Serving({})
        """What is served. Read it once: a change puts another in its place."""
        self._store = world.store
        self._clock = world.clock
        self._environment = world.environment
        self._directory = world.directory
        self._pepper = pepper
        self._simulated = simulated
        self._scripts: Mapping[str, str] = {}
        self._local = local
        self._kept = Kept(world.data, local)
        self._applying = asyncio.Lock()
        self._errands = Errands()

    def boot(self, projects: Sequence[Shipped]) -> str:
        """Serves the projects, or the last good snapshot where they do not compile.

        What has no pointer yet gets one. The returned note says which trouble there was; empty
        where there was none. Raises InvalidRequest where nothing can be served.
        """
        keys = self._keys()
        self.serving = stocked(self._store, {each.applied.project: each for each in projects})
        try:
            self._boot(keys)
        except PorticoError as error:
            last = self._kept.read()
            if last is None:
                raise
            self._swap(self._compile(last.snapshot, keys, None))
            return f"the stored configuration does not compile, the last good one serves: {error}"
        self._kept.write(self.slot.live)
        return ""

    def _boot(self, keys: Mapping[str, Key]) -> None:
        serving = self.serving
        order = Order(by=STARTER, now_ns=self._clock.now_ns())
        made = self._first(serving, order) or renewed(serving, order)
        serving = made[-1].after if made else serving
        live = self._compile(serving.snapshot, keys, None)
        for each in made:
            self._ship(each)
        self._swap(live)
        self.serving = serving

    def _first(self, serving: Serving, order: Order) -> tuple[Draft, ...]:
        """A directory is applied where nothing is; one without files only serves.

        Raises InvalidRequest, with every problem, where it does not compile.
        """
        return tuple(
            draft(Serving({}), Wish(files=each.applied.files, by=STARTER), each.compiled, order)
            for each in serving.projects.values()
            if not each.stored and each.applied.files and each.snapshot
        )

    async def plan(self, wish: Wish) -> Plan:
        """What an apply would do now. Nothing is changed."""
        return await asyncio.to_thread(self._plan, wish)

    def _plan(self, wish: Wish) -> Plan:
        compiled, serving = self._compiled(wish.files), self.serving
        wrong = problems(serving, wish, compiled)
        if wrong:
            return refused(wish, compiled, wrong)
        found = self._draft(serving, wish, compiled)
        try:
            self._compile(found.after.snapshot, {}, self.slot.live)
        except InvalidRequest as error:
            return refused(wish, compiled, (_told(error),))
        return found.plan()

    async def apply(self, wish: Wish) -> ApplyOutcome:
        """Makes files live: compiled, stored, swapped; or says all that is wrong with them.

        Raises InvalidRequest where something else is live than the wish expects.
        """
        return await self._errands.finish(self._apply(wish))

    async def _apply(self, wish: Wish) -> ApplyOutcome:
        async with self._applying:
            made = await asyncio.to_thread(self._prepare, wish)
            if isinstance(made, ApplyOutcome):
                return made
            found, live, outcome = made
            await asyncio.to_thread(self._ship, found)
            if self.upkeep is not None:
                await self.upkeep.enforce(live.snapshot)
            self._swap(live)
            self.serving = found.after
            await asyncio.to_thread(self._settle, live)
        log.info(
            "applied project %s (%s) by %s: %d changes",
            outcome.project,
            outcome.digest,
            wish.by,
            len(outcome.changed),
        )
        return outcome

    def _prepare(self, wish: Wish) -> "ApplyOutcome | tuple[Draft, Live, ApplyOutcome]":
        compiled = self._compiled(wish.files)
        wrong = problems(self.serving, wish, compiled)
        if wrong:
            return ApplyOutcome(problems=wrong, warnings=compiled.warnings)
        found = self._draft(self.serving, wish, compiled)
        try:
            before = self.slot.live
            live = self._compile(found.after.snapshot, before.keys, before)
        except InvalidRequest as error:
            return ApplyOutcome(problems=(_told(error),), warnings=compiled.warnings)
        return found, live, found.outcome()

    def _draft(self, serving: Serving, wish: Wish, compiled: Compiled) -> Draft:
        order = Order(by=wish.by, now_ns=self._clock.now_ns(), message=wish.message, why=wish.why)
        return draft(serving, wish, compiled, order)

    def _ship(self, found: Draft) -> None:
        for shipment in found.shipments:
            self._store.ship(shipment)

    async def rollback(self, turn: Turn) -> RolledBack:
        """Moves a workload's pointer to another of its releases; live at once.

        Raises InvalidRequest where there is none, or where it cannot be served.
        """
        return await self._errands.finish(self._rollback(turn))

    async def _rollback(self, turn: Turn) -> RolledBack:
        async with self._applying:
            serving = self.serving
            id_ = wanted(serving, turn)
            release = serving.release(turn.workload, id_)
            if release is None:
                stored = await asyncio.to_thread(self._store.release, id_)
                release = stored.release if stored is not None else None
            back: Return = checked(serving, turn, release, self._clock.now_ns())
            # on the loop: a thread would share the interpreter with the calls and take longer
            live = self._compile(back.after.snapshot, self.slot.live.keys, self.slot.live)
            await asyncio.to_thread(self._store.repoint, back.pointer, back.done.from_, back.act)
            self._swap(live)
            self.serving = back.after
            await asyncio.to_thread(self._settle, live)
        log.info("rolled back %s to %s by %s", turn.workload, back.done.to, turn.by)
        return back.done

    async def apply_directory(self) -> None:
        """What SIGHUP asks for. A bad directory is refused, and the old one serves on."""
        try:
            files = await asyncio.to_thread(read_project, self._directory)
            if not files:
                raise InvalidRequest(f"{self._directory} has no {CONFIGURATION}.")
            outcome = await self.apply(Wish(files=files, by="SIGHUP"))
            note = "; ".join(place.message for place in outcome.problems)
        except PorticoError as error:
            note = error.message
        if self.readiness is not None:
            self.readiness.notes = (f"the last apply was refused: {note}",) if note else ()
        if note:
            log.error("SIGHUP: the project directory was refused: %s", note)

    async def refresh_keys(self) -> None:
        """Keys have changed: the next call sees it."""
        await self._errands.finish(self._refresh_keys())

    async def _refresh_keys(self) -> None:
        async with self._applying:
            live = with_keys(self.slot.live, await asyncio.to_thread(self._keys))
            self._swap(live)
            await asyncio.to_thread(self._kept.write, live)

    async def close(self) -> None:
        """Waits for what has begun."""
        await self._errands.close(CLOSE_S)

    def workloads(self) -> Sequence[str]:
        return self.slot.live.catalogue.workloads

    def look_for_drift(self) -> None:
        """Compares the directory with its own project, and pointers with directories."""
        if self.readiness is None:
            return
        try:
            files = read_project(self._directory)
            found = drifted(self.serving, project_of(files.get(CONFIGURATION, "")), files)
        except PorticoError as error:
            found = (error.message,)
        self.readiness.drift = found

    def _compiled(self, files: Mapping[str, str]) -> Compiled:
        return compile_project(files, self._environment, self._today())

    def _compile(self, snapshot: Snapshot, keys: Mapping[str, Key], before: Live | None) -> Live:
        try:
            providers = [
                with_secrets(provider, self._environment) for provider in snapshot.providers
            ]
        except Unresolved as error:
            raise InvalidRequest(str(error)) from error
        live = compile_live(snapshot, providers, keys, self._pepper, before)
        scripts = live.scripts()
        if scripts != self._scripts:
            SimulatedUpstream(scripts)  # raises InvalidRequest now rather than when it is stored
        return live

    def _swap(self, live: Live) -> None:
        scripts = live.scripts()
        if scripts != self._scripts:
            self._simulated.replace(scripts)
            self._scripts = scripts
        self.slot.swap(live)

    def _settle(self, live: Live) -> None:
        """What may take its time once the swap is done."""
        self._kept.write(live)
        self.look_for_drift()

    def _keys(self) -> dict[str, Key]:
        stored = self._store.keys()
        keys = {key.id: key for key in stored}
        keys[self._local.id] = self._local
        return keys

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC).date()


def directory_shipped(files: Mapping[str, str], compiled: Compiled, now_ns: int) -> Shipped:
    """A directory that serves because nothing is applied; one without portico.yaml is not stored
    either."""
    project = (
        compiled.snapshot.project
        if compiled.snapshot is not None
        else project_of(files.get(CONFIGURATION, ""))
    )
    applied = Applied(project=project, files=dict(files), digest="", applied_ns=now_ns, by=STARTER)
    return Shipped(applied, compiled, stored=False)


def _told(error: InvalidRequest) -> Place:
    return Place(file=CONFIGURATION, message=error.message)
