"""The text of a prompt file from its parts."""

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
import yaml

from portico.contract.conversation import Json

Role = Literal["system", "user", "assistant"]
_OPENER: Final = re.compile(r"\{+[{%#]|\{\Z")
"""What would begin an expression, statement or comment. A brace at the end of a text may come
to stand before an expression."""
_MARK: Final = re.compile(
    r"^([ \t]*)---(?=[ \t]*[A-Za-z][\w-]{0,30}?[ \t]*---[ \t]*$)", re.MULTILINE
)
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_ ,./()'-]*")
"""Text that is text by every version of YAML, if it is none of YAML's own words."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a prompt file says.

    `variables` is the short form (name to JSON Schema of the value), `schema` the JSON Schema of
    all of them; at most one is given. `turns` are Jinja text, the system's first.
    """

    name: str
    turns: tuple[tuple[Role, str], ...]
    description: str = ""
    variables: Mapping[str, Json] = {}
    schema: Mapping[str, Json] | None = None
    parameters: Mapping[str, Json] = {}
    tools: tuple[Mapping[str, Json], ...] = ()
    output: Json = None
    untrusted: tuple[str, ...] = ()
    observed: str = ""


def write_prompt(draft: Draft) -> str:
    """Front matter and template, ending with a line break. Never raises."""
    members: dict[str, object] = {
        "name": draft.name,
        "description": draft.description,
        "variables": _variables(draft),
        "parameters": dict(draft.parameters),
        "tools": [dict(tool) for tool in draft.tools],
        "output": draft.output,
        "untrusted": list(draft.untrusted),
        "observed": draft.observed,
    }
    head = to_yaml(
        {key: value for key, value in members.items() if value not in ("", None, [], {})}
    )
    parts = [f"---\n{head}---\n"]
    for index, (role, text) in enumerate(draft.turns):
        if index or role != "system":
            parts.append(f"--- {role} ---\n")
        parts.append(unmarked(text).strip("\n") + "\n")
    return "".join(parts)


def _variables(draft: Draft) -> dict[str, Json]:
    """The short form, where it cannot be taken for the long one."""
    if draft.schema is not None:
        return dict(draft.schema)
    if "properties" not in draft.variables and "type" not in draft.variables:
        return dict(draft.variables)
    names: list[Json] = list(draft.variables)
    whole: dict[str, Json] = {"type": "object", "properties": dict(draft.variables)}
    return {**whole, "required": names, "additionalProperties": False}


def literal(text: str) -> str:
    """Jinja text that renders to `text`, line breaks as `\\n`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unmarked(_OPENER.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text))


def unmarked(text: str) -> str:
    """Jinja text none of whose lines starts a turn, or looks as if it did."""
    return _MARK.sub(r"\1{{ '---' }}", text)


def to_yaml(value: object) -> str:
    """Block YAML that means the same by YAML 1.1 and 1.2."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes what is not plainly text, writes no aliases and no line break inside of a scalar."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) is not None and not text.endswith(" ")
    style = None if plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
