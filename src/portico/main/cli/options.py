"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

DIRECTORY = click.Path(file_okay=False, path_type=Path)

as_json = click.option("--json", "json", is_flag=True, help="Print JSON on stdout, nothing else.")


def directory(command: Command) -> Command:
    """The argument DIR: a project directory, by default the current one."""
    return click.argument(
        "directory",
        metavar="[DIR]",
        default=".",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
    )(command)
