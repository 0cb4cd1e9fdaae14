"""Trees as they are compiled: every step paid for, untrusted output between marks.

Both are done to the tree and not to the text, so that lines in messages stay true and nothing
that a template says can undo them.
"""

from typing import Any, Final

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from portico.operations.prompts import turns
from portico.operations.prompts.checking import buffer_of, is_super
from portico.operations.prompts.language import JOINED, SPEND, WEIGHED, Language
from portico.operations.prompts.taint import PLAIN, Taint

LITERALS: Final = (nodes.Const, nodes.List, nodes.Tuple)


def governed(tree: nodes.Template, language: Language, *, root: bool) -> nodes.Template:
    """Puts payments into a tree, in place. The root's own is left to the caller (`weight`)."""
    price = weight(tree)
    _Govern().visit(tree)
    if not root:
        tree.body.insert(0, _payment(price))
    tree.set_environment(language)
    return tree


def weight(node: nodes.Node) -> int:
    """What one pass through a node costs at most, loops counted once."""
    return 1 + sum(weight(child) for child in node.iter_child_nodes())


def shown(tree: nodes.Template, taint: Taint, fence: str) -> nodes.Template:
    """Puts marks around what is untrusted, in place."""
    _Mark(taint, fence).visit(tree)
    return tree


def unmarked(tree: nodes.Template) -> nodes.Template:
    """Turns names of other files into those without marks, in place."""
    _Plain().visit(tree)
    return tree


def _filter(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _payment(price: int) -> nodes.ExprStmt:
    return nodes.ExprStmt(_filter(nodes.Const(price, lineno=1), SPEND), lineno=1)


class _Govern(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja's names
        price = sum(map(weight, node.body)) + 1
        if node.test is not None:
            check = weight(node.test) + 1
            self.generic_visit(node)
            paid = _filter(nodes.Const(check, lineno=node.lineno), SPEND)
            node.test = nodes.And(paid, node.test, lineno=node.lineno)
        else:
            self.generic_visit(node)
        node.body.insert(0, _payment(price))
        return node

    def _body(self, node: Any) -> Any:
        price = sum(map(weight, node.body)) + 1
        self.generic_visit(node)
        node.body.insert(0, _payment(price))
        return node

    visit_Macro = visit_CallBlock = visit_Block = _body  # noqa: N815

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), JOINED)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.expr, nodes.Const):
            node.expr = _filter(node.expr, WEIGHED)
        for operand in node.ops:
            if not isinstance(operand.expr, nodes.Const):
                operand.expr = _filter(operand.expr, WEIGHED)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(node.node, WEIGHED)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Pair:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.key, nodes.Const):
            node.key = _filter(node.key, WEIGHED)
        return node


class _Mark(NodeTransformer):
    """Goes through what is shown; stops at what keeps its text, and marks the whole of it."""

    def __init__(self, taint: Taint, fence: str) -> None:
        self._taint = taint
        self._open = fence + turns.OPEN
        self._close = fence + turns.CLOSE

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if isinstance(node, nodes.Output):
            return self._output(node)
        if buffer_of(node):
            return self._kept(node)
        if isinstance(node, nodes.Expr):
            return node
        return super().visit(node, *args, **kwargs)

    def visit_Import(self, node: nodes.Import) -> Any:  # noqa: N802
        return _Plain().visit(node)

    visit_FromImport = visit_Import  # noqa: N815

    def _output(self, node: nodes.Output) -> nodes.Output:
        children: list[nodes.Expr] = []
        for child in node.nodes:
            if is_super(child) or not self._taint.reaches(child):
                children.append(child)
            else:
                children += [self._data(self._open, node), child, self._data(self._close, node)]
        node.nodes = children
        return node

    def _kept(self, node: nodes.Node) -> Any:
        _Plain().visit(node)
        silent = isinstance(node, (nodes.Macro, nodes.AssignBlock))
        if silent or not self._taint.reaches(node):
            return node
        before, after = (
            nodes.Output([self._data(mark, node)], lineno=node.lineno)
            for mark in (self._open, self._close)
        )
        return [before, node, after]

    def _data(self, text: str, node: nodes.Node) -> nodes.TemplateData:
        return nodes.TemplateData(text, lineno=node.lineno)


class _Plain(NodeTransformer):
    def _other(self, node: Any) -> Any:
        if isinstance(node.template, nodes.Const) and not node.template.value.endswith(PLAIN):
            node.template.value += PLAIN
        return node

    visit_Include = visit_Extends = visit_Import = visit_FromImport = _other  # noqa: N815
