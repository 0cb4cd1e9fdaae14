"""Control-plane state in memory."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from portico.adapters.store.rules import (
    check_base,
    check_expected,
    check_owner,
    check_project,
    not_stored,
    pointed,
)
from portico.contract.bench import BenchResult
from portico.contract.deployment import (
    Act,
    Applied,
    Deployment,
    Happening,
    ObservedPrompt,
    Shipment,
    StoredRelease,
    StoredVersion,
    Transcript,
)
from portico.contract.errors import InvalidRequest
from portico.contract.ledger import Capacity
from portico.contract.ports import Note
from portico.contract.snapshot import Key

MOST: Final = 10_000
"""Rows of one read, as in every store."""

T = TypeVar("T")
Numbered = TypeVar("Numbered", Act, Happening)


class _Live:
    """What an apply or a rollback changes. Replaced whole, so that it is never half changed."""

    def __init__(self, older: "_Live | None" = None) -> None:
        self.applied: dict[str, Applied] = dict(older.applied) if older else {}
        self.versions: dict[tuple[str, str], StoredVersion] = dict(older.versions) if older else {}
        self.releases: dict[str, StoredRelease] = dict(older.releases) if older else {}
        """In the order in which they were first shipped or last pointed to."""
        self.deployments: dict[str, Deployment] = dict(older.deployments) if older else {}
        self.acts: list[Act] = list(older.acts) if older else []

    def write(self, act: Act) -> None:
        self.acts.append(msgspec.structs.replace(act, number=len(self.acts) + 1))

    def point(self, deployment: Deployment) -> None:
        current = self.deployments.get(deployment.workload)
        check_owner(deployment, current)
        for id_, before in pointed(deployment, current):
            stored = self.releases.get(id_)
            if stored is None or stored.release.workload != deployment.workload:
                raise not_stored(deployment, id_)
            if id_ != before:
                self.releases[id_] = self.releases.pop(id_)
        self.deployments[deployment.workload] = deployment

    def ship(self, shipment: Shipment) -> None:
        project = shipment.applied.project
        live = self.applied.get(project)
        check_base(shipment, live.digest if live else "")
        for version in shipment.versions:
            self.versions.setdefault((version.project, version.prompt.version), version)
        for stored in shipment.releases:
            self.releases.setdefault(stored.release.id, stored)
        for deployment in shipment.deployments:
            check_project(deployment, project)
            self.point(deployment)
        kept = {deployment.workload for deployment in shipment.deployments}
        for workload, one in list(self.deployments.items()):
            if one.project == project and workload not in kept:
                del self.deployments[workload]
        self.applied[project] = shipment.applied
        for act in shipment.acts:
            self.write(act)


class MemoryStore:
    """Implements `contract.ports.Store`. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live = _Live()
        self._keys: dict[str, Key] = {}
        self._secrets: dict[str, bytes] = {}
        self._benches: dict[str, BenchResult] = {}
        self._happenings: list[Happening] = []
        self._observed: dict[tuple[str, str], ObservedPrompt] = {}
        self._transcripts: dict[str, Transcript] = {}
        self.capacities: list[Capacity] = []
        """Terms of provisioned throughput, in the order of their beginning."""

    # --- keys, secrets, load tests ---------------------------------------------------------

    def keys(self) -> Sequence[Key]:
        return sorted(self._keys.values(), key=lambda key: (key.created_ns, key.id))

    def put_key(self, key: Key) -> None:
        self._keys[key.id] = key

    def secret(self, name: str, fresh: bytes) -> bytes:
        return self._secrets.setdefault(name, fresh)

    def put_bench(self, result: BenchResult) -> None:
        if result.id in self._benches:
            raise InvalidRequest(f"A result with the id {result.id} is stored already.", field="id")
        self._benches[result.id] = result

    def benches(self, limit: int) -> Sequence[BenchResult]:
        return list(reversed(_newest(self._benches.values(), limit)))

    # --- what is live ----------------------------------------------------------------------

    def applied(self) -> Sequence[Applied]:
        return sorted(self._live.applied.values(), key=lambda applied: applied.project)

    def ship(self, shipment: Shipment) -> None:
        self._change(lambda live: live.ship(shipment))

    def repoint(self, deployment: Deployment, expected: str, act: Act) -> None:
        def move(live: _Live) -> None:
            check_expected(deployment, live.deployments.get(deployment.workload), expected)
            live.point(deployment)
            live.write(act)

        self._change(move)

    def deployments(self) -> Sequence[Deployment]:
        return sorted(self._live.deployments.values(), key=lambda each: each.workload)

    def release(self, id_: str) -> StoredRelease | None:
        return self._live.releases.get(id_)

    def releases(self, workload: str, limit: int) -> Sequence[StoredRelease]:
        stored = self._live.releases.values()
        return _newest([each for each in stored if each.release.workload == workload], limit)

    def versions(self, project: str, name: str | None = None) -> Sequence[StoredVersion]:
        return [
            each
            for each in reversed(self._live.versions.values())
            if each.project == project and name in (None, each.prompt.name)
        ]

    def _change(self, change: Callable[[_Live], None]) -> None:
        with self._lock:
            changed = _Live(self._live)
            change(changed)
            self._live = changed

    # --- what happened ---------------------------------------------------------------------

    def act(self, act: Act) -> None:
        self._change(lambda live: live.write(act))

    def acts(self, limit: int, before: int | None = None) -> Sequence[Act]:
        return _page(self._live.acts, limit, before)

    def happenings(self, limit: int, before: int | None = None) -> Sequence[Happening]:
        return _page(self._happenings, limit, before)

    def take(self, notes: Sequence[Note]) -> None:
        """What notes have kept."""
        for note in notes:
            if isinstance(note, Transcript):
                self._transcripts[note.call] = note
            elif isinstance(note, ObservedPrompt):
                self._observed[note.workload, note.fingerprint] = note
            else:
                number = len(self._happenings) + 1
                self._happenings.append(msgspec.structs.replace(note, number=number))

    # --- content ---------------------------------------------------------------------------

    def observed(self) -> Sequence[ObservedPrompt]:
        return sorted(
            self._observed.values(),
            key=lambda each: (each.workload, each.first_ns, each.fingerprint),
        )

    def transcript(self, call: str) -> Transcript | None:
        return self._transcripts.get(call)

    def transcripts(self, workload: str, limit: int) -> Sequence[Transcript]:
        kept = [each for each in self._transcripts.values() if each.workload == workload]
        return _newest(sorted(kept, key=lambda each: (each.received_ns, each.call)), limit)

    def forget_transcripts(self, before_ns: int) -> int:
        old = [c for c, each in self._transcripts.items() if each.received_ns < before_ns]
        for call in old:
            del self._transcripts[call]
        return len(old)

    # --- provisioned throughput ------------------------------------------------------------

    def put_capacities(self, project: str, now_ns: int, hourly: Mapping[str, int]) -> None:
        with self._lock:
            kept, going_on = [], set()
            for each in self.capacities:
                if each.project != project or each.until_ns:
                    kept.append(each)
                elif hourly.get(each.model) == each.nano_per_hour:
                    kept.append(each)
                    going_on.add(each.model)
                elif each.since_ns < now_ns:
                    kept.append(msgspec.structs.replace(each, until_ns=now_ns))
            kept += [
                Capacity(
                    project=project, model=model, nano_per_hour=nano, since_ns=now_ns, until_ns=0
                )
                for model, nano in hourly.items()
                if model not in going_on
            ]
            self.capacities = kept


def _newest(things: Iterable[T], limit: int) -> list[T]:
    """The last of them, last first."""
    return list(things)[::-1][: max(0, min(limit, MOST))]


def _page(things: Sequence[Numbered], limit: int, before: int | None) -> list[Numbered]:
    return _newest((each for each in things if before is None or each.number < before), limit)
