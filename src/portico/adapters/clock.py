"""The clock of the machine."""

import time


class SystemClock:
    """Implements `contract.ports.Clock`."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()
