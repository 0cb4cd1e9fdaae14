"""What a call may spend: held before each attempt, charged after it, by the budgets that bound it.

A hold is the most that an attempt can cost. It is taken before the journal's intent and settled
with the attempt; the call's place in its budgets is closed in the same step of the loop as its
receipt is recorded, so that what is spent in a budget is at all times what the ledger has.
"""

import hashlib
from functools import partial
from typing import Final

from portico.contract.budget import Amount, Budget, Spender
from portico.contract.call import Principal
from portico.contract.errors import BudgetExhausted
from portico.contract.receipt import Attempt as Settled
from portico.contract.usage import Usage
from portico.cost.ceiling import Reach, input_tokens_at_most
from portico.cost.charge import input_tokens
from portico.cost.repeating import fingerprint
from portico.gateway.attempt import Attempt
from portico.gateway.call import Call
from portico.gateway.io import Io
from portico.gateway.live import Live
from portico.gateway.repeats import Tape
from portico.gateway.shelf import Route

ABOVE_HOLD: Final = "above_hold"
KEPT: Final = {
    b"x-portico-cache": b"hit-exact",
    b"x-portico-cost-usd": b"0.000000000",
    b"x-portico-attempts": b"0",
    b"x-portico-energy-wh": None,
    b"x-portico-co2e-g": None,
    b"server-timing": None,
}
"""Headers of a kept answer that are not those of its first call."""


def enter(call: Call, who: Principal, route: Route, at: Live, io: Io) -> Route:
    """Opens the call's place in the budgets that bound it. The route that they leave it.

    Raises BudgetExhausted where a budget refuses from its soft share on.
    """
    receipt = call.trail.receipt
    spender = Spender(
        call=receipt.call,
        received_ns=receipt.received_ns,
        project=receipt.project,
        team=receipt.team,
        workload=receipt.workload,
        key=who.key,
        key_name=who.name,
        session=receipt.session,
        tags=receipt.tags,
    )
    tab = call.tab = io.budgets.open(spender, partial(_said, call))
    if tab is None:
        return route
    receipt.budgets = tuple(budget.name for budget in tab.budgets)
    for budget in tab.crossed:
        if budget.otherwise == "refuse":
            raise _refused(
                call,
                budget,
                f"The budget '{budget.name}' has spent {budget.soft or 0:.0%} of its amount, and "
                "takes no new calls from there on. Wait for its next window, or raise it.",
            )
    if any(budget.otherwise == "smaller" for budget in tab.crossed):
        smaller = at.smaller(route)
        if smaller is not None:
            receipt.model = smaller.model.name
            receipt.degraded += (f"a budget is nearly spent: {route.model.name} was asked for",)
            return smaller
    return route


def _said(call: Call) -> str:
    assert call.request is not None
    if call.request.operation != "chat":
        return hashlib.sha256(call.request.body).hexdigest()
    return fingerprint(call.door.conversation(call.request))


def spare(call: Call, attempt: Attempt, io: Io) -> Tape | None:
    """What the same request was answered before, where a budget wishes for it.

    None: the attempt has to be made. Where a budget may wish for it later, its answer is kept.
    """
    tab = call.tab
    assert tab is not None
    assert call.request is not None
    if call.request.options.cache == "bypass":
        return None
    if not any(budget.otherwise == "cached" for budget in tab.budgets):
        return None
    asked = hashlib.sha256(call.door.name.encode())
    asked.update(call.trail.receipt.release.encode())
    asked.update(attempt.outgoing.url.encode())
    asked.update(attempt.outgoing.body)
    place = (call.trail.receipt.team, asked.hexdigest())
    if any(budget.otherwise == "cached" for budget in tab.crossed):
        tape = io.spares.kept(place)
        if tape is not None:
            call.keeping = None  # the transcript is that of the call which was answered
            return tape
    call.tapes += (io.spares.record(place, call.id),)
    return None


async def hold(call: Call, attempt: Attempt, route: Route, output_tokens: int, io: Io) -> None:
    """Reserves the most that the attempt can cost.

    Raises BudgetExhausted where it does not fit, or where nobody knows what it can cost.
    """
    tab, trail = call.tab, attempt.trail
    assert tab is not None
    reach = input_tokens_at_most(attempt.outgoing.body, attempt.wire.name, route.model)
    nano = 0
    money = next((b for b in tab.budgets if b.nano is not None and b.hard), None)
    if money is not None or route.bound is not None:
        nano = _most(call, route, reach, output_tokens, money)
    if reach.open and (unbounded := next((b for b in tab.budgets if b.hard), None)) is not None:
        raise _refused(call, unbounded, _unbounded(unbounded, reach, route))
    ceiling = Amount(nano, reach.tokens + output_tokens)
    try:
        attempt.hold = await io.budgets.hold(tab, ceiling, trail.attempt.started_ns)
    except BudgetExhausted as error:
        _mark(call, error.detail.get("budget", ""))
        raise
    trail.attempt.held_nano = nano
    call.trail.mark("budget")


def _unbounded(budget: Budget, reach: Reach, route: Route) -> str:
    model = route.model
    start = f"The budget '{budget.name}' cannot hold this call: the request does not bound"
    if model.facts is not None and model.facts.context is not None:
        return f"{start} how often {reach.because} is used. Give it max_uses."
    return (
        f"{start} {reach.because}, and the context window of {model.name} is not known. Give the "
        "model its context in portico.yaml."
    )


def _most(call: Call, route: Route, reach: Reach, out: int, money: Budget | None) -> int:
    if route.bound is not None:
        return route.bound.nano(reach.tokens, out, reach.searches)
    if route.model.throughput == "provisioned":
        return 0  # paid by the hour, whatever is asked of it
    assert money is not None
    raise _refused(
        call,
        money,
        f"The budget '{money.name}' cannot hold a call of {route.model.name}, which has no price. "
        "Give the model a price, or the budget hard: false.",
    )


def charge(call: Call, attempt: Attempt, settled: Settled, io: Io) -> None:
    """What the attempt came to takes the place of its hold."""
    tab, held = call.tab, attempt.hold
    if tab is None or held is None:
        return
    attempt.hold = None
    nano = settled.cost_nano
    if nano > held.ceiling.nano:
        settled.usage_flags += (ABOVE_HOLD,)
    io.budgets.settle(tab, held, Amount(nano, tokens(settled.usage)))


def tokens(usage: Usage) -> int:
    """All tokens of an attempt, in and out."""
    return input_tokens(usage) + usage.output + usage.output_audio + usage.output_image


def close(call: Call, io: Io) -> None:
    """The call's receipt is recorded, or nothing is any more to be recorded of it."""
    tab, call.tab = call.tab, None
    if tab is not None:
        io.budgets.close(tab)


def _refused(call: Call, budget: Budget, message: str) -> BudgetExhausted:
    _mark(call, budget.name)
    return BudgetExhausted(message, detail={"budget": budget.name})


def _mark(call: Call, name: str) -> None:
    receipt = call.trail.receipt
    receipt.budgets = tuple(f"!{each}" if each == name else each for each in receipt.budgets)
