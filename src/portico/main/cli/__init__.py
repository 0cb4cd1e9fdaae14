"""The command `portico`.

Law of the file: nothing heavy is imported here, not even click. `portico --help` shows a table;
a command's module is imported when that command is called.
"""

import sys

from portico.main.cli.commands import HELP, help_text


def main() -> None:
    """The console script."""
    if len(sys.argv) == 2 and sys.argv[1] in HELP:
        sys.stdout.write(help_text() + "\n")
        return
    # Here, because click takes most of the time in which the help is printed.
    from portico.main.cli.group import portico

    portico(prog_name="portico")
