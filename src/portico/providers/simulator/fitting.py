"""A small JSON value that fits a JSON Schema, for structured output.

Understood are type, const, enum, properties, required, items, prefixItems, minItems, minimum,
exclusiveMinimum, minLength, maxLength, format, anyOf, oneOf, allOf and local $ref; other
keywords are not looked at. https://json-schema.org/draft/2020-12/json-schema-validation
"""

import json
from collections.abc import Callable, Mapping
from typing import cast

from portico.contract.conversation import Json, OutputFormat
from portico.providers.simulator.asked import is_json

MAX_DEPTH = 12
"""A schema that refers to itself ends here, in null."""
MAX_ITEMS = 100

Schema = Mapping[str, Json]

_FORMATS: Mapping[str, str] = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "user@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def shape(text: str, output: OutputFormat | None) -> str:
    """`text` as the output format asks: as it is where it is JSON already, else wrapped."""
    if output is None or output.kind == "text" or is_json(text):
        return text
    if output.kind == "schema" and isinstance(output.schema, dict):
        return json.dumps(fit(output.schema, text), ensure_ascii=False)
    return json.dumps({"echo": text}, ensure_ascii=False)


def fit(schema: Json, text: str) -> Json:
    """The smallest value that fits; its free strings are `text`."""
    return _fit(schema, text, schema, MAX_DEPTH)


def _fit(schema: Json, text: str, root: Json, depth: int) -> Json:
    if not isinstance(schema, dict) or depth == 0:
        return text if schema is True else None
    schema = cast(Schema, schema)
    if "const" in schema:
        return schema["const"]
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return cast(Json, options[0])
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _fit(_resolve(reference, root), text, root, depth - 1)
    for keyword in ("anyOf", "oneOf", "allOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            return _fit(branches[0], text, root, depth - 1)
    return _MAKERS.get(_type(schema), _string)(schema, text, root, depth)


def _type(schema: Schema) -> str:
    named = schema.get("type")
    if isinstance(named, list) and named:
        named = named[0]
    if isinstance(named, str):
        return named
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _resolve(reference: str, root: Json) -> Json:
    """RFC 6901 pointers into the same document; any other reference fits everything."""
    if not reference.startswith("#"):
        return True
    node = root
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        node = cast(Schema, node).get(name, True) if isinstance(node, dict) else True
    return node


def _object(schema: Schema, text: str, root: Json, depth: int) -> Json:
    properties = schema.get("properties")
    known = cast(Schema, properties) if isinstance(properties, dict) else {}
    required = schema.get("required")
    names = (
        [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    )
    return {name: _fit(known.get(name, True), text, root, depth - 1) for name in names}


def _array(schema: Schema, text: str, root: Json, depth: int) -> Json:
    prefix = schema.get("prefixItems")
    fixed = cast(list[Json], prefix) if isinstance(prefix, list) else []
    first = [_fit(item, text, root, depth - 1) for item in fixed[:MAX_ITEMS]]
    least = min(int(_number(schema, "minItems", 0)), MAX_ITEMS)
    more = range(max(least - len(first), 0))
    return first + [_fit(schema.get("items", True), text, root, depth - 1) for _ in more]


def _string(schema: Schema, text: str, root: Json, depth: int) -> Json:
    known = _FORMATS.get(str(schema.get("format")))
    if known is not None:
        return known
    least = min(int(_number(schema, "minLength", 0)), 10_000)
    most = int(_number(schema, "maxLength", len(text) + least))
    return text.ljust(least, ".")[: max(most, 0)]


def _integer(schema: Schema, text: str, root: Json, depth: int) -> Json:
    above = _number(schema, "exclusiveMinimum", -1)
    return int(max(_number(schema, "minimum", 0), above + 1))


def _boolean(schema: Schema, text: str, root: Json, depth: int) -> Json:
    return False


def _null(schema: Schema, text: str, root: Json, depth: int) -> Json:
    return None


def _number(schema: Schema, keyword: str, default: float) -> float:
    value = schema.get(keyword)
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return float(cast(float, value)) if usable else default


_MAKERS: Mapping[str, Callable[[Schema, str, Json, int], Json]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _integer,
    "boolean": _boolean,
    "null": _null,
}
