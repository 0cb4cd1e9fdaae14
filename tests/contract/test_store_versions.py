"""Data directories that earlier releases have written are read, whole."""

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.contract.ledgers import QUARTER_NS, a_call, an_attempt, in_files, opened
from tests.contract.noted import a_transcript
from tests.contract.shipments import a_release, a_shipment

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.store.data import Data, open_data
from portico.adapters.store.migrate import migrate
from portico.contract.bench import BenchConditions, BenchResult
from portico.contract.budget import Recorded
from portico.contract.errors import InvalidRequest
from portico.contract.ledger import EnergyUse, PromptUse, Spending, SpendingQuery, Use
from portico.contract.ports import Ledger
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


def test_attempts_of_an_earlier_release_are_counted_and_load_tests_can_be_stored(
    directory: Path,
) -> None:
    async def main(data: Data) -> Use:
        return await data.ledger.use(0, 2**62)

    data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
    use = asyncio.run(main(data))
    result = BenchResult(
        id="bench_1",
        workload="support",
        started_ns=1,
        duration_us=1,
        conditions=BenchConditions(calls=1, concurrency=1),
    )
    data.store.put_bench(result)
    kept = data.store.benches(9)
    assert data.close()
    assert (use.calls, use.unlisted_calls) == (5, 0)
    assert [(each.model, each.region, each.attempts) for each in use.models] == [
        ("small", "eu-west-1", 5)
    ]
    assert list(kept) == [result]


def test_what_an_earlier_release_had_live_is_the_base_of_the_first_apply(directory: Path) -> None:
    data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
    store = data.store
    assert list(store.deployments()) == []
    with pytest.raises(InvalidRequest):
        store.ship(a_shipment("d2", [a_release("rel_1")], base=""))
    store.ship(a_shipment("d2", [a_release("rel_1")], base="d1"))
    data.notes.keep(a_transcript("call_1"))
    assert data.close()
    assert [each.live for each in store.deployments()] == ["rel_1"]
    assert store.acts(1)[0].after == "d2"
    assert store.transcript("call_1") == a_transcript("call_1")


def test_receipts_of_an_earlier_release_have_no_prompt(directory: Path) -> None:
    async def main(data: Data) -> list[PromptUse]:
        return list(await data.ledger.prompts(0, 2**62))

    data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
    (use,) = asyncio.run(main(data))
    assert data.close()
    assert (use.workload, use.prompt, use.version, use.source) == ("support", "", "", "")
    assert (use.calls, use.tokens_in, use.cost_nano) == (5, 600, 425_000)


def test_calls_of_an_earlier_release_are_in_the_roll_ups(directory: Path) -> None:
    async def main(
        data: Data,
    ) -> tuple[Sequence[Spending], Sequence[Recorded], Sequence[EnergyUse]]:
        query = SpendingQuery(since_ns=0, until_ns=2**40 * QUARTER_NS, by=("tag", "day"))
        ledger = data.ledger
        return (
            await ledger.spending(query),
            await ledger.sessions(0),
            await ledger.energy(0, 2**62, "model"),
        )

    for _ in range(2):  # what the first start adds from the journal is added once
        data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
        (spent,), (session,), (energy,) = asyncio.run(main(data))
        assert data.close()
        assert spent == Spending(
            keys=("feature=reply", "2026-09-21"), simulated=False, calls=5, answered=3, sessions=1,
            session_nano=425_000, accepted=0, judged=0, attempts=5, failed=2, unpriced=0,
            tokens_in=600, tokens_cached=100, tokens_out=150, cost_nano=425_000,
        )  # fmt: skip
        assert (session.session, session.calls, session.nano) == ("s-1", 5, 425_000)
        assert session.tags == (("feature", "reply"),)
        assert (energy.key, energy.calls, energy.unestimated_calls) == ("small", 5, 3)


def test_a_ledger_from_before_roll_ups_gets_those_that_it_would_have(tmp_path: Path) -> None:
    huge = [a_call(f"huge_{n}", n, an_attempt(cost_nano=2**63 - 1), session="s") for n in range(3)]
    many = [
        a_call(f"call_{n}", n * QUARTER_NS, tags=((f"t{n % 7}", ""),), session=f"s{n % 90}")
        for n in range(5_100)
    ]
    before = _sums(tmp_path, [*huge, *many])
    with sqlite3.connect(tmp_path / "portico.db") as database:
        for table in NEW_IN_0005:
            database.execute(f"DROP TABLE {table}")
        database.execute("UPDATE alembic_version SET version_num = '0004'")
    database.close()
    assert _sums(tmp_path, []) == before


NEW_IN_0005 = (
    "rollup_kinds", "rollups", "sessions", "rollup_sessions", "feedback", "capacities",
)  # fmt: skip


def _sums(directory: Path, receipts: Sequence[Receipt]) -> list[object]:
    async def main(ledger: Ledger) -> list[object]:
        end = 6_000 * QUARTER_NS
        queries = [SpendingQuery(since_ns=0, until_ns=end, by=by) for by in ((), ("tag", "day"))]
        return [
            *[list(await ledger.spending(query)) for query in queries],
            list(await ledger.sessions(0)),
            list(await ledger.energy(0, end, "day")),
        ]

    with opened(in_files)(directory, receipts) as kept:
        return asyncio.run(main(kept.ledger))


def test_attempts_of_the_first_schema_on_models_with_a_slash_count_as_unlisted(
    tmp_path: Path,
) -> None:
    shutil.copy(RELEASES / "0.1.0/portico.db", tmp_path / "portico.db")
    with sqlite3.connect(tmp_path / "portico.db") as database:
        database.execute("UPDATE attempts SET model = 'openai/gpt-5' WHERE id = 'att_1'")
        database.execute("UPDATE attempts SET model = 'sim/echo', simulated = 1 WHERE id = 'att_2'")
    database.close()
    assert migrate(tmp_path / "portico.db") is not None
    with sqlite3.connect(tmp_path / "portico.db") as database:
        listed = dict(database.execute("SELECT model, listed FROM attempts").fetchall())
    database.close()
    assert listed == {"openai/gpt-5": 0, "sim/echo": 1}
