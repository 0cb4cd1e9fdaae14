"""What commands print: tables for people, JSON for programs, messages on stderr."""

import sys
from collections.abc import Sequence

import click
import msgspec

from portico.main.cli.words import plain

WIDE = 10_000
MARKS = {"ok": "green", "warn": "yellow", "fail": "red"}


def print_json(value: object) -> None:
    """One JSON document on stdout, indented on a terminal only."""
    text = msgspec.json.encode(value)
    if sys.stdout.isatty():
        text = msgspec.json.format(text)
    click.echo(text.decode())


def print_raw_json(body: bytes) -> None:
    """JSON as it came, checked to be JSON. Raises msgspec.DecodeError."""
    print_json(msgspec.json.decode(body, type=msgspec.Raw))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    fold: Sequence[str] = (),
    color: bool = True,
) -> None:
    """A table; the columns in `numbers` are aligned to the right.

    One row is one line, so that an id can be copied; only the columns in `fold` may take
    several lines, and only on a terminal.
    """
    # rich costs 50 ms to import, and JSON output has no use for it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(
        file=sys.stdout,
        no_color=not color,
        highlight=False,
        width=None if terminal and fold else WIDE,
    )
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column not in fold,
            overflow="fold",
        )
    for row in rows:
        table.add_row(
            *(Text(plain(cell).replace("\n", " "), style=MARKS.get(cell, "")) for cell in row)
        )
    if terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def note(message: str) -> None:
    """A message for the person at the terminal, beside what was asked for."""
    click.echo(plain(message), err=True)
