"""A ledger over the journal in memory."""

from collections.abc import Sequence
from typing import Final

import msgspec

from portico.adapters.memory.energy import energy_use
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.spending import by_session, recorded, spent
from portico.adapters.memory.store import MemoryStore
from portico.adapters.store.rollups import QUARTER_NS
from portico.contract.budget import Recorded
from portico.contract.errors import InvalidRequest
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
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage

SEVERAL: Final = 500
PAGE: Final = 50_000


class MemoryLedger:
    """Implements `contract.ports.Ledger`."""

    def __init__(self, journal: MemoryJournal, store: MemoryStore | None = None) -> None:
        """`store`: where terms of capacity are kept."""
        self._journal = journal
        self._store = store
        self._forgotten: dict[str, Receipt] = {}
        self.feedback: dict[str, list[Feedback]] = {}
        """By call, in the order of their coming."""

    async def recent(
        self, limit: int, *, before: str | None = None, after: str | None = None
    ) -> Sequence[Receipt]:
        await self._journal.committed()
        found = list(self._journal.receipts.values())
        calls = list(self._journal.receipts)
        stop = len(found) if before is None else _index(calls, before, "before")
        if after is None:
            return found[:stop][max(0, stop - limit) :] if limit > 0 else []
        start = _index(calls, after, "after") + 1
        return found[start : min(stop, start + max(0, limit))]

    async def find(self, call: str) -> Receipt | None:
        await self._journal.committed()
        return self._journal.receipts.get(call)

    async def several(self, calls: Sequence[str]) -> Sequence[Receipt]:
        if len(calls) > SEVERAL:
            raise InvalidRequest(f"At most {SEVERAL} calls are looked up at once.")
        await self._journal.committed()
        found = self._journal.receipts
        return [found[call] for call in dict.fromkeys(calls) if call in found]

    async def use(self, since_ns: int, until_ns: int) -> Use:
        await self._journal.committed()
        made = [
            (receipt.call, attempt)
            for receipt in self._journal.receipts.values()
            if since_ns <= receipt.received_ns < until_ns
            for attempt in receipt.attempts
        ]
        real = [(call, attempt) for call, attempt in made if not attempt.simulated]
        groups: dict[tuple[str, str, str, bool, bool], list[tuple[str, Attempt]]] = {}
        for call, one in made:
            kind = (one.model, one.provider, one.region, one.listed, one.simulated)
            groups.setdefault(kind, []).append((call, one))
        return Use(
            calls=len({call for call, _ in real}),
            unlisted_calls=len({call for call, attempt in real if not attempt.listed}),
            simulated_calls=len({call for call, attempt in made if attempt.simulated}),
            models=tuple(_model_use(kind, groups[kind]) for kind in sorted(groups)),
        )

    async def energy(self, since_ns: int, until_ns: int, by: EnergyKey) -> Sequence[EnergyUse]:
        await self._journal.committed()
        first, end = since_ns // QUARTER_NS, -(-until_ns // QUARTER_NS)
        found = [r for r in self._counted() if first <= r.received_ns // QUARTER_NS < end]
        return energy_use(found, by)

    async def spending(self, query: SpendingQuery) -> Sequence[Spending]:
        await self._journal.committed()
        return spent(self._counted(), self.feedback, query)

    async def recorded(self, since_ns: int, after: str = "") -> Sequence[Recorded]:
        await self._journal.committed()
        calls = list(self._journal.receipts)
        first = _index(calls, after, "after") + 1 if after else 0
        later = list(self._journal.receipts.values())[first:]
        return [recorded(each) for each in later if each.received_ns >= since_ns][:PAGE]

    async def sessions(self, since_ns: int) -> Sequence[Recorded]:
        await self._journal.committed()
        return by_session(self._counted(), since_ns)

    async def forget(self, before_ns: int) -> int:
        await self._journal.committed()
        receipts = self._journal.receipts
        old = [call for call, receipt in receipts.items() if receipt.received_ns < before_ns]
        for call in old:
            self._forgotten[call] = receipts.pop(call)
            said = self.feedback.get(call, [])
            said[:] = [msgspec.structs.replace(each, comment="") for each in said]
        return len(old)

    async def forget_feedback(self, before_ns: int) -> int:
        """Deletes who said what of calls before then, and their comments. The counts stay."""
        done = 0
        for said in self.feedback.values():
            for place, each in enumerate(said):
                if each.at_ns < before_ns and (each.by or each.comment):
                    said[place] = msgspec.structs.replace(each, by="", comment="")
                    done += 1
        return done

    async def judged(self, feedback: Feedback) -> None:
        await self._journal.committed()
        if feedback.call not in self._journal.receipts:
            raise InvalidRequest(
                f"The ledger has no call {feedback.call[:80]!r} to judge.", field="call"
            )
        self.feedback.setdefault(feedback.call, []).append(feedback)

    async def capacities(self, since_ns: int, until_ns: int) -> Sequence[Capacity]:
        terms = [] if self._store is None else self._store.capacities
        found = [
            each
            for each in terms
            if each.since_ns < until_ns and (not each.until_ns or each.until_ns > since_ns)
        ]
        return sorted(found, key=lambda each: (each.model, each.since_ns, each.project))

    def _counted(self) -> list[Receipt]:
        """What the roll-ups of a ledger in files are of."""
        return [*self._forgotten.values(), *self._journal.receipts.values()]

    async def prompts(self, since_ns: int, until_ns: int) -> Sequence[PromptUse]:
        await self._journal.committed()
        groups: dict[tuple[str, str, str, str, str, bool], list[Receipt]] = {}
        for one in self._journal.receipts.values():
            if since_ns <= one.received_ns < until_ns:
                prompt = (one.prompt, one.prompt_version, one.prompt_source)
                kind = (one.workload, one.release, *prompt, one.simulated)
                groups.setdefault(kind, []).append(one)
        return [_prompt_use(kind, groups[kind]) for kind in sorted(groups)]


def _prompt_use(
    kind: tuple[str, str, str, str, str, bool], receipts: Sequence[Receipt]
) -> PromptUse:
    workload, release, prompt, version, source, simulated = kind
    return PromptUse(
        workload=workload,
        release=release,
        prompt=prompt,
        version=version,
        source=source,
        simulated=simulated,
        calls=len(receipts),
        tokens_in=sum(_tokens_in(each.usage) for each in receipts),
        tokens_out=sum(_tokens_out(each.usage) for each in receipts),
        cost_nano=sum(each.cost_nano for each in receipts),
        parameters=tuple(sorted({name for each in receipts for name in each.parameters})),
    )


def _tokens_in(usage: Usage) -> int:
    return (
        usage.input + usage.cached_read + usage.cache_write_5m + usage.cache_write_1h
        + usage.input_audio + usage.cached_audio
    )  # fmt: skip


def _tokens_out(usage: Usage) -> int:
    return usage.output + usage.output_audio + usage.output_image


def _model_use(
    kind: tuple[str, str, str, bool, bool], made: Sequence[tuple[str, Attempt]]
) -> ModelUse:
    model, provider, region, listed, simulated = kind
    return ModelUse(
        model=model,
        provider=provider,
        region=region,
        listed=listed,
        simulated=simulated,
        attempts=len(made),
        failed=sum(attempt.status != "ok" for _, attempt in made),
        calls=len({call for call, _ in made}),
    )


def _index(calls: list[str], call: str, field: str) -> int:
    if call not in calls:
        raise InvalidRequest(f"The ledger has no call {call!r} to read {field}.", field=field)
    return calls.index(call)
