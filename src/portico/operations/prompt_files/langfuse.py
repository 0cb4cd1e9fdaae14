"""Prompts that were exported from Langfuse.

Format: https://langfuse.com/docs/prompt-management/data-model (prompt, type, config, labels,
version, tags), https://langfuse.com/docs/prompt-management/features/message-placeholders,
https://langfuse.com/docs/prompt-management/features/composability and the API's
`GET /api/public/v2/prompts/{name}` (https://api.reference.langfuse.com).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.operations.prompt_files import shapes
from portico.operations.prompt_files.imported import (
    MAX_PROMPT,
    MAX_PROMPTS,
    Imported,
    fitted,
    json_of,
    parameters,
    prompt_path,
    size,
    told_apart,
)
from portico.operations.prompt_files.messages import (
    ROLES,
    content_text,
    mustache,
    note,
    ordered,
)
from portico.operations.prompt_files.writing import Draft, Role, write_prompt

WHAT: Final = "the Langfuse export"
SERVED: Final = "production"
"""The label that Langfuse serves where none is asked for."""
REFERENCE: Final = re.compile(r"@@@langfusePrompt:name=([^|@\n]{1,200})(\|[^@\n]{0,200})?@@@")
ELSEWHERE: Final = {
    "model": "name the model in the workload's ladder",
    "response_format": "it has no schema that Portico reads",
}


class _Version(msgspec.Struct, frozen=True):
    name: str
    number: int
    labels: tuple[str, ...]
    prompt: str | list[Json]
    config: Mapping[str, Json]
    tags: tuple[str, ...]


def read(text: str, name: str = "") -> tuple[Imported, ...]:
    """One prompt file for each prompt of the export: its version with the label `production`,
    else the newest. `name` serves a single prompt that names itself nothing.

    Raises InvalidRequest, which names the prompt and member at fault.
    """
    value = json_of(text, WHAT)
    versions = tuple(_versions(value, name))
    if not versions:
        raise InvalidRequest(f"{WHAT} has no prompts in it")
    if len(versions) > MAX_PROMPTS:
        raise InvalidRequest(
            f"{WHAT} has {len(versions)} versions; the most is {MAX_PROMPTS}: import it in parts"
        )
    groups: dict[str, list[_Version]] = {}
    for version in versions:
        groups.setdefault(version.name, []).append(version)
    chosen = {each: _served(group) for each, group in groups.items()}
    names = told_apart(fitted(each) for each in groups)
    return tuple(
        _imported(ours, chosen, groups[theirs]) for ours, theirs in zip(names, groups, strict=True)
    )


def _versions(value: Json, name: str) -> Iterator[_Version]:
    if isinstance(value, dict) and "prompt" not in value and "data" in value:
        value = value["data"]
    entries = value if isinstance(value, list) else [value]
    for index, entry in enumerate(entries):
        where = f"{WHAT}, prompt {index + 1}"
        if not isinstance(entry, dict):
            raise InvalidRequest(f"{where}: expected an object with `name` and `prompt`")
        if "prompt" not in entry:
            listed = " (a list of names has no texts: export each prompt)" * ("versions" in entry)
            raise InvalidRequest(f"{where}: the member `prompt` is missing{listed}")
        yield _version(entry, where, name)


def _version(entry: Mapping[str, Json], where: str, name: str) -> _Version:
    body = entry["prompt"]
    own = entry.get("name") or name
    if not isinstance(own, str) or not own:
        raise InvalidRequest(f"{where}: the member `name` is missing; give the prompt a name")
    if not isinstance(body, (str, list)):
        raise InvalidRequest(f"{where}: `prompt` must be a text or a list of messages")
    number, config = entry.get("version"), entry.get("config")
    return _Version(
        name=own,
        number=number if isinstance(number, int) else 0,
        labels=shapes.texts(entry.get("labels")),
        prompt=body,
        config=config if isinstance(config, dict) else {},
        tags=shapes.texts(entry.get("tags")),
    )


def _served(group: Sequence[_Version]) -> _Version:
    return max(group, key=lambda each: (SERVED in each.labels, each.number))


def _imported(name: str, chosen: Mapping[str, _Version], group: Sequence[_Version]) -> Imported:
    version = chosen[group[0].name]
    notes: list[str] = []
    if name != version.name:
        note(notes, f"the prompt {version.name[:100]} is now called {name}")
    others = [str(each.number) for each in group if each is not version]
    if others:
        label = SERVED if SERVED in version.labels else "newest"
        note(notes, f"version {version.number} ({label}) was taken; left: {', '.join(others[:20])}")
    extra = [each for each in version.labels if each not in (SERVED, "latest")]
    for what, values in (("labels", extra), ("tags", version.tags)):
        if values:
            note(notes, f"its {what} were not carried over: {', '.join(values)[:200]}")
    variables: dict[str, Json] = {}
    references = _References(chosen)
    turns = [
        (role, mustache(references.resolved(text, notes), variables, notes))
        for role, text in _turns(version, notes)
    ]
    config = dict(version.config)
    tools = shapes.tools(config.pop("tools", None), notes)
    output = shapes.output(config.get("response_format"))
    if output is not None:
        del config["response_format"]
    for key, why in ELSEWHERE.items():
        if config.pop(key, None) is not None:
            note(notes, f"config.{key} was not carried over: {why}")
    draft = Draft(
        name=name,
        turns=ordered(turns, notes),
        variables=variables,
        parameters=parameters(config, notes),
        tools=tools,
        output=output,
    )
    return Imported(name=name, path=prompt_path(name), text=write_prompt(draft), notes=tuple(notes))


def _turns(version: _Version, notes: list[str]) -> Iterator[tuple[Role, str]]:
    if isinstance(version.prompt, str):
        size(version.prompt, f"the prompt {version.name[:100]}", MAX_PROMPT)
        yield "system", version.prompt
        return
    for index, message in enumerate(version.prompt):
        where = f"message {index + 1} of {version.name[:100]}"
        if not isinstance(message, dict):
            raise InvalidRequest(f"{where}: expected an object with `role` and `content`")
        if message.get("type") == "placeholder":
            note(
                notes,
                f"{where}: the placeholder {str(message.get('name'))[:100]} was left out; "
                "the call's own messages follow the prompt's turns",
            )
            continue
        role = ROLES.get(str(message.get("role", "")).lower())
        if role is None:
            note(notes, f"{where} was left out: Portico's prompts have no such role")
            continue
        text = content_text(message.get("content"), where, notes)
        size(text, where, MAX_PROMPT)
        yield role, text


class _References:
    """Texts with the prompts that they refer to in place, as far as these are in the export."""

    def __init__(self, chosen: Mapping[str, _Version]) -> None:
        self._chosen = chosen
        self._made: dict[str, str | None] = {}

    def resolved(self, text: str, notes: list[str]) -> str:
        parts: list[str] = []
        place = total = 0
        for found in REFERENCE.finditer(text):
            inner = self._text(found[1], notes)
            if inner is None:
                note(
                    notes,
                    f"the reference to the prompt {found[1][:100]} was not resolved: export that "
                    "prompt along with this one, or put its text in place",
                )
                continue
            parts += (text[place : found.start()], inner)
            total += len(inner)
            if total > MAX_PROMPT:
                raise InvalidRequest(
                    f"{WHAT}: references make a prompt of over {MAX_PROMPT} characters"
                )
            place = found.end()
        parts.append(text[place:])
        return "".join(parts)

    def _text(self, name: str, notes: list[str]) -> str | None:
        """Each prompt is resolved once; a circle ends at itself."""
        if name not in self._made:
            self._made[name] = None
            target = self._chosen.get(name)
            if target is not None and isinstance(target.prompt, str):
                self._made[name] = self.resolved(target.prompt, notes)
        return self._made[name]
