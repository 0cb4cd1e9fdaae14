"""Control-plane state in SQLite: keys, what is live and how it came to be, what notes kept."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from portico.adapters.store import queries, rows, shipping
from portico.adapters.store.capacities import put_capacities
from portico.adapters.store.connection import opened, transaction
from portico.adapters.store.sealing import KEY_FILE, NotOpened, Sealer
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
from portico.contract.snapshot import Key

MOST: Final = 10_000
"""Rows of one read."""
FORGET_AT_ONCE: Final = 1_000
"""Transcripts that are deleted in one transaction, so that the loader's writes get between."""
NO_END: Final = 2**63 - 1

log = logging.getLogger(__name__)
T = TypeVar("T")

_bench = msgspec.msgpack.Decoder(BenchResult)


class SqliteStore:
    """Implements `contract.ports.Store`. A connection a call, so any thread may call.

    A list of sealed content leaves out what does not open, and says in the log how many and why;
    one that is asked for by its call is an error that names it. Raises Overloaded where the
    database is away or locked for longer than five seconds.
    """

    def __init__(self, path: Path, sealer: Sealer | None = None) -> None:
        """`sealer`: one with the key beside the database where none is given."""
        self._path = path
        self._sealer = sealer or Sealer(path.with_name(KEY_FILE))

    # --- keys, secrets, load tests ---------------------------------------------------------

    def keys(self) -> Sequence[Key]:
        return [rows.to_key(row) for row in self._read(queries.KEYS)]

    def put_key(self, key: Key) -> None:
        self._write(queries.PUT_KEY, rows.of_key(key))

    def secret(self, name: str, fresh: bytes) -> bytes:
        with opened(self._path) as connection, transaction(connection):
            connection.execute(queries.ADD_SECRET, (name, fresh))
            value: bytes = connection.execute(queries.SECRET, (name,)).fetchone()[0]
        return value

    def put_bench(self, result: BenchResult) -> None:
        body = msgspec.msgpack.encode(result)
        row = (result.id, result.workload, result.started_ns, int(result.simulated), body)
        if self._write(queries.ADD_BENCH, row) != 1:
            raise InvalidRequest(f"A result with the id {result.id} is stored already.", field="id")

    def benches(self, limit: int) -> Sequence[BenchResult]:
        return [_bench.decode(body) for (body,) in self._read(queries.BENCHES, (_bound(limit),))]

    # --- what is live ----------------------------------------------------------------------

    def applied(self) -> Sequence[Applied]:
        return [rows.to_applied(row) for row in self._read(queries.APPLIED)]

    def ship(self, shipment: Shipment) -> None:
        with opened(self._path) as connection, transaction(connection):
            shipping.ship(connection, shipment)

    def repoint(self, deployment: Deployment, expected: str, act: Act) -> None:
        with opened(self._path) as connection, transaction(connection):
            shipping.repoint(connection, deployment, expected, act)

    def deployments(self) -> Sequence[Deployment]:
        return [rows.to_deployment(row) for row in self._read(queries.DEPLOYMENTS)]

    def release(self, id_: str) -> StoredRelease | None:
        found = self._read(queries.RELEASE, (id_,))
        return rows.to_release(found[0]) if found else None

    def releases(self, workload: str, limit: int) -> Sequence[StoredRelease]:
        found = self._read(queries.RELEASES, (workload, _bound(limit)))
        return [rows.to_release(row) for row in found]

    def versions(self, project: str, name: str | None = None) -> Sequence[StoredVersion]:
        found = self._read(queries.VERSIONS, {"project": project, "name": name})
        return [rows.to_version(row) for row in found]

    # --- what happened ---------------------------------------------------------------------

    def act(self, act: Act) -> None:
        self._write(queries.ADD_ACT, rows.of_act(act))

    def acts(self, limit: int, before: int | None = None) -> Sequence[Act]:
        return [rows.to_act(row) for row in self._read(queries.ACTS, _page(limit, before))]

    def happenings(self, limit: int, before: int | None = None) -> Sequence[Happening]:
        found = self._read(queries.HAPPENINGS, _page(limit, before))
        return [rows.to_happening(row) for row in found]

    # --- sealed content --------------------------------------------------------------------

    def observed(self) -> Sequence[ObservedPrompt]:
        found = self._read(queries.OBSERVED)
        return _opened(found, rows.to_observed, self._sealer, "observed prompts")

    def transcript(self, call: str) -> Transcript | None:
        found = self._read(queries.TRANSCRIPT, (call,))
        try:
            return rows.to_transcript(found[0], self._sealer.open) if found else None
        except NotOpened as problem:
            raise InvalidRequest(
                f"The transcript of the call {call} cannot be read: {problem}.", field="call"
            ) from None

    def transcripts(self, workload: str, limit: int) -> Sequence[Transcript]:
        found = self._read(queries.TRANSCRIPTS, (workload, _bound(limit)))
        return _opened(found, rows.to_transcript, self._sealer, "transcripts")

    def forget_transcripts(self, before_ns: int) -> int:
        forgotten, last = 0, FORGET_AT_ONCE
        while last == FORGET_AT_ONCE:
            last = self._write(queries.FORGET_TRANSCRIPTS, (before_ns, FORGET_AT_ONCE))
            forgotten += last
        return forgotten

    # --- provisioned throughput ------------------------------------------------------------

    def put_capacities(self, project: str, now_ns: int, hourly: Mapping[str, int]) -> None:
        with opened(self._path) as connection, transaction(connection):
            put_capacities(connection, project, now_ns, hourly)

    # --- the database ----------------------------------------------------------------------

    def _read(
        self, query: str, bounds: rows.Row | Mapping[str, rows.Value] = ()
    ) -> list[Any]:  # tuples, as the query names their columns
        with opened(self._path, mode="ro") as connection:
            return connection.execute(query, bounds).fetchall()

    def _write(self, query: str, row: rows.Row) -> int:
        """How many rows it changed."""
        with opened(self._path) as connection, transaction(connection):
            return connection.execute(query, row).rowcount


def _opened(
    found: Iterable[Any], read: Callable[[Any, rows.Seal], T], sealer: Sealer, what: str
) -> list[T]:
    """Those that open. The others are counted in the log."""
    opened_ones: list[T] = []
    refused: list[str] = []
    for row in found:
        try:
            opened_ones.append(read(row, sealer.open))
        except NotOpened as problem:
            refused.append(f"{row[0]}: {problem}")
    if refused:
        log.warning("%d %s cannot be read and are left out: %s", len(refused), what, refused[0])
    return opened_ones


def _bound(limit: int) -> int:
    return max(0, min(limit, MOST))


def _page(limit: int, before: int | None) -> rows.Row:
    return (NO_END if before is None else min(before, NO_END), _bound(limit))
