"""Every key that portico.yaml may have, read off the schema.

A key is a pattern: `workloads.*.lane`, where `*` stands for a name of the project's own or for
an index in a list.
"""

import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from portico.control.projects.schema import Project
from portico.methods.yaml12 import Path

Pattern = tuple[str, ...]


class Key(msgspec.Struct, frozen=True):
    """`number`: whether the key takes something else than text."""

    pattern: Pattern
    required: bool
    number: bool


def matches(pattern: Pattern, path: Path) -> bool:
    return len(pattern) == len(path) and all(
        wanted in ("*", step) for wanted, step in zip(pattern, path, strict=True)
    )


def pattern(text: str) -> Pattern:
    return tuple(text.split("."))


@cache
def known() -> Mapping[Pattern, Key]:
    """All keys, in the order of the schema."""
    return {key.pattern: key for key in _keys(Project, ())}


def at(path: Path) -> Key | None:
    """The key that a path of the file stands for."""
    return next((key for wanted, key in known().items() if matches(wanted, path)), None)


def beside(path: Path) -> tuple[str, ...]:
    """The keys that may stand where the last step of `path` does."""
    container = path[:-1]
    return tuple(
        wanted[-1]
        for wanted in known()
        if wanted[-1] != "*" and matches(wanted[:-1], container) and len(wanted) == len(path)
    )


def _keys(model: type[BaseModel], parent: Pattern) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        here = (*parent, name)
        yield Key(here, field.is_required(), _takes_numbers(field))
        for depth, inner in _models(field.annotation):
            yield from _keys(inner, here + ("*",) * depth)


def _models(annotation: Any, depth: int = 0) -> Iterator[tuple[int, type[BaseModel]]]:
    """The models inside an annotation, with the number of names or indexes on the way."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield depth, annotation
    elif origin is Annotated:
        yield from _models(arguments[0], depth)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _models(argument, depth)
    elif origin is dict:
        yield from _models(arguments[1], depth + 1)
    elif origin is list:
        yield from _models(arguments[0], depth + 1)


def _takes_numbers(field: FieldInfo) -> bool:
    return any(kind in (int, float, bool) for kind in _plain(field.annotation))


def _plain(annotation: Any) -> Iterator[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _plain(arguments[0])
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _plain(argument)
    else:
        yield annotation
