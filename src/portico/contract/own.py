"""Calls that Portico makes itself, and the port for them."""

from typing import Literal, Protocol

import msgspec

from portico.contract.call import Principal
from portico.contract.receipt import Receipt


class OwnCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that Portico makes itself: a replay today."""

    door: str
    """The name of the door whose wire `body` speaks."""
    body: bytes
    options: bytes = b""
    """JSON of the header x-portico-options."""
    who: Principal
    origin: Literal["replay"] = "replay"
    of: str = ""
    """The call that is made again."""


class OwnAnswer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    body: bytes
    receipt: Receipt | None
    """None where the call was refused before it was accountable."""


class Caller(Protocol):
    """Makes a call as if it had come through a door: guarded, paid for and recorded."""

    async def call(self, call: OwnCall, release: str) -> OwnAnswer:
        """Under the release of that id, or what the workload assigns where it is empty. A stream
        comes back as its events in one body. Never raises for what a caller would be told."""
        ...
