"""Control-plane state in memory."""

from collections.abc import Sequence

from portico.contract.bench import BenchResult
from portico.contract.deployment import Applied
from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Key


class MemoryStore:
    """Implements `contract.ports.Store`."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._applied: dict[str, Applied] = {}
        self._secrets: dict[str, bytes] = {}
        self._benches: dict[str, BenchResult] = {}

    def keys(self) -> Sequence[Key]:
        return sorted(self._keys.values(), key=lambda key: (key.created_ns, key.id))

    def put_key(self, key: Key) -> None:
        self._keys[key.id] = key

    def applied(self) -> Sequence[Applied]:
        return sorted(self._applied.values(), key=lambda applied: applied.project)

    def apply(self, applied: Applied) -> None:
        self._applied[applied.project] = applied

    def secret(self, name: str, fresh: bytes) -> bytes:
        return self._secrets.setdefault(name, fresh)

    def put_bench(self, result: BenchResult) -> None:
        if result.id in self._benches:
            raise InvalidRequest(f"A result with the id {result.id} is stored already.", field="id")
        self._benches[result.id] = result

    def benches(self, limit: int) -> Sequence[BenchResult]:
        return list(self._benches.values())[-limit:] if limit > 0 else []
