"""What releases cost: CPU that they add to a call, and how soon a rollback is served.

    python benchmarks/releases.py [--rounds N] [--rollbacks N] [--rate CALLS_A_SECOND]
                                  [--smoke] [--json FILE]

Each bound is printed as held or missed. CPU is that of calls in memory, a block of each kind in
turn: the median of what one kind takes beyond another in the same round, and beside it the
difference of their lower tenths, which moves less while the machine does other things. A rollback
is timed from its request until the first call is here that the other release has served, under
calls that come at a fixed rate whether or not earlier ones were answered.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by its path

from benchmarks.peer_runs.report import aligned
from benchmarks.release_runs import rendering, rollback

ADDED_US = 15.0
"""Rendering, assignment and release lookup, of a call with a prompt of 1 kB."""
ROLLBACK_MS = 100.0
"""From the administrative request to the first call that the other release served."""
RATE = 500.0
SHARE_OF_RATE = 0.98
"""Of the rate, what must have been offered for it to count as that rate."""


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="portico-releases-") as work:
        rows = rendering.measure(
            rounds=2 if options.smoke else options.rounds,
            calls=50 if options.smoke else 100,
            work=Path(work),
        )
        print(_added(rows), flush=True)
        plan = rollback.Plan(rollbacks=options.rollbacks, rate=options.rate)
        if options.smoke:
            plan = rollback.Plan(rollbacks=2, rate=50.0, warm_s=0.1)
        outcome = rollback.measure(plan, Path(work))
    print(f"\n{_moved(outcome)}", flush=True)
    goals = _goals(rows, outcome, options.rate)
    if not options.smoke:
        print("\n" + "\n".join(f"{'held  ' if held else 'missed'}  {text}" for text, held in goals))
    if options.json is not None:
        options.json.write_text(_json(rows, outcome, goals))
    # A busy machine misses bounds of time: the smoke run only shows that everything runs.
    held = all(held for _, held in goals)
    right = not (outcome.failed or outcome.foreign or outcome.stale)
    return 0 if (right if options.smoke else held) else 1


def _goals(
    rows: Sequence[rendering.Row], outcome: rollback.Outcome, rate: float
) -> list[tuple[str, bool]]:
    added = next(row.added_us for row in rows if row.name == rendering.RENDERED.name)
    worst = outcome.largest_ms
    wrong = outcome.failed + outcome.foreign + outcome.stale
    return [
        (
            f"rendering, assignment and lookup under {ADDED_US:g} µs a call: {added:.1f}",
            added < ADDED_US,
        ),
        (f"{rate:g} calls a second offered: {outcome.reached:.0f}",
         outcome.reached >= rate * SHARE_OF_RATE),
        (f"rollback to first call under {ROLLBACK_MS:g} ms: largest {worst:.1f}",
         worst < ROLLBACK_MS),
        (f"no call failed, or was served by anything but what was live: {wrong}", wrong == 0),
    ]  # fmt: skip


def _added(rows: Sequence[rendering.Row]) -> str:
    table = [["a call in memory", "CPU µs", "beyond µs", "ratio", "beyond, quiet µs"]]
    for row in rows:
        alone = row.name == row.beyond
        table.append([
            row.name,
            f"{row.us:.1f}",
            "-" if alone else f"{row.added_us:+.1f}",
            "-" if alone else f"{row.ratio:.2f}",
            "-" if alone else f"{row.quiet_us:+.1f}",
        ])  # fmt: skip
    return aligned(table)


def _moved(outcome: rollback.Outcome) -> str:
    count = len(outcome.times_ms)
    p50, p99, most = outcome.call_ms
    table = [
        ["a rollback under load", "ms"],
        [f"to the first call served, median of {count}", f"{outcome.median_ms:.1f}"],
        [f"to the first call served, largest of {count}", f"{outcome.largest_ms:.1f}"],
        ["to its own answer, median", f"{statistics.median(outcome.answered_ms):.1f}"],
        ["as the first administrative request of a process", f"{outcome.first_ms:.1f}"],
        ["a call, median", f"{p50:.1f}"],
        ["a call, 99th percentile", f"{p99:.1f}"],
        ["a call, largest", f"{most:.1f}"],
        ["a call sent later than it was due, largest", f"{outcome.late_ms[2]:.1f}"],
    ]
    said = (
        f"{outcome.offered} calls at {outcome.reached:.0f} a second of {outcome.rate:g} wanted: "
        f"{outcome.failed} failed, {outcome.foreign} served by another release, {outcome.stale} "
        "served by the old one after its rollback was answered"
    )
    return f"{aligned(table)}\n{said}"


def _json(
    rows: Sequence[rendering.Row], outcome: rollback.Outcome, goals: Sequence[tuple[str, bool]]
) -> str:
    return json.dumps(
        {
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "added": [asdict(row) for row in rows],
            "rollback": {**asdict(outcome), "reached": outcome.reached},
            "goals": [{"goal": text, "held": held} for text, held in goals],
        },
        indent=1,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=120, help="of blocks of calls in memory")
    parser.add_argument("--rollbacks", type=int, default=100)
    parser.add_argument("--rate", type=float, default=RATE, help="calls a second")
    parser.add_argument("--smoke", action="store_true", help="few of all, seconds: it runs")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
