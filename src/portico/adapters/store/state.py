"""Control-plane state in SQLite: keys, applied projects, secrets, load tests."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from portico.adapters.store import queries
from portico.adapters.store.connection import opened, transaction
from portico.contract.bench import BenchResult
from portico.contract.deployment import Applied
from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Key

_names = msgspec.json.Decoder(tuple[str, ...])
_files = msgspec.json.Decoder(dict[str, str])
_bench = msgspec.msgpack.Decoder(BenchResult)


class SqliteStore:
    """Implements `contract.ports.Store`. A connection a call, so any thread may call.

    Raises Overloaded where the database is away or locked for longer than five seconds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keys(self) -> Sequence[Key]:
        with opened(self._path, mode="ro") as connection:
            rows = connection.execute(queries.KEYS).fetchall()
        return [
            msgspec.convert(
                dict(zip(Key.__struct_fields__, (*row[:4], _names.decode(row[4]), *row[5:]),
                         strict=True)),
                Key,
            )
            for row in rows
        ]  # fmt: skip

    def put_key(self, key: Key) -> None:
        row = msgspec.structs.astuple(key)
        names = msgspec.json.encode(key.workloads).decode()
        self._write(queries.PUT_KEY, (*row[:4], names, *row[5:]))

    def applied(self) -> Sequence[Applied]:
        with opened(self._path, mode="ro") as connection:
            rows = connection.execute(queries.APPLIED).fetchall()
        return [
            Applied(
                project=project,
                files=_files.decode(files),
                digest=digest,
                applied_ns=applied_ns,
                by=by,
            )
            for project, files, digest, applied_ns, by in rows
        ]

    def apply(self, applied: Applied) -> None:
        files = msgspec.json.encode(applied.files).decode()
        self._write(
            queries.APPLY,
            (applied.project, files, applied.digest, applied.applied_ns, applied.by),
        )

    def secret(self, name: str, fresh: bytes) -> bytes:
        with opened(self._path) as connection, transaction(connection):
            connection.execute(queries.ADD_SECRET, (name, fresh))
            value: bytes = connection.execute(queries.SECRET, (name,)).fetchone()[0]
        return value

    def put_bench(self, result: BenchResult) -> None:
        body = msgspec.msgpack.encode(result)
        row = (result.id, result.workload, result.started_ns, int(result.simulated), body)
        with opened(self._path) as connection, transaction(connection):
            if connection.execute(queries.ADD_BENCH, row).rowcount != 1:
                raise InvalidRequest(
                    f"A result with the id {result.id} is stored already.", field="id"
                )

    def benches(self, limit: int) -> Sequence[BenchResult]:
        with opened(self._path, mode="ro") as connection:
            rows = connection.execute(queries.BENCHES, (max(0, limit),)).fetchall()
        return [_bench.decode(body) for (body,) in rows]

    def _write(self, query: str, row: tuple[object, ...]) -> None:
        with opened(self._path) as connection, transaction(connection):
            connection.execute(query, row)
