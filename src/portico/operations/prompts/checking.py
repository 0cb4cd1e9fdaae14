"""What the language of prompts refuses before anything is rendered."""

from collections.abc import Iterable, Iterator, Set
from typing import Final

import msgspec
from jinja2 import nodes

from portico.methods.nearest import nearest
from portico.operations.prompts.faults import Fault
from portico.operations.prompts.language import TAKEN, Language
from portico.operations.prompts.sources import Parsed, Source

BUFFERED: Final[dict[type[nodes.Node], str]] = {
    nodes.Macro: "a macro",
    nodes.CallBlock: "a call block",
    nodes.FilterBlock: "a filter block",
    nodes.AssignBlock: "a set block",
}
"""Statements whose text passes through the template's hands before it is shown."""
SCOPES: Final = (nodes.ScopedEvalContextModifier, nodes.EvalContextModifier)
MAGIC: Final = TAKEN | {"context"}
TURN: Final = "u"


class Where(msgspec.Struct, frozen=True):
    """What surrounds a node."""

    buffer: str = ""
    """In words, the statement that keeps its text; empty where text is shown at once."""
    block: bool = False


def buffer_of(node: nodes.Node) -> str:
    if isinstance(node, nodes.For) and node.recursive:
        return "a recursive loop"
    return BUFFERED.get(type(node), "")


def refused(parsed: Parsed, fence: str, language: Language) -> list[Fault]:
    """Everything in a prompt's trees that the language does not have."""
    faults: list[Fault] = []
    for path, tree in parsed.trees.items():
        check = _Check(parsed.sources[path], fence, language)
        check.extends = tree.find(nodes.Extends) is not None
        faults += check.node(tree, Where())
    return faults


def undeclared(parsed: Parsed, variables: Iterable[str]) -> Iterator[Fault]:
    """Names that are neither variables nor the template's own, each where it stands first."""
    variables = tuple(variables)
    known = {*variables, *MAGIC, *defined(parsed.trees.values())}
    for path, tree in parsed.trees.items():
        seen: set[str] = set()
        for name in tree.find_all(nodes.Name):
            if name.name in known or name.name in seen or name.ctx != "load":
                continue
            seen.add(name.name)
            near = nearest(name.name, (*variables, "context"))
            yield parsed.sources[path].fault(
                name.lineno,
                name.name,
                f"the template uses {name.name}, which is not among its variables",
                f"did you mean {near[0]}?" if near else "declare it under variables",
            )


def defined(trees: Iterable[nodes.Template]) -> Set[str]:
    """Names that templates give themselves: set, for, with, macros, imports."""
    names: set[str] = set()
    for tree in trees:
        for node in tree.find_all((nodes.Name, nodes.Macro, nodes.Import, nodes.FromImport)):
            if isinstance(node, nodes.Name):
                if node.ctx != "load":
                    names.add(node.name)
            elif isinstance(node, nodes.Macro):
                names.add(node.name)
            elif isinstance(node, nodes.Import):
                names.add(node.target)
            else:
                assert isinstance(node, nodes.FromImport)
                names.update(each if isinstance(each, str) else each[1] for each in node.names)
    return names


class _Check:
    """One file's tree, walked with what surrounds each node."""

    def __init__(self, source: Source, fence: str, language: Language) -> None:
        self._source = source
        self._fence = fence
        self._language = language
        self.extends = False

    def node(self, node: nodes.Node, where: Where) -> Iterator[Fault]:
        yield from self._own(node, where)
        inner = where
        if buffer := buffer_of(node):
            inner = msgspec.structs.replace(where, buffer=buffer)
        if isinstance(node, nodes.Block):
            inner = msgspec.structs.replace(inner, block=True)
        for child in node.iter_child_nodes():
            if isinstance(node, nodes.Output) and is_super(child) and _free(where):
                continue
            yield from self.node(child, inner)

    def _own(self, node: nodes.Node, where: Where) -> Iterator[Fault]:
        if isinstance(node, nodes.TemplateData):
            yield from self._turns(node, where)
        elif isinstance(node, nodes.Const):
            if isinstance(node.value, str) and self._fence in node.value:
                yield self._fault(node, "---", "a turn cannot start within an expression")
        elif isinstance(node, nodes.Filter):
            yield from self._named(node, "filter", node.name, self._language.known)
        elif isinstance(node, nodes.Test):
            yield from self._named(node, "test", node.name, self._language.tests)
        elif isinstance(node, (nodes.Name, nodes.NSRef)):
            yield from self._name(node)
        elif isinstance(node, nodes.Block) and where.buffer:
            yield self._fault(node, node.name, f"a block cannot stand within {where.buffer}")
        elif isinstance(node, SCOPES):
            yield self._fault(node, "autoescape", "autoescape is not part of prompts", "use |e")

    def _turns(self, node: nodes.TemplateData, where: Where) -> Iterator[Fault]:
        if self._fence not in node.data:
            return
        line = node.lineno + node.data[: node.data.index(self._fence)].count("\n")
        if where.buffer:
            hint = "put the line around it; if and for may hold turns"
            yield self._source.fault(line, "---", f"a turn cannot start in {where.buffer}", hint)
        elif self.extends and not where.block:
            message = "a turn outside of the blocks of a template that extends another is lost"
            yield self._source.fault(line, "---", message, "move it into a block")

    def _named(
        self, node: nodes.Node, kind: str, name: str | None, known: Iterable[str]
    ) -> Iterator[Fault]:
        if name is not None and name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near[0]}?" if near else "see docs/prompts.md for those there are"
            yield self._fault(node, name, f"there is no {kind} named {name}", hint)

    def _name(self, node: nodes.Name | nodes.NSRef) -> Iterator[Fault]:
        if isinstance(node, nodes.NSRef):
            yield self._fault(node, node.name, "namespaces are not part of prompts")
        elif node.name == "self":
            yield self._fault(node, "self", "self is not part of prompts", "use a macro")
        elif node.name == "super":
            hint = "write {{ super() }} by itself in a block, not in a filter, macro or set"
            yield self._fault(node, "super", "super() is shown as it is, not worked on", hint)
        elif node.ctx != "load" and node.name in MAGIC:
            yield self._fault(node, node.name, f"{node.name} has a meaning of its own here")

    def _fault(self, node: nodes.Node, word: str, message: str, hint: str = "") -> Fault:
        return self._source.fault(node.lineno, word, message, hint)


def _free(where: Where) -> bool:
    return where.block and not where.buffer


def is_super(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == "super"
    )
