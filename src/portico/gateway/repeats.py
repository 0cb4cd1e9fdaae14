"""Client idempotency keys: a call that is repeated is answered once.

The answer to a key is kept in memory, bounded in number, bytes and age; a repeat gets the same
bytes, and a repeat that comes while the first is still being answered waits for it. A failed or
cancelled call keeps nothing, so that its repeat is a fresh try. Answers do not outlive the
process: the receipts still show which calls carried the same key.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from portico.contract.errors import InvalidRequest
from portico.contract.ports import Clock
from portico.gateway.arrival import Arrival, Headers

MAX_ANSWERS: Final = 1024
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ANSWER_BYTES: Final = 1024 * 1024
KEEP_S: Final = 3600.0
MAX_KEY: Final = 255


Place = tuple[str, str]
"""The caller's key id and its idempotency key: one caller cannot read another's answers."""


class Tape:
    """What was answered to one key."""

    __slots__ = (
        "at",
        "body",
        "call",
        "fingerprint",
        "headers",
        "keeper",
        "place",
        "playable",
        "settled",
        "size",
        "status",
    )

    def __init__(
        self, keeper: "Repeats", place: Place, call: str, fingerprint: bytes, at: float
    ) -> None:
        self.keeper = keeper
        self.place = place
        self.call = call
        self.fingerprint = fingerprint
        self.at = at
        self.status = 0
        self.headers: Headers = ()
        self.body: list[bytes] = []
        self.size = 0
        self.playable = False
        self.settled = asyncio.Event()

    def begin(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        if self.size <= MAX_ANSWER_BYTES:
            self.body.append(data)

    def settle(self, *, answered: bool) -> None:
        """The recorder is done."""
        self.keeper.settle(self, answered=answered)

    async def play(self, arrival: Arrival, call: str, own: Mapping[bytes, bytes | None]) -> None:
        """Answers another call: the same status and bytes, under that call's own id, with `own`
        headers in the place of those of the same names; None takes one out."""
        ids = dict.fromkeys((b"x-portico-call", b"x-request-id", b"request-id"), call.encode())
        named = {**dict(self.headers), **ids, **own}
        headers = [(name, value) for name, value in named.items() if value is not None]
        await arrival.begin(self.status, headers)
        await arrival.end(b"".join(self.body))


class Repeats:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tapes: OrderedDict[Place, Tape] = OrderedDict()
        self._bytes = 0

    async def claim(self, place: Place, call: str, fingerprint: bytes) -> tuple[Tape, bool]:
        """The tape of this caller's key, and whether it is ours to record.

        Raises InvalidRequest when the key came with another body before.
        """
        if len(place[1]) > MAX_KEY:
            raise InvalidRequest(f"An idempotency key has at most {MAX_KEY} characters.")
        while (tape := self._find(place)) is not None:
            if tape.fingerprint != fingerprint:
                raise InvalidRequest(
                    "This idempotency key came with another request before. Use a new key."
                )
            await tape.settled.wait()
            if tape.playable:
                return tape, False
        return self.record(place, call, fingerprint), True

    def record(self, place: Place, call: str, fingerprint: bytes = b"") -> Tape:
        """A new tape in the place of an older one."""
        tape = Tape(self, place, call, fingerprint, self._clock.monotonic())
        if place in self._tapes:
            self._drop(place)
        self._tapes[place] = tape
        return tape

    def kept(self, place: Place) -> Tape | None:
        """The answer that is kept there, if it is whole."""
        tape = self._find(place)
        return tape if tape is not None and tape.playable else None

    def settle(self, tape: Tape, *, answered: bool) -> None:
        """The recorder is done. Keeps the tape if the call was answered, and wakes who waits."""
        ours = self._tapes.get(tape.place) is tape
        tape.playable = ours and answered and tape.size <= MAX_ANSWER_BYTES
        if tape.playable:
            self._bytes += tape.size
        elif ours:
            del self._tapes[tape.place]
        tape.settled.set()
        self._shrink()

    def _find(self, place: Place) -> Tape | None:
        tape = self._tapes.get(place)
        if tape is not None and tape.playable and self._clock.monotonic() - tape.at > KEEP_S:
            self._drop(place)
            return None
        return tape

    def _shrink(self) -> None:
        while len(self._tapes) > MAX_ANSWERS or self._bytes > MAX_BYTES:
            oldest = next((place for place, tape in self._tapes.items() if tape.playable), None)
            if oldest is None:
                return
            self._drop(oldest)

    def _drop(self, place: Place) -> None:
        tape = self._tapes.pop(place)
        if tape.playable:
            self._bytes -= tape.size
