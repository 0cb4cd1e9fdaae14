"""A report of costs as CSV (RFC 4180): comma, CRLF, quotes doubled, one line of names first.

Names of workloads, tags and keys are chosen by people, and spreadsheets run a cell that begins
like a formula. Such a name is written with an apostrophe before it (OWASP, "CSV Injection");
numbers never begin so.
"""

import csv
import io
from typing import Final

from portico.control.ledger.cost import CostFigures, CostReport

FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With the full-width forms that spreadsheets of East Asian locales take for the same."""
HEAD: Final = ("row",)
FIGURES: Final = CostFigures.__struct_fields__


def cost_csv(report: CostReport) -> bytes:
    """The column `row` says what a line is: `use`, `idle`, `simulated`, or the last one, `total`.

    What is null is an empty cell. UTF-8.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*HEAD, *report.by, *FIGURES))
    for line in report.lines:
        writer.writerow((line.kind, *map(_safe, line.keys), *_cells(line.figures)))
    writer.writerow(("total", *("" for _ in report.by), *_cells(report.total)))
    return text.getvalue().encode()


def _safe(name: str) -> str:
    return f"'{name}" if name.startswith(FORMULA) else name


def _cells(figures: CostFigures) -> list[str]:
    values = (getattr(figures, name) for name in FIGURES)
    return ["" if value is None else str(value) for value in values]
