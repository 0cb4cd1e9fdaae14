"""How far energy estimates are from measurements: ours, ecologits' own, and the data's median.

    python benchmarks/energy.py --data DIR [--smoke] [--json]
    python benchmarks/energy.py --data DIR --fit     # prints src/portico/sustainability/fit.json

DIR holds ML.ENERGY's measurements of served models as `*.json` (Apache-2.0,
https://ml.energy/leaderboard). They are of the accelerators alone, so that is what is compared.
No model is judged by a fit that has seen it: each is left out of the fit that it is measured by.
The interval's fit that ships has seen all of DIR: measure it on configurations that are not there.
"""

import argparse
import json
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from portico.sustainability.accelerators import Fit, centre, fit, point

BILLION: Final = 10**9
JOULES_PER_WH: Final = 3600.0
COVERAGE: Final = 0.9
TWICE: Final = math.log(2)
SMOKE: Final = 60
BITS: Final = {"bfloat16": 16, "fp8": 8, "mxfp4": 4}
"""Of a weight, by the data's name of its precision."""


class Measured(msgspec.Struct, frozen=True):
    """One configuration: a model on some hardware at some concurrency."""

    model_id: str
    activated_params_billions: float
    total_params_billions: float
    energy_per_token_joules: float
    weight_precision: str

    @property
    def wh(self) -> float:
        return self.energy_per_token_joules / JOULES_PER_WH

    @property
    def estimated(self) -> float:
        """ecologits' own: watt-hours of the accelerators a token."""
        active = round(self.activated_params_billions * BILLION)
        return point(active, round(self.total_params_billions * BILLION))[0]

    @property
    def with_precision(self) -> float:
        """As `estimated`, by whoever knows the precision of the weights."""
        active = round(self.activated_params_billions * BILLION)
        total = round(self.total_params_billions * BILLION)
        return point(active, total, bits=BITS.get(self.weight_precision, 16))[0]


class File(msgspec.Struct, frozen=True):
    configurations: tuple[Measured, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    within_twice: float
    """Share of measurements within a factor of two of the point, here of an interval's middle."""
    covered: float | None = None
    width: float | None = None
    """High over low."""


def read(data: Path) -> tuple[Measured, ...]:
    files = sorted(data.glob("*.json"))
    return tuple(
        row
        for path in files
        for row in msgspec.json.decode(path.read_bytes(), type=File).configurations
    )


def line(rows: Sequence[Measured]) -> tuple[float, float]:
    """Scale and power of the line through the logarithms, by least squares."""
    fitted = statistics.linear_regression(
        [math.log(row.estimated) for row in rows], [math.log(row.wh) for row in rows]
    )
    return math.exp(fitted.intercept), fitted.slope


def fitted(rows: Sequence[Measured]) -> Fit:
    """The line, and the interval that measurements of a model it has not seen fall into."""
    left: list[float] = []
    for model in sorted({row.model_id for row in rows}):
        scale, power = line([row for row in rows if row.model_id != model])
        left += [
            math.log(row.wh / (scale * row.estimated**power))
            for row in rows
            if row.model_id == model
        ]
    left.sort()
    tail = int((1 - COVERAGE) / 2 * (len(left) + 1))
    scale, power = line(rows)
    return Fit(
        source="ML.ENERGY leaderboard",
        date=datetime.now(UTC).date().isoformat(),
        configurations=len(rows),
        coverage=COVERAGE,
        scale=round(scale, 6),
        power=round(power, 4),
        low=round(math.exp(left[max(0, tail - 1)]), 3),
        high=round(math.exp(left[-max(1, tail)]), 3),
    )


def judged(
    name: str, rows: Sequence[Measured], interval: Callable[[Measured], tuple[float, float]]
) -> Result:
    """Against (low, high) of each configuration; equal for a point."""
    found = [(row.wh, *interval(row)) for row in rows]
    middles = [math.log(wh / math.sqrt(low * high)) for wh, low, high in found]
    is_point = all(low == high for _, low, high in found)
    return Result(
        name=name,
        within_twice=sum(abs(each) <= TWICE for each in middles) / len(rows),
        covered=None if is_point else sum(lo <= wh <= hi for wh, lo, hi in found) / len(rows),
        width=None if is_point else statistics.median(high / low for _, low, high in found),
    )


def spread(by: Fit) -> Callable[[Measured], tuple[float, float]]:
    def interval(row: Measured) -> tuple[float, float]:
        middle = centre(row.estimated, by)
        return middle * by.low, middle * by.high

    return interval


def unseen(rows: Sequence[Measured], name: str = "ours, each model unseen") -> Result:
    """Every model by a fit to the others; the interval's ends as well."""
    models = sorted({row.model_id for row in rows})
    fits = {model: fitted([row for row in rows if row.model_id != model]) for model in models}
    return judged(name, rows, lambda row: spread(fits[row.model_id])(row))


def median(rows: Sequence[Measured]) -> Result:
    """The middle of the other models' measurements, whatever the size."""
    others = {
        model: statistics.median(row.wh for row in rows if row.model_id != model)
        for model in {row.model_id for row in rows}
    }
    return judged("median of the data", rows, lambda row: (others[row.model_id],) * 2)


def results(rows: Sequence[Measured]) -> tuple[Result, ...]:
    return (
        median(rows),
        judged("ecologits' point", rows, lambda row: (row.estimated,) * 2),
        judged("the same, precision known", rows, lambda row: (row.with_precision,) * 2),
        unseen(rows),
        judged("ours, as shipped (fitted)", rows, spread(fit())),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder with ML.ENERGY's *.json")
    parser.add_argument("--smoke", action="store_true", help="on a few configurations")
    parser.add_argument("--fit", action="store_true", help="print a new fit.json")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = read(options.data) if options.data is not None else ()
    if not rows:
        print("skipped: --data has no measurements (ML.ENERGY's *.json)")
        return 0
    if options.smoke:
        rows = rows[:: max(1, len(rows) // SMOKE)]
    if options.fit:
        print(json.dumps(msgspec.to_builtins(fitted(rows)), indent=2))
        return 0
    found = results(rows)
    if options.json:
        print(json.dumps(msgspec.to_builtins(found)))
        return 0
    models = len({row.model_id for row in rows})
    print(f"{len(rows)} configurations of {models} models; joules of accelerators an output token")
    print(f"{'':26}{'within x2':>10}{'in interval':>13}{'high/low':>10}")
    for each in found:
        covered = "" if each.covered is None else f"{each.covered:.1%}"
        width = "" if each.width is None else f"{each.width:.1f}"
        print(f"{each.name:26}{each.within_twice:>10.1%}{covered:>13}{width:>10}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
