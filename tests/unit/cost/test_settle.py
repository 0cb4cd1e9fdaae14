"""What an attempt is settled with when the upstream does not say."""

import pytest

from portico.contract.errors import PorticoError, UpstreamFailed
from portico.contract.usage import Usage
from portico.contract.wires import Skim
from portico.cost.settle import used

REPORTED = Usage(input=7, output=3)
LATE = UpstreamFailed("late", detail={"stage": "first_byte"})
BROKEN = UpstreamFailed("cut", detail={"stage": "between_chunks"})


@pytest.mark.parametrize(
    ("skim", "error", "status", "usage", "source"),
    [
        (Skim(usage=REPORTED), None, 200, REPORTED, "reported"),
        (Skim(usage=REPORTED), BROKEN, 200, REPORTED, "reported"),
        (Skim(output_bytes=9), None, 200, Usage(input=25, output=3), "estimated"),
        (Skim(output_bytes=9), BROKEN, 200, Usage(input=25, output=3), "estimated"),
        (Skim(), None, 0, Usage(input=25), "estimated"),
        (Skim(), UpstreamFailed("no"), 500, Usage(), "none"),
        (Skim(), UpstreamFailed("no", detail={"stage": "connect"}), 0, Usage(), "none"),
        (Skim(), LATE, 0, Usage(input=25), "estimated"),
    ],
)  # fmt: skip
def test_usage_is_reported_estimated_or_none(
    skim: Skim, error: PorticoError | None, status: int, usage: Usage, source: str
) -> None:
    assert used(skim, 100, error, status) == (usage, source)
