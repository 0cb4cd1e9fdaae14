"""Picoschema, Dotprompt's short form of JSON Schema.

Source: https://google.github.io/dotprompt/reference/picoschema
"""

from typing import Final

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest

SCALARS: Final = ("any", "boolean", "integer", "null", "number", "string")
WILDCARD: Final = "(*)"
DEEPEST: Final = 30


def json_schema(value: Json, where: str) -> dict[str, Json]:
    """The JSON Schema that Picoschema means; JSON Schema itself stays as it is.

    Raises InvalidRequest, which names the member at fault.
    """
    if isinstance(value, dict):
        if value.get("type") in (*SCALARS, "object", "array"):
            return dict(value)
        if isinstance(value.get("properties"), dict):
            return {"type": "object", **value}
    return _schema(value, where, 0)


def _schema(value: Json, where: str, depth: int) -> dict[str, Json]:
    if depth > DEEPEST:
        raise InvalidRequest(f"{where}: the schema is nested more than {DEEPEST} deep")
    if isinstance(value, str):
        return _scalar(value, where)
    if isinstance(value, dict):
        return _object(value, where, depth)
    raise InvalidRequest(f"{where}: expected the name of a type or a mapping of members")


def _scalar(text: str, where: str) -> dict[str, Json]:
    kind, _, description = (part.strip() for part in text.partition(","))
    if kind not in SCALARS:
        raise InvalidRequest(
            f"{where}: {kind[:60]} is no type of Picoschema ({', '.join(SCALARS)}); "
            "schemas that a program defines must be written out"
        )
    schema: dict[str, Json] = {} if kind == "any" else {"type": kind}
    return {**schema, "description": description} if description else schema


def _object(value: dict[str, Json], where: str, depth: int) -> dict[str, Json]:
    properties: dict[str, Json] = {}
    required: list[Json] = []
    extra: Json = False
    for key, inner in value.items():
        if key == WILDCARD:
            extra = _schema(inner, f"{where}.{key}", depth + 1)
            continue
        name, _, kind = key.partition("(")
        optional = name.endswith("?")
        name = name.removesuffix("?")
        schema = _member(kind.removesuffix(")"), inner, f"{where}.{name}", depth)
        if optional:
            schema = _nullable(schema)
        else:
            required.append(name)
        properties[name] = schema
    made: dict[str, Json] = {"type": "object", "properties": properties}
    if required:
        made["required"] = required
    return {**made, "additionalProperties": extra}


def _member(kind: str, inner: Json, where: str, depth: int) -> dict[str, Json]:
    if not kind:
        return _schema(inner, where, depth + 1)
    name, _, description = (part.strip() for part in kind.partition(","))
    if name == "array":
        schema: dict[str, Json] = {"type": "array", "items": _schema(inner, where, depth + 1)}
    elif name == "object":
        schema = _schema(inner, where, depth + 1)
    elif name == "enum" and isinstance(inner, list):
        schema = {"enum": list(inner)}
    else:
        raise InvalidRequest(f"{where}: ({name[:60]}) must be (array), (object) or (enum)")
    return {**schema, "description": description} if description else schema


def _nullable(schema: dict[str, Json]) -> dict[str, Json]:
    """An optional member may be null."""
    kind, options = schema.get("type"), schema.get("enum")
    if isinstance(kind, str) and kind != "null":
        return {**schema, "type": [kind, "null"]}
    if isinstance(options, list) and None not in options:
        return {**schema, "enum": [*options, None]}
    return schema
