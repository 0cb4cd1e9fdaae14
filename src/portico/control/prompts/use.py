"""What the ledger and the audit trail say of prompts: evidence for the Lens.

GENOPS03-BP01 and GENREL04-BP01 (traffic by registered, adopted and observed prompt; versions;
rollbacks used), GENPERF02-BP02 (parameters set), GENCOST03-BP01 (input tokens by version).
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from portico.contract.deployment import Act
from portico.contract.ledger import PromptUse


class SourceUse(msgspec.Struct, frozen=True, kw_only=True):
    """Calls whose prompt comes from one place."""

    calls: int = 0
    share: float | None = None
    """Of all calls in the window, 0 to 1; null where there were none."""


class VersionUse(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt version's calls in the window."""

    workload: str
    prompt: str
    version: str
    source: str
    releases: tuple[str, ...]
    calls: int
    tokens_in: int
    tokens_out: int
    cost_nano: int
    tokens_in_per_call: float
    parameters: tuple[str, ...] = ()


class PromptsUse(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of simulated models are counted apart: they prove nothing."""

    since: str
    until: str
    calls: int
    simulated_calls: int
    registered: SourceUse
    adopted: SourceUse
    observed: SourceUse
    without: SourceUse
    """Calls without a system prompt, and those that named a model and no workload."""
    versions: Sequence[VersionUse]
    """By workload, prompt and version."""
    parameters: Mapping[str, int]
    """How many of the calls had each parameter set by their prompt."""
    applies: int
    rollbacks: int
    releases: int
    """Distinct releases that served a call."""


class Totals(msgspec.Struct, frozen=True):
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_nano: int = 0


def totals(rows: Iterable[PromptUse]) -> Totals:
    """Everything together, simulated or not."""
    found = tuple(rows)
    return Totals(
        sum(row.calls for row in found),
        sum(row.tokens_in for row in found),
        sum(row.tokens_out for row in found),
        sum(row.cost_nano for row in found),
    )


def prompts_use(
    rows: Sequence[PromptUse], acts: Iterable[Act], since: str, until: str
) -> PromptsUse:
    """`acts` are those of the window."""
    real = [row for row in rows if not row.simulated]
    calls = sum(row.calls for row in real)
    done = [(act.action, act.target) for act in acts]
    return PromptsUse(
        since=since,
        until=until,
        calls=calls,
        simulated_calls=sum(row.calls for row in rows if row.simulated),
        registered=_source(real, "registered", calls),
        adopted=_source(real, "adopted", calls),
        observed=_source(real, "observed", calls),
        without=_source(real, "", calls),
        versions=_versions(real),
        parameters=_parameters(real),
        applies=sum(action == "apply" and not target for action, target in done),
        rollbacks=sum(action == "rollback" for action, _ in done),
        releases=len({row.release for row in real if row.release}),
    )


def _source(rows: Sequence[PromptUse], source: str, calls: int) -> SourceUse:
    mine = sum(row.calls for row in rows if row.source == source)
    return SourceUse(calls=mine, share=mine / calls if calls else None)


def _versions(rows: Sequence[PromptUse]) -> tuple[VersionUse, ...]:
    grouped: dict[tuple[str, str, str, str], list[PromptUse]] = {}
    for row in rows:
        if row.prompt:
            key = (row.workload, row.prompt, row.version, row.source)
            grouped.setdefault(key, []).append(row)
    return tuple(_version(key, grouped[key]) for key in sorted(grouped))


def _version(key: tuple[str, str, str, str], rows: Sequence[PromptUse]) -> VersionUse:
    workload, prompt, version, source = key
    all_of = totals(rows)
    return VersionUse(
        workload=workload,
        prompt=prompt,
        version=version,
        source=source,
        releases=tuple(sorted({row.release for row in rows if row.release})),
        calls=all_of.calls,
        tokens_in=all_of.tokens_in,
        tokens_out=all_of.tokens_out,
        cost_nano=all_of.cost_nano,
        tokens_in_per_call=all_of.tokens_in / all_of.calls if all_of.calls else 0.0,
        parameters=tuple(sorted({name for row in rows for name in row.parameters})),
    )


def _parameters(rows: Sequence[PromptUse]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        for name in row.parameters:
            found[name] = found.get(name, 0) + row.calls
    return dict(sorted(found.items()))
