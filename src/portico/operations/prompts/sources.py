"""The texts that a prompt is made of: its own and those that it includes, parsed, with faults."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec
from jinja2 import TemplateSyntaxError, nodes

from portico.methods.nearest import nearest
from portico.operations.prompts import turns
from portico.operations.prompts.faults import Fault
from portico.operations.prompts.language import Language

MAX_BYTES: Final = 1024 * 1024
"""Of a prompt's text, all includes counted."""
MAX_INCLUDES: Final = 100
FOLDER: Final = "prompts"
MARK: Final = "---"

Reference = nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends
REFERENCES: Final = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
UNPARSABLE: Final = (RecursionError, SyntaxError, MemoryError, ValueError, OverflowError)
"""What Python's own compiler says of expressions that are nested too deeply or too great."""
MAX_NODES: Final = 10_000
"""Of the syntax trees of a prompt and its includes."""
MAX_TOKENS: Final = 3 * MAX_NODES
MAX_DEPTH: Final = 100
MAX_FAULTS: Final = 50
"""Of one kind in one file; the rest come when these are mended."""
_ENDS: Final = {"end of print statement": "}}", "end of statement block": "%}"}
_GOT: Final = re.compile(r"'([^']{1,60})'")
_AT: Final = re.compile(r"^unexpected char .* at (\d+)$")


class Source(msgspec.Struct, frozen=True):
    """A text of the project, below its front matter, which began at `first_line` of its file."""

    path: str
    text: str
    first_line: int = 1

    def fault(self, line: int, word: str, message: str, hint: str = "") -> Fault:
        """A fault in a line of `text`, at the word if it stands there."""
        return Fault(self.path, line + self.first_line - 1, self.column(line, word), message, hint)

    def column(self, line: int, word: str) -> int:
        lines = self.text.split("\n", line)
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        tags = text.find("{")
        for start in (max(tags, 0), 0):
            if word and (found := re.search(_whole(word), text[start:])):
                return start + found.start() + 1
        return max(tags, 0) + 1


class Parsed(msgspec.Struct):
    """A prompt's texts by path, the main one first, each with its tree."""

    sources: dict[str, Source] = {}
    trees: dict[str, nodes.Template] = {}
    names: dict[tuple[str, str], str] = {}
    """What each file means by a name of another: its path."""
    faults: list[Fault] = []


def split(text: str) -> tuple[str | None, str, int]:
    """The front matter (None where there is none), the text below it and the line it begins at.

    Raises ValueError where the front matter has no end. Line ends become `\\n`, as in Jinja.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = text.partition("\n")
    if first.rstrip() != MARK:
        return None, text, 1
    end = re.compile(r"^---[ \t]*$", re.MULTILINE).search(rest)
    if end is None:
        raise ValueError("the front matter has no end")
    head = rest[: end.start()]
    return head, rest[end.end() + 1 :], head.count("\n") + 3


def resolve(name: str, folder: str | None, known: Mapping[str, object]) -> str:
    """The path that a template means by `name`: in the project, or in its own folder."""
    names = [] if name.startswith((".", "/")) else [name]
    if folder is not None and not name.startswith("/"):
        names.append(posixpath.join(folder, name))
    for each in names:
        path = posixpath.normpath(each)
        if path in known:
            return path
    return ""


def parse(main: Source, files: Mapping[str, str], fence: str, language: Language) -> Parsed:
    """Parses a prompt and all that it includes. `files` are whole files of the project; names of
    other templates in the trees become paths."""
    parsed = Parsed()
    _Walk(parsed, files, fence, language).enter(main, ())
    size = sum(len(source.text.encode()) for source in parsed.sources.values())
    if size > MAX_BYTES:
        parsed.faults.append(too_long(main.path, size))
    return parsed


def too_long(path: str, size: int) -> Fault:
    message = f"the prompt has {size} bytes with all that it includes; the most is {MAX_BYTES}"
    return Fault(path, 0, 0, message, "send long material as context or in a variable")


def syntax_fault(source: Source, error: TemplateSyntaxError) -> Fault:
    message = (error.message or "cannot be read").rstrip(".")
    if at := _AT.match(message):
        before = source.text[: int(at[1])]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return Fault(
            source.path,
            line + source.first_line - 1,
            column,
            f"the template cannot be read: {message[: at.start(1) - 4]}",
        )
    words = _GOT.findall(message.partition("got ")[2]) or _GOT.findall(message)
    word = _ENDS.get(words[0], words[0]) if words else ""
    return source.fault(error.lineno, word, f"the template cannot be read: {message}")


def deep_fault(source: Source) -> Fault:
    return Fault(
        source.path,
        source.first_line,
        1,
        "the template is too long to compile, nested too deeply, or has too great a number",
        f"it may have {MAX_NODES} parts, {MAX_DEPTH} within each other",
    )


def remaining(tree: nodes.Template, left: int) -> int:
    """Nodes that may still follow; below 0 where what walks the tree later, Python's compiler
    included, could not do so."""
    layer: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        layer = [child for node in layer for child in node.iter_child_nodes()]
        left -= len(layer)
        if not layer or left < 0:
            break
    return -1 if layer else left


def again(parsed: Parsed, path: str, language: Language) -> nodes.Template:
    """A second tree of an included file, its names of others paths as in the first."""
    tree = language.parse(parsed.sources[path].text, path)
    for node in tree.find_all(REFERENCES):
        assert isinstance(node, Reference)
        if isinstance(node.template, nodes.Const):
            name = node.template.value
            node.template.value = parsed.names.get((path, name), name)
    return tree


class _Walk:
    """One pass through a prompt and its includes, depth first, with the chain that led there."""

    def __init__(
        self, parsed: Parsed, files: Mapping[str, str], fence: str, language: Language
    ) -> None:
        self._parsed = parsed
        self._files = files
        self._fence = fence
        self._language = language
        self._left = MAX_NODES

    def enter(self, source: Source, chain: tuple[str, ...]) -> None:
        parsed = self._parsed
        parsed.sources[source.path] = source
        parsed.faults += islice(turn_faults(source, included=bool(chain)), MAX_FAULTS)
        text = source.text if chain else turns.marked(source.text, self._fence)
        try:
            if not self._short(text):
                parsed.faults.append(deep_fault(source))
                return
            tree = self._language.parse(text, source.path)
        except TemplateSyntaxError as error:
            parsed.faults.append(syntax_fault(source, error))
            return
        except UNPARSABLE:
            parsed.faults.append(deep_fault(source))
            return
        self._left = remaining(tree, self._left)
        if self._left < 0:
            parsed.faults.append(deep_fault(source))
            return
        parsed.trees[source.path] = tree
        for node in list(tree.find_all(REFERENCES)):
            assert isinstance(node, Reference)
            self._follow(source, node, (*chain, source.path))

    def _short(self, text: str) -> bool:
        tokens = self._language.lexer.tokeniter(text, None)
        return next(islice(tokens, MAX_TOKENS, None), None) is None

    def _follow(self, source: Source, node: Reference, chain: tuple[str, ...]) -> None:
        word = type(node).__name__.removeprefix("From").lower()
        named = node.template
        if not isinstance(named, nodes.Const) or not isinstance(named.value, str):
            fault = source.fault(
                node.lineno,
                word,
                f"{word} needs the name of one file as text, so that a version says all it is",
                f'write {{% {word} "prompts/parts/name.md" %}}; choose with if',
            )
            self._parsed.faults.append(fault)
            return
        folder: str | None = posixpath.dirname(source.path)
        if len(chain) == 1 and folder != FOLDER:
            folder = None
        path = resolve(named.value, folder, self._files)
        if path in chain:
            circle = " → ".join((*chain[chain.index(path) :], path))
            self._parsed.faults.append(
                source.fault(node.lineno, named.value, f"includes run in a circle: {circle}")
            )
        elif path:
            self._parsed.names[source.path, named.value] = path
            named.value = path
            self._read(source, node, path, chain)
        elif not (isinstance(node, nodes.Include) and node.ignore_missing):
            self._parsed.faults.append(self._missing(source, node, named.value))

    def _read(self, source: Source, node: Reference, path: str, chain: tuple[str, ...]) -> None:
        if path in self._parsed.sources:
            return
        if len(self._parsed.sources) > MAX_INCLUDES:
            message = f"more than {MAX_INCLUDES} files are included; {path} is one too many"
            self._parsed.faults.append(source.fault(node.lineno, path, message))
            return
        text = self._files[path]
        if len(text) > MAX_BYTES:
            self._parsed.faults.append(too_long(path, len(text)))
            return
        try:
            _, below, first = split(text)
        except ValueError:
            self._parsed.faults.append(unclosed(path))
            return
        self.enter(Source(path, below, first), chain)

    def _missing(self, source: Source, node: Reference, name: str) -> Fault:
        known = {path: path for path in self._files if path.endswith((".md", ".jinja", ".txt"))}
        tails = {path.rpartition("/")[2]: path for path in known}
        near = nearest(name, known) or tuple(
            tails[each] for each in nearest(name.rpartition("/")[2], tails)
        )
        hint = f"did you mean {near[0]}?" if near else "name it by its path in the project"
        return source.fault(node.lineno, name, f"there is no file {name} to include", hint)


def unclosed(path: str) -> Fault:
    return Fault(
        path, 1, 1, "the front matter has no end", "put a line of three dashes (---) below it"
    )


def turn_faults(source: Source, *, included: bool) -> Iterator[Fault]:
    """Lines that look like turn marks and cannot be."""
    for found in turns.ALMOST.finditer(source.text):
        good = turns.TURN.match(found[0]) is not None
        if good and not included:
            continue
        line = source.text.count("\n", 0, found.start(1)) + 1
        if good:
            message = "a turn starts in the prompt itself, not in a file that it includes"
            hint = "move the line into the prompt, around the include"
        else:
            message = f"there is no turn named {found[1]}"
            hint = _turn_hint(found[1])
        column = found.start(1) - source.text.rfind("\n", 0, found.start(1))
        yield Fault(source.path, line + source.first_line - 1, column, message, hint)


def _turn_hint(name: str) -> str:
    if name.lower() in ("system", "developer"):
        return "the text before the first turn is the system text"
    near = nearest(name, ("user", "assistant"))
    wanted = near[0] if near else "user --- or --- assistant"
    return f"write --- {wanted} ---; a line that is meant as text: {{{{ '--- {name} ---' }}}}"


def _whole(word: str) -> str:
    left = r"(?<!\w)" if re.match(r"\w", word) else ""
    right = r"(?!\w)" if re.search(r"\w$", word) else ""
    return left + re.escape(word) + right
