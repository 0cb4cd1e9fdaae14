"""Tools, output formats and parameters of other tools in the shape of our front matter."""

import re
from collections.abc import Mapping
from typing import Final

from portico.contract.conversation import Json
from portico.operations.prompt_files.messages import note

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def texts(value: Json) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def tools(value: Json, notes: list[str]) -> tuple[Mapping[str, Json], ...]:
    """OpenAI's list of function tools (https://platform.openai.com/docs/guides/function-calling)."""
    found: list[Mapping[str, Json]] = []
    for index, entry in enumerate(value if isinstance(value, list) else []):
        function = entry.get("function", entry) if isinstance(entry, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not _NAME.fullmatch(name):
            note(
                notes, f"config.tools[{index}] was not carried over: it is no function with a name"
            )
            continue
        tool: dict[str, Json] = {"name": name}
        if isinstance(function.get("description"), str):
            tool["description"] = function["description"]
        if isinstance(function.get("parameters"), dict):
            tool["schema"] = function["parameters"]
        found.append(tool)
    return tuple(found)


def output(value: Json) -> Json:
    """OpenAI's `response_format`, or None where it is none."""
    if not isinstance(value, dict):
        return None
    if value.get("type") == "json_object":
        return "json"
    holder = value.get("json_schema")
    schema = holder.get("schema") if isinstance(holder, dict) else None
    return {"schema": schema} if isinstance(schema, dict) else None
