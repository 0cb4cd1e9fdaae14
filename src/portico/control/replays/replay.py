"""A call made again: what it said then, and what it says under another release."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from portico.contract.call import Principal
from portico.contract.deployment import Act, Transcript
from portico.contract.errors import InvalidRequest, UnknownRoute
from portico.contract.own import Caller, OwnAnswer, OwnCall
from portico.contract.ports import Clock, Ledger, Store
from portico.contract.receipt import Receipt
from portico.contract.usage import Usage
from portico.contract.wires import ProviderWire
from portico.control.ledger.texts import answer_text, difference
from portico.control.ledger.view import dollars


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two answers."""

    answer: str
    release: str
    status: int
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: str = "0.00"
    """Exact, decimal text."""
    total_ms: float = 0.0


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """Both answers, and what differs."""

    call: str
    """The new call; empty where it was refused before it was accountable."""
    of: str
    release: str
    """The release that served the new call."""
    before: Side
    after: Side
    lines: Sequence[str]
    """A unified diff of the answers; empty where they are equal."""


@dataclass(frozen=True)
class Replays:
    """Makes calls again whose transcripts were kept."""

    store: Store
    ledger: Ledger
    clock: Clock
    caller: Caller
    wires: Mapping[str, ProviderWire]

    async def replay(self, call: str, release: str, who: Principal) -> Replayed:
        """Under `release`, or what the workload assigns where that is empty.

        Raises UnknownRoute for a call that is not in the ledger, InvalidRequest where nothing of
        it was kept.
        """
        kept, receipt = await self._found(call)
        own = OwnCall(door=kept.door, body=kept.request, options=kept.options, who=who, of=call)
        made = await self.caller.call(own, release)
        after = self._after(kept, made, release)
        before = self._before(kept, receipt)
        act = Act(
            at_ns=self.clock.now_ns(),
            who=who.key,
            action="replay",
            project=receipt.project,
            target=kept.workload,
            why=f"call {call}",
            before=before.release,
            after=after.release,
        )
        await asyncio.to_thread(self.store.act, act)
        return Replayed(
            call=made.receipt.call if made.receipt is not None else "",
            of=call,
            release=after.release,
            before=before,
            after=after,
            lines=difference(before.answer, after.answer),
        )

    async def _found(self, call: str) -> tuple[Transcript, Receipt]:
        receipt = await self.ledger.find(call)
        if receipt is None:
            raise UnknownRoute(
                "No such call is in the ledger; `portico calls tail` shows the newest.", field="id"
            )
        kept = await asyncio.to_thread(self.store.transcript, call)
        if kept is None:
            raise InvalidRequest(
                f"Nothing was kept of what was said in {call}, so it cannot be made again. Write "
                "transcripts: full under its workload in portico.yaml: calls after that can.",
                field="id",
            )
        return kept, receipt

    def _before(self, kept: Transcript, receipt: Receipt) -> Side:
        text = answer_text(self.wires.get(kept.door), kept.answer, kept.stream)
        return _side(text, receipt.http_status, receipt, kept.release or receipt.release)

    def _after(self, kept: Transcript, made: OwnAnswer, release: str) -> Side:
        wire = self.wires.get(kept.door) if made.status < 400 else None
        text = answer_text(wire, made.body, kept.stream)
        return _side(text, made.status, made.receipt, release)


def _side(text: str, status: int, receipt: Receipt | None, release: str) -> Side:
    if receipt is None:
        return Side(answer=text, release=release, status=status)
    return Side(
        answer=text,
        release=receipt.release or release,
        status=status,
        tokens_in=_tokens_in(receipt.usage),
        tokens_out=receipt.usage.output + receipt.usage.output_audio,
        cost_usd=dollars(receipt.cost_nano),
        total_ms=receipt.total_us / 1000,
    )


def _tokens_in(usage: Usage) -> int:
    return (
        usage.input
        + usage.cached_read
        + usage.cache_write_5m
        + usage.cache_write_1h
        + usage.input_audio
        + usage.cached_audio
    )
