"""What is wrong with a project, each with its place."""

import msgspec

from portico.methods.yaml12 import Document, Path

FILE = "portico.yaml"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that keeps a project from being served.

    Lines and columns count from 1; 0 where the fault is in the environment, not in a file.
    """

    file: str
    line: int
    column: int
    path: str
    """Dotted: workloads.support.ladder.0."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        what = f"{self.path}: {self.message}" if self.path else self.message
        return f"{where}: {what}" + (f" ({self.hint})" if self.hint else "")


def dotted(path: Path) -> str:
    return ".".join(str(step) for step in path)


def problem(document: Document, path: Path, message: str, hint: str = "") -> Problem:
    """A problem of portico.yaml at the place of `path`."""
    line, column = document.place(path)
    return Problem(
        file=FILE, line=line, column=column, path=dotted(path), message=message, hint=hint
    )
