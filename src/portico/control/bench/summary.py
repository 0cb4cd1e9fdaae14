"""What a load test found: the caller's clock, and the ledger for everything else. Pure.

Whoever runs the test says how long each call took for it. What answered, at which release, how
many tokens, at what cost, and whether the call held, is read from receipts.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from portico.contract.bench import BenchResult, BenchSample, Latency
from portico.contract.errors import InvalidRequest
from portico.contract.receipt import Receipt
from portico.methods.hashing import content_hash

TAG = "bench"
"""Every call of a load test carries this tag with the test's id."""


class Tally:
    """The receipts of one load test, added up one by one."""

    def __init__(self, bench: str, workload: str) -> None:
        self._mark = (TAG, bench)
        self._workload = workload
        self.endings: dict[str, str] = {}
        """By call: its error, or "" where it held."""
        self.releases: set[str] = set()
        self.models: set[str] = set()
        self.regions: set[str] = set()
        self.tokens_in = 0
        self.tokens_out = 0
        self.cost_nano = 0
        self.unpriced = False
        self.simulated = False

    def add(self, receipt: Receipt) -> None:
        """Raises InvalidRequest for a call that was not made for this test."""
        if self._mark not in receipt.tags or receipt.workload not in ("", self._workload):
            raise InvalidRequest(
                f"The call {receipt.call} was not made for this load test: it lacks the test's "
                "tag, or is of another workload. Nothing was stored.",
                field="samples",
            )
        held = receipt.status == "ok"
        self.endings[receipt.call] = "" if held else receipt.error or receipt.status
        if held:
            self.models.add(receipt.model)
        if receipt.release:
            self.releases.add(receipt.release)
        self.regions.update(attempt.region for attempt in receipt.attempts if attempt.region)
        usage = receipt.usage
        self.tokens_in += (
            usage.input
            + usage.cached_read
            + usage.cache_write_5m
            + usage.cache_write_1h
            + usage.input_audio
            + usage.cached_audio
        )
        self.tokens_out += usage.output + usage.output_audio
        self.cost_nano += receipt.cost_nano
        self.unpriced |= receipt.unpriced
        self.simulated |= receipt.simulated


def summarise(draft: BenchResult, samples: Sequence[BenchSample], tally: Tally) -> BenchResult:
    """`draft`, which says what was asked for, with what came of it.

    Raises InvalidRequest where a call is named twice, or has held without a receipt.
    """
    errors = [_ending(sample, tally) for sample in samples]
    named = Counter(sample.call for sample in samples if sample.call)
    if any(times > 1 for times in named.values()):
        raise InvalidRequest("A call stands twice in 'samples'.", field="samples")
    held = [sample for sample, error in zip(samples, errors, strict=True) if not error]
    first = [sample.first_token_us for sample in held if sample.first_token_us is not None]
    seconds = draft.duration_us / 1e6
    return msgspec.structs.replace(
        draft,
        releases=tuple(sorted(tally.releases)),
        models=tuple(sorted(tally.models)),
        regions=tuple(sorted(tally.regions)),
        made=len(samples),
        ok=len(held),
        errors=tuple(sorted(Counter(error for error in errors if error).items())),
        total=latency([sample.total_us for sample in held]),
        first_token=latency(first),
        tokens_in=tally.tokens_in,
        tokens_out=tally.tokens_out,
        tokens_per_second=round(tally.tokens_out / seconds, 3),
        calls_per_second=round(len(held) / seconds, 3),
        cost_nano=tally.cost_nano,
        unpriced=tally.unpriced,
        simulated=tally.simulated,
        samples_digest=content_hash(samples),
    )


def _ending(sample: BenchSample, tally: Tally) -> str:
    """Why the call failed, as its caller or the ledger says it; "" where both say it held."""
    if sample.error:
        return sample.error
    if sample.call not in tally.endings:
        raise InvalidRequest(
            "A call that is said to have held has no receipt in the ledger. Nothing was stored.",
            field="samples",
        )
    return tally.endings[sample.call]


def latency(times_us: Sequence[int]) -> Latency | None:
    """Percentiles by nearest rank: of the values that were seen, none in between."""
    ordered = sorted(times_us)
    if not ordered:
        return None
    p50, p90, p99 = (ordered[-(-len(ordered) * share // 100) - 1] for share in (50, 90, 99))
    return Latency(p50_us=p50, p90_us=p90, p99_us=p99)


def is_evidence(result: BenchResult) -> bool:
    """Whether the result says something of real models: none was simulated, some call held."""
    return result.ok > 0 and not result.simulated
