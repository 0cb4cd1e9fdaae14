"""What the pipeline needs of the world."""

from collections.abc import Callable, Mapping

import msgspec

from portico.contract.budget import Budgets
from portico.contract.ports import AwsCredentials, Clock, Journal, Ledger, Notes, Upstream
from portico.gateway.entropy import Entropy
from portico.gateway.metrics import Metrics
from portico.gateway.observing import Observer
from portico.gateway.repeats import Repeats
from portico.methods import ids
from portico.security.keys import Seen


class Io(msgspec.Struct, frozen=True, kw_only=True):
    """Ports, and what is counted and remembered over many calls."""

    clock: Clock
    journal: Journal
    upstreams: Mapping[str, Upstream]
    """By kind of provider."""
    credentials: AwsCredentials
    metrics: Metrics
    repeats: Repeats
    spares: Repeats
    """Answers that stand in where a budget is nearly spent."""
    budgets: Budgets
    notes: Notes
    ledger: Ledger
    """For feedback; no call reads it."""
    observer: Observer
    entropy: Callable[[int], bytes] = msgspec.field(default_factory=Entropy)
    seen: Seen = msgspec.field(default_factory=dict)
    """Credentials that have shown themselves to be right."""
    commit: bool = False
    """Wait for the database before the last byte (`durability: commit`)."""

    def identity(self, prefix: str) -> str:
        return ids.make(prefix, self.clock.now_ns(), self.entropy(ids.ENTROPY_BYTES))
