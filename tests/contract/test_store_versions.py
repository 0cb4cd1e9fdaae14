"""Data directories that earlier releases have written are read, whole."""

import asyncio
import shutil
from pathlib import Path

import pytest

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.store.data import Data, open_data
from portico.contract.receipt import Receipt
from portico.contract.usage import StopReason

RELEASES = Path(__file__).parents[1] / "fixtures/data"


@pytest.fixture(params=sorted(p.name for p in RELEASES.iterdir() if (p / "portico.db").is_file()))
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    shutil.copytree(RELEASES / request.param, tmp_path / "data")
    return tmp_path / "data"


def read(directory: Path) -> list[Receipt]:
    async def main(data: Data) -> list[Receipt]:
        return list(await data.ledger.recent(10))

    data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
    receipts = asyncio.run(main(data))
    assert data.close()
    return receipts


def test_every_call_of_an_earlier_release_is_there_once(directory: Path) -> None:
    for _ in range(2):  # the second start finds it as the first has left it
        receipts = read(directory)
        assert sorted((r.call, r.status) for r in receipts) == [
            ("call_0001", "ok"),
            ("call_0002", "ok"),
            ("call_0003", "lost"),
            ("call_0004", "ok"),
            ("call_0005", "lost"),
        ]
        assert {r.cost_nano for r in receipts} == {85_000}
        assert {r.attempts[0].usage.cached_read for r in receipts} == {20}
        assert {r.stop for r in receipts} == {None, StopReason.END}


def test_keys_projects_and_secrets_of_an_earlier_release_are_there(directory: Path) -> None:
    data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
    store = data.store
    keys, applied, secret = store.keys(), store.applied(), store.secret("key-verifiers", b"fresh")
    assert data.close()
    assert [(k.id, k.kind, k.workloads, k.revoked_ns) for k in keys] == [
        ("key_1", "key", ("support",), None),
        ("key_2", "admin", (), 7),
    ]
    assert [a.files["portico.yaml"] for a in applied] == ["project: default\n"]
    assert secret == b"pepper"
