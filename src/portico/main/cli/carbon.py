"""`portico carbon`: what answers took in energy and carbon."""

from collections.abc import Iterator

import click

from portico.control.ledger.carbon import CarbonReport, Interval, Sizes, Weight
from portico.main.cli.options import as_json
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import print_raw_json, print_table
from portico.main.cli.words import plain
from portico.main.settings import read_environment, read_settings

MOST_DAYS = 400
BY = ("workload", "team", "model", "day")
COLUMNS = ("CALLS", "NO ESTIMATE", "TOKENS OUT", "ENERGY (Wh)", "CO2e (g)", "PARAMETERS")
UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


@click.group("carbon")
def command() -> None:
    """Energy and carbon of answers."""


@command.command("report")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, MOST_DAYS))
@click.option("--by", default="workload", show_default=True, type=click.Choice(BY))
@click.option("--from", "since", metavar="DATE", help="The first day (UTC), like 2026-11-01.")
@click.option("--to", "until", metavar="DATE", help="The last day (UTC).")
@as_json
@with_server
def report(
    server: Server, days: int, by: str, since: str | None, until: str | None, json: bool
) -> None:
    """Energy and carbon as intervals, and the sizes of the models that were used.

    Sizes are weighted by output tokens; a range is what is thought of models whose makers do not
    tell. Calls without an estimate are counted, and are in no amount.
    """
    given = {"days": str(days), "by": by, "from": since, "to": until}
    query = {name: value for name, value in given.items() if value is not None}
    reply = succeeded(server.request("GET", path_of("carbon"), query=query))
    if json:
        print_raw_json(reply.body)
        return
    found = read(reply, CarbonReport)
    rows = [
        (plain(line.key or "-") + " (simulated)" * line.simulated, *_cells(line.weight))
        for line in found.lines
    ]
    rows.append(("total", *_cells(found.total)))
    color = read_settings(read_environment()).color
    print_table((by.upper(), *COLUMNS), rows, numbers=COLUMNS, color=color)
    for text in _notes(found):
        click.echo(plain(text))


def _notes(found: CarbonReport) -> Iterator[str]:
    yield ""
    yield f"{found.since} to {found.until}"
    for method in found.methods:
        yield f"method: {method}"
    if found.total.sizes is not None:
        share = found.total.sizes.known_share
        yield f"sizes: known for {share:.0%} of the tokens, a range for the others"
    if found.simulated_calls:
        yield f"{found.simulated_calls} simulated calls are not in the total"


def _cells(weight: Weight) -> tuple[str, ...]:
    share = "" if weight.share_without is None else f" ({weight.share_without:.0%})"
    return (
        str(weight.calls),
        f"{weight.without_estimate}{share}",
        str(weight.tokens_out),
        _interval(weight.energy_wh),
        _interval(weight.co2e_g),
        "-" if weight.sizes is None else _sizes(weight.sizes),
    )


def _interval(found: Interval | None) -> str:
    if found is None:
        return "-"
    return f"{_short(found.low)} - {_short(found.high)}"


def _short(amount: float) -> str:
    """Three digits that count, and no exponent."""
    return (
        f"{amount:.0f}"
        if amount >= 1000
        else f"{float(f'{amount:.3g}'):.9f}".rstrip("0").rstrip(".")
    )


def _sizes(sizes: Sizes) -> str:
    low, high = _parameters(sizes.low), _parameters(sizes.high)
    return low if low == high else f"{low} - {high}"


def _parameters(number: float) -> str:
    for unit, name in UNITS:
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:.0f}"
