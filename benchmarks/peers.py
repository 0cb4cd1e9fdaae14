"""Portico beside other gateways, in one run: CPU, rate, latency, streams, memory, start.

    python benchmarks/peers.py [--peers portico,litellm,…] [--rounds N] [--seconds S]
                               [--stages] [--smoke] [--json FILE] [--cache DIR]

Each gateway in turn runs on one core; the upstream and the load run on another. What each
figure means, and what was measured last: docs/performance.md.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by its path

from benchmarks.peer_runs import load, report, rounds, upstreams
from benchmarks.peer_runs.gateways import GATEWAYS


def main() -> int:
    options = _options()
    if options.stages:
        # Here, because only this part imports Portico itself.
        from benchmarks.peer_runs import stages

        print(stages.table(calls=300 if options.smoke else 5000))
        return 0
    names = ["portico"] if options.smoke else options.peers.split(",")
    if unknown := set(names) - GATEWAYS.keys():
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(GATEWAYS)}")
        return 2
    for missing, advice in ((load.wrk(), load.INSTALL), (upstreams.nginx(), upstreams.INSTALL)):
        if missing is None:
            print(advice)
    plan = rounds.Plan(
        names=names,
        rounds=1 if options.smoke else options.rounds,
        seconds=1.0 if options.smoke else options.seconds,
        cache=options.cache,
    )
    results = rounds.measure(plan)
    print(report.table(results))
    if not options.smoke:
        print("\n".join(["", *report.reach(results)]))
    if options.json is not None:
        measured = datetime.now(UTC).isoformat(timespec="seconds")
        body = {name: asdict(figures) for name, figures in results.items()}
        options.json.write_text(json.dumps({"measured": measured, "gateways": body}, indent=1))
    return 0 if results.get("portico") and results["portico"].cpu_us else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", default=",".join(GATEWAYS), help="names, comma-separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of a round of load")
    parser.add_argument("--stages", action="store_true", help="where Portico's time goes")
    parser.add_argument("--smoke", action="store_true", help="Portico alone, seconds: it runs")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    home = os.environ.get("TMPDIR") or str(Path.home() / ".cache")
    parser.add_argument("--cache", type=Path, default=Path(home) / "portico-benchmarks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
