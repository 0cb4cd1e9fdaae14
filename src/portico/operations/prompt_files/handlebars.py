"""Handlebars as Dotprompt uses it, as Jinja and turns.

Source: https://google.github.io/dotprompt/reference/template and
https://handlebarsjs.com/guide/. The law of this file: one pass from left to right, and whatever
Jinja cannot express is left out with a note that names it and its line.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from portico.operations.prompt_files.imported import variable
from portico.operations.prompt_files.messages import ROLES, kept_space, note
from portico.operations.prompt_files.writing import Role, literal

MAX_TAG: Final = 2000
MAX_DEPTH: Final = 40
_ARGUMENT: Final = re.compile(
    r"\s*(?:([A-Za-z_][\w-]*)\s*=\s*)?(\"[^\"]*\"|'[^']*'|[^\s=()|\"']+)(?=\s|\Z)"
)
_PARAMETERS: Final = re.compile(r"\s+as\s+\|\s*([^|]+?)\s*\|\s*\Z")
_STEP: Final = re.compile(r"[A-Za-z_]\w*")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
LOOP: Final[Mapping[str, str]] = {
    "@index": "loop.index0",
    "@first": "loop.first",
    "@last": "loop.last",
}
WORDS: Final[Mapping[str, str]] = {
    "true": "true",
    "false": "false",
    "null": "none",
    "undefined": "none",
}


class Untranslatable(Exception):
    """What Jinja cannot express; the message says what."""


class _Block(msgspec.Struct):
    """An open block: `closes` ends it, `item` is what `this` means in it."""

    name: str
    closes: str
    item: str = ""
    named: Mapping[str, str] = {}


class Translated(msgspec.Struct, frozen=True):
    turns: tuple[tuple[Role, str], ...]
    used: frozenset[str]
    """Variables at the top that the template names."""


class _Template:
    """The state of one pass."""

    def __init__(self, optional: Collection[str], first_line: int, notes: list[str]) -> None:
        self.notes = notes
        self.turns: list[tuple[Role, list[str]]] = [("user", [])]
        self.blocks: list[_Block] = []
        self.used: set[str] = set()
        self.line = first_line
        self._optional = optional
        self._left_out = 0

    def put(self, text: str) -> None:
        if text and not self._left_out:
            self.turns[-1][1].append(text)

    def note(self, text: str) -> None:
        note(self.notes, f"line {self.line}: {text}")

    def tag(self, inside: str, around: tuple[str, str]) -> None:
        """One expression between braces, `around` it what keeps its white space. Raises
        Untranslatable."""
        before, after = inside.startswith("~"), inside.endswith("~") and len(inside) > 1
        body = inside[before : len(inside) - after].strip()
        signs = ("-" if before else around[0], "-" if after else around[1])
        if body.startswith("#"):
            self._open(body[1:], signs)
        elif body.startswith("/"):
            self._close(body[1:].strip(), signs)
        elif body.split(None, 1)[:1] == ["else"] or body == "^":
            self._otherwise(body, signs)
        elif body.startswith((">", "^")):
            raise Untranslatable(f"{body[:60]} (include the file, or write the text in place)")
        elif not self._left_out:
            self._expression(body, ("-" * before, "-" * after))

    def _open(self, body: str, signs: tuple[str, str]) -> None:
        name, _, rest = body.partition(" ")
        opener = OPENERS.get(name)
        if opener is None or self._left_out or len(self.blocks) >= MAX_DEPTH:
            self.blocks.append(_Block(name, ""))
            self._left_out += 1
            if opener is None and self._left_out == 1:
                raise Untranslatable(f"the block {name[:60]}, with all that is in it")
            return
        try:
            statement, block = opener(self, rest)
        except Untranslatable:
            self.blocks.append(_Block(name, ""))
            self._left_out += 1
            raise
        self.blocks.append(block)
        self.put(f"{{%{signs[0]} {statement} {signs[1]}%}}")

    def _close(self, name: str, signs: tuple[str, str]) -> None:
        if not self.blocks or self.blocks[-1].name != name:
            raise Untranslatable(f"/{name[:60]} closes no block that is open")
        block = self.blocks.pop()
        if block.closes:
            self.put(f"{{%{signs[0]} {block.closes} {signs[1]}%}}")
        else:
            self._left_out -= 1

    def _otherwise(self, body: str, signs: tuple[str, str]) -> None:
        if self._left_out:
            return
        if not self.blocks:
            raise Untranslatable("else stands in no block")
        rest = body[4:].strip() if body.startswith("else") else ""
        if not rest:
            self.put(f"{{%{signs[0]} else {signs[1]}%}}")
        elif rest.startswith("if ") and self.blocks[-1].closes == "endif":
            self.put(f"{{%{signs[0]} elif {self.condition(rest[3:])} {signs[1]}%}}")
        else:
            raise Untranslatable(f"else {rest[:60]}")

    def _expression(self, body: str, signs: tuple[str, str]) -> None:
        name, _, rest = body.partition(" ")
        helper = HELPERS.get(name)
        if helper is not None and rest.strip():
            made = helper(self, rest)
        elif name == "history":
            self.note("history was left out: the call's own messages follow the prompt's turns")
            made = ""
        elif rest.strip():
            raise Untranslatable(f"the helper {name[:60]}")
        else:
            made = self.shown(body)
        if made:
            self.put(f"{{{{{signs[0]} {made} {signs[1]}}}}}")

    def shown(self, path: str) -> str:
        """A value as text; one that may be missing is empty."""
        value, missing = self.value(path)
        return f'{value}|default("", true)' if missing else value

    def condition(self, path: str) -> str:
        value, missing = self.value(path.strip())
        return f"{value}|default(false)" if missing else value

    def value(self, path: str) -> tuple[str, bool]:
        """A Jinja expression, and whether the value may be missing. Raises Untranslatable."""
        if path[:1] in ('"', "'") and path[-1:] == path[:1] and len(path) > 1:
            return msgspec.json.encode(path[1:-1]).decode(), False
        if path in WORDS or _NUMBER.fullmatch(path):
            return WORDS.get(path, path), False
        if path in LOOP:
            if not any(block.closes == "endfor" for block in self.blocks):
                raise Untranslatable(f"{path} outside of each")
            return LOOP[path], False
        return self._path(path)

    def _path(self, path: str) -> tuple[str, bool]:
        rest, scopes = self._scope(path)
        item = scopes[-1].item if scopes else ""
        if rest in ("this", "."):
            if not item:
                raise Untranslatable("this, outside of each and with")
            return item, False
        steps = rest.removeprefix("this.").replace("/", ".").split(".")
        first = _STEP.fullmatch(steps[0]) is not None
        if rest.startswith("@") or not all(map(_STEP.fullmatch, steps[1:])):
            raise Untranslatable(path[:60])
        for block in reversed(scopes):
            if steps[0] in block.named:
                return ".".join((block.named[steps[0]], *steps[1:])), len(steps) > 1
        if item and first:
            return ".".join((item, *steps)), True
        name = None if item else variable(steps[0])
        if name is None:
            raise Untranslatable(path[:60])
        if name != steps[0]:
            self.note(f"the variable {steps[0][:60]} is now called {name}")
        self.used.add(name)
        return ".".join((name, *steps[1:])), len(steps) > 1 or name in self._optional

    def _scope(self, path: str) -> tuple[str, list[_Block]]:
        """The path from where it starts, and the blocks around that place."""
        scopes = [block for block in self.blocks if block.item]
        if path.startswith("@root."):
            return path[6:], []
        while path.startswith("../"):
            if not scopes:
                raise Untranslatable(f"{path[:60]} leads out of the template")
            path, scopes = path[3:], scopes[:-1]
        return path.removeprefix("./"), scopes

    def arguments(self, text: str, count: int) -> tuple[list[str], dict[str, str]]:
        """Positional and named arguments of a helper. Raises Untranslatable."""
        given: list[str] = []
        named: dict[str, str] = {}
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _ARGUMENT.match(text, place)
            if found is None:
                raise Untranslatable(f"the arguments of a helper: {text.strip()[:60]}")
            if found[1]:
                named[found[1]] = found[2]
            else:
                given.append(found[2])
            place = found.end()
        if len(given) != count:
            raise Untranslatable(f"a helper with {len(given)} arguments: {text.strip()[:60]}")
        return given, named


def _if(state: _Template, rest: str) -> tuple[str, _Block]:
    return f"if {state.condition(rest)}", _Block("if", "endif")


def _unless(state: _Template, rest: str) -> tuple[str, _Block]:
    return f"if not ({state.condition(rest)})", _Block("unless", "endif")


def _each(state: _Template, rest: str) -> tuple[str, _Block]:
    names = _PARAMETERS.search(rest)
    path = (rest[: names.start()] if names else rest).strip()
    value, missing = state.value(path)
    depth = sum(bool(block.item) for block in state.blocks) + 1
    item = f"item_{depth}"
    named: dict[str, str] = {}
    if names:
        words = names[1].split()
        named = dict(zip(words, (item, "loop.index0"), strict=False))
    many = f"{value}|default([], true)" if missing else value
    return f"for {item} in {many}", _Block("each", "endfor", item, named)


def _with(state: _Template, rest: str) -> tuple[str, _Block]:
    value, missing = state.value(rest.strip())
    condition = f"{value}|default(false)" if missing else value
    return f"if {condition}", _Block("with", "endif", value)


def _compared(name: str, sign: str) -> "Callable[[_Template, str], tuple[str, _Block]]":
    def opened(state: _Template, rest: str) -> tuple[str, _Block]:
        given, _ = state.arguments(rest, 2)
        left, right = (state.value(each)[0] for each in given)
        return f"if {left} {sign} {right}", _Block(name, "endif")

    return opened


def _role(state: _Template, rest: str) -> str:
    given, _ = state.arguments(rest, 1)
    role = ROLES.get(given[0].strip("\"'").lower())
    if role is None:
        raise Untranslatable(f"the role {given[0][:60]}")
    if state.blocks:
        raise Untranslatable("role inside of a block: turns begin at the top")
    state.turns.append((role, []))
    return ""


def _json(state: _Template, rest: str) -> str:
    given, named = state.arguments(rest, 1)
    value, missing = state.value(given[0])
    indent = named.get("indent", "")
    filled = f"{value}|default(none)" if missing else value
    return f"{filled}|tojson({indent})" if indent.isdigit() else f"{filled}|tojson"


def _lookup(state: _Template, rest: str) -> str:
    given, _ = state.arguments(rest, 2)
    held, key = (state.value(each)[0] for each in given)
    return f'{held}[{key}]|default("", true)'


def _media(state: _Template, rest: str) -> str:
    raise Untranslatable("media: prompts are text; send images with the call")


def _section(state: _Template, rest: str) -> str:
    raise Untranslatable(f"section {rest.strip()[:60]}")


OPENERS: Final[Mapping[str, Callable[[_Template, str], tuple[str, _Block]]]] = {
    "if": _if,
    "unless": _unless,
    "each": _each,
    "with": _with,
    "ifEquals": _compared("ifEquals", "=="),
    "unlessEquals": _compared("unlessEquals", "!="),
}
HELPERS: Final[Mapping[str, Callable[[_Template, str], str]]] = {
    "role": _role,
    "json": _json,
    "lookup": _lookup,
    "media": _media,
    "section": _section,
}


def translate(
    text: str, optional: Collection[str], first_line: int, notes: list[str]
) -> Translated:
    """`optional` are variables that a call may leave out; `first_line` is the template's line in
    its file. Never raises."""
    state = _Template(optional, first_line, notes)
    place = 0
    while (start := text.find("{{", place)) >= 0:
        escaped = start > place and text[start - 1] == "\\"
        state.put(literal(text[place : start - escaped]))
        state.line += text.count("\n", place, start)
        inside, end = _inside(text, start)
        if inside is None:
            state.note("braces that nothing closes; the rest came along as it is")
            place = start
            break
        if escaped:
            state.put(literal(text[start:end]))
        elif inside and not inside.lstrip("~").startswith("!"):
            try:
                state.tag(inside, _around(text, start, end))
            except Untranslatable as error:
                state.note(f"not carried over: {error}")
        state.line += text.count("\n", start, end)
        place = end
    state.put(literal(text[place:]))
    for block in reversed(state.blocks):
        state.note(f"the block {block.name[:60]} was not closed")
        state.put(f"{{% {block.closes} %}}" if block.closes else "")
    turns = tuple((role, "".join(parts)) for role, parts in state.turns)
    return Translated(turns, frozenset(state.used))


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """Handlebars drops a line that holds a block's tag alone, as our templates do; other white
    space stays."""
    before, after = kept_space(text, start, end)
    alone = not text[text.rfind("\n", 0, start) + 1 : start].strip()
    return ("", "") if alone and text[end : end + 1] == "\n" else (before, after)


def _inside(text: str, start: int) -> tuple[str | None, int]:
    """What stands between the braces at `start`, and where the text goes on."""
    for opening, closing in (("{{!--", "--}}"), ("{{~!--", "--}}"), ("{{{", "}}}"), ("{{", "}}")):
        if text.startswith(opening, start):
            end = text.find(closing, start + len(opening))
            if end < 0:
                return None, start
            inside = "" if "--" in opening else text[start + len(opening) : end]
            return (inside[:MAX_TAG], end + len(closing))
    return None, start
