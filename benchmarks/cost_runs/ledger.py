"""A ledger of a million receipts: whether its sums are exact, and how long its reports take."""

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.cost_runs.ledger_calls import DAY_NS, DAYS, KEYS, START_NS, Made, Sums

from portico.adapters.journal.entries import RECEIPT, encode
from portico.adapters.journal.sink import Entry, Position
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.store.ledger import SqliteLedger
from portico.adapters.store.migrate import migrate
from portico.adapters.store.sink import SqliteSink
from portico.contract.ledger import Spending, SpendingKey, SpendingQuery

BATCH: Final = 1_000
TIMES: Final = 5
"""A report is read this often; its time is the median."""
SEED: Final = 5
TOGETHER: Final[tuple[SpendingKey, ...]] = ("team", "workload", "model")

COLUMNS: Final[dict[SpendingKey, str]] = {
    "project": "r.project",
    "team": "r.team",
    "workload": "r.workload",
    "model": "a.model",
    "provider": "a.provider",
    "release": 'r."release"',
    "prompt": "r.prompt || '@' || r.prompt_version",
    "key": 'r."key"',
    "day": "strftime('%Y-%m-%d', r.received_ns / 1000000000, 'unixepoch')",
    "month": "strftime('%Y-%m', r.received_ns / 1000000000, 'unixepoch')",
    "quarter_hour": "CAST(r.received_ns / 900000000000 * 900000000000 AS TEXT)",
}
"""What rows of receipts are summed by; their tags are only in their bodies."""
OF_ATTEMPTS: Final = """
SELECT {key}, a.simulated, sum(a.id LIKE '%b' = 0), count(*), sum(a.input + a.cached_read),
       sum(a.output), sum(a.cost_nano)
FROM receipts r JOIN attempts a ON a.call = r.call GROUP BY 1, 2
"""


@dataclass(frozen=True)
class LedgerResult:
    receipts: int
    attempts: int
    quarters: int
    """Rows of roll-ups by the quarter of an hour."""
    wrong: tuple[str, ...]
    """Keys whose sums differ anywhere between roll-ups, attempts, receipts and the generator."""
    reports_ms: tuple[tuple[str, float], ...]
    loader_us: float
    """Of CPU a receipt."""
    size_bytes: int
    rollup_bytes: int
    forgotten: int
    forget_s: float
    unchanged: bool
    """No sum changed when half of the receipts were deleted."""

    @property
    def exact(self) -> bool:
        return not self.wrong and self.unchanged

    @property
    def slowest_ms(self) -> float:
        return max(ms for _, ms in self.reports_ms)

    def lines(self) -> list[str]:
        sums = "exact by every key" if not self.wrong else f"WRONG by {', '.join(self.wrong)}"
        size, rollups = self.size_bytes / 1e6, self.rollup_bytes / 1e6
        kept = "unchanged" if self.unchanged else "CHANGED"
        return [
            f"{self.receipts:,} receipts, {self.attempts:,} attempts: sums {sums}",
            f"  loader {self.loader_us:.1f} us of CPU a receipt",
            f"  on disk {size:,.0f} MB, {self.size_bytes / self.receipts:,.0f} bytes a receipt",
            f"  of these {rollups:,.0f} MB roll-ups, {self.quarters:,} rows by the quarter hour",
            *(f"  report by {by:<24} {ms:8.1f} ms" for by, ms in self.reports_ms),
            f"  {self.forgotten:,} receipts forgotten in {self.forget_s:.1f} s; roll-ups {kept}",
        ]


def run(receipts: int, directory: Path) -> LedgerResult:
    """Writes as many calls of thirty days into a database in `directory`, and reads it."""
    database = directory / "portico.db"
    migrate(database)
    made = Made(receipts, SEED)
    loader_us = _load(database, made) / receipts * 1e6
    ledger = SqliteLedger(database, MemoryJournal())
    wrong = _wrong(database, ledger, made)
    reports = tuple((" ".join(by) or "nothing", _timed(ledger, by)) for by in _questions())
    size, rollups, quarters, attempts = _sizes(database)
    before = [_spending(ledger, (key,)) for key in KEYS]
    began = time.perf_counter()
    forgotten = asyncio.run(ledger.forget(START_NS + DAYS * DAY_NS // 2))
    forget_s = time.perf_counter() - began
    return LedgerResult(
        receipts=receipts,
        attempts=attempts,
        quarters=quarters,
        wrong=wrong,
        reports_ms=reports,
        loader_us=loader_us,
        size_bytes=size,
        rollup_bytes=rollups,
        forgotten=forgotten,
        forget_s=forget_s,
        unchanged=before == [_spending(ledger, (key,)) for key in KEYS],
    )


def _questions() -> Iterator[tuple[SpendingKey, ...]]:
    yield ()
    for key in KEYS:
        yield (key,)
    yield TOGETHER


# --- writing -----------------------------------------------------------------------------------


def _load(database: Path, made: Made) -> float:
    """Seconds of CPU that loading took, in batches as the journal's loader gives them."""
    sink = SqliteSink(database)
    position, seconds = sink.open(), 0.0
    receipts = iter(made)
    while batch := list(islice(receipts, BATCH)):
        entries = [Entry(RECEIPT, encode(each), each.call, each) for each in batch]
        behind = Position(1, position.offset + len(batch))
        began = time.process_time()
        sink.load(entries, position, behind)
        seconds += time.process_time() - began
        position = behind
    sink.close()
    return seconds


def _sizes(database: Path) -> tuple[int, int, int, int]:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        quarters = connection.execute("SELECT count(*) FROM rollups WHERE grain = 1").fetchone()[0]
        attempts = connection.execute("SELECT count(*) FROM attempts").fetchone()[0]
        rollups = _pages(connection)
    connection.close()
    return database.stat().st_size, rollups, quarters, attempts


def _pages(connection: sqlite3.Connection) -> int:
    """Bytes of all roll-ups; 0 where SQLite cannot say."""
    try:
        found = connection.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%rollup%' OR name LIKE '%sessions%'"
        )
        return int(found.fetchone()[0])
    except sqlite3.OperationalError:
        return 0


# --- reading -----------------------------------------------------------------------------------


def _spending(ledger: SqliteLedger, by: tuple[SpendingKey, ...]) -> Sequence[Spending]:
    query = SpendingQuery(since_ns=START_NS, until_ns=START_NS + DAYS * DAY_NS, by=by)
    return asyncio.run(ledger.spending(query))


def _timed(ledger: SqliteLedger, by: tuple[SpendingKey, ...]) -> float:
    """Milliseconds."""
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        _spending(ledger, by)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def _wrong(database: Path, ledger: SqliteLedger, made: Made) -> tuple[str, ...]:
    expected: dict[SpendingKey, dict[tuple[str, bool], Sums]] = {key: {} for key in KEYS}
    for (key, value, simulated), sums in made.sums.items():
        expected[key][value, simulated] = sums
    wrong: list[str] = [key for key in KEYS if _of_rollups(ledger, key) != expected[key]]
    with sqlite3.connect(database) as connection:
        wrong += [key for key in COLUMNS if _of_attempts(connection, key) != expected[key]]
        nano, tokens = connection.execute(
            "SELECT sum(cost_nano), count(*) FROM receipts"
        ).fetchone()
    connection.close()
    every = expected["project"].values()
    if (nano, tokens) != (sum(each[4] for each in every), sum(each[0] for each in every)):
        wrong.append("receipts")
    if _sessions(ledger) != made.sessions:
        wrong.append("sessions")
    return tuple(dict.fromkeys(wrong))


def _sessions(ledger: SqliteLedger) -> dict[tuple[str, bool], int]:
    """Distinct ones by team and whether simulated."""
    found = _spending(ledger, ("team",))
    return {(each.keys[0], each.simulated): each.sessions for each in found}


def _of_rollups(ledger: SqliteLedger, key: SpendingKey) -> dict[tuple[str, bool], Sums]:
    return {
        (each.keys[0], each.simulated): (
            each.calls, each.attempts, each.tokens_in, each.tokens_out, each.cost_nano,
        )
        for each in _spending(ledger, (key,))
    }  # fmt: skip


def _of_attempts(connection: sqlite3.Connection, key: SpendingKey) -> dict[tuple[str, bool], Sums]:
    found = connection.execute(OF_ATTEMPTS.format(key=COLUMNS[key]))
    return {(row[0], bool(row[1])): row[2:] for row in found}
