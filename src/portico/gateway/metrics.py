"""Prometheus metrics. Labels hold names of the configuration only, so their number is bounded."""

from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from portico.contract.ports import JournalState
from portico.contract.receipt import Attempt, Receipt

SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


Labels = tuple[str, ...]
_M = TypeVar("_M", Counter, Histogram)


class _Children(dict[Labels, _M], Generic[_M]):
    """The children of a metric by their labels: `labels()` costs more than all the rest."""

    def __init__(self, metric: _M) -> None:
        super().__init__()
        self._metric: _M = metric

    def __missing__(self, labels: Labels) -> _M:
        child: _M = self._metric.labels(*labels)
        self[labels] = child
        return child


class Metrics:
    def __init__(self) -> None:
        registry = CollectorRegistry(auto_describe=True)
        self.registry = registry
        calls = Counter(
            "portico_calls",
            "Calls by workload, door and how they ended",
            ("workload", "door", "status", "error"),
            registry=registry,
        )
        attempts = Counter(
            "portico_attempts",
            "Requests to upstreams",
            ("provider", "model", "region", "status"),
            registry=registry,
        )
        tokens = Counter("portico_tokens", "Tokens by kind", ("model", "kind"), registry=registry)
        cost = Counter(
            "portico_cost_usd",
            "Settled cost in US dollars",
            ("workload", "model"),
            registry=registry,
        )
        capped = Counter(
            "portico_output_caps",
            "Calls by whose output cap was in force, and whether it was hit",
            ("workload", "source", "hit"),
            registry=registry,
        )
        seconds = Histogram(
            "portico_call_seconds",
            "From the first byte of a call to the last of its answer",
            ("workload", "stream"),
            buckets=SECONDS,
            registry=registry,
        )
        first_token = Histogram(
            "portico_first_token_seconds",
            "To the first content of a stream",
            ("workload",),
            buckets=SECONDS,
            registry=registry,
        )
        self.calls = _Children(calls)
        self.attempts = _Children(attempts)
        self.tokens = _Children(tokens)
        self.cost = _Children(cost)
        self.capped = _Children(capped)
        self.seconds = _Children(seconds)
        self.first_token = _Children(first_token)
        self.unauthenticated = Counter(
            "portico_unauthenticated", "Requests turned away at the door", registry=registry
        )
        self.unrecorded = Counter(
            "portico_unrecorded",
            "Calls that were refused while the journal had no room for their receipt",
            registry=registry,
        )
        self.in_flight = Gauge("portico_calls_in_flight", "Calls being served", registry=registry)
        self.journal = JournalGauges(registry)

    def observe(self, receipt: Receipt) -> None:
        """Counts one finished call."""
        workload = receipt.workload
        self.calls[workload, receipt.door, receipt.status, receipt.error].inc()
        streamed = "true" if receipt.stream else "false"
        self.seconds[workload, streamed].observe(receipt.total_us / 1e6)
        if receipt.stream and receipt.first_token_us is not None:
            self.first_token[workload,].observe(receipt.first_token_us / 1e6)
        if receipt.cap_source:
            hit = "true" if receipt.stop == "length" else "false"
            self.capped[workload, receipt.cap_source, hit].inc()
        for attempt in receipt.attempts:
            self._count(workload, attempt)

    def _count(self, workload: str, attempt: Attempt) -> None:
        model = attempt.model
        self.attempts[attempt.provider, model, attempt.region, attempt.status].inc()
        self.tokens[model, "input"].inc(attempt.usage.input)
        self.tokens[model, "output"].inc(attempt.usage.output)
        if cached := attempt.usage.cached_read:
            self.tokens[model, "cached_read"].inc(cached)
        if attempt.cost_nano:
            self.cost[workload, model].inc(attempt.cost_nano / 1e9)

    def render(self, journal: JournalState) -> bytes:
        self.journal.read(journal)
        return generate_latest(self.registry)


class JournalGauges:
    """How the journal stands, read when somebody asks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"portico_{name}", text, registry=registry)

        self.waiting = gauge("journal_waiting", "Entries that the database lacks")
        self.waiting_bytes = gauge("journal_waiting_bytes", "Their size")
        self.capacity = gauge("journal_capacity_bytes", "What the journal can hold")
        self.lost = gauge("journal_lost", "Receipts that found no room")
        self.database_ok = gauge("database_ok", "1 while the database takes receipts")

    def read(self, state: JournalState) -> None:
        self.waiting.set(state.waiting)
        self.waiting_bytes.set(state.waiting_bytes)
        self.capacity.set(state.capacity_bytes)
        self.lost.set(state.lost)
        self.database_ok.set(0 if state.error else 1)
