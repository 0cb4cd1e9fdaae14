"""`portico restore`: a backup becomes a new data directory."""

from pathlib import Path

import click

from portico.adapters.backup import read_backup
from portico.main.cli.exits import NoAnswer
from portico.main.cli.options import DIRECTORY, directory
from portico.main.cli.passphrase import passphrase
from portico.main.settings import data_directory, embedded_only, read_environment, read_settings

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("restore")
@click.argument("file", type=FILE)
@directory
@click.option("--data", type=DIRECTORY, help="Data directory; default DIR/.portico (PORTICO_DATA).")
@click.option("--passphrase-file", type=FILE, help="Its first line is the passphrase.")
def command(file: Path, directory: Path, data: Path | None, passphrase_file: Path | None) -> None:
    """Read FILE into the data directory of the project in DIR, which must have none yet."""
    settings = read_settings(read_environment())
    embedded_only(settings)
    target = data_directory(settings, directory, data)
    secret = passphrase(passphrase_file, settings, confirm=False)
    try:
        read_backup(file, target, secret)
    except OSError as failure:
        raise NoAnswer(f"nothing was restored: {failure}") from failure
    click.echo(f"restored {target}; start it with `portico up {directory}`")
