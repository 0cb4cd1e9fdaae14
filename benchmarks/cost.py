"""Money: charges, the ledger's sums, budgets under very many calls at once, CPU, energy.

    python benchmarks/cost.py [--only parity,ledger,overspend,cpu,energy] [--usages FILE]
                              [--data DIR] [--receipts N] [--smoke] [--json FILE]

Each figure is printed with what was asked of it and whether it held. FILE of --usages is
`tests/dataset/usages.json` of github.com/pydantic/genai-prices; DIR holds ML.ENERGY's measurements
as for benchmarks/energy.py. Without them their parts are left out with a line. Nothing leaves the
machine. Exit code 1 where a figure did not hold.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by its path

from benchmarks import energy
from benchmarks.cost_runs import cpu, ledger, overspend, parity
from benchmarks.peer_runs.report import aligned

CPU_US: Final = 25.0
USABLE: Final = 0.7
REPORT_S: Final = 2.0
SLACK: Final = 0.03
"""Below the coverage that intervals are made for, of models that their fit has not seen."""
JUDGED: Final = {True: "held", False: "missed", None: "shown"}


@dataclass(frozen=True)
class Figure:
    name: str
    asked: str
    got: str
    held: bool | None
    """None: shown beside another's figure; nothing is asked of it."""


@dataclass(frozen=True)
class Options:
    usages: Path | None
    data: Path | None
    receipts: int
    smoke: bool
    work: Path


def _say(text: str) -> None:
    print(text, flush=True)


def _parity(options: Options) -> Iterator[Figure]:
    if options.usages is None:
        _say("skipped: genai-prices' published usages (--usages)")
    found = parity.run(options.usages, options.smoke)
    for line in found.lines:
        _say(line)
    for part in (found.usages, found.grid):
        if part is not None:
            equal = part.compared > 0 and part.equal == part.compared
            got = f"{part.equal:,} of {part.compared:,}"
            yield Figure(f"charges as genai-prices: {part.name}", "100 %", got, equal)


def _ledger(options: Options) -> Iterator[Figure]:
    receipts = 2_000 if options.smoke else options.receipts
    found = ledger.run(receipts, options.work)
    for line in found.lines():
        _say(line)
    sums = "exact" if found.exact else f"wrong by {', '.join(found.wrong) or 'retention'}"
    yield Figure(f"sums over {receipts:,} receipts", "exact", sums, found.exact)
    slowest = found.slowest_ms / 1e3
    yield Figure("slowest report", f"< {REPORT_S:g} s", f"{slowest:.2f} s", slowest < REPORT_S)


def _overspend(options: Options) -> Iterator[Figure]:
    for plan in overspend.plans(options.smoke):
        found = overspend.measure(plan, options.work)
        for line in found.lines:
            _say(line)
        sound = found.pressed and not found.lost and not found.inexact
        got = f"{found.overspent:,}" + ("" if sound else ", under no pressure or not exact")
        yield Figure(
            f"nano-dollars overspent, {plan.name}", "0", got, sound and found.overspent == 0
        )
        if plan.valkey in ("", "steady"):
            usable = found.usable >= USABLE
            yield Figure(
                f"usable by one after the other, {plan.name}",
                f">= {USABLE:.0%}",
                f"{found.usable:.1%}",
                usable,
            )


def _cpu(options: Options) -> Iterator[Figure]:
    found = cpu.run(options.smoke)
    for line in found.lines:
        _say(line)
    held = options.smoke or found.ours_us < CPU_US  # a few calls on a busy machine say nothing
    yield Figure("CPU of money and energy a call", f"< {CPU_US:g} µs", f"{found.ours_us:.1f}", held)


def _energy(options: Options) -> Iterator[Figure]:
    rows = energy.read(options.data) if options.data is not None else ()
    if not rows:
        _say("skipped: ML.ENERGY's measurements (--data)")
        return
    if options.smoke:
        rows = rows[:: max(1, len(rows) // energy.SMOKE)]
    by_name = {each.name: each for each in energy.results(rows)}
    theirs, ours = by_name["ecologits' point"], by_name["ours, each model unseen"]
    for each in by_name.values():
        inside = "" if each.covered is None else f", {each.covered:.1%} in the interval"
        _say(f"{each.name}: {each.within_twice:.1%} within a factor of two{inside}")
    covered = ours.covered or 0.0
    yield Figure(
        "energy within a factor of two",
        f"beside ecologits' {theirs.within_twice:.1%}",
        f"{ours.within_twice:.1%}",
        None,
    )
    least = energy.COVERAGE - SLACK
    yield Figure("energy in its interval", f">= {least:.0%}", f"{covered:.1%}", covered >= least)


SECTIONS: Final[Mapping[str, Callable[[Options], Iterator[Figure]]]] = {
    "parity": _parity,
    "ledger": _ledger,
    "overspend": _overspend,
    "cpu": _cpu,
    "energy": _energy,
}


def main() -> int:
    parsed = _arguments().parse_args()
    chosen = parsed.only.split(",")
    if unknown := set(chosen) - set(SECTIONS):
        _say(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
        return 2
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="portico-cost-") as work:
        options = Options(
            parsed.usages, parsed.data, parsed.receipts, parsed.smoke, Path(work).resolve()
        )
        for name in (name for name in SECTIONS if name in chosen):
            _say(f"--- {name}")
            figures += SECTIONS[name](options)
    rows = [("figure", "asked", "got", ""), *map(_row, figures)]
    _say("\n" + aligned(rows))
    if parsed.json is not None:
        document = {"at": datetime.now(UTC).isoformat(), "smoke": parsed.smoke}
        parsed.json.write_text(json.dumps(document | {"figures": [asdict(f) for f in figures]}))
    return 0 if all(figure.held is not False for figure in figures) else 1


def _row(figure: Figure) -> tuple[str, ...]:
    return figure.name, figure.asked, figure.got, JUDGED[figure.held]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SECTIONS), metavar="SECTIONS")
    parser.add_argument("--usages", type=Path, metavar="FILE", help="genai-prices' usages.json")
    parser.add_argument("--data", type=Path, metavar="DIR", help="ML.ENERGY's *.json")
    parser.add_argument("--receipts", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--smoke", action="store_true", help="small: that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
