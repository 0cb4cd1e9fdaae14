"""`portico backup`: an encrypted copy of the data directory, while it is served."""

from pathlib import Path

import click

from portico.adapters.backup import write_backup
from portico.main.cli.exits import NoAnswer, UsageFault
from portico.main.cli.options import DIRECTORY
from portico.main.cli.passphrase import passphrase
from portico.main.settings import data_directory, embedded_only, read_environment, read_settings

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("backup")
@click.argument("file", type=FILE)
@click.option("--data", type=DIRECTORY, help="Data directory; default .portico (PORTICO_DATA).")
@click.option("--passphrase-file", type=FILE, help="Its first line is the passphrase.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def command(file: Path, data: Path | None, passphrase_file: Path | None, force: bool) -> None:
    """Write everything that Portico keeps, keys too, to FILE, encrypted by a passphrase.

    The passphrase comes from --passphrase-file, PORTICO_PASSPHRASE or a prompt.
    """
    settings = read_settings(read_environment())
    embedded_only(settings)
    if file.exists() and not force:
        raise UsageFault(f"{file} is there already; name another file or give --force")
    directory = data_directory(settings, Path(), data)
    secret = passphrase(passphrase_file, settings, confirm=True)
    try:
        write_backup(directory, file, secret)
    except OSError as failure:
        raise NoAnswer(f"no backup was written: {failure}") from failure
    click.echo(f"wrote {file} ({file.stat().st_size:,} bytes)")
