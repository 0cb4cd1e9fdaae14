"""CPU that money adds to a call, in process: the ceiling, two budgets, the charge, the energy.

A call of 1 kB of text under two hard budgets that it fits into: opened, its ceiling found and
held, charged by what it used, its energy estimated, settled and closed. Beside it, in the same
rounds, what others take for the charge and the energy alone: genai-prices' `calc_price` and
ecologits' `llm_impacts`.
"""

import asyncio
import json
import logging
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ecologits.tracers.utils import llm_impacts
from genai_prices import Usage as Theirs
from genai_prices import calc_price

from portico.adapters.budgets.local import LocalBudgets
from portico.adapters.clock import SystemClock
from portico.contract.budget import Amount, Budget, Scope, Spender
from portico.contract.snapshot import Facts, Model
from portico.contract.usage import Usage
from portico.cost import prices
from portico.cost.ceiling import input_tokens_at_most
from portico.cost.charge import bound, charge, input_tokens
from portico.sustainability import sizes
from portico.sustainability.accelerators import draw
from portico.sustainability.centres import centre
from portico.sustainability.energy import coefficients, estimate
from portico.sustainability.grid import grid

ID: Final = "gpt-4.1"
BYTES: Final = 1024
USAGE: Final = Usage(input=260, cached_read=100, output=180)
ROUNDS: Final = 7
NOW: Final = datetime.now(UTC)


@dataclass(frozen=True)
class CpuResult:
    """Medians of the rounds, in microseconds a call."""

    ours_us: float
    ceiling_us: float
    budgets_us: float
    charge_us: float
    energy_us: float
    genai_prices_us: float
    ecologits_us: float

    @property
    def lines(self) -> Iterator[str]:
        yield f"a call's money and energy, two budgets: {self.ours_us:.1f} µs of CPU"
        yield (
            f"  ceiling {self.ceiling_us:.1f}, open to close {self.budgets_us:.1f}, "
            f"charge {self.charge_us:.1f}, energy {self.energy_us:.1f}"
        )
        for peer, its, what, own in (
            ("genai-prices' calc_price", self.genai_prices_us, "charge", self.charge_us),
            ("ecologits' llm_impacts", self.ecologits_us, "estimate", self.energy_us),
        ):
            yield f"  {peer} {its:.1f}: {its / own:.0f} times our {what}"


def run(smoke: bool) -> CpuResult:
    """Of 20,000 calls a round; a smoke run makes a few."""
    logging.getLogger("ecologits").setLevel(logging.ERROR)  # it says that sizes are estimates
    return asyncio.run(_measure(200 if smoke else 20_000, 2 if smoke else ROUNDS))


class _Made:
    """Everything that a gateway has ready when a call comes."""

    def __init__(self) -> None:
        price = prices.resolve("openai", ID, "", NOW)
        size = sizes.known("openai", ID)
        assert price is not None
        assert size is not None
        self.price = price
        self.energy = coefficients(size, draw(size), centre("openai").pue, grid(""))
        self.model = Model(
            name="m", provider="p", id=ID, price=price, facts=Facts(context=1_047_576)
        )
        self.bound = bound(price)
        self.body = json.dumps(
            {
                "model": ID,
                "messages": [{"role": "user", "content": "x" * (BYTES - 80)}],
                "max_tokens": 1000,
            }
        ).encode()
        self.clock = SystemClock()
        self.budgets = LocalBudgets(None, self.clock)
        self.number = 0


async def _measure(calls: int, rounds: int) -> CpuResult:
    made = _Made()
    await made.budgets.replace(
        (
            Budget(name="budgets.all", nano=10**18, per="month"),
            Budget(name="workloads.w.budget", scope=Scope(workload="w"), nano=10**18, per="day"),
        )
    )
    kinds: dict[str, Callable[[int], float]] = {
        "ceiling_us": lambda n: _timed(n, lambda: _ceiling(made)),
        "charge_us": lambda n: _timed(n, lambda: charge(USAGE, made.price)),
        "energy_us": lambda n: _timed(n, lambda: estimate(USAGE, made.energy)),
        "genai_prices_us": lambda n: _timed(max(1, n // 20), _genai_prices),
        "ecologits_us": lambda n: _timed(max(1, n // 50), _ecologits),
    }
    found: dict[str, list[float]] = {name: [] for name in (*kinds, "ours_us", "budgets_us")}
    for _ in range(rounds):
        for name, timed in kinds.items():
            found[name].append(timed(calls))
        found["ours_us"].append(await _calls(made, calls, _ceiling))
        found["budgets_us"].append(await _calls(made, calls, _fixed, bare=True))
    await made.budgets.shut()
    return CpuResult(**{name: statistics.median(each) for name, each in found.items()})


def _timed(calls: int, act: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(calls):
        act()
    return (time.process_time() - began) / calls * 1e6


def _ceiling(made: _Made) -> Amount:
    reach = input_tokens_at_most(made.body, "openai_chat", made.model)
    return Amount(made.bound.nano(reach.tokens, 1000, reach.searches), reach.tokens + 1000)


def _fixed(_: _Made) -> Amount:
    return Amount(10_000_000, 3000)


async def _calls(
    made: _Made, calls: int, ceiling: Callable[[_Made], Amount], *, bare: bool = False
) -> float:
    """Microseconds a call, from its place in the budgets to its end; `bare` without the charge
    and the energy."""
    budgets, clock = made.budgets, made.clock
    began = time.process_time()
    for _ in range(calls):
        made.number += 1
        now = clock.now_ns()
        who = Spender(call=f"call_{made.number}", received_ns=now, workload="w", key="key_1")
        tab = budgets.open(who, str)
        assert tab is not None
        hold = await budgets.hold(tab, ceiling(made), now)
        nano = 0 if bare else charge(USAGE, made.price)
        if not bare:
            estimate(USAGE, made.energy)
        budgets.settle(tab, hold, Amount(nano, input_tokens(USAGE) + USAGE.output))
        budgets.close(tab)
    return (time.process_time() - began) / calls * 1e6


def _genai_prices() -> object:
    usage = Theirs(input_tokens=360, cache_read_tokens=100, output_tokens=180)
    return calc_price(usage, ID, provider_id="openai", genai_request_timestamp=NOW)


def _ecologits() -> object:
    return llm_impacts("openai", ID, USAGE.output, 2.0)
