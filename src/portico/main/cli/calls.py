"""`portico calls`: what the ledger says."""

import time
from collections.abc import Callable, Iterator, Sequence

import click
import msgspec

from portico.contract.receipt import Receipt
from portico.control.ledger.view import complete
from portico.control.replays.replay import Replayed
from portico.main.cli.explain import explain
from portico.main.cli.options import as_json
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import print_json, print_raw_json, print_table
from portico.main.cli.words import (
    microseconds,
    moment,
    money,
    plain,
    shortened,
    tokens_in,
    tokens_out,
)
from portico.main.settings import read_environment, read_settings

COLUMNS = ("TIME (UTC)", "CALL", "WORKLOAD", "MODEL", "STATUS", "IN", "OUT", "COST", "TOOK")
WIDTHS = (19, 33, 16, 16, 10, 8, 8, 14, 9)
NUMBERS = ("IN", "OUT", "COST", "TOOK")
PAGE = 1000
MOST = 100_000
LOOK_EVERY_S = 1.0
REPLAY_S = 600.0


class Page(msgspec.Struct, frozen=True):
    calls: list[Receipt]


@click.group("calls")
def command() -> None:
    """Look into the ledger."""


@command.command("tail")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, MOST))
@click.option("--follow", is_flag=True, help="Go on with calls as they end, until interrupted.")
@as_json
@with_server
def tail(server: Server, limit: int, follow: bool, json: bool) -> None:
    """The newest calls, newest last.

    With --json one array of receipts; with --json --follow one receipt a line.
    """
    if not follow:
        newest = fetch(server, limit)
        if json:
            print_json([complete(receipt) for receipt in newest])
        else:
            color = read_settings(read_environment()).color
            print_table(COLUMNS, [row(call) for call in newest], numbers=NUMBERS, color=color)
        return
    if not json:
        click.echo(_fixed(COLUMNS))
    try:
        for receipt in following(server, limit, _pause):
            click.echo(
                msgspec.json.encode(complete(receipt)).decode() if json else _fixed(row(receipt))
            )
    except KeyboardInterrupt:
        return


@command.command("show")
@click.argument("id")
@as_json
@with_server
def show(id: str, server: Server, json: bool) -> None:  # noqa: A002 - the argument's name
    """Explain call ID stage by stage."""
    receipt = read(succeeded(server.request("GET", path_of("calls", id))), Receipt)
    if json:
        print_json(complete(receipt))
        return
    for line in explain(receipt):
        click.echo(plain(line))


@command.command("replay")
@click.argument("id")
@click.option("--release", help="Under this release; by default what the workload assigns now.")
@as_json
@with_server
def replay(id: str, release: str | None, server: Server, json: bool) -> None:  # noqa: A002 - the argument's name
    """Make call ID again, and compare the answers. It is paid for and recorded as any call.

    Its workload must keep transcripts (`transcripts: full`).
    """
    path = path_of("calls", id, "replay")
    reply = succeeded(server.request("POST", path, body={"release": release}, timeout=REPLAY_S))
    if json:
        print_raw_json(reply.body)
        return
    for line in compared(read(reply, Replayed)):
        click.echo(plain(line))


def compared(made: Replayed) -> Iterator[str]:
    """Both sides in a line each, then what differs in the answers."""
    for name, side in (("before", made.before), ("after", made.after)):
        yield (
            f"{name}: {side.release or '-'}  status {side.status}  {side.tokens_in} in, "
            f"{side.tokens_out} out  ${shortened(side.cost_usd)}  {side.total_ms:.1f} ms"
        )
    yield f"call: {made.call or '-'}"
    if made.lines:
        yield ""
        yield from made.lines
    else:
        yield "the answers are equal"


def fetch(server: Server, limit: int) -> list[Receipt]:
    """The newest `limit` calls in the order of their recording, page by page."""
    found: list[Receipt] = []
    while len(found) < limit:
        wanted = min(PAGE, limit - len(found))
        page = _page(server, wanted, before=found[0].call if found else None)
        found = page + found
        if len(page) < wanted:
            break
    return found


def following(server: Server, limit: int, wait: Callable[[], None]) -> Iterator[Receipt]:
    """The newest calls, then every call that is recorded after them, each once, without end."""
    page = fetch(server, limit)
    last = page[-1].call if page else None
    while True:
        yield from page
        last = page[-1].call if page else last
        if len(page) < PAGE:
            wait()
        page = _page(server, PAGE, after=last)


def _page(server: Server, limit: int, **bound: str | None) -> list[Receipt]:
    query = {"limit": str(limit)} | {name: call for name, call in bound.items() if call}
    return read(succeeded(server.request("GET", path_of("calls"), query=query)), Page).calls


def row(receipt: Receipt) -> tuple[str, ...]:
    """A receipt in the columns of the table."""
    status = receipt.error or receipt.status
    return (
        moment(receipt.received_ns),
        receipt.call,
        receipt.workload or receipt.requested_model or "-",
        receipt.model or "-",
        status,
        str(tokens_in(receipt.usage)),
        str(tokens_out(receipt.usage)),
        "unpriced" if receipt.unpriced else money(receipt.cost_nano),
        microseconds(receipt.total_us),
    )


def _pause() -> None:
    time.sleep(LOOK_EVERY_S)


def _fixed(cells: Sequence[str]) -> str:
    """A line of a table that has no end, so that its widths cannot wait for all rows."""
    columns = zip(COLUMNS, WIDTHS, cells, strict=True)
    return "  ".join(
        cell.rjust(width) if name in NUMBERS else cell.ljust(width)
        for name, width, cell in ((name, width, plain(cell)) for name, width, cell in columns)
    ).rstrip()
