"""From what is stored to what is served: compile, keep, swap.

The store says what is live; this file turns it into a `Live` and swaps it in. What does not
compile is refused with its reasons and the old one stays.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from portico.adapters.simulator.upstream import SimulatedUpstream
from portico.contract.deployment import Applied
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.ports import Clock, Store
from portico.contract.snapshot import Key, Snapshot
from portico.control.projects import (
    Compiled,
    Durability,
    Problem,
    Unresolved,
    compile_project,
    drift,
    with_secrets,
)
from portico.control.projects.outcome import ApplyOutcome, Place
from portico.gateway.live import Live, Slot, compile_live, with_keys
from portico.gateway.readiness import Readiness
from portico.main.directory import read_project
from portico.main.private import write_private
from portico.methods.hashing import content_hash

log = logging.getLogger("portico")

SNAPSHOT = "snapshot.json"


class Boot(msgspec.Struct, frozen=True):
    """The last good snapshot, kept on disk beside the keys' hashes."""

    snapshot: Snapshot
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class World:
    """What a publisher reads and writes."""

    store: Store
    clock: Clock
    environment: Mapping[str, str]
    data: Path
    directory: Path


class Publisher:
    """Owns the way from files to `Live`. Its methods run on the loop, one apply at a time."""

    def __init__(
        self, world: World, pepper: bytes, simulated: SimulatedUpstream, local: Key
    ) -> None:
        self.slot = Slot()
        self.readiness: Readiness | None = None
        self._store = world.store
        self._clock = world.clock
        self._environment = world.environment
        self._data = world.data
        self._directory = world.directory
        self._pepper = pepper
        self._simulated = simulated
        self._local = local
        self._files: Mapping[str, str] = {}
        self._durability = Durability()
        self._applying = asyncio.Lock()

    def boot(self, files: Mapping[str, str], compiled: Compiled) -> str:
        """Serves `files`, or the last good snapshot where they do not compile.

        The returned note says which trouble that was; empty where there was none. Raises
        InvalidRequest where nothing can be served.
        """
        self._files = files
        self._durability = compiled.durability
        keys = self._keys()
        try:
            if compiled.snapshot is None:
                raise InvalidRequest(_listed(compiled.problems))
            self._swap(self._compile(compiled.snapshot, keys))
        except PorticoError as error:
            last = self._last_good()
            if last is None:
                raise
            self.slot.swap(self._compile(last.snapshot, keys))
            return f"the stored configuration does not compile, the last good one serves: {error}"
        return ""

    async def apply(self, project: str, files: Mapping[str, str], by: str) -> ApplyOutcome:
        """Makes files live: compiled, stored, swapped; or says all that is wrong with them."""
        async with self._applying:
            compiled = compile_project(files, self._environment, self._today())
            if compiled.snapshot is None:
                places = [_place(problem) for problem in compiled.problems]
                return ApplyOutcome(problems=places, warnings=compiled.warnings)
            serving = self.slot.live.snapshot.project
            if compiled.snapshot.project != serving:
                raise InvalidRequest(
                    f"This server serves the project '{serving}'; the directory is "
                    f"'{compiled.snapshot.project}'. Apply it to a server of its own."
                )
            live = self._compile(compiled.snapshot, self.slot.live.keys)
            applied = self.applied(compiled.snapshot.project, files, by)
            await asyncio.to_thread(self._store.apply, applied)
            changed = drift(self._files, files)
            self._files = files
            self._swap(live)
            self.look_for_drift()
            log.info("applied %s by %s: %s", live.snapshot.digest, by, ", ".join(changed) or "-")
            warnings = compiled.warnings
            if compiled.durability != self._durability:
                warnings += ("durability: what has changed there takes effect at the next start",)
            return ApplyOutcome(digest=live.snapshot.digest, changed=changed, warnings=warnings)

    async def apply_directory(self) -> None:
        """What SIGHUP asks for. A bad directory is refused, and the old one serves on."""
        try:
            files = read_project(self._directory)
            outcome = await self.apply("", files, "SIGHUP")
            note = "; ".join(place.message for place in outcome.problems)
        except PorticoError as error:
            note = error.message
        if self.readiness is not None:
            self.readiness.notes = (f"the last apply was refused: {note}",) if note else ()
        if note:
            log.error("SIGHUP: the project directory was refused: %s", note)

    async def refresh_keys(self) -> None:
        """Keys have changed: the next call sees it."""
        async with self._applying:
            live = with_keys(self.slot.live, await asyncio.to_thread(self._keys))
            self._swap(live)

    def applied(self, project: str, files: Mapping[str, str], by: str) -> Applied:
        return Applied(
            project=project,
            files=dict(files),
            digest=content_hash(files),
            applied_ns=self._clock.now_ns(),
            by=by,
        )

    def workloads(self) -> Sequence[str]:
        return self.slot.live.catalogue.workloads

    def _compile(self, snapshot: Snapshot, keys: Mapping[str, Key]) -> Live:
        try:
            providers = [
                with_secrets(provider, self._environment) for provider in snapshot.providers
            ]
        except Unresolved as error:
            raise InvalidRequest(str(error)) from error
        return compile_live(snapshot, providers, keys, self._pepper)

    def _swap(self, live: Live) -> None:
        self._simulated.replace(live.scripts())
        self.slot.swap(live)
        stored = tuple(key for key in live.keys.values() if key is not self._local)
        body = msgspec.json.encode(Boot(live.snapshot, stored))
        try:
            write_private(self._data / SNAPSHOT, body)
        except OSError as error:
            log.error("%s could not be written: %s", SNAPSHOT, error.strerror)  # noqa: TRY400 - the old copy stays

    def _keys(self) -> dict[str, Key]:
        stored = self._store.keys()
        keys = {key.id: key for key in stored}
        keys[self._local.id] = self._local
        return keys

    def _last_good(self) -> Boot | None:
        try:
            return msgspec.json.decode((self._data / SNAPSHOT).read_bytes(), type=Boot)
        except (OSError, msgspec.DecodeError):
            return None

    def look_for_drift(self) -> None:
        """Compares the directory with what is live, for `/readyz`."""
        if self.readiness is None:
            return
        try:
            self.readiness.drift = drift(self._files, read_project(self._directory))
        except PorticoError as error:
            self.readiness.drift = (error.message,)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC).date()


def _listed(problems: Sequence[Problem]) -> str:
    lines = "\n".join(f"  {problem}" for problem in problems)
    return f"the project cannot be served, it has {len(problems)} problem(s):\n{lines}"


def _place(problem: Problem) -> Place:
    return Place(
        file=problem.file,
        message=problem.message,
        path=problem.path,
        hint=problem.hint,
        line=problem.line,
        column=problem.column,
    )
