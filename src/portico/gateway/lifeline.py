"""How a call's task is ended from outside: one cancellation, with its reason.

A caller who leaves, a body that does not arrive, a deadline and a server that stops all end
in `cut`. The task sees CancelledError and asks `explain` what it means.
"""

import asyncio
from typing import Final, Literal

from portico.contract.errors import DeadlineExceeded, Overloaded, PorticoError, RequestTimeout

Reason = Literal["gone", "slow", "deadline", "stopping"]

EXPLANATIONS: Final[dict[str, tuple[type[PorticoError], str]]] = {
    "slow": (RequestTimeout, "The request's body did not arrive in time."),
    "deadline": (DeadlineExceeded, "The call's deadline passed before the answer was complete."),
    "stopping": (Overloaded, "This server is stopping. Retry: another will answer."),
    "gone": (RequestTimeout, "The caller disconnected."),
}


class Lifeline:
    __slots__ = ("_closed", "_due", "_loop", "_next", "_task", "_timer", "reason")

    def __init__(self, task: asyncio.Task[object], loop: asyncio.AbstractEventLoop) -> None:
        self._task = task
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._next: Reason = "deadline"
        self._closed = False
        self.reason: Reason | None = None

    def arm(self, reason: Reason, seconds: float) -> None:
        """Cuts after `seconds`; replaces what was armed before."""
        due = self._loop.time() + seconds
        timer = self._timer
        if timer is None or due < self._due:
            if timer is not None:
                timer.cancel()
            self._timer = self._loop.call_at(due, self._ring)
        self._due, self._next = due, reason

    def _ring(self) -> None:
        """A timer that was put off is set again only when it rings: most never do."""
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._ring)
        else:
            self.cut(self._next)

    def left(self) -> float:
        """Seconds to the armed end; infinite where nothing is armed."""
        return float("inf") if self._timer is None else self._due - self._loop.time()

    def cut(self, reason: Reason) -> None:
        """Ends the task. Only the first reason counts, and none once the call is closed."""
        if self.reason is None and not self._closed:
            self.reason = reason
            self._task.cancel()

    def gone(self) -> None:
        self.cut("gone")

    def close(self) -> None:
        """From here on the call is settled, and nothing ends it any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def explain(self) -> PorticoError:
        """The error that the cancellation stands for. One that is not ours is a stopping server."""
        self._task.uncancel()
        kind, message = EXPLANATIONS[self.reason or "stopping"]
        return kind(message)
