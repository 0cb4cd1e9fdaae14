"""What an attempt is settled with: each line of the written table."""

import re
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace

from portico.contract.errors import PorticoError, UpstreamFailed
from portico.contract.receipt import AttemptStatus, Reason
from portico.contract.usage import SIDES, Doubt, StopReason, Usage
from portico.contract.wires import Skim
from portico.cost.settle import KINDS, TABLE, Ending, Outcome, Settled, Told, row_of, settled

DOCS = Path(__file__).parents[3] / "docs" / "settling.md"

FINAL = Usage(input=7, cached_read=5, output=30, reasoning=4, service_tier="flex", searches=1)
GUESS = Usage(input=25, output=3)
"""For 100 bytes sent and 9 received."""
FLAGGED = replace(FINAL, doubt=Doubt(flags=("inconsistent",), reported="{}", sides=()))
DOUBTFUL = replace(FINAL, doubt=Doubt(flags=("negative",), reported="{}", sides=("input",)))
ENDINGS: dict[Ending, tuple[AttemptStatus, int, PorticoError | None]] = {
    "answered": ("ok", 200, None),
    "cut": ("cancelled", 200, None),
    "broken": ("failed", 200, UpstreamFailed("cut", detail={"stage": "between_chunks"})),
    "refused": ("failed", 500, UpstreamFailed("no")),
    "unsent": ("failed", 0, UpstreamFailed("no", detail={"stage": "connect"})),
}
TOLD: dict[Told, Skim] = {
    "reported": Skim(usage=FINAL, stop=StopReason.END, output_bytes=9),
    "flagged": Skim(usage=FLAGGED, stop=StopReason.END, output_bytes=9),
    "doubtful": Skim(usage=DOUBTFUL, stop=StopReason.END, output_bytes=9),
    "partial": Skim(usage=replace(FINAL, output=1, reasoning=0), output_bytes=9),
    "missing": Skim(output_bytes=9),
}
SETTLED: dict[Told, Settled] = {
    "reported": Settled(usage=FINAL, source="reported"),
    "flagged": Settled(usage=FINAL, source="reported", flags=("inconsistent",), reported="{}"),
    "doubtful": Settled(
        usage=replace(FINAL, input=25, cached_read=0),
        source="estimated",
        flags=("negative",),
        reported="{}",
    ),
    "partial": Settled(
        usage=replace(FINAL, output=3, reasoning=0), source="estimated", flags=("partial",)
    ),
    "missing": Settled(usage=GUESS, source="estimated"),
}
NOTHING = Settled(usage=Usage(), source="none")


def outcome(ending: Ending, skim: Skim) -> Outcome:
    ended, status, error = ENDINGS[ending]
    return Outcome(skim=skim, sent_bytes=100, ended=ended, http_status=status, error=error)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.ending}-{row.told}")
def test_each_line_of_the_table_settles_as_it_says(row: object) -> None:
    assert row in TABLE
    found = next(line for line in TABLE if line is row)
    given = outcome(found.ending, TOLD[found.told])
    assert row_of(given) is found
    unpaid = found.ending == "unsent" or (found.ending, found.told) == ("refused", "missing")
    assert settled(given) == (NOTHING if unpaid else SETTLED[found.told])


@pytest.mark.parametrize("ended", get_args(AttemptStatus))
@pytest.mark.parametrize("status", [0, 200, 500])
@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("stage", ["", "connect", "first_byte", "between_chunks"])
def test_every_outcome_has_a_line(
    ended: AttemptStatus, status: int, told: Told, stage: str
) -> None:
    error = UpstreamFailed("x", detail={"stage": stage}) if stage else None
    given = Outcome(skim=TOLD[told], sent_bytes=4, ended=ended, http_status=status, error=error)
    found = settled(given)
    assert found.source == row_of(given).source
    assert found.usage.doubt is None


def test_a_count_so_far_that_is_larger_than_the_estimate_is_kept() -> None:
    skim = Skim(usage=Usage(input=7, output=50), output_bytes=9)
    found = settled(outcome("cut", skim))
    assert found == Settled(usage=Usage(input=7, output=50), source="estimated", flags=("partial",))


def test_a_doubtful_count_of_a_cut_stream_is_estimated_too() -> None:
    skim = replace(TOLD["doubtful"], stop=None)
    found = settled(outcome("broken", skim))
    assert (found.usage.input, found.flags) == (25, ("negative", "partial"))


def test_a_deadline_before_the_connection_stands_costs_nothing() -> None:
    late = UpstreamFailed("late", detail={"stage": "connect"})
    given = Outcome(skim=Skim(), sent_bytes=100, ended="timeout", error=late)
    assert settled(given) == NOTHING


def test_every_reason_for_an_attempt_is_settled_by_the_table() -> None:
    assert [kind.name for kind in KINDS if kind.is_attempt] == list(get_args(Reason))


def test_every_count_of_tokens_belongs_to_a_side() -> None:
    counts = {name for names in SIDES.values() for name in names}
    assert set(Usage.__struct_fields__) - counts == {"searches", "service_tier", "doubt"}


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the documentation."""
    text = DOCS.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [re.findall(r"`([^`]+)`", line) for line in lines]


def test_the_documentation_prints_the_table() -> None:
    assert rows_of("The table") == [
        [row.ending, row.told, row.input, row.output, row.source, *row.flags] for row in TABLE
    ]


def test_the_documentation_names_every_kind() -> None:
    found = [cells[0] for cells in rows_of("What is settled")]
    assert found == [kind.name for kind in KINDS]
