"""A project directory on disk, as the text files that Portico reads of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from portico.contract.errors import InvalidRequest
from portico.control.projects import wanted_files

CONFIGURATION: Final = "portico.yaml"
FOLDERS: Final = ("prompts", "evals", "policies")
LARGEST_BYTES: Final = 10 * 1024 * 1024
MOST_FILES: Final = 5000


def read_project(directory: Path) -> dict[str, str]:
    """Text by relative path with forward slashes; empty where there is no portico.yaml.

    Hidden files are left out. Raises InvalidRequest for what is no UTF-8 text or leads out of
    the directory, and when it is too much.
    """
    root = directory.resolve()
    if not (root / CONFIGURATION).is_file():
        return {}
    files = {CONFIGURATION: _text(root, root / CONFIGURATION)}
    wanted = [root / path for path in wanted_files(files[CONFIGURATION])]
    size = 0
    for path in (*_paths(root), *(path for path in wanted if path.is_file())):
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        files[name] = _text(root, path)
        size += len(files[name])
        if size > LARGEST_BYTES or len(files) > MOST_FILES:
            raise InvalidRequest(
                f"{directory} is too large: a project has at most {LARGEST_BYTES >> 20} MiB of "
                f"text in {MOST_FILES} files."
            )
    return files


def _paths(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            if path.is_file() and not hidden:
                yield path


def _text(root: Path, path: Path) -> str:
    if not path.resolve().is_relative_to(root):
        raise InvalidRequest(f"{path} leads out of the project directory.")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.") from error
