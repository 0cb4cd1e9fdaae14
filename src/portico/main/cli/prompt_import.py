"""`portico prompt import`: prompts of other tools become files of the project."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from portico.main.cli.exits import UsageFault
from portico.main.cli.options import DIRECTORY
from portico.main.cli.terminal import note
from portico.main.cli.writing import write_new
from portico.operations.prompt_files.imported import Imported

FORMATS: Final = {".prompt": "dotprompt", ".json": "langfuse", ".yaml": "promptfoo"} | {
    ".yml": "promptfoo"
}
"""What a file's ending says, where --format says nothing."""
REFERENCE: Final = re.compile(r"file://([^\s\"',\]}]+)")


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(sorted(set(FORMATS.values()))),
              help="By default what the file's ending says.")  # fmt: skip
@click.option("--name", help="For a prompt that has no name of its own; by default the file's.")
@click.option("--directory", type=DIRECTORY, default=".", help="The project; by default here.")
def command(file: Path, kind: str | None, name: str | None, directory: Path) -> None:
    """Write the prompts of FILE (a Langfuse export, a promptfoo configuration, a Dotprompt file)
    into the project. What cannot be carried over is said; files are never overwritten."""
    kind = kind or FORMATS.get(file.suffix.lower())
    if kind is None:
        raise UsageFault(f"{file} is of no known ending; say which --format it is")
    found = _read(kind, file, name or file.name.split(".")[0])
    files: dict[str, str] = {}
    for each in found:
        files |= {each.path: each.text, **dict(each.suite)}
    for path in write_new(directory, files):
        click.echo(f"wrote {path}")
    for each in found:
        for text in each.notes:
            note(f"note: {each.name}: {text}")
    note("next: name them under workloads (`prompt: NAME`), then `portico check`")


def _read(kind: str, file: Path, name: str) -> tuple[Imported, ...]:
    text = _text(file)
    # the importers stand on Jinja, which other prompt commands can do without
    from portico.operations.prompt_files import dotprompt, langfuse, promptfoo

    if kind == "promptfoo":
        return promptfoo.read(text, name, _referred(file.parent, text))
    reader = langfuse.read if kind == "langfuse" else dotprompt.read
    return reader(text, name)


def _referred(folder: Path, text: str) -> Mapping[str, str]:
    """The files beside the configuration that it names; the importer says which are missing."""
    root = folder.resolve()
    found = {}
    for name in REFERENCE.findall(text):
        path = (root / name).resolve()
        if path.is_relative_to(root) and path.is_file():
            found[name] = _text(path)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path} cannot be read as UTF-8 text") from fault
