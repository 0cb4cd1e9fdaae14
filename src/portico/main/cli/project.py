"""A project directory, read and compiled, as commands need it."""

from datetime import UTC, datetime
from pathlib import Path

from portico.control.projects import Compiled, compile_project
from portico.main.cli.exits import UsageFault
from portico.main.directory import read_project
from portico.main.settings import Environment


def compiled(directory: Path, environment: Environment) -> Compiled:
    """The project in `directory`, or all that is wrong with it. Raises InvalidRequest."""
    today = datetime.now(UTC).date()
    return compile_project(read_project(directory), environment.values, today)


def project_files(directory: Path) -> dict[str, str]:
    """The project's files. Raises UsageFault where there are none."""
    files = read_project(directory)
    if not files:
        raise UsageFault(f"{directory} has no portico.yaml; `portico init` writes one")
    return files
