"""How a call's task is ended from outside: one cancellation, with its reason.

A caller who leaves, a body that does not arrive, a deadline and a server that stops all end
in `cut`. The task sees CancelledError and asks `explain` what it means.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Literal

from portico.contract.errors import DeadlineExceeded, Overloaded, PorticoError, RequestTimeout

Reason = Literal["gone", "slow", "deadline", "stopping"]

EXPLANATIONS: Final[dict[str, tuple[type[PorticoError], str]]] = {
    "slow": (RequestTimeout, "The request's body did not arrive in time."),
    "deadline": (DeadlineExceeded, "The call's deadline passed before the answer was complete."),
    "stopping": (Overloaded, "This server is stopping. Retry: another will answer."),
    "gone": (RequestTimeout, "The caller disconnected."),
}


class Alarm:
    """A timer that is put off again and again, as those of a connection are.

    Setting it later than before costs nothing: it is set anew when it rings too early.
    """

    __slots__ = ("_act", "_due", "_loop", "_rings", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._rings = 0.0
        self._due = 0.0
        self._act: Callable[[], None] | None = None

    def set(self, seconds: float, act: Callable[[], None]) -> None:
        """Calls `act` after `seconds`; replaces what was set before."""
        self._due = due = self._loop.time() + seconds
        self._act = act
        if self._timer is None or due < self._rings:
            self._wait()

    def left(self) -> float:
        """Seconds until it acts; infinite where nothing is set."""
        return float("inf") if self._act is None else self._due - self._loop.time()

    def close(self) -> None:
        self._act = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = self._due
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if (act := self._act) is None:
            return
        if self._loop.time() < self._due:
            self._wait()
        else:
            self._act = None
            act()


class Lifeline:
    """`alarm` is the connection's, which outlives the call; a call without one has its own."""

    __slots__ = ("_alarm", "_closed", "_next", "_own", "_task", "reason")

    def __init__(
        self,
        task: asyncio.Task[object],
        loop: asyncio.AbstractEventLoop,
        alarm: Alarm | None = None,
    ) -> None:
        self._task = task
        self._own = alarm is None
        self._alarm = alarm or Alarm(loop)
        self._next: Reason = "deadline"
        self._closed = False
        self.reason: Reason | None = None

    def arm(self, reason: Reason, seconds: float) -> None:
        """Cuts after `seconds`; replaces what was armed before."""
        self._next = reason
        self._alarm.set(seconds, self._ring)

    def _ring(self) -> None:
        self.cut(self._next)

    def left(self) -> float:
        """Seconds to the armed end; infinite where nothing is armed."""
        return self._alarm.left()

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
        if self._own:
            self._alarm.close()

    def uncancel(self) -> None:
        """The cancellation has been seen to."""
        self._task.uncancel()

    def explain(self) -> PorticoError:
        """The error that the cancellation stands for. One that is not ours is a stopping server."""
        self.uncancel()
        kind, message = EXPLANATIONS[self.reason or "stopping"]
        return kind(message)
