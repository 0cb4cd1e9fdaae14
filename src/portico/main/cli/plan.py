"""`portico plan`: what an apply of the directory would do."""

from collections.abc import Sequence
from pathlib import Path

import click

from portico.control.projects.outcome import Change, Plan
from portico.main.cli.exits import USAGE
from portico.main.cli.options import as_json, directory
from portico.main.cli.project import project_files
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import note, print_raw_json
from portico.main.cli.words import plain

PLAN_S = 300.0
SIGNS = {"add": "+", "change": "~", "remove": "-", "none": " "}
COLORS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("plan")
@directory
@as_json
@with_server
@click.pass_context
def command(ctx: click.Context, /, directory: Path, json: bool, server: Server) -> None:
    """Show what `portico apply` of DIR would change: prompts line by line, models, guards,
    policies, suites, and the gates that would run. Nothing is changed."""
    made = planned(server, directory)
    if json:
        print_raw_json(made[1])
    else:
        show(made[0])
    ctx.exit(USAGE if made[0].problems else 0)


def planned(server: Server, directory: Path) -> tuple[Plan, bytes]:
    """The plan, and its JSON as it came."""
    body = {"files": project_files(directory)}
    reply = succeeded(server.request("POST", path_of("plan"), body=body, timeout=PLAN_S))
    return read(reply, Plan), reply.body


def show(plan: Plan) -> None:
    for place in plan.problems:
        where = f"{place.file}:{place.line}:{place.column}: " if place.line else f"{place.file}: "
        hint = f" ({place.hint})" if place.hint else ""
        click.echo(plain(f"{where}{place.message}{hint}"))
    if plan.problems:
        note("refused: an apply would change nothing")
        return
    changes = [change for change in plan.changes if change.action != "none"]
    shown: set[tuple[str, ...]] = set()
    for change in changes:
        show_change(change, shown)
    if not changes:
        click.echo("nothing would change")
    for gate in plan.gates:
        state = "runs" if gate.active else "does not run"
        click.echo(plain(f"gate {gate.suite} of {gate.workload} {state}: {gate.reason}"))
    show_notes(plan.notes, plan.warnings)
    note(f"project {plan.project}: {_short(plan.base) or 'nothing'} -> {_short(plan.digest)}")


def show_change(change: Change, shown: set[tuple[str, ...]]) -> None:
    """A prompt's lines are the same under its workloads, itself and its file: once is enough."""
    sign = SIGNS[change.action]
    click.secho(plain(f"{sign} {change.message}"), bold=True)
    lines = tuple(change.lines)
    if lines in shown:
        return
    shown.add(lines)
    for line in lines:
        click.secho(plain(f"    {line}"), fg=COLORS.get(line[:1]))


def show_notes(notes: Sequence[str], warnings: Sequence[str]) -> None:
    for text in notes:
        note(f"note: {text}")
    for text in warnings:
        note(f"warning: {text}")


def _short(digest: str) -> str:
    return digest[:12]
