"""The model `script`: answers from a YAML list, the first entry that matches wins.

    - match: refund                       # a regular expression over the whole conversation
      tool_calls: [{name: find_order, arguments: {id: 7}}]
    - answer: I cannot help with that.    # the last entry may have no match

In `match`, `^` and `$` stand for the borders of a line.
"""

import json
import re
from collections.abc import Mapping
from typing import cast

import msgspec
import yaml

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.usage import StopReason
from portico.providers.simulator.pattern import risk

MAX_TEXT = 1_000_000
"""Characters of a script."""
MAX_ENTRIES = 1000
MAX_PATTERN = 1000
"""Characters of one `match`."""

Entries = tuple["Entry", ...]

STOPS: Mapping[str, StopReason] = {
    **{reason.value: reason for reason in StopReason},
    "stop": StopReason.END,
    "end_turn": StopReason.END,
    "max_tokens": StopReason.LENGTH,
    "tool_use": StopReason.TOOL_CALLS,
}
"""Values of `stop`: our own words, and those of the wires for the same."""

_KEYS = ("match", "answer", "tool_calls", "stop")
_CALL_KEYS = ("name", "arguments")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer to a conversation that `match` finds something in (None: to any)."""

    match: re.Pattern[str] | None = None
    answer: str = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    """(name, arguments as JSON text)."""
    stop: StopReason | None = None


class Script(msgspec.Struct, frozen=True):
    entries: Entries

    def find(self, rendered: str) -> Entry:
        """The first entry that matches. Raises InvalidRequest if there is none."""
        for entry in self.entries:
            if entry.match is None or entry.match.search(rendered):
                return entry
        raise InvalidRequest(
            f"None of the {len(self.entries)} entries of the simulator's script matches this "
            "conversation; add a last entry without match.",
            field="messages",
        )


class _Bad(Exception):
    """What is wrong with one entry."""


def load(text: str) -> Script:
    """Reads a script. Raises InvalidRequest with every problem and the entry it is in."""
    if len(text) > MAX_TEXT:
        raise InvalidRequest(f"The script has over {MAX_TEXT} characters; split the provider.")
    try:
        read = cast(Json, yaml.load(text, Loader=_LOADER))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidRequest(f"The script is not YAML: {_place(error)}.") from None
    if not isinstance(read, list) or not read:
        raise InvalidRequest("The script must be a list of entries with at least one.")
    if len(read) > MAX_ENTRIES:
        raise InvalidRequest(f"The script has {len(read)} entries; {MAX_ENTRIES} are the most.")
    entries: list[Entry] = []
    problems: list[str] = []
    for number, item in enumerate(cast(list[Json], read), 1):
        try:
            entries.append(_entry(item, last=number == len(read)))
        except _Bad as problem:
            problems.append(f"entry {number}: {problem}")
    if problems:
        raise InvalidRequest("The script cannot be used. " + "; ".join(problems) + ".")
    return Script(tuple(entries))


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "a value cannot be read"
    return f"{problem}, line {mark.line + 1}, column {mark.column + 1}" if mark else problem


def _mapping(item: Json, keys: tuple[str, ...], what: str) -> Mapping[str, Json]:
    if not isinstance(item, dict):
        raise _Bad(f"{what} must be a mapping with {', '.join(keys)}")
    for key in item:
        if key not in keys:
            raise _Bad(f"{what} has no key '{key}'; it knows {', '.join(keys)}")
    return cast(Mapping[str, Json], item)


def _entry(item: Json, *, last: bool) -> Entry:
    found = _mapping(item, _KEYS, "it")
    if "match" not in found and not last:
        raise _Bad("only the last entry may have no match; what follows is never reached")
    if "answer" not in found and "tool_calls" not in found:
        raise _Bad("it needs an answer or tool_calls")
    stop = found.get("stop")
    if stop is not None and (not isinstance(stop, str) or stop not in STOPS):
        raise _Bad(f"stop must be one of {', '.join(STOPS)}")
    return Entry(
        match=_pattern(found["match"]) if "match" in found else None,
        answer=_words(found.get("answer", ""), "answer"),
        tool_calls=_tool_calls(found.get("tool_calls", [])),
        stop=STOPS[str(stop)] if stop is not None else None,
    )


def _words(value: Json, key: str) -> str:
    if not isinstance(value, str):
        raise _Bad(f"{key} must be text; put it in quotes")
    return value


def _pattern(value: Json) -> re.Pattern[str]:
    written = _words(value, "match")
    if len(written) > MAX_PATTERN:
        raise _Bad(f"match has {len(written)} characters; {MAX_PATTERN} are the most")
    try:
        compiled = re.compile(written, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise _Bad(f"match is not a regular expression: {error}") from None
    danger = risk(written)
    if danger:
        raise _Bad(f"match may take forever: {danger}")
    return compiled


def _tool_calls(value: Json) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise _Bad("tool_calls must be a list of {name, arguments}")
    return tuple(_tool_call(item, at) for at, item in enumerate(cast(list[Json], value), 1))


def _tool_call(item: Json, at: int) -> tuple[str, str]:
    what = f"tool call {at}"
    found = _mapping(item, _CALL_KEYS, what)
    name = found.get("name")
    if not isinstance(name, str) or not name:
        raise _Bad(f"{what} needs a name")
    arguments = found.get("arguments", {})
    if isinstance(arguments, str):
        # Text goes out as it is written, so that broken arguments can be played too.
        return name, arguments
    if not isinstance(arguments, dict):
        raise _Bad(f"the arguments of {what} must be a mapping, or text that goes out as it is")
    try:
        return name, json.dumps(arguments, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise _Bad(f"the arguments of {what} must be what JSON can say") from None
