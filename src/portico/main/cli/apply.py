"""`portico apply`: the project directory becomes what is live."""

from pathlib import Path

import click
import msgspec

from portico.control.projects import Problem
from portico.main.cli.exits import UNMET, USAGE
from portico.main.cli.options import as_json, directory
from portico.main.cli.plan import planned, show, show_notes
from portico.main.cli.project import project_files
from portico.main.cli.server import Reply, Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import note, print_raw_json
from portico.main.cli.words import plain

APPLY_S = 300.0


class Applied(msgspec.Struct, frozen=True):
    digest: str
    changed: list[str]
    notes: list[str] = []
    warnings: list[str] = []


class Refused(msgspec.Struct, frozen=True):
    problems: list[Problem]


@click.command("apply")
@directory
@click.option("--message", default="", help="What the new releases and versions are about.")
@click.option("--why", default="", help="For the audit trail.")
@click.option("--ask", is_flag=True, help="Show the plan first, and ask; what is live must still "
              "be what the plan was made against.")  # fmt: skip
@as_json
@with_server
@click.pass_context
def command(ctx: click.Context, /, directory: Path, server: Server, **rest: str | bool) -> None:
    """Upload the project in DIR and make it live. Secrets stay references, resolved there."""
    body: dict[str, object] = {"message": rest["message"], "why": rest["why"]}
    if rest["ask"]:
        plan, _ = planned(server, directory)
        show(plan)
        if plan.problems:
            ctx.exit(USAGE)
        if not click.confirm("Apply this?", err=True):
            ctx.exit(UNMET)
        body["base"] = plan.base
    body["files"] = project_files(directory)
    reply = server.request("POST", path_of("apply"), body=body, timeout=APPLY_S)
    json = bool(rest["json"])
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
    show_notes(applied.notes, applied.warnings)
    note(f"live: {applied.digest[:12]}")
