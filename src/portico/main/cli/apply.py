"""`portico apply`: the project directory becomes what is live."""

from pathlib import Path

import click
import msgspec

from portico.control.projects import Problem
from portico.main.cli.exits import USAGE, UsageFault
from portico.main.cli.options import as_json, directory
from portico.main.cli.server import Reply, Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import note, print_raw_json
from portico.main.cli.words import plain
from portico.main.directory import read_project

APPLY_S = 300.0


class Applied(msgspec.Struct, frozen=True):
    digest: str
    changed: list[str]
    warnings: list[str] = []


class Refused(msgspec.Struct, frozen=True):
    problems: list[Problem]


@click.command("apply")
@directory
@as_json
@with_server
@click.pass_context
def command(ctx: click.Context, /, directory: Path, json: bool, server: Server) -> None:
    """Upload the project in DIR and make it live. Secrets stay references, resolved there."""
    files = read_project(directory)
    if not files:
        raise UsageFault(f"{directory} has no portico.yaml; `portico init` writes one")
    reply = server.request("POST", path_of("apply"), body={"files": files}, timeout=APPLY_S)
    if json and reply.status in (200, 400):
        print_raw_json(reply.body)
    refused = _problems(reply)
    if refused:
        for problem in () if json else refused:
            click.echo(plain(str(problem)))
        note("refused: nothing was changed, what was live serves on")
        ctx.exit(USAGE)
    applied = read(succeeded(reply), Applied)
    if not json:
        _show(applied)


def _problems(reply: Reply) -> list[Problem]:
    if reply.status != 400:
        return []
    try:
        return msgspec.json.decode(reply.body, type=Refused).problems
    except msgspec.DecodeError:
        return []


def _show(applied: Applied) -> None:
    for change in applied.changed:
        click.echo(plain(change))
    if not applied.changed:
        click.echo("nothing changed")
    for warning in applied.warnings:
        note(f"warning: {warning}")
    note(f"live: {applied.digest[:12]}")
