"""Files that commands write into a project: new ones only."""

from collections.abc import Mapping
from pathlib import Path

from portico.main.cli.exits import UsageFault


def write_new(directory: Path, files: Mapping[str, str]) -> list[Path]:
    """Writes all files, or none where one is there already. Raises UsageFault.

    Paths come from a server: one that leads out of the directory is refused.
    """
    root = directory.resolve()
    places = {root / name: text for name, text in files.items()}
    for place in places:
        if not place.resolve().is_relative_to(root):
            raise UsageFault(f"{place} leads out of {directory}; nothing was written")
        if place.exists():
            raise UsageFault(f"{place} is there already; nothing was written")
    for place, text in places.items():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as failure:
            raise UsageFault(f"{place} cannot be written: {failure.strerror}") from failure
    return list(places)
