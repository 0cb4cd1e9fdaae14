"""A ledger over the journal in memory."""

from collections.abc import Sequence
from typing import Final

from portico.adapters.memory.energy import energy_use
from portico.adapters.memory.journal import MemoryJournal
from portico.contract.errors import InvalidRequest
from portico.contract.ledger import EnergyKey, EnergyUse, ModelUse, PromptUse, Use
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage

SEVERAL: Final = 500


class MemoryLedger:
    """Implements `contract.ports.Ledger`."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal

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
        found = self._journal.receipts.values()
        return energy_use([r for r in found if since_ns <= r.received_ns < until_ns], by)

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
        tokens_out=sum(each.usage.output + each.usage.output_audio for each in receipts),
        cost_nano=sum(each.cost_nano for each in receipts),
        parameters=tuple(sorted({name for each in receipts for name in each.parameters})),
    )


def _tokens_in(usage: Usage) -> int:
    return (
        usage.input + usage.cached_read + usage.cache_write_5m + usage.cache_write_1h
        + usage.input_audio + usage.cached_audio
    )  # fmt: skip


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
