"""One request from an application, on its way through the pipeline."""

from collections.abc import Callable

from portico.contract.budget import Tab
from portico.contract.call import WireRequest
from portico.contract.errors import PorticoError
from portico.contract.wires import Door
from portico.gateway.arrival import Arrival, Headers
from portico.gateway.keeping import Keeping
from portico.gateway.repeats import Tape
from portico.gateway.trail import Trail
from portico.performance.deadline import Deadline


class Call:
    """Ties together how a call came, on which wire, and what is known of it so far."""

    __slots__ = (
        "arrival",
        "broken",
        "deadline",
        "door",
        "keeping",
        "pin",
        "request",
        "tab",
        "tapes",
        "trail",
    )

    def __init__(self, arrival: Arrival, door: Door, trail: Trail) -> None:
        self.arrival = arrival
        self.door = door
        self.trail = trail
        self.request: WireRequest | None = None
        self.deadline: Deadline | None = None
        self.tapes: tuple[Tape, ...] = ()
        """Keep the answer for a repeat of this call."""
        self.tab: Tab | None = None
        """The call's place in the budgets that bound it. None: nothing does."""
        self.keeping: Keeping | None = None
        """Set where the workload keeps transcripts."""
        self.pin: str | None = None
        """The release that the call asks for; empty where it asks for none."""
        self.broken: Callable[[PorticoError], bytes] | None = None
        """The error event of a stream that has begun."""

    @property
    def id(self) -> str:
        return self.trail.receipt.call

    def arm(self, *, begun: bool) -> None:
        """Ends the call at its deadline; a stream that has not begun, at that of its beginning."""
        if self.deadline is None:
            return
        now = self.trail.clock.monotonic()
        waiting = self.request is not None and self.request.stream and not begun
        left = self.deadline.left_to_begin(now) if waiting else self.deadline.left(now)
        self.arrival.lifeline.arm("deadline", left)

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        for tape in self.tapes:
            tape.begin(status, [*headers, (b"content-length", b"%d" % len(body))])
            tape.feed(body)
        if self.keeping is not None:
            self.keeping.feed(body)
        await self.arrival.reply(status, headers, body)

    async def begin(self, headers: Headers) -> None:
        for tape in self.tapes:
            tape.begin(200, headers)
        await self.arrival.begin(200, headers)

    async def feed(self, data: bytes, *, more: bool = True) -> None:
        """Sends a piece of a stream that has begun; with `more` false, the last."""
        for tape in self.tapes:
            tape.feed(data)
        if self.keeping is not None:
            self.keeping.feed(data)
        await self.arrival.send({"type": "http.response.body", "body": data, "more_body": more})
