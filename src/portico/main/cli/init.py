"""`portico init`: a project directory that teaches."""

from pathlib import Path

import click

from portico.control.projects import scaffold
from portico.main.cli.exits import UsageFault
from portico.main.cli.options import DIRECTORY
from portico.main.cli.terminal import note


@click.command("init")
@click.argument("directory", metavar="[DIR]", default=".", type=DIRECTORY)
def command(directory: Path) -> None:
    """Scaffold a project in DIR. Files that are there are never overwritten."""
    files = scaffold()
    if (directory / "portico.yaml").exists():
        raise UsageFault(f"{directory / 'portico.yaml'} is there already; nothing was written")
    for name, text in files.items():
        path = directory / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            note(f"kept {path}, which was there already")
        except OSError as failure:
            raise UsageFault(f"{path} cannot be written: {failure.strerror}") from failure
        else:
            click.echo(f"wrote {path}")
    note(f"next: portico check {directory} && portico up {directory}")
