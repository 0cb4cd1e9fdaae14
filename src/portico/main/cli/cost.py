"""`portico cost`: what calls cost, and what they will have cost."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlencode

import click

from portico.control.ledger.cost import KEYS, MOST_KEYS, CostReport
from portico.control.ledger.forecast import CostForecast
from portico.main.cli.costed import (
    Table,
    budget_table,
    forecast_notes,
    forecast_table,
    report_notes,
    report_table,
)
from portico.main.cli.exits import UsageFault
from portico.main.cli.options import as_json
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import print_raw_json, print_table
from portico.main.cli.words import plain
from portico.main.settings import read_environment, read_settings

MOST_DAYS = 400
DAY = click.DateTime(["%Y-%m-%d"])


def _keys(context: click.Context, param: click.Parameter, value: str) -> str:
    """One to three keys with commas between them. Raises BadParameter."""
    names = [name.strip() for name in value.split(",")]
    for name in names:
        _known(name, context, param)
    if len(names) > MOST_KEYS:
        raise click.BadParameter(f"at most {MOST_KEYS} keys, not {len(names)}.", context, param)
    if len(set(names)) < len(names):
        raise click.BadParameter("a key stands twice.", context, param)
    return ",".join(names)


def _conditions(
    context: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Each KEY=VALUE. Raises BadParameter."""
    for value in values:
        name, equals, _ = value.partition("=")
        if not equals:
            message = f"{value!r} has no '='; write KEY=VALUE, like team=care."
            raise click.BadParameter(message, context, param)
        _known(name.strip(), context, param)
    return values


def _known(name: str, context: click.Context, param: click.Parameter) -> None:
    if name not in KEYS:
        choices = ", ".join(map(repr, KEYS))
        raise click.BadParameter(f"{name!r} is not one of {choices}.", context, param)


@click.group("cost")
def command() -> None:
    """What calls cost, and what they will have cost."""


@command.command("report")
@click.option(
    "--by",
    default="workload",
    show_default=True,
    callback=_keys,
    metavar="KEY[,KEY[,KEY]]",
    help=f"{', '.join(KEYS)}.",
)
@click.option("--days", type=click.IntRange(1, MOST_DAYS), help="Until now; 30 unless given.")
@click.option("--from", "since", metavar="DATE", type=DAY, help="The first day (UTC).")
@click.option("--to", "until", metavar="DATE", type=DAY, help="The last day (UTC).")
@click.option(
    "--where",
    multiple=True,
    callback=_conditions,
    metavar="KEY=VALUE",
    help="Only these; repeat it.",
)
@click.option("--csv", "csv", is_flag=True, help="Print CSV on stdout, nothing else.")
@as_json
@with_server
def report(server: Server, json: bool, csv: bool, **asked: object) -> None:
    """What calls cost, with unit economics, output caps and provisioned capacity.

    Amounts are rounded for reading; --json and --csv have them exactly. Simulated calls are in
    no total.
    """
    if json and csv:
        raise UsageFault("--json and --csv exclude each other")
    query = _query(asked)
    if csv:
        query.append(("format", "csv"))
    path = f"{path_of('cost')}?{urlencode(query)}"
    reply = succeeded(server.request("GET", path))
    if csv:
        click.echo(reply.body, nl=False)
    elif json:
        print_raw_json(reply.body)
    else:
        found = read(reply, CostReport)
        _show(report_table(found))
        _say(report_notes(found))


def _query(asked: dict[str, object]) -> list[tuple[str, str]]:
    """Raises UsageFault for days that are asked for in two ways."""
    since, until, days = asked["since"], asked["until"], asked["days"]
    if days is not None and since is not None:
        raise UsageFault("give --days, or --from and --to, not both")
    if isinstance(since, datetime) and isinstance(until, datetime) and since > until:
        raise UsageFault("--from has to be a day before --to, or the same")
    given = {
        "by": asked["by"],
        "days": days,
        "from": f"{since:%Y-%m-%d}" if isinstance(since, datetime) else None,
        "to": f"{until:%Y-%m-%d}" if isinstance(until, datetime) else None,
    }
    wheres = asked["where"]
    assert isinstance(wheres, tuple)
    query = [(name, str(value)) for name, value in given.items() if value is not None]
    return [*query, *(("where", str(each)) for each in wheres)]


def _show(table: Table) -> None:
    """The first column is a name, and so are others that are keys."""
    columns, rows = table
    color = read_settings(read_environment()).color
    words = {*(key.upper() for key in KEYS), "BUDGET", "WINDOW"}
    numbers = [column for column in columns if column not in words]
    print_table(columns, rows, numbers=numbers, color=color)


@command.command("forecast")
@as_json
@with_server
def forecast(server: Server, json: bool) -> None:
    """What the month will have cost, and when each budget runs out.

    From the last 28 days, as an interval; --json has the amounts exactly.
    """
    reply = succeeded(server.request("GET", path_of("cost", "forecast")))
    if json:
        print_raw_json(reply.body)
        return
    found = read(reply, CostForecast)
    _show(forecast_table(found))
    if found.budgets:
        click.echo()
        _show(budget_table(found))
    _say(forecast_notes(found))


def _say(texts: Iterable[str]) -> None:
    for text in texts:
        click.echo(plain(text))
