"""What every store promises of applies and rollbacks: SQLite, and the fake that ships."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec
import pytest
from tests.contract.shipments import a_pointer, a_release, a_shipment, a_version, an_act, applied

from portico.adapters.memory.store import MemoryStore
from portico.adapters.store.connection import opened
from portico.adapters.store.migrate import migrate
from portico.adapters.store.state import SqliteStore
from portico.contract.deployment import Deployment, Shipment
from portico.contract.errors import InvalidRequest, Overloaded
from portico.contract.ports import Store


def in_sqlite(directory: Path) -> SqliteStore:
    migrate(directory / "portico.db")
    return SqliteStore(directory / "portico.db")


def in_memory(_: Path) -> Store:
    return MemoryStore()


@pytest.fixture(params=[in_memory, in_sqlite])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    make: Callable[[Path], Store] = request.param
    return make(tmp_path)


def everything(store: Store) -> tuple[object, ...]:
    """All that an apply or a rollback may change."""
    return (
        list(store.applied()),
        list(store.deployments()),
        [list(store.releases(workload, 99)) for workload in ("support", "voice")],
        list(store.versions("default")),
        list(store.acts(99)),
    )


def ids(store: Store, workload: str = "support", limit: int = 99) -> list[str]:
    return [each.release.id for each in store.releases(workload, limit)]


def test_what_was_shipped_comes_back_equal(store: Store) -> None:
    shipment = a_shipment("d1", [a_release("rel_1"), a_release("rel_2", "voice")])
    store.ship(shipment)
    assert list(store.applied()) == [shipment.applied]
    assert list(store.deployments()) == list(shipment.deployments)
    assert store.release("rel_1") == a_release("rel_1")
    assert list(store.releases("voice", 9)) == [a_release("rel_2", "voice")]
    assert list(store.versions("default")) == [a_version("ver_1")]
    assert [(act.number, act.after) for act in store.acts(9)] == [(1, "d1")]
    assert msgspec.structs.replace(store.acts(9)[0], number=0) == shipment.acts[0]


def test_a_store_without_it_gives_no_release_and_no_version(store: Store) -> None:
    store.ship(a_shipment("d1", [a_release("rel_1")]))
    assert store.release("rel_9") is None
    assert list(store.releases("voice", 9)) == []
    assert list(store.versions("other")) == []


def test_an_apply_is_refused_where_something_else_is_live(store: Store) -> None:
    store.ship(a_shipment("d1", [a_release("rel_1")], base=""))
    before = everything(store)
    for base in ("", "d0", "d2"):
        with pytest.raises(InvalidRequest, match="default meanwhile") as refused:
            store.ship(a_shipment("d2", [a_release("rel_2")], base=base))
        assert refused.value.field == "base"
    assert everything(store) == before
    store.ship(a_shipment("d2", [a_release("rel_2")], base="d1"))
    store.ship(a_shipment("d3", [a_release("rel_3")]))
    assert [each.digest for each in store.applied()] == ["d3"]


@pytest.mark.parametrize(
    "last",
    [
        a_pointer("rel_9", "voice"),
        a_pointer("", "voice"),
        a_pointer("rel_2", "voice", candidate="rel_9"),
        a_pointer("rel_1", "voice"),
    ],
    ids=["unknown", "empty", "unknown candidate", "of another workload"],
)
def test_an_apply_whose_last_pointer_names_no_stored_release_leaves_nothing(
    store: Store, last: Deployment
) -> None:
    store.ship(a_shipment("d1", [a_release("rel_0")]))
    before = everything(store)
    releases = [a_release("rel_1"), a_release("rel_2", "voice")]
    with pytest.raises(InvalidRequest, match="workload voice has no release") as refused:
        store.ship(a_shipment("d2", releases, [a_pointer("rel_1"), last]))
    assert refused.value.field == "release"
    assert everything(store) == before
    assert store.release("rel_1") is None


def test_of_many_applies_from_the_same_base_exactly_one_wins(store: Store) -> None:
    store.ship(a_shipment("d0"))
    together = Barrier(4)

    def attempt(number: int) -> str:
        together.wait()
        try:
            store.ship(a_shipment(f"d{number}", [a_release(f"rel_{number}")], base="d0"))
        except InvalidRequest as refused:
            return str(refused.field)
        return f"d{number}"

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(attempt, (1, 2, 3, 4)))
    assert said[:3] == ["base"] * 3
    assert [each.digest for each in store.applied()] == said[3:]
    assert ids(store) == [f"rel_{said[3][1:]}"]
    assert [act.after for act in store.acts(9)] == [said[3], "d0"]


def test_of_many_rollbacks_from_the_same_release_exactly_one_wins(store: Store) -> None:
    names = ("rel_1", "rel_2", "rel_3", "rel_4")
    store.ship(a_shipment("d1", [a_release(each) for each in names], [a_pointer("rel_1")]))
    together = Barrier(3)

    def attempt(to: str) -> bool:
        together.wait()
        try:
            store.repoint(a_pointer(to), "rel_1", an_act("support", "rel_1", to))
        except InvalidRequest:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        won = [to for to, did in zip(names[1:], pool.map(attempt, names[1:]), strict=True) if did]
    assert len(won) == 1
    assert list(store.deployments()) == [a_pointer(won[0])]
    assert [act.after for act in store.acts(9)] == [won[0], "d1"]


def test_the_first_author_of_a_release_and_of_a_version_stays(store: Store) -> None:
    store.ship(a_shipment("d1", [a_release("rel_1", by="first")]))
    again = msgspec.structs.replace(
        a_shipment("d2", [a_release("rel_1", by="second")]),
        versions=(a_version("ver_1", "second"),),
    )
    store.ship(again)
    stored = store.release("rel_1")
    assert stored is not None
    assert stored.by == "first"
    assert [each.author for each in store.versions("default")] == ["zoë"]


def test_pointers_that_an_apply_does_not_name_are_removed_but_only_its_projects(
    store: Store,
) -> None:
    store.ship(a_shipment("d1", [a_release("rel_1"), a_release("rel_2", "voice")]))
    of_other = msgspec.structs.replace(a_pointer("rel_3", "mail"), project="other")
    store.ship(
        Shipment(
            applied=applied("o1", "other"),
            releases=(a_release("rel_3", "mail"),),
            deployments=(of_other,),
        )
    )
    store.ship(a_shipment("d2", [a_release("rel_4", "voice")]))
    assert [(each.workload, each.live) for each in store.deployments()] == [
        ("mail", "rel_3"),
        ("voice", "rel_4"),
    ]
    store.ship(a_shipment("d3"))
    assert list(store.deployments()) == [of_other]
    assert ids(store) == ["rel_1"]


def test_an_apply_cannot_take_the_workload_of_another_project(store: Store) -> None:
    store.ship(a_shipment("d1", [a_release("rel_1")]))
    before = everything(store)
    theirs = msgspec.structs.replace(a_pointer("rel_1"), project="other")
    with pytest.raises(InvalidRequest, match="belongs to the project default") as refused:
        store.ship(Shipment(applied=applied("o1", "other"), deployments=(theirs,)))
    assert refused.value.field == "workload"
    with pytest.raises(InvalidRequest, match="is of the project other"):
        store.ship(Shipment(applied=applied("d2"), deployments=(theirs,)))
    with pytest.raises(InvalidRequest, match="belongs to the project default"):
        store.repoint(theirs, "rel_1", an_act("support"))
    assert everything(store) == before


def test_a_rollback_moves_one_pointer_and_says_so_in_the_trail(store: Store) -> None:
    store.ship(a_shipment("d1", [a_release("rel_1"), a_release("rel_2", "voice")]))
    store.ship(a_shipment("d2", [a_release("rel_3"), a_release("rel_2", "voice")]))
    back = msgspec.structs.replace(a_pointer("rel_1"), action="rollback")
    store.repoint(back, "rel_3", an_act("support", "rel_3", "rel_1"))
    assert list(store.deployments()) == [back, a_pointer("rel_2", "voice")]
    assert [(act.before, act.after) for act in store.acts(1)] == [("rel_3", "rel_1")]
    assert [each.digest for each in store.applied()] == ["d2"]


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        (a_pointer("rel_2"), "rel_2"),
        (a_pointer("rel_2"), ""),
        (a_pointer("rel_9"), "rel_1"),
        (a_pointer("rel_2", candidate="rel_9"), "rel_1"),
        (a_pointer("rel_2", "voice"), ""),
    ],
    ids=["moved since", "nothing expected", "unknown", "unknown candidate", "not deployed"],
)
def test_a_rollback_that_cannot_be_is_refused_and_changes_nothing(
    store: Store, pointer: Deployment, expected: str
) -> None:
    store.ship(a_shipment("d1", [a_release("rel_2"), a_release("rel_1")], [a_pointer("rel_1")]))
    before = everything(store)
    with pytest.raises(InvalidRequest) as refused:
        store.repoint(pointer, expected, an_act(pointer.workload))
    assert refused.value.field == "release"
    assert everything(store) == before


def test_releases_come_newest_first_as_they_were_shipped_or_last_pointed_to(store: Store) -> None:
    for number in (1, 2, 3):
        store.ship(a_shipment(f"d{number}", [a_release(f"rel_{number}")]))
    assert ids(store) == ["rel_3", "rel_2", "rel_1"]
    store.repoint(a_pointer("rel_1"), "rel_3", an_act("support"))
    assert ids(store) == ["rel_1", "rel_3", "rel_2"]
    store.ship(a_shipment("d4", [a_release("rel_4")], [a_pointer("rel_1")]))
    assert ids(store) == ["rel_4", "rel_1", "rel_3", "rel_2"]
    store.ship(a_shipment("d5", (), [a_pointer("rel_1", candidate="rel_2")]))
    assert ids(store) == ["rel_2", "rel_4", "rel_1", "rel_3"]
    store.repoint(a_pointer("rel_2"), "rel_1", an_act("support"))
    assert ids(store) == ["rel_2", "rel_4", "rel_1", "rel_3"]
    assert ids(store, limit=2) == ["rel_2", "rel_4"]


def test_versions_come_newest_first_and_by_name(store: Store) -> None:
    versions = (a_version("ver_1"), a_version("ver_2", name="other"), a_version("ver_3"))
    store.ship(Shipment(applied=applied("d1"), versions=versions))
    assert [each.prompt.version for each in store.versions("default")] == [
        "ver_3",
        "ver_2",
        "ver_1",
    ]
    named = store.versions("default", "greeting")
    assert [each.prompt.version for each in named] == ["ver_3", "ver_1"]


@pytest.mark.parametrize(("limit", "count"), [(-(2**70), 0), (0, 0), (2, 2), (2**70, 3)])
def test_a_limit_out_of_bounds_is_none_or_all(store: Store, limit: int, count: int) -> None:
    for number in (1, 2, 3):
        store.ship(a_shipment(f"d{number}", [a_release(f"rel_{number}")]))
    assert len(store.releases("support", limit)) == count
    assert len(store.acts(limit)) == count
    assert len(store.acts(limit, before=2**70)) == count
    assert list(store.happenings(limit)) == []
    assert list(store.transcripts("support", limit)) == []


def test_the_trail_is_numbered_from_one_and_read_backwards_page_by_page(store: Store) -> None:
    for target in "abcde":
        store.act(msgspec.structs.replace(an_act(target), number=77))
    first = store.acts(2)
    assert [(act.number, act.target) for act in first] == [(5, "e"), (4, "d")]
    second = store.acts(2, before=first[-1].number)
    assert [(act.number, act.target) for act in second] == [(3, "c"), (2, "b")]
    assert [act.number for act in store.acts(9, before=2)] == [1]
    assert list(store.acts(9, before=1)) == []


def test_a_prompt_that_no_database_can_hold_is_refused_whole(tmp_path: Path) -> None:
    store = in_sqlite(tmp_path)
    version = a_version("ver_1")
    huge = msgspec.structs.replace(version.prompt, variables={"maximum": 2**70})
    with pytest.raises(InvalidRequest, match="greeting cannot be stored"):
        store.ship(
            Shipment(
                applied=applied("d1"),
                versions=(msgspec.structs.replace(version, prompt=huge),),
            )
        )
    assert list(store.applied()) == []


@pytest.mark.parametrize(
    "table", ["prompt_versions", "releases", "deployments", "applied", "audit"]
)
def test_a_fault_of_the_database_anywhere_in_an_apply_leaves_nothing(
    tmp_path: Path, table: str
) -> None:
    store = in_sqlite(tmp_path)
    store.ship(a_shipment("d1", [a_release("rel_1"), a_release("rel_2", "voice")]))
    before = everything(store)
    with opened(tmp_path / "portico.db") as connection:
        connection.execute(
            f"CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    shipment = msgspec.structs.replace(
        a_shipment("d2", [a_release("rel_3")]), versions=(a_version("ver_2"),)
    )
    with pytest.raises(Overloaded, match="no"):
        store.ship(shipment)
    assert everything(store) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET why = 'another'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT 1, 0, '', '', '', '', '', '', ''",
    ],
)
def test_the_trail_in_the_database_takes_no_change(tmp_path: Path, statement: str) -> None:
    store = in_sqlite(tmp_path)
    store.act(an_act("a"))
    store.act(an_act("b"))
    before = store.acts(9)
    with (
        sqlite3.connect(tmp_path / "portico.db") as connection,
        pytest.raises(sqlite3.IntegrityError, match="audit trail is never"),
    ):
        connection.execute(statement)
    connection.close()
    assert store.acts(9) == before
