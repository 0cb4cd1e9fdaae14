"""`portico check`: is this project fit to be served?"""

from pathlib import Path

import click

from portico.main.cli.exits import HELD, USAGE
from portico.main.cli.options import as_json, directory
from portico.main.cli.project import compiled
from portico.main.cli.terminal import note, print_json
from portico.main.cli.words import plain
from portico.main.settings import read_environment


@click.command("check")
@directory
@as_json
@click.pass_context
def command(ctx: click.Context, /, directory: Path, json: bool) -> None:
    """Validate the project in DIR without serving it: every problem at once, with its place."""
    found = compiled(directory, read_environment())
    snapshot = found.snapshot
    if json:
        print_json(
            {
                "ok": snapshot is not None,
                "digest": snapshot.digest if snapshot else None,
                "problems": [
                    {name: getattr(problem, name) for name in problem.__struct_fields__}
                    for problem in found.problems
                ],
                "warnings": found.warnings,
            }
        )
    else:
        for problem in found.problems:
            click.echo(plain(str(problem)))
        for warning in found.warnings:
            note(f"warning: {warning}")
    if snapshot is None:
        count = len(found.problems)
        note(f"{count} problem{'s' if count > 1 else ''}; the project cannot be served")
        ctx.exit(USAGE)
    if not json:
        click.echo(
            f"ok: {len(snapshot.workloads)} workloads, {len(snapshot.models)} models, "
            f"{len(snapshot.providers)} providers · {snapshot.digest[:12]}"
        )
    ctx.exit(HELD)
