"""The table of a run, and whether the reach was held."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peer_runs.rounds import Results, median

MB = 1024 * 1024


@dataclass(frozen=True)
class Goal:
    """`figure` of Portico against a peer's: at most `most` of it."""

    text: str
    figure: str
    peer: str
    most: float


GOALS = (
    Goal("at least 40 times less CPU a request than LiteLLM", "cpu_us", "litellm", 1 / 40),
    Goal("at least 3.5 times less CPU a request than Portkey", "cpu_us", "portkey", 1 / 3.5),
    Goal("at most 1.1 of TensorZero's CPU a request", "cpu_us", "tensorzero", 1.1),
    Goal("at least 30 times less CPU an event than LiteLLM", "event_cpu_us", "litellm", 1 / 30),
    Goal("added p50 at most 3 times a bare uvicorn + aiohttp hop's", "added_p50", "bare", 3.0),
)


def figure(results: Results, name: str, key: str) -> float | None:
    """The median over the rounds; None where it was not measured."""
    figures = results.get(name)
    if figures is None:
        return None
    if key.startswith("added_"):
        return _added(results, name, key.removeprefix("added_"))
    return median(getattr(figures, key))


def _added(results: Results, name: str, share: str) -> float | None:
    """What a gateway adds over the nginx hop of the same round, microseconds."""
    if "nginx" not in results:
        return None
    own = getattr(results[name], f"{share}_us")
    floor = getattr(results["nginx"], f"{share}_us")
    return median([mine - least for mine, least in zip(own, floor, strict=False)])


COLUMNS = (
    ("CPU µs/request", "cpu_us"),
    ("requests/s", "per_second"),
    ("added p50 µs", "added_p50"),
    ("added p99 µs", "added_p99"),
    ("CPU µs/event", "event_cpu_us"),
)


def table(results: Results) -> str:
    """Medians, with the ratio to Portico in brackets."""
    heads = ["gateway", *(head for head, _ in COLUMNS), "idle MB", "loaded MB", "first answer s"]
    rows = [heads]
    for name, figures in results.items():
        row = [f"{name} {figures.version}".strip()]
        for _, key in COLUMNS:
            row.append(_cell(figure(results, name, key), figure(results, "portico", key)))
        for size in (figures.idle_bytes, figures.loaded_bytes):
            row.append("-" if size is None else f"{size / MB:.0f}")
        row.append("-" if figures.start_s is None else f"{figures.start_s:.2f}")
        rows.append(row)
    return aligned(rows)


def _cell(value: float | None, own: float | None) -> str:
    if value is None:
        return "-"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return f"{text} ({value / own:.2f})" if own else text


def aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def reach(results: Results) -> list[str]:
    """One line a goal: held, missed and by how much, or not measured."""
    return [_judged(results, goal) for goal in GOALS]


def _judged(results: Results, goal: Goal) -> str:
    own, other = (figure(results, name, goal.figure) for name in ("portico", goal.peer))
    if own is None or other is None:
        return f"not measured  {goal.text}"
    if other <= 0:
        return f"unclear       {goal.text}: {goal.peer} was not above the floor"
    ratio = own / other
    said = f"{1 / ratio:.1f} times less" if goal.most < 1 else f"{ratio:.2f}"
    if ratio <= goal.most:
        return f"held          {goal.text}: {said}"
    return f"missed        {goal.text}: {said}, over by {(ratio / goal.most - 1) * 100:.0f} %"
