"""What every store promises: SQLite, and the fake that ships."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portico.adapters.memory.store import MemoryStore
from portico.adapters.store.connection import opened
from portico.adapters.store.migrate import migrate
from portico.adapters.store.state import SqliteStore
from portico.contract.bench import BenchConditions, BenchResult, Latency
from portico.contract.deployment import Applied, Shipment
from portico.contract.errors import InvalidRequest, Overloaded
from portico.contract.ports import Store
from portico.contract.snapshot import Key


def in_sqlite(directory: Path) -> Store:
    migrate(directory / "portico.db")
    return SqliteStore(directory / "portico.db")


def in_memory(_: Path) -> Store:
    return MemoryStore()


@pytest.fixture(params=[in_memory, in_sqlite])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    make: Callable[[Path], Store] = request.param
    return make(tmp_path)


A_KEY = Key(
    id="key_1",
    verifier=b"\x00\xff",
    kind="admin",
    name="Zoë's",
    workloads=("*", "support"),
    team="care",
    created_ns=5,
    expires_ns=9,
    revoked_ns=None,
)


def test_a_new_store_is_empty(store: Store) -> None:
    assert list(store.keys()) == []
    assert list(store.applied()) == []


def test_a_key_comes_back_equal(store: Store) -> None:
    store.put_key(A_KEY)
    assert list(store.keys()) == [A_KEY]


def test_keys_come_in_the_order_of_their_creation(store: Store) -> None:
    for id_, created in (("b", 2), ("c", 1), ("a", 2)):
        store.put_key(Key(id=id_, verifier=b"v", created_ns=created))
    keys = store.keys()
    assert [key.id for key in keys] == ["c", "a", "b"]


def test_a_key_with_the_same_id_is_replaced(store: Store) -> None:
    store.put_key(A_KEY)
    revoked = Key(id="key_1", verifier=b"w", revoked_ns=7)
    store.put_key(revoked)
    assert list(store.keys()) == [revoked]


def test_an_applied_directory_comes_back_equal_and_one_a_project(store: Store) -> None:
    first = Applied(project="b", files={"portico.yaml": "é\n"}, digest="1", applied_ns=1, by="k")
    other = Applied(project="a", files={}, digest="2", applied_ns=2, by="k")
    second = Applied(project="b", files={"x.md": ""}, digest="3", applied_ns=3, by="k")
    for applied in (first, other, second):
        store.ship(Shipment(applied=applied))
    assert list(store.applied()) == [other, second]


def test_a_secret_stays_what_it_was_first(store: Store) -> None:
    assert store.secret("pepper", b"\x00first") == b"\x00first"
    assert store.secret("pepper", b"second") == b"\x00first"
    assert store.secret("other", b"third") == b"third"


def test_many_threads_get_one_and_the_same_fresh_secret(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        given = set(pool.map(lambda n: store.secret("pepper", b"%d" % n), range(16)))
    assert len(given) == 1


def a_bench(id_: str) -> BenchResult:
    return BenchResult(
        id=id_,
        workload="support",
        started_ns=2**60,
        duration_us=5,
        conditions=BenchConditions(calls=2, concurrency=1),
        releases=("rel_1",),
        made=2,
        ok=1,
        errors=(("overloaded", 1),),
        total=Latency(p50_us=1, p90_us=2, p99_us=2),
        tokens_per_second=0.25,
        simulated=True,
    )


def test_the_newest_load_tests_come_back_equal_in_the_order_of_storing(store: Store) -> None:
    assert list(store.benches(5)) == []
    for id_ in ("bench_2", "bench_1", "bench_3"):
        store.put_bench(a_bench(id_))
    assert list(store.benches(2)) == [a_bench("bench_1"), a_bench("bench_3")]
    assert [result.id for result in store.benches(9)] == ["bench_2", "bench_1", "bench_3"]
    assert list(store.benches(0)) == []


def test_a_load_test_is_stored_once_and_never_replaced(store: Store) -> None:
    store.put_bench(a_bench("bench_1"))
    with pytest.raises(InvalidRequest, match="bench_1 is stored already"):
        store.put_bench(a_bench("bench_1"))
    assert list(store.benches(9)) == [a_bench("bench_1")]


def test_a_database_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(Overloaded, match=r"portico\.db takes nothing"):
        SqliteStore(tmp_path / "portico.db").keys()
    assert not (tmp_path / "portico.db").exists()


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    store = in_sqlite(tmp_path)
    with opened(tmp_path / "portico.db") as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON keys BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    with pytest.raises(Overloaded, match="no"):
        store.put_key(A_KEY)
    with sqlite3.connect(tmp_path / "portico.db") as connection:
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (0,)
