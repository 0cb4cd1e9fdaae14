"""How administrative routes answer: JSON of msgspec structs, and its schemas for OpenAPI."""

from collections.abc import Sequence

import msgspec
from fastapi import Response

REFERENCE = "#/components/schemas/{name}"

Responses = dict[int | str, dict[str, object]]


def json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def answered(name: str, status: int = 200) -> Responses:
    """What a route answers with, by the name of its struct."""
    return answered_as({"$ref": REFERENCE.format(name=name)}, status)


def answered_as(schema: object, status: int = 200) -> Responses:
    content = {"application/json": {"schema": schema}}
    return {status: {"description": "Done.", "content": content}}


def schemas_of(kinds: Sequence[type]) -> dict[str, object]:
    """JSON Schemas of structs and of what they are made of."""
    _, components = msgspec.json.schema_components(
        kinds, ref_template=REFERENCE, schema_hook=_any_json
    )
    return dict(components)


def _any_json(_: type) -> dict[str, object]:
    """JSON of the user's own: no schema of ours."""
    return {"description": "Any JSON."}
