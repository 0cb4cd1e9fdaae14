"""What every ledger sums of money: SQLite's roll-ups, and the fake that looks at each receipt."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.contract.ledgers import (
    BOTH,
    DAY_NS,
    QUARTER_NS,
    Opens,
    a_call,
    an_attempt,
    in_files,
    in_memory,
    opened,
)

from portico.contract.errors import InvalidRequest
from portico.contract.ledger import Spending, SpendingKey, SpendingQuery
from portico.contract.money import Price, Rates
from portico.contract.ports import Ledger
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import StopReason, Usage

NOVEMBER_NS = 20_393 * DAY_NS
"""2025-11-01."""
PRICE = Price(rates=Rates(input=1, output=2))


@pytest.fixture(params=BOTH)
def opens(request: pytest.FixtureRequest) -> Opens:
    chosen: Opens = request.param
    return chosen


def query(
    *by: SpendingKey,
    where: Sequence[tuple[SpendingKey, str]] = (),
    since: int = NOVEMBER_NS - 40 * DAY_NS,
    until: int = NOVEMBER_NS + 40 * DAY_NS,
) -> SpendingQuery:
    return SpendingQuery(since_ns=since, until_ns=until, by=by, where=tuple(where))


def read(ledger: Ledger, asked: SpendingQuery) -> list[Spending]:
    return list(asyncio.run(ledger.spending(asked)))


def summed(
    opens: Opens, directory: Path, receipts: Sequence[Receipt], asked: SpendingQuery
) -> list[Spending]:
    with opened(opens)(directory, receipts) as kept:
        return read(kept.ledger, asked)


def costs(found: Sequence[Spending]) -> list[tuple[tuple[str, ...], int, int]]:
    return [(each.keys, each.calls, each.cost_nano) for each in found]


def test_every_measure_of_a_call_is_summed(opens: Opens, tmp_path: Path) -> None:
    usage = Usage(
        input=1, cached_read=2, cache_write_5m=4, cache_write_1h=8, input_audio=16,
        cached_audio=32, output=64, output_audio=128, output_image=256, reasoning=50,
        input_image=1,
    )  # fmt: skip
    receipts = [
        a_call(
            "call_1", NOVEMBER_NS, an_attempt(usage=usage, price=PRICE), session="s",
            max_output_tokens=9, cap_source="workload", stop=StopReason.LENGTH,
        ),
        a_call("call_2", NOVEMBER_NS, an_attempt(status="failed"), status="failed"),
        a_call("call_3", NOVEMBER_NS, session="s", max_output_tokens=9, cap_source="default"),
    ]  # fmt: skip
    assert summed(opens, tmp_path, receipts, query()) == [
        Spending(
            keys=(), simulated=False, calls=3, answered=2, sessions=1, session_nano=10,
            accepted=0, judged=0, attempts=3, failed=1, unpriced=2, tokens_in=63 + 240,
            tokens_cached=34 + 40, tokens_out=448 + 14, cost_nano=15, capped=1, cap_hits=1,
        )
    ]  # fmt: skip


def test_a_call_counts_where_its_first_attempt_went_and_attempts_where_they_went(
    opens: Opens, tmp_path: Path
) -> None:
    attempts = (
        an_attempt("large", status="failed"),
        an_attempt("small"),
        an_attempt("echo", simulated=True),
    )
    found = summed(opens, tmp_path, [a_call("call_1", NOVEMBER_NS, *attempts)], query("model"))
    assert [(e.keys, e.simulated, e.calls, e.attempts, e.failed) for e in found] == [
        (("echo",), True, 0, 1, 0),
        (("large",), False, 1, 1, 1),
        (("small",), False, 0, 1, 0),
    ]


def test_a_call_that_reached_no_model_is_not_in_it(opens: Opens, tmp_path: Path) -> None:
    refused = Receipt(call="call_1", received_ns=NOVEMBER_NS, door="d", status="refused")
    assert summed(opens, tmp_path, [refused], query()) == []


BY: list[tuple[SpendingKey, list[str]]] = [
    ("project", ["default", "other"]),
    ("team", ["care", "mail"]),
    ("workload", ["reply", "support"]),
    ("model", ["large", "small"]),
    ("provider", ["of-large", "of-small"]),
    ("release", ["rel_1", "rel_2"]),
    ("prompt", ["greeting@ver_1", "observed:00ff"]),
    ("key", ["key_1", "key_2"]),
    ("tag", ["b=2", "beta"]),
    ("day", ["2025-10-31", "2025-11-01"]),
    ("month", ["2025-10", "2025-11"]),
    ("quarter_hour", [str(NOVEMBER_NS - QUARTER_NS), str(NOVEMBER_NS)]),
]


def two_calls() -> list[Receipt]:
    return [
        a_call(
            "call_1", NOVEMBER_NS - 1, release="rel_1", prompt="greeting", prompt_version="ver_1",
            key="key_1", tags=(("b", "2"),),
        ),
        a_call(
            "call_2", NOVEMBER_NS, an_attempt("large"), release="rel_2", prompt="observed:00ff",
            key="key_2", tags=(("beta", ""),), project="other", team="mail", workload="reply",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(("key", "names"), BY)
def test_spending_is_summed_and_chosen_by_every_key(
    opens: Opens, tmp_path: Path, key: SpendingKey, names: list[str]
) -> None:
    with opened(opens)(tmp_path, two_calls()) as kept:
        found = read(kept.ledger, query(key))
        assert [each.keys for each in found] == [(name,) for name in names]
        assert [each.calls for each in found] == [1, 1]
        for name in names:
            (one,) = read(kept.ledger, query(where=[(key, name)]))
            assert one.calls == 1
            (same,) = read(kept.ledger, query(key, where=[(key, name)]))
            assert same.keys == (name,)


def test_every_pair_of_keys_sums_to_the_same_by_both_ledgers(tmp_path: Path) -> None:
    keys = [key for key, _ in BY]
    with (
        opened(in_files)(tmp_path, two_calls()) as files,
        opened(in_memory)(tmp_path, two_calls()) as memory,
    ):
        for first in keys:
            for second in keys:
                if first != second:
                    asked = query(first, second)
                    assert read(files.ledger, asked) == read(memory.ledger, asked)


def test_a_call_counts_once_for_each_of_its_tags(opens: Opens, tmp_path: Path) -> None:
    receipts = [
        a_call("call_1", NOVEMBER_NS, tags=(("b", "1"), ("a", ""), ("b", "1"))),
        a_call("call_2", NOVEMBER_NS, tags=(("a", ""), ("b", "1"))),
        a_call("call_3", NOVEMBER_NS),
    ]
    with opened(opens)(tmp_path, receipts) as kept:
        assert costs(read(kept.ledger, query("tag"))) == [(("a",), 2, 10), (("b=1",), 2, 10)]
        assert costs(read(kept.ledger, query(where=[("tag", "b")]))) == [((), 2, 10)]
        assert read(kept.ledger, query(where=[("tag", "b=2")])) == []


def test_a_prompt_can_be_chosen_in_all_its_versions(opens: Opens, tmp_path: Path) -> None:
    receipts = [
        a_call("call_1", NOVEMBER_NS, prompt="greeting", prompt_version="ver_1"),
        a_call("call_2", NOVEMBER_NS, prompt="greeting", prompt_version="ver_2"),
        a_call("call_3", NOVEMBER_NS, prompt="other", prompt_version="ver_1"),
    ]
    with opened(opens)(tmp_path, receipts) as kept:
        assert costs(read(kept.ledger, query(where=[("prompt", "greeting")]))) == [((), 2, 10)]
        assert costs(read(kept.ledger, query(where=[("prompt", "greeting@ver_2")]))) == [((), 1, 5)]


def test_the_window_ends_before_its_end_on_quarters_days_and_months(
    opens: Opens, tmp_path: Path
) -> None:
    times = [NOVEMBER_NS + n * QUARTER_NS + d for n in (-97, -1, 0, 1, 96, 300) for d in (0, -1)]
    receipts = [a_call(f"call_{n}", at) for n, at in enumerate(times)]
    edges = sorted({at // QUARTER_NS * QUARTER_NS for at in times})
    with opened(opens)(tmp_path, receipts) as kept:
        for since in edges:
            for until in edges:
                inside = sum(since <= at < until for at in times)
                for by in ((), ("day",), ("month",), ("quarter_hour",)):
                    found = read(kept.ledger, query(*by, since=since, until=until))
                    assert sum(each.calls for each in found) == inside


@pytest.mark.parametrize("off", [1, QUARTER_NS - 1])
def test_a_window_that_cuts_a_quarter_of_an_hour_is_refused(
    opens: Opens, tmp_path: Path, off: int
) -> None:
    with opened(opens)(tmp_path) as kept:
        with pytest.raises(InvalidRequest, match="quarter of an hour"):
            read(kept.ledger, query(since=NOVEMBER_NS + off))
        with pytest.raises(InvalidRequest, match="quarter of an hour"):
            read(kept.ledger, query(until=NOVEMBER_NS + off))


def test_more_than_three_keys_one_key_twice_and_times_that_are_none_are_refused(
    opens: Opens, tmp_path: Path
) -> None:
    with opened(opens)(tmp_path) as kept:
        with pytest.raises(InvalidRequest, match="at most 3"):
            read(kept.ledger, query("team", "model", "day", "key"))
        with pytest.raises(InvalidRequest, match="named once"):
            read(kept.ledger, query("team", "team"))
        times: list[tuple[SpendingKey, str]] = [
            ("day", "yesterday"), ("day", "20251101"), ("month", "2025-13"),
            ("month", "9999-12"), ("quarter_hour", "1"), ("quarter_hour", "noon"),
        ]  # fmt: skip
        for key, value in times:
            with pytest.raises(InvalidRequest, match=r"is no (day|month|quarter hour)"):
                read(kept.ledger, query(where=[(key, value)]))


def test_a_session_over_many_quarters_counts_once_where_its_calls_began(
    opens: Opens, tmp_path: Path
) -> None:
    fallback = (an_attempt("large", status="failed"), an_attempt("small"))
    receipts = [
        a_call("call_1", NOVEMBER_NS - QUARTER_NS, session="a"),
        a_call("call_2", NOVEMBER_NS, session="a"),
        a_call("call_3", NOVEMBER_NS + DAY_NS, *fallback, session="a"),
        a_call("call_4", NOVEMBER_NS, session="b"),
        a_call("call_5", NOVEMBER_NS, session="a", team="mail"),
        a_call("call_6", NOVEMBER_NS),
    ]
    with opened(opens)(tmp_path, receipts) as kept:

        def sessions(*by: SpendingKey) -> list[tuple[tuple[str, ...], int]]:
            return [(each.keys, each.sessions) for each in read(kept.ledger, query(*by))]

        assert sessions() == [((), 3)]
        assert sessions("team") == [(("care",), 2), (("mail",), 1)]
        assert sessions("model") == [(("large",), 1), (("small",), 3)]
        assert sessions("month") == [(("2025-10",), 1), (("2025-11",), 3)]
        assert sessions("day")[1:] == [(("2025-11-01",), 3), (("2025-11-02",), 1)]
        assert [count for _, count in sessions("quarter_hour")] == [1, 3, 1]


def test_a_receipt_that_comes_twice_is_counted_once(opens: Opens, tmp_path: Path) -> None:
    for _ in range(2):
        with opened(opens)(tmp_path, [a_call("call_1", NOVEMBER_NS, session="s")] * 2) as kept:
            kept.record([a_call("call_1", NOVEMBER_NS, session="s"), a_call("call_2", NOVEMBER_NS)])
            assert costs(read(kept.ledger, query())) == [((), 2, 10)]


def test_sums_past_the_range_of_a_database_are_exact(opens: Opens, tmp_path: Path) -> None:
    largest = 2**63 - 1
    usage = Usage(input=largest, output=largest)
    huge = [
        a_call(f"call_{n}", NOVEMBER_NS, an_attempt(cost_nano=largest, usage=usage), session="s")
        for n in range(3)
    ]
    with opened(opens)(tmp_path, huge) as kept:
        for number in range(3, 6):
            asyncio.run(kept.ledger.recent(1))  # a batch of its own
            kept.record([a_call(f"call_{number}", NOVEMBER_NS, an_attempt(cost_nano=number))])
        for by in ((), ("day",), ("quarter_hour",), ("quarter_hour", "team")):
            (found,) = read(kept.ledger, query(*by))
            assert found.cost_nano == 3 * largest + 3 + 4 + 5
            assert found.tokens_in == 3 * largest + 3 * 120
            assert (found.calls, found.sessions) == (6, 1)


def made_up(seed: int, calls: int) -> list[Receipt]:
    draw = random.Random(seed)
    names = ("", "a", "b", "Ä", "a@b", "b=1")

    def attempts() -> list[Attempt]:
        return [
            an_attempt(
                draw.choice(("small", "large")), status=draw.choice(("ok", "failed", "lost")),
                simulated=draw.random() < 0.2, cost_nano=draw.randrange(10**6),
                price=draw.choice((None, PRICE)), usage=Usage(input=draw.randrange(99)),
            )
            for _ in range(draw.choice((1, 1, 1, 2, 4)))
        ]  # fmt: skip

    return [
        a_call(
            f"call_{number}", NOVEMBER_NS + draw.randrange(-3 * DAY_NS, 3 * DAY_NS),
            *attempts(),
            team=draw.choice(names), key=draw.choice(names), session=draw.choice(names),
            prompt=draw.choice(names), prompt_version=draw.choice(("", "v")),
            tags=tuple((draw.choice(names), draw.choice(names)) for _ in range(draw.randrange(3))),
            status=draw.choice(("ok", "failed", "cancelled")), release=draw.choice(names),
        )
        for number in range(calls)
    ]  # fmt: skip


CHOSEN: tuple[SpendingKey, ...] = ("team", "key", "tag", "model", "prompt")


@pytest.mark.parametrize("seed", range(6))
def test_roll_ups_are_what_looking_at_every_receipt_gives(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    keys = [key for key, _ in BY]
    with (
        opened(in_files)(tmp_path, made_up(seed, 120)) as files,
        opened(in_memory)(tmp_path, made_up(seed, 120)) as memory,
    ):
        for _ in range(25):
            by = draw.sample(keys, draw.randrange(4))
            chosen = read(memory.ledger, query(draw.choice(keys)))
            key = draw.choice(CHOSEN)
            values = [each.keys[0] for each in read(memory.ledger, query(key))]
            since = NOVEMBER_NS - draw.randrange(300) * QUARTER_NS
            until = NOVEMBER_NS + draw.randrange(300) * QUARTER_NS
            asked = query(*by, where=[(key, draw.choice(values))], since=since, until=until)
            assert chosen
            assert read(files.ledger, asked) == read(memory.ledger, asked)
