"""Prometheus metrics. Labels hold names of the configuration, and of prompts within a bound."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from portico.contract.budget import Standing
from portico.contract.energy import Energy
from portico.contract.ports import JournalState, NotesState
from portico.contract.receipt import Attempt, Receipt
from portico.gateway.tally import counter, histogram

MOST_PROMPTS: Final = 1000
"""Prompts with a series of their own: applications make observed ones up as they go."""
CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    def __init__(self) -> None:
        registry = CollectorRegistry(auto_describe=True)
        self.registry = registry
        self.calls = counter(
            registry,
            "portico_calls",
            "Calls by workload, door and how they ended",
            ("workload", "door", "status", "error"),
        )
        self.attempts = counter(
            registry,
            "portico_attempts",
            "Requests to upstreams",
            ("provider", "model", "region", "status"),
        )
        self.tokens = counter(registry, "portico_tokens", "Tokens by kind", ("model", "kind"))
        self.cost = counter(
            registry, "portico_cost_usd", "Settled cost in US dollars", ("workload", "model")
        )
        self.energy = EnergyCounts(registry)
        self.capped = counter(
            registry,
            "portico_output_caps",
            "Calls by whose output cap was in force, and whether it was hit",
            ("workload", "source", "hit"),
        )
        self.prompts = counter(
            registry,
            "portico_prompts",
            "Calls by the prompt that they have",
            ("workload", "prompt", "source"),
        )
        self.seconds = histogram(
            registry,
            "portico_call_seconds",
            "From the first byte of a call to the last of its answer",
            ("workload", "stream"),
        )
        self.first_token = histogram(
            registry,
            "portico_first_token_seconds",
            "To the first content of a stream",
            ("workload",),
        )
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
        self.budgets = BudgetGauges(registry)
        self.webhooks = WebhookGauges(registry)
        self.refused = counter(
            registry, "portico_budget_refusals", "Calls that a budget turned away", ("budget",)
        )

    def observe(self, receipt: Receipt) -> None:
        """Counts one finished call."""
        workload = receipt.workload
        self.calls[workload, receipt.door, receipt.status, receipt.error].value += 1
        streamed = "true" if receipt.stream else "false"
        self.seconds[workload, streamed].add(receipt.total_us / 1e6)
        if receipt.stream and receipt.first_token_us is not None:
            self.first_token[workload,].add(receipt.first_token_us / 1e6)
        if receipt.cap_source:
            hit = "true" if receipt.stop == "length" else "false"
            self.capped[workload, receipt.cap_source, hit].value += 1
        if receipt.prompt_source:
            self._prompt(workload, receipt.prompt, receipt.prompt_source)
        for name in receipt.budgets:
            if name.startswith("!"):
                self.refused[name[1:],].value += 1
        for attempt in receipt.attempts:
            self._count(workload, attempt)

    def _prompt(self, workload: str, prompt: str, source: str) -> None:
        labels = (workload, prompt, source)
        if labels not in self.prompts and len(self.prompts) >= MOST_PROMPTS:
            labels = (workload, "other", source)
        self.prompts[labels].value += 1

    def _count(self, workload: str, attempt: Attempt) -> None:
        model, usage = attempt.model, attempt.usage
        self.attempts[attempt.provider, model, attempt.region, attempt.status].value += 1
        self.tokens[model, "input"].value += usage.input
        self.tokens[model, "output"].value += usage.output
        if usage.cached_read:
            self.tokens[model, "cached_read"].value += usage.cached_read
        if attempt.cost_nano:
            self.cost[workload, model].value += attempt.cost_nano / 1e9
        if attempt.energy is not None and not attempt.simulated:
            self.energy.add(workload, model, attempt.energy)

    def render(
        self, journal: JournalState, notes: NotesState, standings: Sequence[Standing] = ()
    ) -> bytes:
        self.journal.read(journal)
        self.journal.note(notes)
        self.budgets.read(standings)
        self.webhooks.read()
        return generate_latest(self.registry)


class EnergyCounts:
    """Estimates, as their low and their high bound. Simulated answers are not in them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("workload", "model", "bound")
        self.wh = counter(
            registry, "portico_energy_wh", "Estimated energy of answers in watt-hours", labels
        )
        self.co2e = counter(
            registry, "portico_co2e_g", "Estimated carbon of it in grams of CO2 equivalent", labels
        )

    def add(self, workload: str, model: str, energy: Energy) -> None:
        self.wh[workload, model, "low"].value += energy.low_nwh / 1e9
        self.wh[workload, model, "high"].value += energy.high_nwh / 1e9
        self.co2e[workload, model, "low"].value += energy.co2e_low_ng / 1e9
        self.co2e[workload, model, "high"].value += energy.co2e_high_ng / 1e9


class BudgetGauges:
    """How the budgets stand in their windows; sessions are too many to have series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("budget", "unit")
        self.used = Gauge(
            "portico_budget_used_ratio",
            "Spent and held, of the amount of the window under way",
            labels,
            registry=registry,
        )

    def read(self, standings: Sequence[Standing]) -> None:
        self.used.clear()
        for standing in standings:
            if standing.ends_ns and standing.amount:
                used = (standing.spent + standing.held) / standing.amount
                self.used.labels(standing.budget, standing.unit).set(used)


class Delivery(Protocol):
    """How a webhook stands."""

    @property
    def project(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def waiting(self) -> int: ...

    @property
    def delivered(self) -> int: ...

    @property
    def failed(self) -> int: ...

    @property
    def dropped(self) -> int: ...


class WebhookGauges:
    """What webhooks were sent since the process started. `source` tells it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.source: Callable[[], Iterable[Delivery]] = tuple
        self._events = Gauge(
            "portico_webhook_events",
            "Events by webhook: delivered, failed (given up), dropped (no room), waiting",
            ("project", "webhook", "outcome"),
            registry=registry,
        )

    def read(self) -> None:
        self._events.clear()
        for each in self.source():
            for outcome in ("delivered", "failed", "dropped", "waiting"):
                series = self._events.labels(each.project, each.name, outcome)
                series.set(getattr(each, outcome))


class JournalGauges:
    """How the journal stands, read when somebody asks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"portico_{name}", text, registry=registry)

        self.waiting = gauge("journal_waiting", "Entries that the database lacks")
        self.waiting_bytes = gauge("journal_waiting_bytes", "Their size")
        self.capacity = gauge("journal_capacity_bytes", "What the journal can hold")
        self.lost = gauge("journal_lost", "Receipts that found no room")
        self.notes_waiting = gauge("notes_waiting", "Transcripts and the like, not written yet")
        self.notes_dropped = gauge("notes_dropped", "Those that found no room")
        self.database_ok = gauge("database_ok", "1 while the database takes receipts")

    def read(self, state: JournalState) -> None:
        self.waiting.set(state.waiting)
        self.waiting_bytes.set(state.waiting_bytes)
        self.capacity.set(state.capacity_bytes)
        self.lost.set(state.lost)
        self.database_ok.set(0 if state.error else 1)

    def note(self, state: NotesState) -> None:
        self.notes_waiting.set(state.waiting)
        self.notes_dropped.set(state.dropped)
