"""How costs and forecasts look to a person: rounded, each column only where it has something."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from portico.control.ledger.cost import CostFigures, CostLine, CostReport
from portico.control.ledger.forecast import (
    BudgetForecast,
    CostEstimate,
    CostForecast,
    SpendForecast,
)

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Columns, and rows."""
Column = tuple[str, Callable[[CostFigures], str]]

FORECAST = ("SPENT", "A DAY", "LOW - HIGH", "MONTH END", "LOW - HIGH", "DAYS")
BUDGET = ("WINDOW", "AMOUNT", "SPENT", "HELD", "SHARE", "RUNS OUT (UTC)", "FROM", "TO")


def about(usd: str | None) -> str:
    """An amount with the digits that a reader needs: cents, or below a dollar three that count."""
    if usd is None:
        return "-"
    amount = Decimal(usd)
    if abs(amount) >= 1:
        return f"${amount:,.2f}"
    places = min(9, max(2, 2 - amount.adjusted())) if amount else 2
    return f"${amount:.{places}f}"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def report_table(found: CostReport) -> Table:
    """The lines, and the total as the last row."""
    columns = _columns(found)
    rows = [(*_names(line), *_row(line.figures, columns)) for line in found.lines]
    head = ("total", *[""] * (len(found.by) - 1))
    keys = tuple(key.upper() for key in found.by)
    rows.append((*head, *_row(found.total, columns)))
    return (*keys, *(name for name, _ in columns)), rows


def report_notes(found: CostReport) -> Iterator[str]:
    """What the table does not say."""
    yield ""
    where = "".join(f", {key} {value}" for key, value in found.where)
    yield f"{found.since} to {found.until}{where}"
    if "tag" in found.by:
        yield "a call is in the line of each of its tags: the lines sum to more than the total"
    if found.total.capacity_usd != "0.00":
        yield "capacity is provisioned throughput, by the tokens that each line had of it"
    if found.total.unpriced:
        yield f"{found.total.unpriced} attempts have no price and are in no amount"
    if _judged(found):
        yield (
            f"accepted: {found.total.accepted} of {found.total.judged} judged answers; the cost of "
            "an accepted one is as if the others were like them"
        )
    else:
        yield "no answer was judged (POST /v1/feedback): what an accepted one costs is not known"
    if found.simulated_calls:
        yield f"{found.simulated_calls} simulated calls are not in the total"
    if found.currency is not None:
        money = found.currency
        yield f"{money.code}: at {money.per_usd:g} for a US dollar, {money.date} {money.source}"


def forecast_table(found: CostForecast) -> Table:
    rows = [(each.workload or "-", *_forecast(each.forecast)) for each in found.workloads]
    if found.capacity is not None:
        hours = found.capacity
        spent, end = about(hours.spent_usd), about(hours.month_end_usd)
        rows.append(("(capacity)", spent, "", "", end, "", ""))
    rows.append(("total", *_forecast(found.total)))
    return ("WORKLOAD", *FORECAST), rows


def budget_table(found: CostForecast) -> Table:
    return ("BUDGET", *BUDGET), [_budget(each) for each in found.budgets]


def forecast_notes(found: CostForecast) -> Iterator[str]:
    yield ""
    yield f"{found.month}, at {found.at}"
    if found.total.reason:
        yield found.total.reason
    yield from (f"{sentence.rstrip('.')}." for sentence in found.method.split(". "))


def _columns(found: CostReport) -> tuple[Column, ...]:
    every = (found.total, *(line.figures for line in found.lines))
    judged, hours = _judged(found), any(each.capacity_usd != "0.00" for each in every)
    code = found.currency.code if found.currency else ""
    shown: tuple[tuple[bool, Column], ...] = (
        (True, ("CALLS", lambda each: str(each.calls))),
        (True, ("ANSWERED", lambda each: str(each.answered))),
        (True, ("FAILED", lambda each: f"{each.failed} of {each.attempts}")),
        (True, ("TOKENS IN", _tokens_in)),
        (True, ("TOKENS OUT", lambda each: str(each.tokens_out))),
        (True, ("COST", lambda each: about(each.cost_usd))),
        (hours, ("CAPACITY", lambda each: about(each.capacity_usd))),
        (hours, ("TOTAL", lambda each: about(each.total_usd))),
        (bool(code), (code, _converted)),
        (True, ("SHARE", lambda each: percent(each.share))),
        (True, ("PER CALL", lambda each: about(each.per_call_usd))),
        (True, ("PER SESSION", lambda each: about(each.per_session_usd))),
        (judged, ("PER ACCEPTED", lambda each: about(each.per_accepted_usd))),
        (any(each.unpriced for each in every), ("UNPRICED", lambda each: str(each.unpriced))),
        (True, ("CAP SET", lambda each: percent(each.capped_share))),
        (True, ("CAP HITS", lambda each: percent(each.cap_hit_share))),
    )
    return tuple(column for wanted, column in shown if wanted)


def _judged(found: CostReport) -> bool:
    """Any answer, a simulated one too."""
    return any(line.figures.judged for line in found.lines)


def _row(figures: CostFigures, columns: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(write(figures) for _, write in columns)


def _names(line: CostLine) -> tuple[str, ...]:
    first, *rest = (key or "-" for key in line.keys)
    return (f"{first} (simulated)" if line.kind == "simulated" else first, *rest)


def _tokens_in(figures: CostFigures) -> str:
    share = figures.cached_share
    return f"{figures.tokens_in}{f' ({share:.0%} cached)' if share else ''}"


def _converted(figures: CostFigures) -> str:
    return about(figures.total_converted).removeprefix("$")


def _forecast(found: SpendForecast) -> tuple[str, ...]:
    return (
        about(found.spent_usd),
        *_estimate(found.daily),
        *_estimate(found.month_end),
        str(found.days),
    )


def _estimate(found: CostEstimate | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return about(found.median_usd), f"{about(found.low_usd)} - {about(found.high_usd)}"


def _budget(found: BudgetForecast) -> tuple[str, ...]:
    unless = {"unknown": "-", "spent": "is spent"}.get(found.state, "lasts")
    dates = (found.runs_out, found.earliest, found.latest)
    return (
        found.budget,
        found.window,
        about(found.amount_usd),
        about(found.spent_usd),
        about(found.held_usd),
        percent(found.share),
        *(unless if moment is None else moment[:16].replace("T", " ") for moment in dates),
    )
