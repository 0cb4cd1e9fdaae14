"""Roll-ups are written with the receipts that they count, or not at all."""

import sqlite3
from pathlib import Path

import pytest
from tests.contract.ledgers import a_call, an_attempt

from portico.adapters.journal.entries import RECEIPT, encode
from portico.adapters.journal.sink import Entry, Position, SinkUnavailable
from portico.adapters.store.migrate import migrate
from portico.adapters.store.sink import SqliteSink
from portico.contract.receipt import Receipt

START = Position()
LATER = Position(1, 1)
COUNTED = """
SELECT sum(calls), sum(cost_nano), count(DISTINCT kind), (SELECT count(*) FROM receipts),
       (SELECT count(*) FROM sessions), (SELECT sum(calls) FROM rollup_sessions)
FROM rollups WHERE grain = ?
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    migrate(tmp_path / "portico.db")
    return tmp_path / "portico.db"


def entries(*receipts: Receipt) -> list[Entry]:
    return [Entry(RECEIPT, encode(each), each.call, each) for each in receipts]


def counted(database: Path, grain: int = 1) -> tuple[object, ...]:
    """Calls, cost, kinds, receipts, sessions and the calls of sessions."""
    with sqlite3.connect(database) as connection:
        row: tuple[object, ...] = connection.execute(COUNTED, (grain,)).fetchone()
    connection.close()
    return row


def test_a_batch_that_is_refused_counts_nothing_and_the_next_one_counts_right(
    database: Path,
) -> None:
    sink = SqliteSink(database)
    sink.open()
    with pytest.raises(SinkUnavailable):
        sink.load(entries(a_call("call_1", 1, session="s")), LATER, Position(2, 2))
    assert counted(database) == (None, None, 0, 0, 0, None)
    other = a_call("call_0", 1, an_attempt("large"), session="r")
    sink.load(entries(other), START, LATER)
    sink.load(entries(a_call("call_1", 1, session="s")), LATER, Position(2, 2))
    assert counted(database) == counted(database, 96) == (2, 10, 2, 2, 2, 2)
    sink.close()


def test_a_receipt_that_is_there_already_is_not_counted_again(database: Path) -> None:
    sink = SqliteSink(database)
    position = sink.open()
    first, second = a_call("call_1", 1, session="s"), a_call("call_2", 1, session="s")
    for number, batch in enumerate(([first], [first, second, second], [second, first])):
        behind = Position(1, number + 1)
        sink.load(entries(*batch), position, behind)
        position = behind
    assert counted(database) == counted(database, 96) == (2, 10, 1, 2, 1, 2)
    sink.close()


def test_a_database_that_takes_the_place_of_another_gets_numbers_of_its_own(
    database: Path, tmp_path: Path
) -> None:
    sink = SqliteSink(database)
    sink.open()
    sink.load(entries(a_call("call_1", 1, session="s")), START, LATER)
    database.rename(tmp_path / "away.db")
    for name in ("-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    migrate(database)
    assert sink.open() == START
    sink.load(entries(a_call("call_2", 1, session="s")), START, LATER)
    assert counted(database) == (1, 5, 1, 1, 1, 1)
    with sqlite3.connect(database) as connection:
        joined = connection.execute(
            "SELECT count(*) FROM rollups r JOIN rollup_kinds k ON k.number = r.kind"
        ).fetchone()
    connection.close()
    assert joined == (2,)
    sink.close()


def test_more_kinds_and_sessions_than_are_remembered_are_counted_right(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portico.adapters.store.rollups.KINDS_KNOWN", 3)
    monkeypatch.setattr("portico.adapters.store.rollups.SESSIONS_KNOWN", 3)
    sink = SqliteSink(database)
    position = sink.open()
    for number in range(30):
        calls = [
            a_call(f"call_{number}-{n}", 1, an_attempt(f"m{(number + n) % 7}"), session=f"s{n}")
            for n in range(number % 5)
        ]
        behind = Position(1, number + 1)
        sink.load(entries(*calls), position, behind)
        position = behind
    assert counted(database) == counted(database, 96) == (60, 300, 7, 60, 4, 60)
    sink.close()
