"""`portico audit`: who did what to what, and why."""

import click
import msgspec

from portico.contract.deployment import Act
from portico.main.cli.options import as_json
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import print_json, print_table
from portico.main.cli.words import moment
from portico.main.settings import read_environment, read_settings

COLUMNS = ("TIME (UTC)", "NUMBER", "WHO", "ACTION", "PROJECT", "TARGET", "BEFORE", "AFTER", "WHY")
MOST = 1000


class Page(msgspec.Struct, frozen=True):
    acts: list[Act]


@click.group("audit")
def command() -> None:
    """Read the audit trail."""


@command.command("show")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, MOST))
@as_json
@with_server
def show(server: Server, limit: int, json: bool) -> None:
    """The newest entries, newest last."""
    reply = succeeded(server.request("GET", path_of("audit"), query={"limit": str(limit)}))
    acts = list(reversed(read(reply, Page).acts))
    if json:
        print_json(acts)
        return
    color = read_settings(read_environment()).color
    print_table(COLUMNS, [_row(act) for act in acts], numbers=("NUMBER",), color=color)


def _row(act: Act) -> tuple[str, ...]:
    return (
        moment(act.at_ns),
        str(act.number),
        act.who,
        act.action,
        act.project,
        act.target or "-",
        _short(act.before),
        _short(act.after),
        act.why,
    )


def _short(name: str) -> str:
    """A release's id whole, since it is copied; a digest shortened."""
    return (name if name.startswith("rel_") else name[:12]) or "-"
