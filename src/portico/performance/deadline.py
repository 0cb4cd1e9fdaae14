"""The latency budget of a call: how long it may take, and to its first byte."""

from typing import Final

import msgspec

from portico.contract.snapshot import Workload

LANE_TOTAL_S: Final = {"voice": 20.0, "chat": 300.0, "batch": 3600.0}
"""Used where neither the call nor its workload sets a limit."""
LONGEST_S: Final = 24 * 3600.0


class Deadline(msgspec.Struct, frozen=True):
    """`at` is a reading of the clock that `started` was read from."""

    at: float
    total_s: float
    first_token_s: float | None = None

    def left(self, now: float) -> float:
        return max(0.0, self.at - now)

    def left_to_begin(self, now: float) -> float:
        """Seconds to the first content of a stream, which may have a limit of its own."""
        if self.first_token_s is None:
            return self.left(now)
        begin = self.at - self.total_s + self.first_token_s
        return max(0.0, min(self.at, begin) - now)


def open_deadline(workload: Workload, deadline_ms: int | None, started: float) -> Deadline:
    """The tighter of what the caller and the workload allow; else the lane's default."""
    total = workload.total_s
    if deadline_ms is not None:
        asked = deadline_ms / 1000
        total = asked if total is None or asked < total else total
    if total is None:
        total = LANE_TOTAL_S[workload.lane]
    total = min(total, LONGEST_S)
    return Deadline(started + total, total, workload.first_token_s)
