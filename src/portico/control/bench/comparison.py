"""A load test beside the one before it. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from portico.contract.bench import BenchConditions, BenchResult, Latency


def _of(latency: Latency | None, name: str) -> float | None:
    return None if latency is None else float(getattr(latency, name))


def _per_call(result: BenchResult) -> float | None:
    return None if result.unpriced or not result.made else result.cost_nano / result.made


MEASURES: Mapping[str, Callable[[BenchResult], float | None]] = {
    "total_p50": lambda result: _of(result.total, "p50_us"),
    "total_p90": lambda result: _of(result.total, "p90_us"),
    "total_p99": lambda result: _of(result.total, "p99_us"),
    "first_token_p50": lambda result: _of(result.first_token, "p50_us"),
    "first_token_p90": lambda result: _of(result.first_token, "p90_us"),
    "first_token_p99": lambda result: _of(result.first_token, "p99_us"),
    "tokens_per_second": lambda result: result.tokens_per_second,
    "calls_per_second": lambda result: result.calls_per_second,
    "cost_per_call": _per_call,
}
"""What is compared, by the name of its member in a change."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Against the result before it of the same workload, both simulated or neither.

    `relative` has this result's value over the earlier one's, less one: 0.1 is a tenth more.
    """

    against: str
    differs: tuple[str, ...]
    """Conditions that are not the same; a change may be theirs."""
    relative: Mapping[str, float]
    failed: float
    """Difference of the shares of calls that failed: 0.1 is ten more of a hundred."""


def compare(results: Sequence[BenchResult]) -> Iterator[tuple[BenchResult, Change | None]]:
    """Each result, oldest first, with its change. The first of its kind has none."""
    before: dict[tuple[str, bool], BenchResult] = {}
    for result in results:
        kind = (result.workload, result.simulated)
        earlier = before.get(kind)
        yield result, None if earlier is None else change(result, earlier)
        before[kind] = result


def change(result: BenchResult, earlier: BenchResult) -> Change:
    relative = {}
    for name, measure in MEASURES.items():
        now, then = measure(result), measure(earlier)
        if now is not None and then:
            relative[name] = round(now / then - 1, 4)
    return Change(
        against=earlier.id,
        differs=tuple(
            name
            for name in BenchConditions.__struct_fields__
            if getattr(result.conditions, name) != getattr(earlier.conditions, name)
        ),
        relative=relative,
        failed=round(_failed(result) - _failed(earlier), 4),
    )


def _failed(result: BenchResult) -> float:
    return 1 - result.ok / result.made if result.made else 0.0
