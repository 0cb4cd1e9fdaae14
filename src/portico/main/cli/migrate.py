"""`portico migrate`: the store at this version's schema."""

from pathlib import Path

import click

from portico.adapters.store.data import DATABASE
from portico.adapters.store.lock import DirectoryLock
from portico.adapters.store.migrate import REVISIONS, migrate
from portico.main.cli.exits import UsageFault
from portico.main.cli.options import DIRECTORY, directory
from portico.main.settings import data_directory, embedded_only, read_environment, read_settings


@click.command("migrate")
@directory
@click.option("--data", type=DIRECTORY, help="Data directory; default DIR/.portico (PORTICO_DATA).")
def command(directory: Path, data: Path | None) -> None:
    """Bring the store of DIR to this version's schema; `up` does the same when it starts."""
    settings = read_settings(read_environment())
    embedded_only(settings)
    target = data_directory(settings, directory, data)
    if not (target / DATABASE).is_file():
        raise UsageFault(f"{target} has no {DATABASE}; `portico up` makes one")
    lock = DirectoryLock(target)
    try:
        copy = migrate(target / DATABASE)
    finally:
        lock.release()
    if copy is None:
        click.echo(f"the store is at schema {REVISIONS[-1]} already")
    else:
        click.echo(f"the store is at schema {REVISIONS[-1]}; the older one is kept as {copy}")
