"""What every ledger makes of feedback: SQLite, and the fake that ships."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.contract.ledgers import (
    BOTH,
    DAY_NS,
    Kept,
    Opens,
    a_call,
    an_attempt,
    in_files,
    opened,
)

from portico.adapters.store.sealing import KEY_FILE, Sealer
from portico.contract.errors import InvalidRequest
from portico.contract.feedback import Feedback
from portico.contract.ledger import SpendingKey, SpendingQuery
from portico.contract.receipt import Receipt

SECRET = "what the customer wrote"


@pytest.fixture(params=BOTH)
def opens(request: pytest.FixtureRequest) -> Opens:
    chosen: Opens = request.param
    return chosen


def judge(kept: Kept, call: str, at_ns: int = 1, **more: object) -> None:
    known: dict[str, object] = {"call": call, "at_ns": at_ns, "by": "key_1"}
    asyncio.run(kept.ledger.judged(Feedback(**(known | more))))  # type: ignore[arg-type]


def counts(kept: Kept, *by: SpendingKey) -> list[tuple[tuple[str, ...], int, int]]:
    """Keys, accepted and judged calls, where there are any."""
    query = SpendingQuery(since_ns=0, until_ns=100 * DAY_NS, by=by)
    found = asyncio.run(kept.ledger.spending(query))
    return [(each.keys, each.accepted, each.judged) for each in found if each.judged]


def calls(number: int) -> Sequence[Receipt]:
    return [a_call(f"call_{n}", n * DAY_NS) for n in range(number)]


def test_a_call_counts_as_judged_once_and_by_what_was_said_last(
    opens: Opens, tmp_path: Path
) -> None:
    with opened(opens)(tmp_path, calls(2)) as kept:
        said: list[tuple[dict[str, object], int]] = [
            ({"label": "accepted"}, 1), ({"score": 0.2}, 0), ({"score": 0.5}, 0),
            ({"score": 0.6}, 1), ({"label": "rejected", "score": 1.0}, 0), ({"score": 1.0}, 1),
        ]  # fmt: skip
        for at_ns, (what, accepted) in enumerate(said):
            judge(kept, "call_1", at_ns, **what)
            assert counts(kept) == [((), accepted, 1)]
            assert counts(kept, "day") == [(("1970-01-02",), accepted, 1)]
        judge(kept, "call_0", label="rejected")
        assert counts(kept) == [((), 1, 2)]


def test_feedback_that_comes_late_does_not_replace_a_newer_one(
    opens: Opens, tmp_path: Path
) -> None:
    with opened(opens)(tmp_path, calls(1)) as kept:
        judge(kept, "call_0", 9, label="accepted")
        judge(kept, "call_0", 8, label="rejected")
        assert counts(kept) == [((), 1, 1)]
        judge(kept, "call_0", 9, label="rejected")
        assert counts(kept) == [((), 0, 1)]


def test_feedback_counts_where_the_call_began(opens: Opens, tmp_path: Path) -> None:
    attempts = (an_attempt("large", status="failed"), an_attempt("small"))
    call = a_call("call_1", DAY_NS, *attempts, tags=(("b", "2"), ("a", "1")), key="key_2")
    with opened(opens)(tmp_path, [call]) as kept:
        judge(kept, "call_1", label="accepted")
        assert counts(kept, "model") == [(("large",), 1, 1)]
        assert counts(kept, "tag", "key") == [(("a=1", "key_2"), 1, 1), (("b=2", "key_2"), 1, 1)]


def test_feedback_on_a_call_that_is_not_in_the_ledger_is_refused(
    opens: Opens, tmp_path: Path
) -> None:
    with opened(opens)(tmp_path, calls(2)) as kept:
        with pytest.raises(InvalidRequest, match="call_x") as refused:
            judge(kept, "call_x", label="accepted")
        assert refused.value.field == "call"
        assert asyncio.run(kept.ledger.forget(DAY_NS)) == 1
        with pytest.raises(InvalidRequest, match="call_0"):
            judge(kept, "call_0", label="accepted")
        assert counts(kept) == []


def test_feedback_on_a_call_that_reached_no_model_is_taken_and_counted_nowhere(
    opens: Opens, tmp_path: Path
) -> None:
    with opened(opens)(tmp_path, [Receipt(call="call_1", received_ns=1, door="d")]) as kept:
        judge(kept, "call_1", label="accepted")
        assert counts(kept) == []


def test_feedback_counts_on_calls_whose_sums_leave_the_range_of_a_database(
    opens: Opens, tmp_path: Path
) -> None:
    huge = [a_call(f"call_{n}", 1, an_attempt(cost_nano=2**63 - 1)) for n in range(3)]
    with opened(opens)(tmp_path, huge) as kept:
        for number in range(3):
            judge(kept, f"call_{number}", label="accepted")
        assert counts(kept) == [((), 3, 3)]


def test_feedback_that_is_forgotten_stays_counted_and_is_not_counted_again(
    opens: Opens, tmp_path: Path
) -> None:
    with opened(opens)(tmp_path, calls(3)) as kept:
        for number in range(3):
            judge(kept, f"call_{number}", number, label="accepted", comment=SECRET)
        assert asyncio.run(kept.ledger.forget(DAY_NS)) == 1
        assert asyncio.run(kept.ledger.forget_feedback(2)) == 2
        assert asyncio.run(kept.ledger.forget_feedback(2)) == 0
        assert counts(kept) == [((), 3, 3)]
        judge(kept, "call_1", 9, label="rejected")
        assert counts(kept) == [((), 2, 3)]


def test_of_forgotten_feedback_neither_author_nor_comment_is_left(tmp_path: Path) -> None:
    with opened(in_files)(tmp_path, calls(2)) as kept:
        for number in range(2):
            judge(kept, f"call_{number}", number, comment=SECRET)
        asyncio.run(kept.ledger.forget(DAY_NS))
        assert asyncio.run(kept.ledger.forget_feedback(9)) == 2
        assert rows(tmp_path) == [("call_1", 1, "", b"")]


def rows(directory: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(directory / "portico.db") as connection:
        found = connection.execute('SELECT call, at_ns, "by", sealed FROM feedback').fetchall()
    connection.close()
    return found


def test_comments_are_sealed_and_go_with_the_receipt(tmp_path: Path) -> None:
    with opened(in_files)(tmp_path, calls(2)) as kept:
        judge(kept, "call_0", 7, score=1.0, comment=SECRET)
        judge(kept, "call_1", 8, comment=SECRET)
        judge(kept, "call_1", 9)
        (call, at_ns, by, sealed), *_, (*_, empty) = rows(tmp_path)
        assert isinstance(sealed, bytes)
        place = ("feedback", str(call), str(at_ns), str(by))
        assert Sealer(tmp_path / KEY_FILE).open(sealed, *place) == SECRET.encode()
        assert empty == b""
        shown = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
        assert SECRET.encode() not in shown
        assert asyncio.run(kept.ledger.forget(DAY_NS)) == 1
        assert [row[3] == b"" for row in rows(tmp_path)] == [True, False, True]


def test_feedback_without_comments_needs_no_key(tmp_path: Path) -> None:
    with opened(in_files)(tmp_path, calls(1)) as kept:
        judge(kept, "call_0", label="accepted")
    assert not (tmp_path / KEY_FILE).exists()
