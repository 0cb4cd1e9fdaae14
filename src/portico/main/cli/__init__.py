"""The command `portico`.

Law of the file: nothing heavy is imported here. `portico --help` shows the table below; a
command's module is imported when that command is called.
"""

from importlib import import_module
from typing import Any

import click

from portico import __version__
from portico.contract.errors import InvalidRequest, PorticoError
from portico.main.cli.exits import NoAnswer, UsageFault

COMMANDS = {
    "init": ("portico.main.cli.init", "Scaffold a project directory."),
    "up": ("portico.main.cli.up", "Serve a project: gateway and control plane in one process."),
    "call": ("portico.main.cli.call", "Send one message to a workload and print the answer."),
    "check": ("portico.main.cli.check", "Validate a project without serving it."),
    "plan": ("portico.main.cli.plan", "Show what an apply of the directory would change."),
    "apply": ("portico.main.cli.apply", "Ship the project directory to the running server."),
    "rollback": ("portico.main.cli.rollback", "Serve an earlier release of a workload again."),
    "prompt": ("portico.main.cli.prompt", "List, compare, import and adopt prompts."),
    "doctor": ("portico.main.cli.doctor", "Check configuration, providers, clock and disk."),
    "bench": ("portico.main.cli.bench", "Load-test a workload, and keep what was found."),
    "key": ("portico.main.cli.key", "Create, list, rotate and revoke keys."),
    "calls": ("portico.main.cli.calls", "Look into the ledger."),
    "audit": ("portico.main.cli.audit", "Read the audit trail."),
    "backup": ("portico.main.cli.backup", "Write an encrypted copy of the data directory."),
    "restore": ("portico.main.cli.restore", "Read a backup into a new data directory."),
    "migrate": ("portico.main.cli.migrate", "Bring the store to this version's schema."),
    "simulate": ("portico.main.cli.simulate", "Run the simulated provider as a server."),
}
"""Name of a command: the module whose `command` it is, and its line in the help."""


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InvalidRequest as fault:
            raise UsageFault(fault.message) from fault
        except PorticoError as fault:
            raise NoAnswer(fault.message) from fault


@click.group(
    name="portico",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 held; 1 did not hold; 2 usage or configuration; "
        "3 the system could not answer; 4 inconclusive."
    ),
)
@click.version_option(__version__, prog_name="portico")
def portico() -> None:
    """A self-hosted gateway and control plane for production GenAI."""


def main() -> None:
    """The console script."""
    portico(prog_name="portico")
