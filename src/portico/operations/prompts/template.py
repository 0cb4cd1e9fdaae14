"""A prompt's version, compiled once, and rendered for every call.

A Template is for one thread at a time: it holds the account of the rendering that runs.
"""

from collections.abc import Mapping, Sequence
from traceback import walk_tb
from typing import Final

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, TemplateError, UndefinedError
from jinja2.runtime import Context

from portico.contract.call import ContextDocument
from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion, RenderedTurn
from portico.operations.prompts import turns
from portico.operations.prompts.checking import refused
from portico.operations.prompts.faults import BrokenPrompt, Fault
from portico.operations.prompts.flat import Flat, flattened
from portico.operations.prompts.language import GLOBALS, Language
from portico.operations.prompts.rewriting import governed, shown, unmarked, weight
from portico.operations.prompts.sources import (
    FOLDER,
    UNPARSABLE,
    Parsed,
    Source,
    again,
    deep_fault,
    parse,
    syntax_fault,
)
from portico.operations.prompts.taint import PLAIN, Taint
from portico.operations.prompts.variables import FIELD, BadSchema, Variables
from portico.operations.prompts.work import MAX_TEXT, Exhausted

FAILURES: Final = (
    TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError,
    RecursionError, MemoryError,
)  # fmt: skip
"""What a template's own expressions can raise on values that they were not written for."""


class Template:
    """`uses_context`: whether the call's documents appear in it. `variables`: their names."""

    def __init__(
        self, prompt: PromptVersion, program: "Program", variables: Variables, fence: str
    ) -> None:
        self.name = prompt.name
        self.version = prompt.version
        self.variables = variables.names
        self.uses_context = program.uses_context
        self._first_line = prompt.first_line
        self._program = program
        self._flat = program.flat
        self.flat = program.flat is not None
        """Whether it only puts texts into places."""
        self._fit = variables.fit
        self._fence = fence if program.marks else ""
        self._cut = turns.cut if prompt.untrusted else turns.cut_plain

    def render(
        self, variables: Mapping[str, Json], context: Sequence[ContextDocument] = ()
    ) -> tuple[RenderedTurn, ...]:
        """The turns. Raises InvalidRequest: variables that do not fit, expressions that fail on
        them, or more text or work than a rendering may have."""
        values = self._fit(variables)
        if self._flat is not None and (flat := self._flat.render(values)) is not None:
            return flat
        if self.uses_context:
            documents: Json = [{"id": each.id, "text": each.text} for each in context]
            values = {**values, "context": documents}
        try:
            text = self._program.run(values)
        except Exhausted as error:
            raise self._exhausted() from error
        except FAILURES as error:
            raise self._failed(error) from error
        return self._cut(text, self._fence) if self._fence else turns.plain(text)

    def _exhausted(self) -> InvalidRequest:
        return InvalidRequest(
            f"The prompt {self.name} would take more work than one rendering may, or become "
            f"longer than {MAX_TEXT} characters: send less in its variables or context, or bound "
            "its loops.",
            field=FIELD,
        )

    def _failed(self, error: BaseException) -> InvalidRequest:
        path, line = self._program.place(error)
        where = f"line {line}" if line else "a line"
        if path == self._program.main:
            where = f"line {line + self._first_line - 1}" if line else where
        elif path:
            where = f"{where} of the text of {path}"
        field = FIELD
        if isinstance(error, SecurityError):
            said = "reaches for what no template may use"
        elif isinstance(error, UndefinedError):
            expression = self._program.expression(path, line, str(error))
            said = f"uses {expression}, which the variables of this call do not have"
            field = f"{FIELD}.{expression.partition('.')[0]}" if "." in expression else FIELD
        else:
            said = f"cannot be worked out with the variables of this call ({type(error).__name__})"
        return InvalidRequest(
            f"The prompt {self.name} cannot be rendered: {where} {said}. Check the types of the "
            "variables, or guard the expression with `if` or `|default`.",
            field=field,
        )


class Program:
    """The compiled texts of a prompt. `marks`: whether rendered text can hold any."""

    def __init__(self, language: Language, parsed: Parsed, main: str, fence: str) -> None:
        self.main = main
        self.language = language
        tree = parsed.trees[main]
        self.price = sum(map(weight, parsed.trees.values()))
        self.uses_context = any(
            name.name == "context"
            for each in parsed.trees.values()
            for name in each.find_all(nodes.Name)
        )
        self.flat: Flat | None = None
        self.marks = any(fence in data.data for data in tree.find_all(nodes.TemplateData))
        self._expressions = {path: _expressions(each) for path, each in parsed.trees.items()}

    def start(self) -> None:
        """Called once all is compiled."""
        root = self.language.compiled[self.main]
        self._root = root.root_render_func
        self._blocks = root.blocks

    def run(self, values: Mapping[str, Json]) -> str:
        """Raises Exhausted and FAILURES."""
        language = self.language
        language.work.open(self.price)
        context = Context(language, {**GLOBALS, **values}, self.main, self._blocks)
        pieces: list[str] = []
        size = 0
        for piece in self._root(context):
            size += len(piece)
            if size > MAX_TEXT:
                raise Exhausted
            pieces.append(piece)
        return "".join(pieces)

    def place(self, error: BaseException) -> tuple[str, int]:
        """The text and the line in it where an expression failed; ("", 0) if unknown."""
        path, line = "", 0
        for frame, number in walk_tb(error.__traceback__):
            template = frame.f_globals.get("__jinja_template__")
            if isinstance(template, JinjaTemplate):
                path = str(template.name).removesuffix(PLAIN)
                line = template.get_corresponding_lineno(number)
        return path, line

    def expression(self, path: str, line: int, name: str) -> str:
        """What a line of a template says that ends in the name; never a value's text."""
        here = self._expressions.get(path, {})
        for candidate in (*here.get(line, ()), *(e for each in here.values() for e in each)):
            if candidate.rpartition(".")[2] == name:
                return candidate
        return "a member"


def compile_prompt(prompt: PromptVersion, nonce: str) -> Template:
    """Compiles a version. `nonce`: 16 or more random hexadecimal digits that nobody is told.

    Raises BrokenPrompt.
    """
    fence = turns.fence(nonce)
    language = Language()
    main = Source(f"{FOLDER}/{prompt.name}.md", prompt.template, prompt.first_line)
    parsed = parse(main, dict(prompt.includes), fence, language)
    faults = parsed.faults or refused(parsed, fence, language)
    if faults:
        raise BrokenPrompt(prompt.name, tuple(faults))
    try:
        variables = Variables(prompt.variables)
    except BadSchema as error:
        fault = Fault(main.path, 0, 0, f"variables: {error.message}")
        raise BrokenPrompt(prompt.name, (fault,)) from error
    program, faults = build(language, parsed, prompt.untrusted, fence)
    if faults:
        raise BrokenPrompt(prompt.name, tuple(faults))
    return Template(prompt, program, variables, fence)


def build(
    language: Language, parsed: Parsed, untrusted: Sequence[str], fence: str
) -> tuple[Program, list[Fault]]:
    """Compiles parsed texts; the trees are used up."""
    main = next(iter(parsed.sources))
    program = Program(language, parsed, main, fence)
    program.flat = None if untrusted else flattened(parsed, main, fence)
    faults: list[Fault] = []
    taint = Taint(parsed.trees, untrusted) if untrusted else None
    for path, tree in parsed.trees.items():
        source = parsed.sources[path]
        if taint is not None:
            program.marks = True
            if path != main:
                bare = unmarked(again(parsed, path, language))
                faults += _compile(language, bare, source, PLAIN)
            shown(tree, taint, fence)
        faults += _compile(language, tree, source, "", root=path == main)
    if not faults:
        program.start()
    return program, faults


def _compile(
    language: Language,
    tree: nodes.Template,
    source: Source,
    variant: str,
    *,
    root: bool = False,
) -> list[Fault]:
    name = source.path + variant
    try:
        code = language.compile(governed(tree, language, root=root), name, f"<{name}>")
        language.compiled[name] = JinjaTemplate.from_code(language, code, dict(GLOBALS))
    except TemplateSyntaxError as error:
        return [syntax_fault(source, error)]
    except UNPARSABLE:
        return [deep_fault(source)]
    return []


def _expressions(tree: nodes.Template) -> dict[int, tuple[str, ...]]:
    """The names and dotted members that each line reads, for messages."""
    found: dict[int, dict[str, None]] = {}
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        if text := _dotted(node):
            found.setdefault(node.lineno, {})[text] = None
    return {line: tuple(texts) for line, texts in found.items()}


def _dotted(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        inner = _dotted(node.node)
        return f"{inner}.{node.attr}" if inner else ""
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        inner = _dotted(node.node)
        return f"{inner}.{node.arg.value}" if inner else ""
    return ""
