"""Reads the ledger, never behind what has been answered."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from portico.adapters.journal.entries import decode
from portico.adapters.store import queries, rows
from portico.adapters.store.connection import opened, transaction
from portico.adapters.store.energies import energy
from portico.adapters.store.forgetting import AT_ONCE, forget_some, forget_some_feedback
from portico.adapters.store.judging import judge
from portico.adapters.store.recorded import number_of, recorded, sessions
from portico.adapters.store.rollup_queries import CAPACITIES
from portico.adapters.store.sealing import KEY_FILE, Sealer
from portico.adapters.store.spending import spending
from portico.adapters.store.summing import whole
from portico.contract.budget import Recorded
from portico.contract.errors import InvalidRequest, Overloaded
from portico.contract.feedback import Feedback
from portico.contract.ledger import (
    Capacity,
    EnergyKey,
    EnergyUse,
    ModelUse,
    PromptUse,
    Spending,
    SpendingQuery,
    Use,
)
from portico.contract.ports import Journal
from portico.contract.receipt import Receipt

T = TypeVar("T")
FLUSH_S = 10.0
"""How long a read waits for the database to take what the journal holds."""
MOST = 10_000
"""Receipts of one read."""
SEVERAL = 500
"""Receipts that are asked for by their calls at once."""
NO_END = 2**63 - 1


class SqliteLedger:
    """Implements `contract.ports.Ledger`. Each read has a read-only connection of its own."""

    def __init__(
        self,
        path: Path,
        journal: Journal,
        *,
        sealer: Sealer | None = None,
        flush_s: float = FLUSH_S,
    ) -> None:
        """`sealer`: of comments; one with the key beside the database where none is given."""
        self._path = path
        self._sealer = sealer or Sealer(path.with_name(KEY_FILE))
        self._journal = journal
        self._flush_s = flush_s

    async def recent(
        self, limit: int, *, before: str | None = None, after: str | None = None
    ) -> Sequence[Receipt]:
        """Calls in the order in which they were recorded, at most `limit` (up to 10,000).

        With `after`: those that follow it directly, so that paging forward misses none.
        Otherwise the newest, or the newest before `before`. Raises InvalidRequest for a call
        that is not in the ledger, Overloaded where the database takes nothing.
        """
        await self._flush()
        return await asyncio.to_thread(self._recent, max(0, min(limit, MOST)), before, after)

    async def find(self, call: str) -> Receipt | None:
        await self._flush()
        return await asyncio.to_thread(self._find, call)

    async def several(self, calls: Sequence[str]) -> Sequence[Receipt]:
        if len(calls) > SEVERAL:
            raise InvalidRequest(f"At most {SEVERAL} calls are looked up at once.")
        await self._flush()
        return await asyncio.to_thread(self._several, calls)

    async def use(self, since_ns: int, until_ns: int) -> Use:
        await self._flush()
        return await asyncio.to_thread(self._use, since_ns, until_ns)

    async def prompts(self, since_ns: int, until_ns: int) -> Sequence[PromptUse]:
        await self._flush()
        return await asyncio.to_thread(self._prompts, since_ns, until_ns)

    async def energy(self, since_ns: int, until_ns: int, by: EnergyKey) -> Sequence[EnergyUse]:
        await self._flush()
        return await self._read(lambda at: energy(at, since_ns, until_ns, by))

    async def spending(self, query: SpendingQuery) -> Sequence[Spending]:
        await self._flush()
        return await self._read(lambda at: spending(at, query))

    async def recorded(self, since_ns: int, after: str = "") -> Sequence[Recorded]:
        """Raises InvalidRequest for an `after` that is not in the ledger."""
        await self._flush()
        return await self._read(lambda at: recorded(at, since_ns, after))

    async def sessions(self, since_ns: int) -> Sequence[Recorded]:
        await self._flush()
        return await self._read(lambda at: sessions(at, since_ns))

    async def capacities(self, since_ns: int, until_ns: int) -> Sequence[Capacity]:
        bounds = {"since": since_ns, "until": until_ns}
        return await self._read(
            lambda at: [rows.to_capacity(row) for row in at.execute(CAPACITIES, bounds)]
        )

    async def forget(self, before_ns: int) -> int:
        """In steps of some hundredths of a second, with as much time between them, in which the
        database takes what the journal holds."""
        await self._flush()
        return await self._in_steps(forget_some, before_ns)

    async def forget_feedback(self, before_ns: int) -> int:
        """Deletes who said what of calls before then, and their comments. The counts stay."""
        return await self._in_steps(forget_some_feedback, before_ns)

    async def judged(self, feedback: Feedback) -> None:
        await self._flush()
        await asyncio.to_thread(self._judge, feedback)

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(self._flush_s):
                await self._journal.committed()
        except TimeoutError:
            raise Overloaded(
                "The ledger cannot be read yet: the database has not taken what was answered "
                f"within {self._flush_s:g} s. {self._journal.state().error}",
                retry_after=1.0,
            ) from None

    async def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        def work() -> T:
            with opened(self._path, mode="ro") as connection:
                connection.execute("BEGIN")  # all of its statements see one and the same state
                return read(connection)

        return await asyncio.to_thread(work)

    async def _in_steps(self, step: Callable[[sqlite3.Connection, int], int], until: int) -> int:
        def work() -> int:
            with opened(self._path) as connection:
                return step(connection, until)

        done, last = 0, AT_ONCE
        while last == AT_ONCE:
            began = time.monotonic()
            last = await asyncio.to_thread(work)
            done += last
            await asyncio.sleep(time.monotonic() - began)
        return done

    def _judge(self, feedback: Feedback) -> None:
        sealed = rows.sealed_comment(feedback, self._sealer.seal)
        with opened(self._path) as connection, transaction(connection):
            judge(connection, feedback, sealed)

    def _recent(self, limit: int, before: str | None, after: str | None) -> list[Receipt]:
        query = queries.NEWEST if after is None else queries.NEXT
        with opened(self._path, mode="ro") as connection:
            bounds = {
                "limit": limit,
                "after": 0 if after is None else number_of(connection, after, "after"),
                "before": NO_END if before is None else number_of(connection, before, "before"),
            }
            return [decode(body) for (body,) in connection.execute(query, bounds)]

    def _find(self, call: str) -> Receipt | None:
        with opened(self._path, mode="ro") as connection:
            row = connection.execute(queries.RECEIPT, (call,)).fetchone()
        return decode(row[0]) if row else None

    def _several(self, calls: Sequence[str]) -> list[Receipt]:
        wanted = msgspec.json.encode(calls).decode()
        with opened(self._path, mode="ro") as connection:
            return [decode(body) for (body,) in connection.execute(queries.SEVERAL, (wanted,))]

    def _use(self, since_ns: int, until_ns: int) -> Use:
        bounds = {"since": since_ns, "until": until_ns}
        with opened(self._path, mode="ro") as connection:
            counts = connection.execute(queries.USE_OF_CALLS, bounds).fetchone()
            rows = connection.execute(queries.USE_OF_MODELS, bounds).fetchall()
        return Use(
            calls=counts[0],
            unlisted_calls=counts[1],
            simulated_calls=counts[2],
            models=tuple(_model_use(row) for row in rows),
        )

    def _prompts(self, since_ns: int, until_ns: int) -> list[PromptUse]:
        bounds = {"since": since_ns, "until": until_ns}
        with opened(self._path, mode="ro") as connection:
            rows = connection.execute(queries.USE_OF_PROMPTS, bounds).fetchall()
        return [_prompt_use(row) for row in rows]


def _prompt_use(row: tuple[Any, ...]) -> PromptUse:
    workload, release, prompt, version, source, simulated, calls, *halves, parameters = row
    tokens_in, tokens_out, cost_nano = whole(halves)
    return PromptUse(
        workload=workload,
        release=release,
        prompt=prompt,
        version=version,
        source=source,
        simulated=bool(simulated),
        calls=calls,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_nano=cost_nano,
        parameters=tuple(sorted({p for p in re.split("[ ,]", parameters) if p})),
    )


def _model_use(row: tuple[str, str, str, int, int, int, int, int]) -> ModelUse:
    model, provider, region, listed, simulated, attempts, failed, calls = row
    return ModelUse(
        model=model,
        provider=provider,
        region=region,
        listed=bool(listed),
        simulated=bool(simulated),
        attempts=attempts,
        failed=failed,
        calls=calls,
    )
