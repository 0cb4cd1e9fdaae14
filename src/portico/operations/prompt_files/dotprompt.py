"""Google's Dotprompt files.

Format: https://google.github.io/dotprompt/reference/frontmatter (front matter),
https://google.github.io/dotprompt/reference/template (template), and picoschema.py.
"""

import re
from collections.abc import Mapping
from typing import Final

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.operations.prompt_files.handlebars import translate
from portico.operations.prompt_files.imported import (
    MAX_PROMPT,
    Imported,
    fitted,
    parameters,
    prompt_path,
    size,
    variable,
    yaml_of,
)
from portico.operations.prompt_files.messages import note, ordered
from portico.operations.prompt_files.picoschema import json_schema
from portico.operations.prompt_files.writing import Draft, write_prompt

WHAT: Final = "the Dotprompt file"
KNOWN: Final = frozenset({"name", "description", "config", "input", "output", "model"})
_HEAD: Final = re.compile(
    r"\A(?:[ \t]*(?:#[^\n]*)?\n)*---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.M | re.S
)


def read(text: str, name: str = "") -> tuple[Imported, ...]:
    """The one prompt of the file; `name` is the file's, without its ending.

    Raises InvalidRequest, which names the member at fault.
    """
    size(text, WHAT, MAX_PROMPT)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = _HEAD.match(text)
    head = yaml_of(found[1], f"the front matter of {WHAT}") if found else {}
    body = text[found.end() :] if found else text
    first_line = text.count("\n", 0, found.end()) + 1 if found else 1
    given = str(head.get("name") or name.partition(".")[0])
    ours = fitted(given)
    notes: list[str] = []
    _unknown(head, notes)
    schema = _variables(head.get("input"), notes)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    required = schema.get("required")
    needed = frozenset(required) if isinstance(required, list) else frozenset()
    optional = [
        each
        for each, part in properties.items()
        if each not in needed and not (isinstance(part, dict) and "default" in part)
    ]
    made = translate(body, optional, first_line, notes)
    for each in sorted(made.used - properties.keys()):
        properties[each] = {}
        if isinstance(required, list):
            required.append(each)
        else:
            required = schema["required"] = [each]
    if not properties:
        schema = {}
    config = head.get("config")
    draft = Draft(
        name=ours,
        description=str(head.get("description") or ""),
        turns=ordered(made.turns, notes),
        schema=schema or None,
        parameters=parameters(config if isinstance(config, dict) else {}, notes),
        output=_output(head.get("output"), notes),
    )
    return (
        Imported(name=ours, path=prompt_path(ours), text=write_prompt(draft), notes=tuple(notes)),
    )


def _unknown(head: Mapping[str, Json], notes: list[str]) -> None:
    if head.get("model") is not None:
        note(notes, "model was not carried over: name the model in the workload's ladder")
    for key in head:
        if key not in KNOWN:
            note(notes, f"{key[:60]} was not carried over")


def _variables(value: Json, notes: list[str]) -> dict[str, Json]:
    """JSON Schema of the variables, with their defaults in it."""
    value = value if isinstance(value, dict) else {}
    schema = value.get("schema")
    made = json_schema(schema, "input.schema") if schema else {"type": "object", "properties": {}}
    properties = made.get("properties")
    if made.get("type") != "object" or not isinstance(properties, dict):
        raise InvalidRequest(f"{WHAT}: input.schema must be that of an object with members")
    renamed: dict[str, Json] = {}
    names: dict[str, str] = {}
    for each, part in properties.items():
        name = variable(each)
        if name is None:
            raise InvalidRequest(f"{WHAT}: input.schema.{each[:60]} cannot name a variable")
        names[each] = name
        renamed[name] = dict(part) if isinstance(part, dict) else part
    defaults = value.get("default")
    for each, given in (defaults if isinstance(defaults, dict) else {}).items():
        part = renamed.setdefault(names.setdefault(each, variable(each) or "value"), {})
        if isinstance(part, dict):
            part["default"] = given
    required = made.get("required")
    kept: list[Json] = [
        names[each]
        for each in (required if isinstance(required, list) else [])
        if isinstance(each, str) and each in names and not _defaulted(renamed[names[each]])
    ]
    rest = {key: part for key, part in made.items() if key not in ("properties", "required")}
    whole: dict[str, Json] = {**rest, "properties": renamed}
    return {**whole, "required": kept} if kept else whole


def _defaulted(part: Json) -> bool:
    return isinstance(part, dict) and "default" in part


def _output(value: Json, notes: list[str]) -> Json:
    if not isinstance(value, dict):
        return None
    form = value.get("format")
    if value.get("schema") is not None:
        return {"schema": json_schema(value["schema"], "output.schema")}
    if form == "json":
        return "json"
    if form not in (None, "text"):
        note(notes, f"output.format {str(form)[:60]} was not carried over")
    return None
