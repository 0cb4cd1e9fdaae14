"""What is wrong with a prompt, each with its place."""

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """One thing that keeps a prompt from being used. Lines and columns count from 1; 0: unknown."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class BrokenPrompt(Exception):
    """A stored version that cannot be compiled; `faults` says why, lines as in its file."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"the prompt {name} cannot be used: " + "; ".join(map(str, faults)))
        self.faults = faults
