"""The comparison with genai-prices finds what it is for, and finds nothing."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from benchmarks.cost_runs import parity

from portico.contract.usage import Usage

CALLS = [
    {
        "model": "claude-sonnet-4-5",
        "extracted": [
            {
                "usage": {
                    "input_tokens": 900,
                    "cache_read_tokens": 300,
                    "cache_write_tokens": 200,
                    "cache_write_1h_tokens": 50,
                    "output_tokens": 11,
                },
                "extractors": [{"provider_id": "anthropic"}, {"provider_id": "groq"}],
            }
        ],
    },
    {"extracted": [{"usage": {"input_tokens": 1}, "extractors": [{"provider_id": "aws"}]}]},
]


def test_charges_are_those_of_genai_prices(tmp_path: Path) -> None:
    file = tmp_path / "usages.json"
    file.write_text(json.dumps(CALLS))
    result = parity.run(file, smoke=True)
    assert result.held, result.lines
    assert result.usages is not None
    assert (result.usages.compared, result.usages.equal) == (1, 1)
    assert dict(result.usages.apart) == {parity.NO_MODEL: 1, parity.NAMELESS: 1}
    assert result.grid.compared > 1000


def test_a_difference_of_a_nano_dollar_is_a_mismatch() -> None:
    tally = parity.Tally("t")
    tally.compare("m", Usage(), 2, Decimal("0.0000000014"))
    part = tally.part()
    assert (part.compared, part.equal, len(part.mismatches)) == (1, 0, 1)
    assert "2 against 1" in part.mismatches[0]
    assert not parity.ParityResult("s", None, part).held


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=5, cached_read=7, cache_write_5m=3, output=2),
        Usage(input=9, input_image=4, input_audio=3, cached_audio=2, output=8, output_audio=1),
        Usage(cache_write_1h=6, output=9, output_image=5, reasoning=4, searches=2),
    ],
)
def test_a_usage_is_the_same_there_and_back(usage: Usage) -> None:
    assert parity.read(parity.told(usage).__dict__) == usage
