"""A clock that a test moves by hand."""


class FakeClock:
    """Implements `contract.ports.Clock`. Both readings move together, only when told to."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000, monotonic: float = 1_000.0) -> None:
        self._now_ns = now_ns
        self._monotonic = monotonic

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Moves both readings; the wall clock by whole nanoseconds."""
        self._now_ns += round(seconds * 1e9)
        self._monotonic += seconds
