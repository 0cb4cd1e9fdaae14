"""Which names of a prompt may hold text that nobody vouches for.

Names are judged over all files at once, whatever the order and scope: a name that holds an
untrusted value anywhere counts as untrusted everywhere. That says too much in some templates
and never too little. What follows from a condition on an untrusted value is not untrusted.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from jinja2 import nodes

PLAIN: Final = "#plain"
"""Follows a path where the file's text is worked on, not shown: compiled without marks."""
NEIGHBOURS: Final = ("previtem", "nextitem")


class Taint:
    """Judges expressions and statements of the trees that it was made from."""

    def __init__(self, trees: Mapping[str, nodes.Template], untrusted: Iterable[str]) -> None:
        self._trees = trees
        self._names = set(untrusted)
        size = -1
        while len(self._names) > size:
            size = len(self._names)
            for tree in trees.values():
                for kind, learn in LEARNED.items():
                    for node in tree.find_all(kind):
                        self._names.update(learn(self, node))

    def reaches(self, *found: nodes.Node | None) -> bool:
        """Whether anything in these nodes names an untrusted value."""
        return any(node is not None and self._in(node, frozenset()) for node in found)

    def _in(self, node: nodes.Node, hidden: frozenset[str]) -> bool:
        if isinstance(node, nodes.Name):
            return node.ctx == "load" and node.name in self._names - hidden
        if isinstance(node, nodes.Getattr) and node.attr in NEIGHBOURS:
            return bool(self._names)
        if isinstance(node, (nodes.Include, nodes.Extends)):
            return self._shows(node)
        if isinstance(node, nodes.Macro):
            inner = hidden | {each.name for each in node.args}
            return any(self._in(each, hidden) for each in node.defaults) or any(
                self._in(each, inner) for each in node.body
            )
        return any(self._in(child, hidden) for child in node.iter_child_nodes())

    def _shows(self, node: nodes.Include | nodes.Extends) -> bool:
        """Whether a file that is included or extended shows anything untrusted."""
        path = node.template.value if isinstance(node.template, nodes.Const) else ""
        tree = self._trees.get(str(path).removesuffix(PLAIN))
        return tree is not None and self.reaches(*tree.body)

    def exports(self, path: object) -> bool:
        """Whether a file that is imported gives an untrusted name, or would show such text."""
        tree = self._trees.get(str(path))
        if tree is None:
            return False
        own = {node.name for node in tree.find_all(nodes.Macro)}
        own |= {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
        return not own.isdisjoint(self._names) or self.reaches(*tree.body)


def _targets(node: nodes.Node) -> set[str]:
    names = {each.name for each in node.find_all(nodes.Name)}
    return names | {node.name} if isinstance(node, nodes.Name) else names


def _assign(taint: Taint, node: nodes.Assign) -> set[str]:
    return _targets(node.target) if taint.reaches(node.node) else set()


def _assign_block(taint: Taint, node: nodes.AssignBlock) -> set[str]:
    return _targets(node.target) if taint.reaches(node.filter, *node.body) else set()


def _for(taint: Taint, node: nodes.For) -> set[str]:
    found = taint.reaches(node.iter) or (node.recursive and taint.reaches(*node.body))
    return _targets(node.target) if found else set()


def _with(taint: Taint, node: nodes.With) -> set[str]:
    pairs = zip(node.targets, node.values, strict=True)
    return {name for to, value in pairs if taint.reaches(value) for name in _targets(to)}


def _macro(taint: Taint, node: nodes.Macro) -> set[str]:
    return {node.name} if taint.reaches(node) else set()


def _import(taint: Taint, node: nodes.Import) -> set[str]:
    path = node.template.value if isinstance(node.template, nodes.Const) else ""
    return {node.target} if taint.exports(path) else set()


def _from_import(taint: Taint, node: nodes.FromImport) -> set[str]:
    pairs = (each for each in node.names if not isinstance(each, str))
    return {alias for name, alias in pairs if taint.reaches(nodes.Name(name, "load"))}


LEARNED: Final[Mapping[type[nodes.Node], Callable[[Taint, "object"], set[str]]]] = {
    nodes.Assign: _assign,  # type: ignore[dict-item]
    nodes.AssignBlock: _assign_block,  # type: ignore[dict-item]
    nodes.For: _for,  # type: ignore[dict-item]
    nodes.With: _with,  # type: ignore[dict-item]
    nodes.Macro: _macro,  # type: ignore[dict-item]
    nodes.Import: _import,  # type: ignore[dict-item]
    nodes.FromImport: _from_import,  # type: ignore[dict-item]
}
"""What each statement that gives a name makes untrusted."""
