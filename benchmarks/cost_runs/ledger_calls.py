"""Made-up calls of thirty days, and what they come to, summed apart from Portico."""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from portico.contract.energy import Energy, EnergyBasis
from portico.contract.ledger import SpendingKey
from portico.contract.money import Price, Rates
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import StopReason, Usage

DAY_NS: Final = 86_400 * 10**9
QUARTER_NS: Final = 900 * 10**9
START_NS: Final = 20_391 * DAY_NS
"""2025-10-30."""
DAYS: Final = 30
KEYS: Final[tuple[SpendingKey, ...]] = (
    "project", "team", "workload", "model", "provider", "release", "prompt", "key", "tag", "day",
    "month", "quarter_hour",
)  # fmt: skip

TEAMS: Final = 8
WORKLOADS: Final = 24
KEYS_A_TEAM: Final = 3
FEATURES: Final = 6
MODELS: Final = (
    ("nano", "openai"), ("mini", "openai"), ("large", "openai"), ("haiku", "anthropic"),
    ("sonnet", "anthropic"), ("nova", "bedrock"), ("own", "local"), ("sim/echo", "simulator"),
)  # fmt: skip
OWN, SIMULATED = 6, 7
IN_SESSIONS: Final = 0.6
OPEN_SESSIONS: Final = 40
A_SESSION_ENDS: Final = 0.2
"""How likely a call is the last of its session."""
FALLBACKS: Final = 0.06

Tags = tuple[tuple[str, str], ...]


class Caller(NamedTuple):
    """Who calls; a session's calls come from one and the same."""

    session: str
    workload: int
    key: str
    tags: Tags


Sums = tuple[int, int, int, int, int]
"""Calls, attempts, tokens in, tokens out, nano-dollars."""
NOTHING: Final[Sums] = (0, 0, 0, 0, 0)


class Made:
    """Calls in the order of their coming. `sums` are of those that were made so far."""

    def __init__(self, receipts: int, seed: int) -> None:
        self._receipts = receipts
        self._random = random.Random(seed)
        self._opened = 0
        self._sessions = [self._opening() for _ in range(OPEN_SESSIONS)]
        self.sums: dict[tuple[SpendingKey, str, bool], Sums] = {}
        """By key, its value, and whether simulated."""
        self._in_sessions: dict[tuple[str, bool], set[str]] = {}

    @property
    def sessions(self) -> dict[tuple[str, bool], int]:
        """Distinct ones by team and whether their calls' first attempts were simulated."""
        every = {(team, simulated) for key, team, simulated in self.sums if key == "team"}
        return {place: len(self._in_sessions.get(place, ())) for place in every}

    def __iter__(self) -> Iterator[Receipt]:
        step = DAYS * DAY_NS // self._receipts
        for number in range(self._receipts):
            yield self._receipt(number, START_NS + number * step)

    def _receipt(self, number: int, received_ns: int) -> Receipt:
        draw = self._random
        caller = self._caller()
        workload = caller.workload
        team = workload % TEAMS
        attempts = self._attempts(number, workload)
        usage = attempts[-1].usage
        receipt = Receipt(
            call=f"call_{number:026d}",
            received_ns=received_ns,
            door="openai_chat",
            workload=f"workload-{workload}",
            model=attempts[-1].model,
            release=f"rel_{workload:04x}{(received_ns - START_NS) // (8 * DAY_NS)}",
            prompt=f"prompt-{workload}",
            prompt_version=f"ver_{workload:08x}",
            prompt_source="registered",
            requested_model=f"workload-{workload}",
            key=caller.key,
            team=f"team-{team}",
            project=f"project-{team % 2}",
            session=caller.session,
            tags=caller.tags,
            attempts=attempts,
            usage=usage,
            cost_nano=sum(each.cost_nano for each in attempts),
            unpriced=any(each.price is None for each in attempts),
            max_output_tokens=1000,
            cap_source=draw.choice(("caller", "workload", "default")),
            stages=(("authenticate", 12), ("assign", 8), ("attempt", 430_000), ("record", 21)),
            first_token_us=210_000,
            total_us=430_000,
            stop=StopReason.LENGTH if usage.output >= 590 else StopReason.END,
            simulated=any(each.simulated for each in attempts),
        )
        self._count(receipt)
        return receipt

    def _caller(self) -> Caller:
        draw = self._random
        if draw.random() > IN_SESSIONS:
            return self._new("")
        place = draw.randrange(OPEN_SESSIONS)
        caller = self._sessions[place]
        if draw.random() < A_SESSION_ENDS:
            self._sessions[place] = self._opening()
        return caller

    def _opening(self) -> Caller:
        self._opened += 1
        return self._new(f"session-{self._opened}")

    def _new(self, session: str) -> Caller:
        workload = min(int(self._random.expovariate(0.15)), WORKLOADS - 1)
        key = f"key_{workload % TEAMS}_{self._random.randrange(KEYS_A_TEAM)}"
        return Caller(session, workload, key, self._tags())

    def _tags(self) -> Tags:
        if self._random.random() < 0.3:
            return ()
        return (("feature", f"f{self._random.randrange(FEATURES)}"), ("env", "prod"))

    def _attempts(self, number: int, workload: int) -> tuple[Attempt, ...]:
        first, second = workload % len(MODELS), (workload + 1) % len(MODELS)
        if self._random.random() >= FALLBACKS:
            return (self._attempt(f"att_{number:026d}", first),)
        failed = self._attempt(f"att_{number:026d}", first)
        failed.status, failed.error = "failed", "upstream_failed"
        return (failed, self._attempt(f"att_{number:026d}b", second))

    def _attempt(self, id_: str, place: int) -> Attempt:
        draw = self._random
        name, provider = MODELS[place]
        usage = Usage(
            input=draw.randrange(50, 4000),
            cached_read=draw.choice((0, 0, 0, 1024)),
            output=draw.randrange(1, 600),
        )
        price = PRICES[place]
        nano = 0 if price is None else usage.input * place + usage.cached_read + usage.output * 7
        wh = usage.output * (place + 1) * 1000
        return Attempt(
            id=id_,
            provider=provider,
            kind="openai",
            model=name,
            model_id=name,
            wire="openai_chat",
            status="ok",
            address="203.0.113.7",
            region="eu-west-1",
            connection="reused",
            http_status=200,
            served_model=f"{name}-2026-01-01",
            started_ns=START_NS,
            first_byte_us=200_000,
            first_token_us=210_000,
            total_us=430_000,
            usage=usage,
            usage_source="reported",
            cost_nano=nano,
            price=price,
            energy=Energy(low_nwh=wh, high_nwh=5 * wh, co2e_low_ng=wh, co2e_high_ng=9 * wh),
            energy_basis=BASES[place],
            stop=StopReason.END,
            simulated=place == SIMULATED,
        )

    def _count(self, receipt: Receipt) -> None:
        if receipt.session:
            group = (receipt.team, receipt.attempts[0].simulated)
            self._in_sessions.setdefault(group, set()).add(receipt.session)
        for place, attempt in enumerate(receipt.attempts):
            usage = attempt.usage
            more = (
                int(place == 0), 1, usage.input + usage.cached_read, usage.output,
                attempt.cost_nano,
            )  # fmt: skip
            for key, value in _values(receipt, attempt):
                at = (key, value, attempt.simulated)
                older = self.sums.get(at, NOTHING)
                self.sums[at] = (
                    older[0] + more[0], older[1] + more[1], older[2] + more[2],
                    older[3] + more[3], older[4] + more[4],
                )  # fmt: skip


def _values(receipt: Receipt, attempt: Attempt) -> Iterator[tuple[SpendingKey, str]]:
    day = (receipt.received_ns - START_NS) // DAY_NS
    october = day < 2
    yield "project", receipt.project
    yield "team", receipt.team
    yield "workload", receipt.workload
    yield "model", attempt.model
    yield "provider", attempt.provider
    yield "release", receipt.release
    yield "prompt", f"{receipt.prompt}@{receipt.prompt_version}"
    yield "key", receipt.key
    for name, value in receipt.tags:
        yield "tag", f"{name}={value}"
    yield "day", f"2025-10-{day + 30}" if october else f"2025-11-{day - 1:02d}"
    yield "month", "2025-10" if october else "2025-11"
    yield "quarter_hour", str(receipt.received_ns // QUARTER_NS * QUARTER_NS)


def _price(place: int) -> Price | None:
    if place == OWN:
        return None
    rates = Rates(input=place * 1000, output=7000, cached_read=1000)
    return Price(rates=rates, source="portico.yaml", date="2026-11-01")


def _basis(place: int) -> EnergyBasis:
    size = (place + 1) * 10**9
    return EnergyBasis(
        method="ecologits 0.11.3; ML.ENERGY 2026-11", size_low=size, size_high=2 * size,
        active_low=size, active_high=size, size_source="portico.yaml", zone="WOR",
        grid_source="Ember", grid_date="2026-01-01",
    )  # fmt: skip


PRICES: Final = tuple(map(_price, range(len(MODELS))))
BASES: Final = tuple(map(_basis, range(len(MODELS))))
