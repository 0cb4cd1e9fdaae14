"""How a project directory differs from what is live."""

from collections.abc import Mapping


def drift(live: Mapping[str, str], directory: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each file that differs, by path; none where both are equal."""
    lines = []
    for path in sorted(live.keys() | directory.keys()):
        if path not in live:
            lines.append(f"{path}: only in the directory")
        elif path not in directory:
            lines.append(f"{path}: only live")
        elif live[path] != directory[path]:
            lines.append(f"{path}: changed")
    return tuple(lines)
