"""Variables: their JSON Schema, and what is said when a call's do not fit it."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

import jsonschema_rs

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.methods.nearest import nearest
from portico.operations.prompts.language import TAKEN

FIELD: Final = "portico.variables"
MAX_NAMED: Final = 10
"""Faults that one message names."""
MAX_NAME: Final = 60
"""Characters of a caller's own words in a message."""
NONE: Final[Mapping[str, Json]] = {"type": "object", "additionalProperties": False}
PATTERNS: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BadSchema(Exception):
    """A schema that is none. `path` leads to the place inside of it."""

    def __init__(self, message: str, path: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class Variables:
    """What a prompt takes. Immutable; `fit` is the path of a call."""

    def __init__(self, schema: Json) -> None:
        """Raises BadSchema."""
        self._schema: Mapping[str, Json] = schema if is_object(schema) else NONE
        self._validator = validator(dict(self._schema))
        properties = self._schema.get("properties")
        properties = properties if is_object(properties) else {}
        self.names = tuple(properties)
        self.defaults = {
            name: part["default"]
            for name, part in properties.items()
            if is_object(part) and "default" in part
        }
        self._texts = self.names if self._takes_texts() else ()

    @property
    def closed(self) -> bool:
        """Whether only the named ones are taken."""
        return self._schema.get("additionalProperties") is False

    def _takes_texts(self) -> bool:
        """Whether the schema says no more than that all of the named are there and are texts."""
        required = self._schema.get("required")
        schema: Json = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in self.names},
            "required": required,
            "additionalProperties": False,
        }
        everyone = isinstance(required, list) and {*map(str, required)} == {*self.names}
        return everyone and self._schema == schema

    def fit(self, given: Mapping[str, Json]) -> Mapping[str, Json]:
        """The variables with defaults. Raises InvalidRequest, which names all that is wrong."""
        if self._texts and self._are_texts(given):
            return given
        values = {**self.defaults, **given}
        try:
            if self._validator.is_valid(values):
                return values
            errors = list(self._validator.iter_errors(values))
        except ValueError as error:
            raise InvalidRequest(
                "The variables cannot be checked: they hold what is not JSON, or nest too deeply.",
                field=FIELD,
            ) from error
        raise self._misfit(errors, values)

    def _are_texts(self, given: Mapping[str, Json]) -> bool:
        """What most prompts ask for, told without the validator."""
        if len(given) != len(self._texts):
            return False
        for name in self._texts:  # noqa: SIM110 - a generator costs more than what it checks
            if type(given.get(name)) is not str:
                return False
        return True

    def _misfit(
        self, errors: list[jsonschema_rs.ValidationError], values: Mapping[str, Json]
    ) -> InvalidRequest:
        found: list[tuple[str, str]] = []
        if self.closed and not self.names:
            found, errors = [self._extra([], name) for name in values], []
        for error in errors:
            found += self._said(error)
        found = found or [("", "they nest too deeply")]
        said = "; ".join(text for _, text in found[:MAX_NAMED])
        more = f"; and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
        name = found[0][0]
        return InvalidRequest(
            f"The variables do not fit the prompt: {said}{more}. Its variables are "
            f"{', '.join(self.names) or 'none'}.",
            field=f"{FIELD}.{name}" if name else FIELD,
        )

    def _said(self, error: jsonschema_rs.ValidationError) -> list[tuple[str, str]]:
        """(name of the variable or "", what is wrong); never a value."""
        path = [_short(step) for step in error.instance_path]
        kind = error.kind.as_dict()
        dotted = ".".join(path)
        if error.kind.name == "required":
            missing = str(kind["property"])
            where = ".".join((*path, missing))
            return [(where, f"{where} is missing")]
        if error.kind.name == "additionalProperties":
            return [self._extra(path, str(name)) for name in kind["unexpected"]]
        text = _expected(error.kind.name, kind)
        return [(dotted, f"{dotted or 'the whole'} {text}")]

    def _extra(self, path: list[str], name: str) -> tuple[str, str]:
        short = ".".join((*path, _short(name)))
        near = nearest(name, self.names) if not path else ()
        hint = f" (did you mean {near[0]}?)" if near else ""
        return short, f"{short} is not a variable of it{hint}"


def is_object(value: object) -> TypeGuard[Mapping[str, Json]]:
    return isinstance(value, dict)


def full(written: Json) -> dict[str, Json]:
    """The whole schema that a prompt's `variables` means: as written, or names with theirs.

    In the short form all without a default are required and no others are taken. Raises BadSchema.
    """
    if not is_object(written):
        raise BadSchema("expected a mapping of names, or a JSON Schema of an object", ())
    if is_whole(written):
        schema = dict(written)
        if schema.get("type", "object") != "object":
            raise BadSchema("the variables are an object: type must be object", ("type",))
        properties = schema.get("properties")
    else:
        properties = {
            name: {"type": part} if isinstance(part, str) else part
            for name, part in written.items()
        }
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        required = [n for n, p in properties.items() if not (is_object(p) and "default" in p)]
        if required:
            schema["required"] = required
    if is_object(properties):
        for name in properties:
            _check_name(name, ("properties", name) if is_whole(written) else (name,))
    return schema


def is_whole(written: Mapping[str, Json]) -> bool:
    """`type: object` itself, or the members of a schema; the rest is names with schemas."""
    if isinstance(written.get("type"), str) and written["type"] == "object":
        return True
    return any(name.startswith("$") for name in written) or (
        "properties" in written and _holds_schemas(written["properties"])
    )


def validator(schema: dict[str, Json]) -> jsonschema_rs.Validator:
    """Checks a schema and compiles it. References reach no further than itself.

    Raises BadSchema.
    """
    try:
        json.dumps(schema, allow_nan=False)
        return jsonschema_rs.validator_for(schema, offline=True, pattern_options=PATTERNS)
    except jsonschema_rs.ValidationError as error:
        message = error.message.splitlines()[0][:200]
        raise BadSchema(f"this is not JSON Schema: {message}", tuple(error.instance_path)) from None
    except (ValueError, TypeError, RecursionError, jsonschema_rs.ReferencingError) as error:
        raise BadSchema("this is not JSON Schema: not JSON, or nested too deeply", ()) from error


def _check_name(name: str, path: tuple[str, ...]) -> None:
    if name in TAKEN:
        raise BadSchema(f"a variable cannot be named {name}: it has a meaning in templates", path)
    if not NAME.fullmatch(name):
        message = f"{name[:MAX_NAME]} cannot be named in a template: use letters, digits and _"
        raise BadSchema(message, path)


def _holds_schemas(value: Json) -> bool:
    return is_object(value) and all(isinstance(each, (dict, bool)) for each in value.values())


def _short(step: object) -> str:
    text = str(step)
    return text if len(text) <= MAX_NAME else text[:MAX_NAME] + "…"


def _expected(kind: str, facts: Mapping[str, Any]) -> str:
    """What was expected, in the schema's words."""
    if kind == "type":
        return f"must be {' or '.join(map(str, facts['types']))}"
    if kind == "enum":
        options = ", ".join(json.dumps(each, ensure_ascii=False) for each in facts["options"])
        return f"must be one of {_cut(options)}"
    if kind in BOUNDS:
        return f"{BOUNDS[kind]} {facts['limit']}"
    return EXPECTED.get(kind, f"breaks its schema's rule {kind}")


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"


BOUNDS: Final[Mapping[str, str]] = {
    "maxLength": "is longer than", "minLength": "is shorter than",
    "maxItems": "has more items than", "minItems": "has fewer items than",
    "maximum": "is more than", "minimum": "is less than",
    "exclusiveMaximum": "is not less than", "exclusiveMinimum": "is not more than",
    "maxProperties": "has more members than", "minProperties": "has fewer members than",
}  # fmt: skip
EXPECTED: Final[Mapping[str, str]] = {
    "pattern": "does not match its pattern",
    "format": "is not in its format",
    "const": "is not the one value that is taken",
    "uniqueItems": "has items that are equal",
    "anyOf": "fits none of its schemas",
    "oneOf": "does not fit exactly one of its schemas",
    "falseSchema": "is not taken",
}
