"""The group of all commands. It imports none of them before one is called."""

from importlib import import_module
from typing import Any

import click

from portico import __version__
from portico.contract.errors import InvalidRequest, PorticoError
from portico.main.cli.commands import COMMANDS, HELP, help_text
from portico.main.cli.exits import NoAnswer, UsageFault


class LazyGroup(click.Group):
    """A group whose help needs none of its commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def get_help(self, ctx: click.Context) -> str:
        return help_text()

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InvalidRequest as fault:
            raise UsageFault(fault.message) from fault
        except PorticoError as fault:
            raise NoAnswer(fault.message) from fault


@click.group(name="portico", cls=LazyGroup, context_settings={"help_option_names": list(HELP)})
@click.version_option(__version__, prog_name="portico")
def portico() -> None:
    """A self-hosted gateway and control plane for production GenAI."""
