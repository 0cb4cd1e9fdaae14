"""Reads the ledger, never behind what has been answered."""

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from portico.adapters.journal.entries import decode
from portico.adapters.store import queries
from portico.adapters.store.connection import opened
from portico.contract.errors import InvalidRequest, Overloaded
from portico.contract.ledger import (
    EnergyKey,
    EnergyPart,
    EnergyUse,
    ModelUse,
    PromptUse,
    Use,
)
from portico.contract.ports import Journal
from portico.contract.receipt import Receipt

FLUSH_S = 10.0
"""How long a read waits for the database to take what the journal holds."""
MOST = 10_000
"""Receipts of one read."""
SEVERAL = 500
"""Receipts that are asked for by their calls at once."""
NO_END = 2**63 - 1


class SqliteLedger:
    """Implements `contract.ports.Ledger`. Each read has a read-only connection of its own."""

    def __init__(self, path: Path, journal: Journal, *, flush_s: float = FLUSH_S) -> None:
        self._path = path
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
        return await asyncio.to_thread(self._energy, since_ns, until_ns, by)

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

    def _recent(self, limit: int, before: str | None, after: str | None) -> list[Receipt]:
        query = queries.NEWEST if after is None else queries.NEXT
        with opened(self._path, mode="ro") as connection:
            bounds = {
                "limit": limit,
                "after": 0 if after is None else _number(connection, after, "after"),
                "before": NO_END if before is None else _number(connection, before, "before"),
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

    def _energy(self, since_ns: int, until_ns: int, by: EnergyKey) -> list[EnergyUse]:
        bounds = {"since": since_ns, "until": until_ns}
        parts: dict[tuple[str, int], list[EnergyPart]] = {}
        with opened(self._path, mode="ro") as connection:
            counts = connection.execute(queries.ENERGY_CALLS[by], bounds).fetchall()
            for key, simulated, *row in connection.execute(queries.ENERGY_PARTS[by], bounds):
                parts.setdefault((key, simulated), []).append(_energy_part(tuple(row)))
        return [
            EnergyUse(
                key=key,
                simulated=bool(simulated),
                calls=calls,
                unestimated_calls=unestimated,
                parts=tuple(parts.get((key, simulated), ())),
            )
            for key, simulated, calls, unestimated in counts
        ]


def _energy_part(row: tuple[Any, ...]) -> EnergyPart:
    method, size_low, size_high, attempts, *halves = row
    tokens_out, low, high, co2e_low, co2e_high = _whole(halves)
    return EnergyPart(
        method=method,
        size_low=size_low,
        size_high=size_high,
        attempts=attempts,
        tokens_out=tokens_out,
        low_nwh=low,
        high_nwh=high,
        co2e_low_ng=co2e_low,
        co2e_high_ng=co2e_high,
    )


def _whole(halves: Sequence[int]) -> tuple[int, ...]:
    """Sums that were taken in two halves of 32 bits."""
    pairs = zip(halves[::2], halves[1::2], strict=True)
    return tuple((high << 32) + low for high, low in pairs)


def _prompt_use(row: tuple[Any, ...]) -> PromptUse:
    workload, release, prompt, version, source, simulated, calls, *halves, parameters = row
    tokens_in, tokens_out, cost_nano = _whole(halves)
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


def _number(connection: sqlite3.Connection, call: str, field: str) -> int:
    row = connection.execute(queries.NUMBER, (call,)).fetchone()
    if row is None:
        raise InvalidRequest(
            f"The ledger has no call {call!r} to read {field}. List calls without `{field}`.",
            field=field,
        )
    return int(row[0])
