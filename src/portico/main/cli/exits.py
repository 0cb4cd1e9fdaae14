"""How a command ends. Messages go to stderr, so that stdout stays what was asked for.

0  held
1  did not hold          Unmet
2  usage, configuration  UsageFault
3  could not answer      NoAnswer
4  inconclusive          Inconclusive
"""

from typing import IO, Any

import click

HELD = 0
UNMET = 1
USAGE = 2
NO_ANSWER = 3
INCONCLUSIVE = 4
INTERRUPTED = 130


class Ending(click.ClickException):
    """A command's end with a message for a person."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"portico: {self.format_message()}", file=file, err=file is None)


class Unmet(Ending):
    """What was asked about is not so."""

    exit_code = UNMET


class UsageFault(Ending):
    """The command or the configuration is at fault."""

    exit_code = USAGE


class NoAnswer(Ending):
    """The system could not answer."""

    exit_code = NO_ANSWER


class Inconclusive(Ending):
    """There was an answer, and it settles nothing."""

    exit_code = INCONCLUSIVE
