"""What the ledger in memory sums of money and sessions: by looking at every receipt."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Final

from portico.adapters.store.rollups import QUARTER_NS
from portico.adapters.store.windows import TIMES, window_of
from portico.contract.budget import Recorded
from portico.contract.feedback import Feedback
from portico.contract.ledger import Spending, SpendingKey, SpendingQuery
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import StopReason, Usage

Made = tuple[Receipt, Attempt]
Judged = Mapping[str, Sequence[Feedback]]
PLAIN: Final[frozenset[SpendingKey]] = frozenset({"project", "team", "workload", "release", "key"})
OF_ATTEMPT: Final[frozenset[SpendingKey]] = frozenset({"model", "provider"})


def spent(receipts: Iterable[Receipt], judged: Judged, query: SpendingQuery) -> list[Spending]:
    since, until = window_of(query)
    groups: dict[tuple[tuple[str, ...], bool], list[Made]] = {}
    for receipt in receipts:
        if not since <= receipt.received_ns // QUARTER_NS < until:
            continue
        for attempt in receipt.attempts:
            made = (receipt, attempt)
            if all(_holds(made, key, value) for key, value in query.where):
                for keys in product(*(_names(made, key) for key in query.by)):
                    groups.setdefault((keys, attempt.simulated), []).append(made)
    return [_spending(*group, groups[group], judged) for group in sorted(groups)]


def _names(made: Made, key: SpendingKey) -> list[str]:
    receipt, attempt = made
    if key in TIMES:
        return [TIMES[key](receipt.received_ns // QUARTER_NS)]
    if key in PLAIN:
        return [getattr(receipt, key)]
    if key in OF_ATTEMPT:
        return [getattr(attempt, key)]
    if key == "prompt":
        version = receipt.prompt_version
        return [f"{receipt.prompt}@{version}" if version else receipt.prompt]
    return [f"{name}={value}" if value else name for name, value in sorted(set(receipt.tags))]


def _holds(made: Made, key: SpendingKey, value: str) -> bool:
    if key == "prompt" and made[0].prompt == value:
        return True
    if key == "tag" and value in dict(made[0].tags):
        return True
    return value in _names(made, key)


def _spending(
    keys: tuple[str, ...], simulated: bool, made: Sequence[Made], judged: Judged
) -> Spending:
    calls = [receipt for receipt, attempt in made if attempt is receipt.attempts[0]]
    newest = [_newest(judged[call.call]) for call in calls if call.call in judged]
    return Spending(
        keys=keys,
        simulated=simulated,
        calls=len(calls),
        answered=sum(call.status == "ok" for call in calls),
        sessions=len({(c.project, c.team, c.session) for c in calls if c.session}),
        session_nano=sum(attempt.cost_nano for receipt, attempt in made if receipt.session),
        accepted=sum(each.accepted for each in newest),
        judged=len(newest),
        attempts=len(made),
        failed=sum(attempt.status != "ok" for _, attempt in made),
        unpriced=sum(attempt.price is None for _, attempt in made),
        tokens_in=sum(_read(attempt.usage) for _, attempt in made),
        tokens_cached=sum(a.usage.cached_read + a.usage.cached_audio for _, a in made),
        tokens_out=sum(_written(attempt.usage) for _, attempt in made),
        cost_nano=sum(attempt.cost_nano for _, attempt in made),
        capped=sum(call.cap_source in ("caller", "workload") for call in calls),
        cap_hits=sum(
            call.max_output_tokens is not None and call.stop is StopReason.LENGTH for call in calls
        ),
    )


def _newest(judged: Sequence[Feedback]) -> Feedback:
    """The last of those of the latest time."""
    return max(reversed(judged), key=lambda each: each.at_ns)


def _read(usage: Usage) -> int:
    return (
        usage.input + usage.cached_read + usage.cache_write_5m + usage.cache_write_1h
        + usage.input_audio + usage.cached_audio
    )  # fmt: skip


def _written(usage: Usage) -> int:
    return usage.output + usage.output_audio + usage.output_image


# --- what budgets are counted from -------------------------------------------------------------


def recorded(receipt: Receipt) -> Recorded:
    return Recorded(
        call=receipt.call,
        received_ns=receipt.received_ns,
        team=receipt.team,
        workload=receipt.workload,
        project=receipt.project,
        key=receipt.key,
        session=receipt.session,
        tags=receipt.tags,
        nano=receipt.cost_nano,
        tokens=sum(_read(a.usage) + _written(a.usage) for a in receipt.attempts),
        calls=int(bool(receipt.attempts)),
    )


def by_session(receipts: Sequence[Receipt], since_ns: int) -> list[Recorded]:
    alive = {r.session for r in receipts if r.session and r.attempts and r.received_ns >= since_ns}
    groups: dict[tuple[object, ...], list[Receipt]] = {}
    for receipt in receipts:
        if receipt.session in alive and receipt.attempts:
            place = (
                receipt.received_ns // QUARTER_NS, receipt.session, receipt.project, receipt.team,
                receipt.workload, receipt.key, tuple(sorted(set(receipt.tags))),
            )  # fmt: skip
            groups.setdefault(place, []).append(receipt)
    entries = [_together(group) for group in groups.values()]
    return sorted(entries, key=lambda each: each.received_ns)


def _together(receipts: Sequence[Receipt]) -> Recorded:
    all_of_them = [recorded(each) for each in receipts]
    first = min(all_of_them, key=lambda each: each.received_ns)
    return Recorded(
        call="",
        received_ns=first.received_ns,
        team=first.team,
        workload=first.workload,
        project=first.project,
        key=first.key,
        session=first.session,
        tags=tuple(sorted(set(first.tags))),
        nano=sum(attempt.cost_nano for each in receipts for attempt in each.attempts),
        tokens=sum(each.tokens for each in all_of_them),
        calls=len(receipts),
    )
