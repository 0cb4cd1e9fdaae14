"""Promise 1 at a small size: kill -9 under load, and no answered call is missing."""

from pathlib import Path

from benchmarks.kill import measure


def test_every_answered_call_is_in_the_ledger_exactly_once_after_kills(tmp_path: Path) -> None:
    outcome = measure(kills=4, seed=7, directory=tmp_path)
    assert outcome.answered
    assert outcome.missing == []
    assert outcome.doubled == []
    assert outcome.inexact == 0
    assert outcome.recorded >= len(outcome.answered)
