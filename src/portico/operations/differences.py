"""What changed between two versions of a prompt: in text, in words, and as rendered."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from portico.contract.call import ContextDocument
from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion, RenderedTurn
from portico.operations.prompts.faults import BrokenPrompt
from portico.operations.prompts.template import Template, compile_prompt

MOST_LINES: Final = 400
"""Of one text's difference."""
CONTEXT: Final = 3
LONGEST_LINE: Final = 2000
MOST_COMPARED: Final = 3000
"""Lines, of both texts where they differ, that are aligned; beyond, all are old or new."""
MOST_CASES: Final = 100
NOTHING: Final[Mapping[str, Json]] = {}


class FileDifference(msgspec.Struct, frozen=True):
    """`lines` are a unified diff, without a heading."""

    path: str
    lines: tuple[str, ...]


class PromptDifference(msgspec.Struct, frozen=True, kw_only=True):
    """`said` are sentences on all that is not text. Nothing in either: the same content."""

    name: str
    old: str = ""
    """The version's id; empty where there was none."""
    new: str = ""
    files: tuple[FileDifference, ...] = ()
    said: tuple[str, ...] = ()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a prompt is rendered with, to see what comes of it."""

    id: str
    variables: Mapping[str, Json] = NOTHING
    context: tuple[ContextDocument, ...] = ()


class RenderedDifference(msgspec.Struct, frozen=True):
    """`lines` are the unified diff of the rendered turns; `failed` says why there is none."""

    case: str
    lines: tuple[str, ...] = ()
    failed: str = ""


def text_lines(old: str, new: str) -> tuple[str, ...]:
    """A unified diff with three lines of context, without file names. A last line says how many
    more there would be."""
    if old == new:
        return ()
    before, after = old.splitlines(), new.splitlines()
    start, end = _equal_edges(before, after)
    lines: list[str] = []
    left = 0
    for line in _unified(before, after, start, end):
        if len(lines) < MOST_LINES:
            lines.append(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…")
        else:
            left += 1
    if left:
        lines.append(f"… and {left} more lines")
    return tuple(lines) or ("(the texts differ in their line ends only)",)


def between(old: PromptVersion | None, new: PromptVersion | None) -> PromptDifference:
    """All that differs between two versions; None stands for no prompt."""
    known = new or old
    name = known.name if known else ""
    files = tuple(
        FileDifference(path, lines)
        for path, before, after in _texts(name, old, new)
        if (lines := text_lines(before, after))
    )
    return PromptDifference(
        name=name,
        old=old.version if old else "",
        new=new.version if new else "",
        files=files,
        said=tuple(_said(old or EMPTY, new or EMPTY)),
    )


def rendered(
    old: PromptVersion | None, new: PromptVersion | None, cases: Sequence[Case], nonce: str
) -> tuple[RenderedDifference, ...]:
    """What calls would see of the change, case by case; at most the first 100.

    A case that cannot be rendered says why.
    """
    before, after = _compiled(old, nonce), _compiled(new, nonce)
    return tuple(_rendered(before, after, case) for case in cases[:MOST_CASES])


EMPTY: Final = PromptVersion(name="", template="")


def _texts(
    name: str, old: PromptVersion | None, new: PromptVersion | None
) -> Iterator[tuple[str, str, str]]:
    before, after = old or EMPTY, new or EMPTY
    yield f"prompts/{name}.md", before.template, after.template
    mine, theirs = dict(before.includes), dict(after.includes)
    for path in sorted(mine.keys() | theirs.keys()):
        yield path, mine.get(path, ""), theirs.get(path, "")


def _said(old: PromptVersion, new: PromptVersion) -> Iterator[str]:
    yield from _members("variable", _properties(old.variables), _properties(new.variables))
    yield from _rest_of_schema(old.variables, new.variables)
    yield from _members("parameter", _parameters(old), _parameters(new), show=True)
    yield from _members(
        "tool", {each.name: each for each in old.tools}, {each.name: each for each in new.tools}
    )
    if old.output != new.output:
        yield f"output: {_output(old)} becomes {_output(new)}"
    for each in sorted(set(new.untrusted) - set(old.untrusted)):
        yield f"variable {each} is untrusted now"
    for each in sorted(set(old.untrusted) - set(new.untrusted)):
        yield f"variable {each} is trusted now"
    if old.observed != new.observed:
        yield f"adopted from {new.observed or 'no observed prompt'}, was {old.observed or 'none'}"


def _members(
    what: str, old: Mapping[str, Json], new: Mapping[str, Json], *, show: bool = False
) -> Iterator[str]:
    for name in (*new, *(each for each in old if each not in new)):
        if name not in old:
            yield f"{what} {name} added: {_short(new[name])}"
        elif name not in new:
            yield f"{what} {name} removed"
        elif old[name] != new[name]:
            if show:
                yield f"{what} {name}: {_short(old[name])} becomes {_short(new[name])}"
            else:
                yield f"{what} {name} changed: {_changed(old[name], new[name])}"


def _properties(schema: Json) -> dict[str, Json]:
    """Each variable's schema, with whether it must be given."""
    found = schema.get("properties") if isinstance(schema, dict) else None
    required = schema.get("required") if isinstance(schema, dict) else None
    needed = required if isinstance(required, list) else []
    return {
        name: {"schema": part, "required": name in needed}
        for name, part in (found.items() if isinstance(found, dict) else ())
    }


def _rest_of_schema(old: Json, new: Json) -> Iterator[str]:
    known = ("properties", "required")
    before = {k: v for k, v in old.items() if k not in known} if isinstance(old, dict) else {}
    after = {k: v for k, v in new.items() if k not in known} if isinstance(new, dict) else {}
    if before and after and before != after:
        yield f"the variables' schema changed: {_changed(before, after)}"


def _parameters(prompt: PromptVersion) -> dict[str, Json]:
    """Those that are set, by name."""
    plain = msgspec.to_builtins(prompt.parameters)
    default = msgspec.to_builtins(EMPTY.parameters.sampling)
    found: dict[str, Json] = {}
    for name, value in plain.get("sampling", {}).items():
        if value != default.get(name):
            found[name] = value
    if plain.get("reasoning") is not None:
        found["reasoning"] = plain["reasoning"]
    return found


def _output(prompt: PromptVersion) -> str:
    return _short(prompt.output) if prompt.output else "free text"


def _changed(old: Json, new: Json) -> str:
    """The members that differ, by name; both values where these are no mappings."""
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    if not isinstance(before, dict) or not isinstance(after, dict):
        return f"{_short(old)} becomes {_short(new)}"
    parts = []
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            parts.append(f"{key} {_short(before.get(key))} becomes {_short(after.get(key))}")
    return ", ".join(parts)


def _short(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 300 else f"{text[:300]}…"


def _equal_edges(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many lines at the beginning and at the end are equal."""
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return start, end


def _unified(before: list[str], after: list[str], start: int, end: int) -> Iterator[str]:
    """Of the part that differs and its context; lines keep their numbers."""
    size = len(before) + len(after) - 2 * (start + end)
    if size == 0:
        return
    if size <= MOST_COMPARED:
        yield from list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT))[2:]
        return
    head, tail = max(start - CONTEXT, 0), CONTEXT if end > CONTEXT else end
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    around = start - head + tail
    yield f"@@ -{head + 1},{len(old) + around} +{head + 1},{len(new) + around} @@"
    yield from (f" {line}" for line in before[head:start])
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)
    yield from (f" {line}" for line in before[len(before) - end : len(before) - end + tail])


def _compiled(prompt: PromptVersion | None, nonce: str) -> Template | str | None:
    """The template, or why there is none."""
    if prompt is None:
        return None
    try:
        return compile_prompt(prompt, nonce)
    except BrokenPrompt as error:
        return str(error)


def _rendered(
    old: Template | str | None, new: Template | str | None, case: Case
) -> RenderedDifference:
    texts: list[str] = []
    for word, template in (("old", old), ("new", new)):
        if isinstance(template, str):
            return RenderedDifference(case.id, failed=f"the {word} version: {template}")
        try:
            turns = template.render(case.variables, case.context) if template else ()
        except InvalidRequest as error:
            return RenderedDifference(case.id, failed=f"the {word} version: {error.message}")
        texts.append(_shown(turns))
    return RenderedDifference(case.id, text_lines(*texts))


def _shown(turns: Sequence[RenderedTurn]) -> str:
    return "\n".join(f"--- {turn.role} ---\n{turn.text}" for turn in turns)
