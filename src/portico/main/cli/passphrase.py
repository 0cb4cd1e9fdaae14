"""Where a passphrase comes from: a file, the environment or a prompt; never the command line."""

import sys
from pathlib import Path

import click

from portico.main.cli.exits import UsageFault
from portico.main.settings import Settings

SHORTEST = 8


def passphrase(file: Path | None, settings: Settings, *, confirm: bool) -> str:
    """The passphrase for a backup. `confirm`: it is a new one, and must not be a slip."""
    found = _from_file(file) if file is not None else settings.passphrase
    if found is None:
        if not sys.stdin.isatty():
            raise UsageFault("give --passphrase-file or set PORTICO_PASSPHRASE")
        found = str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        )
    if confirm and len(found) < SHORTEST:
        raise UsageFault(f"the passphrase must have at least {SHORTEST} characters")
    return found


def _from_file(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise UsageFault(f"--passphrase-file {file} cannot be read") from failure
    line = text.splitlines()[0] if text else ""
    if not line:
        raise UsageFault(f"--passphrase-file {file} is empty")
    return line
