"""From data to the typed project, with every error at once, in words that say what to write."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from portico.control.projects import keys, references
from portico.control.projects.problems import Problem, problem
from portico.control.projects.schema import Project
from portico.methods.nearest import nearest
from portico.methods.yaml12 import Data, Document, Path, scalar

SECRETS = tuple(
    keys.pattern(text)
    for text in (
        "providers.*.api_key",
        "providers.*.headers.*",
        "providers.*.proxy",
        "webhooks.*.url",
        "webhooks.*.secret",
        "encryption.key",
        "oidc.*.client_secret",
    )
)
"""Values whose references stay references in the snapshot."""

KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}
EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "dict_type": "a mapping of names",
    "model_type": "a mapping of keys",
    "list_type": "a list",
    "is_instance_of": "a mapping of keys",
}


def resolve_references(
    document: Document, environment: Mapping[str, str]
) -> tuple[dict[str, Data], list[Problem]]:
    """The data with references replaced, but for secrets, which are only tried.

    A key with nothing after it (`models:` above commented lines) is left out.
    """
    problems: list[Problem] = []

    def walk(value: Data, path: Path) -> Data:
        if isinstance(value, dict):
            return {
                key: walk(member, (*path, key))
                for key, member in value.items()
                if member is not None or keys.at((*path, key)) is None
            }
        if isinstance(value, list):
            return [walk(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        try:
            resolved = references.resolve(value, environment)
        except references.Unresolved as error:
            hint = "set it where portico runs, or write ${NAME:-default}"
            problems.append(problem(document, path, str(error), hint))
            return value
        if any(keys.matches(secret, path) for secret in SECRETS):
            return value
        key = keys.at(path)
        return scalar(resolved) if key is not None and key.number else resolved

    data = walk(document.data, ())
    assert isinstance(data, dict)
    return data, problems


def validate(
    document: Document, data: dict[str, Data], broken: frozenset[str]
) -> tuple[Project, list[Problem]]:
    """The project, and what is wrong with it. Entries with an error are left out of it.

    Errors at `broken` paths are known already and not told again.
    """
    problems: list[Problem] = []
    for _ in range(3):
        try:
            return Project.model_validate(data), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
        found = dict(_told(document, data, details))
        problems += [what for what in found.values() if what.path not in broken]
        data = _without(data, tuple(found))
    return Project(), problems


def _told(
    document: Document, data: dict[str, Data], details: list[ErrorDetails]
) -> Iterator[tuple[Path, Problem]]:
    seen: set[Path] = set()
    for detail in details:
        path = _path(data, detail["loc"])
        if path not in seen:
            seen.add(path)
            message, hint = _words(path, detail)
            yield path, problem(document, path, message, hint)


def _path(data: Data, location: tuple[str | int, ...]) -> Path:
    """The error's location without the steps that only the schema knows."""
    path: list[str | int] = []
    value: Any = data
    for index, step in enumerate(location):
        inside = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if inside:
            path.append(step)
            value = value[step]
        elif index == len(location) - 1 and isinstance(value, dict) and step != "[key]":
            path.append(step)
    return tuple(path)


def _without(data: dict[str, Data], paths: tuple[Path, ...]) -> dict[str, Data]:
    """The data without the entries (`models.small`) that the paths lie in."""
    pruned = {
        section: dict(entries) if isinstance(entries, dict) else entries
        for section, entries in data.items()
    }
    for path in paths:
        if not path:
            return {}
        section = str(path[0])
        entries = pruned.get(section)
        if len(path) > 1 and isinstance(entries, dict):
            entries.pop(str(path[1]), None)
        else:
            pruned.pop(section, None)
    return pruned


def _words(path: Path, detail: ErrorDetails) -> tuple[str, str]:
    """Message and hint for one of pydantic's errors."""
    kind = detail["type"]
    found = detail.get("input")
    if kind in EXPECTED:
        return f"expected {EXPECTED[kind]}, found {KINDS.get(type(found), 'something else')}", ""
    if kind in WORDS:
        return WORDS[kind](path, detail)
    message = detail["msg"]
    return message[:1].lower() + message[1:], ""


def _unknown(path: Path, _: ErrorDetails) -> tuple[str, str]:
    may = keys.beside(path)
    like = nearest(str(path[-1]), may, 1)
    hint = f"did you mean {like[0]}?" if like else f"expected one of {', '.join(may)}"
    return "unknown key", hint


def _missing(path: Path, _: ErrorDetails) -> tuple[str, str]:
    return f"the key {path[-1]} is missing", ""


def _choice(_: Path, detail: ErrorDetails) -> tuple[str, str]:
    expected = detail.get("ctx", {}).get("expected", "").replace("'", "")
    found = detail.get("input")
    like = nearest(found, expected.replace(" or ", ", ").split(", "), 1) if _word(found) else ()
    shown = found if _word(found) else KINDS.get(type(found), "something else")
    return f"expected {expected}; found {shown}", f"did you mean {like[0]}?" if like else ""


def _word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 40 and value.isprintable()


def _value(_: Path, detail: ErrorDetails) -> tuple[str, str]:
    return str(detail.get("ctx", {}).get("error", detail["msg"])), ""


def _name(_: Path, detail: ErrorDetails) -> tuple[str, str]:
    return "expected a name: letters, digits, _ . : or -, at most 64 of them", ""


WORDS: Mapping[str, Callable[[Path, ErrorDetails], tuple[str, str]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _choice,
    "value_error": _value,
    "string_pattern_mismatch": _name,
}
