"""Results of load tests as a person reads them. Pure: results in, text out."""

from collections.abc import Iterator, Mapping

import msgspec

from portico.contract.bench import BenchResult, Latency
from portico.main.cli.words import microseconds, moment, money

LABEL = 13
COLUMNS = (
    "TIME (UTC)", "BENCH", "WORKLOAD", "RELEASE", "HELD", "AT ONCE", "P50", "P90", "P99",
    "FIRST TOKEN P50", "TOKENS/S", "CALLS/S", "COST A CALL", "REMARK",
)  # fmt: skip
NUMBERS = (*COLUMNS[4:-1],)
FAILED = "failed"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    against: str
    differs: tuple[str, ...] = ()
    relative: Mapping[str, float] = {}
    failed: float = 0.0


class Kept(BenchResult, frozen=True, kw_only=True):
    """A result as the server shows it."""

    cost_usd: str
    evidence: bool
    change: Change | None = None


class KeptList(msgspec.Struct, frozen=True):
    benches: list[Kept]


def row(kept: Kept) -> tuple[str, ...]:
    """A result in the columns of the table, each number with its change."""
    total, first = kept.total, kept.first_token
    return (
        moment(kept.started_ns),
        kept.id,
        kept.workload,
        " ".join(kept.releases) or "-",
        f"{kept.ok}/{kept.made}",
        str(kept.conditions.concurrency),
        _cell(_us(total, "p50_us"), kept, "total_p50"),
        _cell(_us(total, "p90_us"), kept, "total_p90"),
        _cell(_us(total, "p99_us"), kept, "total_p99"),
        _cell(_us(first, "p50_us"), kept, "first_token_p50"),
        _cell(f"{kept.tokens_per_second:.1f}", kept, "tokens_per_second"),
        _cell(f"{kept.calls_per_second:.1f}", kept, "calls_per_second"),
        _cell(_per_call(kept), kept, "cost_per_call"),
        "; ".join(remarks(kept)),
    )


def _us(latency: Latency | None, name: str) -> int | None:
    return None if latency is None else int(getattr(latency, name))


def _cell(value: str | int | None, kept: Kept, measure: str) -> str:
    """A value with its change; a whole number is of microseconds."""
    if value is None:
        return "-"
    shown = microseconds(value) if isinstance(value, int) else value
    relative = kept.change.relative.get(measure) if kept.change is not None else None
    return shown if relative is None else f"{shown} ({relative:+.1%})"


def _per_call(kept: Kept) -> str:
    """To the nano-dollar, rounded down: the exact sum is in the kept."""
    return "unpriced" if kept.unpriced else money(kept.cost_nano // max(1, kept.made))


def remarks(kept: Kept) -> Iterator[str]:
    """What to know before the numbers are believed."""
    change = kept.change
    if kept.simulated:
        yield "simulated, no evidence"
    elif not kept.evidence:
        yield "no evidence"
    if kept.made < kept.conditions.calls:
        yield f"calls not made: {kept.conditions.calls - kept.made}"
    if len(kept.releases) > 1:
        yield "the release changed meanwhile"
    if change is not None and change.differs:
        yield f"other {', '.join(change.differs)} than before"


def lines(kept: Kept) -> Iterator[str]:
    """One result, told whole."""
    conditions = kept.conditions
    how = "streamed" if conditions.stream else "whole"
    yield (
        f"{kept.workload}: {kept.ok} of {kept.made} calls held, "
        f"{conditions.concurrency} at a time, {how}, in {microseconds(kept.duration_us)}"
    )
    yield from _line("failed", ", ".join(f"{code} {count}" for code, count in kept.errors))
    yield from _line("total", _latency(kept.total))
    yield from _line("first token", _latency(kept.first_token))
    yield from _line(
        "throughput", f"{kept.calls_per_second:.2f} calls/s, {kept.tokens_per_second:.1f}"
        " output tokens/s"
    )  # fmt: skip
    yield from _line("tokens", f"{kept.tokens_in} in, {kept.tokens_out} out")
    yield from _line("cost", _cost(kept))
    yield from _line("model", ", ".join(kept.models))
    yield from _line("region", ", ".join(kept.regions))
    yield from _line("release", ", ".join(kept.releases))
    yield from _line("kept as", kept.id)
    yield from _line("remark", "; ".join(remarks(kept)))
    if kept.change is not None:
        yield from _line("against", f"{kept.change.against}: {_changes(kept.change)}")


def _line(label: str, text: str) -> Iterator[str]:
    if text:
        yield f"  {label:<{LABEL}}{text}"


def _latency(latency: Latency | None) -> str:
    if latency is None:
        return ""
    values = (("p50", latency.p50_us), ("p90", latency.p90_us), ("p99", latency.p99_us))
    return ", ".join(f"{name} {microseconds(value)}" for name, value in values)


def _cost(kept: Kept) -> str:
    if kept.unpriced:
        return "unpriced: the catalogue has no price"
    return f"{money(kept.cost_nano)}, {_per_call(kept)} a call"


def _changes(change: Change) -> str:
    shares = {**change.relative, FAILED: change.failed}
    return ", ".join(f"{name} {value:+.1%}" for name, value in shares.items())
