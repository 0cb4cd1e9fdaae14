"""Prompts of a project: every file under prompts/ is read, so that all faults show at once.

A file that others include is read as a part of these; by itself it need not make sense.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

from portico.contract.prompt import PromptVersion
from portico.control.projects.problems import Problem
from portico.operations.prompts.reading import identify, read_prompt

FOLDER = "prompts/"
ENDING = ".md"
INCLUDED = re.compile(r"""\{%[-+]?\s*(?:include|import|from|extends)\s+(["'])([^"'\n]{1,500})\1""")


class Prompts(msgspec.Struct, frozen=True):
    """`versions` are those without a fault, by the names that workloads use."""

    versions: Mapping[str, PromptVersion] = {}
    problems: tuple[Problem, ...] = ()


def read_prompts(files: Mapping[str, str], used: Collection[str]) -> Prompts:
    """All prompts of a project; `used` are the names that its workloads use."""
    versions: dict[str, PromptVersion] = {}
    problems: list[Problem] = []
    for path in _tops(files, used):
        reading = read_prompt(path, files)
        problems += (
            Problem(
                file=fault.file,
                line=fault.line,
                column=fault.column,
                path="",
                message=fault.message,
                hint=fault.hint,
            )
            for fault in reading.faults
        )
        if reading.prompt is not None:
            versions[name_of(path)] = _named(reading.prompt, name_of(path))
    return Prompts(versions, tuple(problems))


def _named(prompt: PromptVersion, name: str) -> PromptVersion:
    """By its whole name: a file knows nothing of the folder it is in."""
    if prompt.name == name:
        return prompt
    return identify(msgspec.structs.replace(prompt, name=name))


def name_of(path: str) -> str:
    return path[len(FOLDER) : -len(ENDING)]


def _tops(files: Mapping[str, str], used: Collection[str]) -> Iterator[str]:
    """The files that are read by themselves: those that a workload names or nothing includes,
    and one of each circle of includes, so that it is found."""
    paths = [path for path in sorted(files) if path.startswith(FOLDER) and path.endswith(ENDING)]
    parts = {path: _parts(path, files) for path in paths}
    inside = {part for path, found in parts.items() for part in found if part != path}
    reached: set[str] = set()
    first = [path for path in paths if path not in inside or name_of(path) in used]
    for path in (*first, *paths):
        if path in first or path not in reached:
            _reach(path, parts, reached)
            yield path


def _parts(path: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """The files that a template names, whichever way their path is meant."""
    found = (match[2] for match in INCLUDED.finditer(files[path]))
    meant = (
        (name, f"{FOLDER}{name}", posixpath.normpath(f"{posixpath.dirname(path)}/{name}"))
        for name in found
    )
    return tuple(way for ways in meant for way in ways if way in files)


def _reach(path: str, parts: Mapping[str, tuple[str, ...]], reached: set[str]) -> None:
    waiting = [path]
    while waiting:
        step = waiting.pop()
        if step not in reached:
            reached.add(step)
            waiting += parts.get(step, ())
