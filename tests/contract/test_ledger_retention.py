"""What outlives receipts, and what budgets are counted from: every ledger."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.contract.ledgers import (
    BOTH,
    DAY_NS,
    QUARTER_NS,
    Kept,
    Opens,
    a_call,
    an_attempt,
    in_files,
    opened,
)

from portico.adapters.store import forgetting
from portico.contract.budget import Recorded
from portico.contract.energy import Energy, EnergyBasis
from portico.contract.errors import InvalidRequest
from portico.contract.feedback import Feedback
from portico.contract.ledger import EnergyKey, SpendingKey, SpendingQuery
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage

ENERGY_KEYS: tuple[EnergyKey, ...] = ("workload", "team", "model", "day")
SPENDING_KEYS: tuple[SpendingKey, ...] = ("model", "day", "tag", "quarter_hour")


@pytest.fixture(params=BOTH)
def opens(request: pytest.FixtureRequest) -> Opens:
    chosen: Opens = request.param
    return chosen


def estimated(model: str) -> Attempt:
    attempt = an_attempt(model)
    attempt.energy = Energy(low_nwh=1, high_nwh=2, co2e_low_ng=3, co2e_high_ng=4)
    attempt.energy_basis = EnergyBasis(
        method="m", size_low=1, size_high=2, active_low=1, active_high=1, size_source="s",
        zone="Z", grid_source="g", grid_date="2026-01-01",
    )  # fmt: skip
    return attempt


def calls() -> list[Receipt]:
    return [
        a_call("call_0", 0, estimated("large"), an_attempt("small"), session="s"),
        a_call("call_1", DAY_NS, estimated("small"), session="s", tags=(("b", "2"), ("a", "1"))),
        a_call("call_2", DAY_NS + 1, an_attempt("echo", simulated=True), session="t", key="key_1"),
        a_call("call_3", 2 * DAY_NS, estimated("small"), session="s", team="mail"),
    ]


def everything(kept: Kept) -> list[object]:
    """All sums that the ledger gives."""

    async def main() -> list[object]:
        ledger, end = kept.ledger, 9 * DAY_NS
        queries = [SpendingQuery(since_ns=0, until_ns=end, by=(key,)) for key in SPENDING_KEYS]
        return [
            *[list(await ledger.spending(query)) for query in queries],
            *[list(await ledger.energy(0, end, key)) for key in ENERGY_KEYS],
            list(await ledger.sessions(0)),
        ]

    return asyncio.run(main())


def known(kept: Kept) -> list[str]:
    return [each.call for each in asyncio.run(kept.ledger.recent(9))]


def test_sums_stay_when_receipts_are_forgotten(opens: Opens, tmp_path: Path) -> None:
    with opened(opens)(tmp_path, calls()) as kept:
        said = Feedback(call="call_1", at_ns=1, by="key_1", label="accepted")
        asyncio.run(kept.ledger.judged(said))
        before = everything(kept)
        assert asyncio.run(kept.ledger.forget(DAY_NS + 1)) == 2
        assert known(kept) == ["call_2", "call_3"]
        assert everything(kept) == before
        assert asyncio.run(kept.ledger.forget(DAY_NS + 1)) == 0
        kept.record([a_call("call_4", DAY_NS + 2)])
        assert known(kept) == ["call_2", "call_3", "call_4"]
        assert everything(kept) != before


def test_forgetting_takes_attempts_too_and_ends_after_many_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [a_call(f"call_{n}", n, estimated("small"), an_attempt("large")) for n in range(1205)]
    with opened(in_files)(tmp_path, many) as kept:
        assert asyncio.run(kept.ledger.forget(1204)) == 1204
        assert known(kept) == ["call_1204"]
        with sqlite3.connect(tmp_path / "portico.db") as connection:
            left = connection.execute("SELECT id FROM attempts ORDER BY id").fetchall()
        connection.close()
        assert left == [("call_1204-0",), ("call_1204-1",)]
        assert forgetting.AT_ONCE < 1204 / 2


def test_calls_of_budgets_come_in_the_order_of_their_recording(
    opens: Opens, tmp_path: Path
) -> None:
    late = a_call(
        "call_9", DAY_NS, an_attempt(cost_nano=3), an_attempt(usage=Usage(output_image=2)),
        session="s", key="key_1", tags=(("b", "2"), ("a", "1")), project="p",
    )  # fmt: skip
    refused = Receipt(call="call_5", received_ns=DAY_NS, door="d", status="refused")
    early = a_call("call_7", DAY_NS - 1)
    with opened(opens)(tmp_path, [a_call("call_8", DAY_NS + 5), early, late, refused]) as kept:
        found = list(asyncio.run(kept.ledger.recorded(DAY_NS)))
        assert [each.call for each in found] == ["call_8", "call_9", "call_5"]
        assert found[1] == Recorded(
            call="call_9", received_ns=DAY_NS, team="care", workload="support", project="p",
            key="key_1", session="s", tags=(("b", "2"), ("a", "1")), nano=8, tokens=129, calls=1,
        )  # fmt: skip
        assert (found[2].calls, found[2].nano, found[2].tokens) == (0, 0, 0)
        behind = asyncio.run(kept.ledger.recorded(DAY_NS, "call_8"))
        assert [each.call for each in behind] == ["call_9", "call_5"]
        assert list(asyncio.run(kept.ledger.recorded(DAY_NS, "call_5"))) == []
        assert list(asyncio.run(kept.ledger.recorded(9 * DAY_NS))) == []
        with pytest.raises(InvalidRequest, match="call_x"):
            asyncio.run(kept.ledger.recorded(DAY_NS, "call_x"))


def test_a_session_that_lives_is_read_from_its_first_call(opens: Opens, tmp_path: Path) -> None:
    more = [
        a_call("call_4", 2 * DAY_NS + 7, session="s", team="mail"),
        a_call("call_5", 2 * DAY_NS + 8),
        Receipt(call="call_6", received_ns=9 * DAY_NS, door="d", session="t", status="refused"),
    ]
    with opened(opens)(tmp_path, [*calls(), *more]) as kept:
        assert asyncio.run(kept.ledger.forget(DAY_NS)) == 1
        found = asyncio.run(kept.ledger.sessions(DAY_NS + 2))
        assert [(e.call, e.session, e.received_ns, e.calls, e.nano, e.tokens) for e in found] == [
            ("", "s", 0, 1, 10, 254),
            ("", "s", DAY_NS, 1, 5, 127),
            ("", "s", 2 * DAY_NS, 2, 10, 254),
        ]
        assert [each.tags for each in found] == [(), (("a", "1"), ("b", "2")), ()]
        assert [each.team for each in found] == ["care", "care", "mail"]
        assert len(asyncio.run(kept.ledger.sessions(DAY_NS + 1))) == 4
        assert list(asyncio.run(kept.ledger.sessions(2 * DAY_NS + 8))) == []


def test_a_session_s_calls_of_one_quarter_are_one_entry_whatever_models_they_reached(
    opens: Opens, tmp_path: Path
) -> None:
    receipts = [
        a_call("call_1", QUARTER_NS + 9, an_attempt("large"), session="s", release="rel_1"),
        a_call("call_2", QUARTER_NS + 5, an_attempt("small"), session="s", release="rel_2"),
        a_call("call_3", QUARTER_NS + 7, session="s", key="key_1"),
    ]
    with opened(opens)(tmp_path, receipts) as kept:
        found = asyncio.run(kept.ledger.sessions(0))
        assert [(each.key, each.received_ns, each.calls) for each in found] == [
            ("", QUARTER_NS + 5, 2),
            ("key_1", QUARTER_NS + 7, 1),
        ]


def test_energy_is_summed_over_whole_quarters_of_an_hour(opens: Opens, tmp_path: Path) -> None:
    times = (QUARTER_NS - 1, QUARTER_NS, 2 * QUARTER_NS - 1, 2 * QUARTER_NS)
    receipts = [a_call(f"call_{n}", at, estimated("small")) for n, at in enumerate(times)]
    with opened(opens)(tmp_path, receipts) as kept:
        (found,) = asyncio.run(kept.ledger.energy(QUARTER_NS + 9, QUARTER_NS + 10, "model"))
        assert (found.calls, found.parts[0].attempts) == (2, 2)


def test_what_the_journal_had_no_room_for_is_counted_all_the_same(tmp_path: Path) -> None:
    shortened = a_call(
        "call_1", 1, an_attempt(), an_attempt(), degraded=("journal:attempts",), cost_nano=100,
        usage=Usage(input=1000, cached_read=40, output=14),
    )  # fmt: skip
    emptied = a_call(
        "call_2", 1, model="small", cost_nano=50, usage=Usage(input=3, output=4), session="s",
        degraded=("journal:prices", "journal:attempts", "journal:all-attempts"),
    )  # fmt: skip
    emptied.attempts = ()
    unpriced = a_call("call_3", 1, degraded=("journal:prices",), unpriced=True)
    priced = a_call("call_4", 1, degraded=("journal:prices",))
    with opened(in_files)(tmp_path, [shortened, emptied, unpriced, priced]) as kept:
        query = SpendingQuery(since_ns=0, until_ns=DAY_NS)
        (found,) = asyncio.run(kept.ledger.spending(query))
        assert (found.calls, found.cost_nano) == (4, 100 + 50 + 10)
        assert found.unpriced == 2 + 1
        assert (found.tokens_in, found.tokens_out) == (1040 + 3 + 240, 14 + 4 + 14)
        entries = asyncio.run(kept.ledger.recorded(0))
        assert [each.tokens for each in entries] == [1054, 7, 127, 127]
        (session,) = asyncio.run(kept.ledger.sessions(0))
        assert (session.calls, session.nano, session.tokens) == (1, 50, 7)


def test_terms_of_capacity_begin_end_and_go_on(opens: Opens, tmp_path: Path) -> None:
    with opened(opens)(tmp_path) as kept:

        def terms(since: int, until: int) -> list[tuple[str, str, int, int, int]]:
            found = asyncio.run(kept.ledger.capacities(since, until))
            return [(e.model, e.project, e.nano_per_hour, e.since_ns, e.until_ns) for e in found]

        put = kept.store.put_capacities
        put("a", 10, {"small": 5, "large": 7})
        put("b", 10, {"small": 6})
        put("a", 20, {"small": 5, "large": 8})
        put("a", 20, {"small": 5, "large": 9})
        put("a", 30, {"large": 9})
        put("b", 40, {})
        assert terms(0, 99) == [
            ("large", "a", 7, 10, 20),
            ("large", "a", 9, 20, 0),
            ("small", "a", 5, 10, 30),
            ("small", "b", 6, 10, 40),
        ]
        assert terms(20, 21) == [
            ("large", "a", 9, 20, 0), ("small", "a", 5, 10, 30), ("small", "b", 6, 10, 40),
        ]  # fmt: skip
        assert terms(0, 10) == []
        assert terms(30, 31) == [("large", "a", 9, 20, 0), ("small", "b", 6, 10, 40)]
        assert terms(40, 41) == [("large", "a", 9, 20, 0)]
