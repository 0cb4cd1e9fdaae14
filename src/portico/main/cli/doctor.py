"""`portico doctor`: is everything in place, and if not, what to do."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from portico.main.cli.conformance import conformance
from portico.main.cli.exits import HELD, UNMET
from portico.main.cli.findings import Finding, fail, ok, warn
from portico.main.cli.models import catalogue
from portico.main.cli.options import DIRECTORY, as_json, directory
from portico.main.cli.premises import premises
from portico.main.cli.project import compiled
from portico.main.cli.reach import providers
from portico.main.cli.server import find_server
from portico.main.cli.terminal import print_json, print_table
from portico.main.settings import (
    Environment,
    Settings,
    SettingsError,
    data_directory,
    embedded_only,
    read_environment,
    read_settings,
)


@click.command("doctor")
@directory
@click.option("--live", is_flag=True, help="Ask each listed model, with your own keys: it costs.")
@click.option("--data", type=DIRECTORY, help="Data directory; default DIR/.portico (PORTICO_DATA).")
@as_json
@click.pass_context
def command(
    ctx: click.Context, /, directory: Path, live: bool, data: Path | None, json: bool
) -> None:
    """Check the project in DIR, its providers, and this machine."""
    environment = read_environment()
    settings = read_settings(environment)
    place = data_directory(settings, directory, data)
    rows = list(examine(directory, place, environment, settings, live))
    if json:
        print_json(rows)
    else:
        print_table(
            ("STATE", "CHECK", "FOUND", "WHAT TO DO"),
            [(row.state, row.check, row.found, row.todo) for row in rows],
            fold=("FOUND", "WHAT TO DO"),
            color=settings.color,
        )
    ctx.exit(UNMET if any(row.state == "fail" for row in rows) else HELD)


def examine(
    directory: Path, data: Path, environment: Environment, settings: Settings, live: bool
) -> Iterator[Finding]:
    """All rows, in the order in which trouble is best looked for."""
    yield from _environment(settings)
    project = compiled(directory, environment)
    for problem in project.problems:
        yield fail(
            "configuration", str(problem), problem.hint or "correct it, then `portico check`"
        )
    for warning in project.warnings:
        yield warn("configuration", warning, "")
    yield from premises(data, settings)
    snapshot = project.snapshot
    if snapshot is None:
        return
    yield ok("configuration", f"compiles, digest {snapshot.digest[:12]}")
    yield from catalogue(snapshot, datetime.now(UTC).date())
    yield from providers(snapshot, environment.values)
    if live:
        yield from conformance(find_server(settings, data, None, None), snapshot)


def _environment(settings: Settings) -> Iterator[Finding]:
    try:
        embedded_only(settings)
    except SettingsError as failure:
        yield fail("environment", failure.message, "unset PORTICO_DATABASE_URL")
