"""`portico calls`: what the ledger says."""

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import click
import msgspec

from portico.contract.receipt import Receipt
from portico.control.ledger.view import complete
from portico.main.cli.explain import explain
from portico.main.cli.options import as_json
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import print_json, print_table
from portico.main.cli.words import (
    NANO,
    microseconds,
    moment,
    money,
    plain,
    tokens_in,
    tokens_out,
)
from portico.main.settings import read_environment, read_settings
from portico.methods.ids import ENTROPY_BYTES, make

COLUMNS = ("TIME (UTC)", "CALL", "WORKLOAD", "MODEL", "STATUS", "IN", "OUT", "COST", "TOOK")
WIDTHS = (19, 33, 16, 16, 10, 8, 8, 14, 9)
NUMBERS = ("IN", "OUT", "COST", "TOOK")
PAGE = 1000
MOST = 100_000
LOOK_EVERY_S = 1.0
LOOK_BACK_S = 600
"""A call is listed when it ends under an id from when it began: following looks this far back."""
REMEMBERED = 200_000


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
        for receipt in _following(server, limit):
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


class Seen:
    """Which calls were shown; the oldest are forgotten."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, None] = OrderedDict()
        self.newest_ns = 0

    def fresh(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Those not seen before, which now are."""
        found = [receipt for receipt in receipts if receipt.call not in self._calls]
        for receipt in found:
            self._calls[receipt.call] = None
            self.newest_ns = max(self.newest_ns, receipt.received_ns)
        while len(self._calls) > REMEMBERED:
            self._calls.popitem(last=False)
        return found

    def cursor(self) -> str | None:
        """The id after which a call that is still under way may appear; None: all."""
        since = self.newest_ns - LOOK_BACK_S * NANO
        return make("call", since, bytes(ENTROPY_BYTES)) if since > 0 else None


def fetch(server: Server, limit: int, after: str | None = None) -> list[Receipt]:
    """The newest `limit` calls, oldest first, page by page."""
    found: list[Receipt] = []
    while len(found) < limit:
        query = {"limit": str(min(PAGE, limit - len(found)))}
        query |= {"before": found[0].call} if found else {}
        query |= {"after": after} if after is not None else {}
        page = read(succeeded(server.request("GET", path_of("calls"), query=query)), Page).calls
        found = page + found
        if len(page) < int(query["limit"]):
            break
    return found


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


def _following(server: Server, limit: int) -> Iterator[Receipt]:
    seen = Seen()
    seen.fresh(fetch(server, 1))
    history = fetch(server, MOST, seen.cursor())
    shown = fetch(server, limit)
    seen.fresh(history)
    seen.fresh(shown)
    yield from shown
    while True:
        time.sleep(LOOK_EVERY_S)
        yield from seen.fresh(fetch(server, MOST, seen.cursor()))


def _fixed(cells: Sequence[str]) -> str:
    """A line of a table that has no end, so that its widths cannot wait for all rows."""
    columns = zip(COLUMNS, WIDTHS, cells, strict=True)
    return "  ".join(
        cell.rjust(width) if name in NUMBERS else cell.ljust(width)
        for name, width, cell in ((name, width, plain(cell)) for name, width, cell in columns)
    ).rstrip()
