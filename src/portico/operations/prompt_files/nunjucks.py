"""Nunjucks templates as Jinja. The two are near relatives; what differs is named.

Source: https://mozilla.github.io/nunjucks/templating.html and
https://jinja.palletsprojects.com/en/stable/templates/
"""

import re
from collections.abc import Iterator
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from portico.contract.conversation import Json
from portico.operations.prompt_files.imported import variable
from portico.operations.prompt_files.messages import kept_space, mustache, note
from portico.operations.prompt_files.writing import literal
from portico.operations.prompts.language import FILTERS, OWN_FILTERS, TESTS

_TAG: Final = re.compile(r"\{%[^{}]{0,4000}%\}|\{\{[^{}]{0,4000}\}\}")
_STRING: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_WORDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"==="), "=="),
    (re.compile(r"!=="), "!="),
    (re.compile(r"&&"), " and "),
    (re.compile(r"\|\|"), " or "),
    (re.compile(r"(\{%-?\s*)elseif\b"), r"\1elif"),
    (re.compile(r"(\{%-?\s*)(end)?verbatim\b"), r"\1\2raw"),
    (re.compile(r"\|\s*dump\b"), "|tojson"),
    (re.compile(r"\|\s*safe\b"), ""),
    (re.compile(r"\bnull\b"), "none"),
)
BUILT_IN: Final = ("env", "_conversation", "context")
"""What promptfoo gives to templates beside the variables."""


def jinja(text: str, variables: dict[str, Json], where: str, notes: list[str]) -> str:
    """Fills `variables`. What Jinja cannot read comes along as plain text with its variables."""
    made = _TAG.sub(_translated, text)
    environment = Environment(autoescape=False)  # noqa: S701 - prompts are no HTML, and only read
    try:
        tree = environment.parse(made)
        unknown = tuple(_unknown(tree, environment))
        names = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        note(
            notes,
            f"{where}, line {error.lineno}: a tag that Portico's templates do not have; the text "
            "came along with its tags as plain text: rewrite them",
        )
        return mustache(text, variables, notes)
    except RecursionError:
        note(notes, f"{where}: nested too deeply; it came along as plain text")
        return literal(text)
    for what in unknown:
        note(notes, f"{where}, {what} is not there in Portico: replace it")
    shown = {
        part.name
        for output in tree.find_all(nodes.Output)
        for part in output.nodes
        if isinstance(part, nodes.Name)
    }
    for name in sorted(names):
        if name in BUILT_IN or variable(name) != name:
            note(notes, f"{where}: {name[:60]} cannot be a variable in Portico: replace it")
        else:
            variables.setdefault(name, {"type": "string"} if name in shown else {})
    return made


def _unknown(tree: nodes.Template, environment: Environment) -> Iterator[str]:
    """Filters and tests that are not there; the environment takes them, to read on."""
    for used in tree.find_all((nodes.Filter, nodes.Test)):
        is_filter = isinstance(used, nodes.Filter)
        known = (*FILTERS, *OWN_FILTERS) if is_filter else TESTS
        if used.name not in known:
            yield f"line {used.lineno}: the {'filter' if is_filter else 'test'} {used.name[:60]}"
            (environment.filters if is_filter else environment.tests).setdefault(used.name, _same)


def _translated(found: re.Match[str]) -> str:
    """A tag with Nunjucks' own words replaced outside of its strings."""
    tag = found[0]
    parts: list[str] = []
    place = 0
    for text in _STRING.finditer(tag):
        parts += (_worded(tag[place : text.start()]), text[0])
        place = text.end()
    parts.append(_worded(tag[place:]))
    made = "".join(parts)
    if made.startswith("{{"):
        return made
    before, after = kept_space(found.string, found.start(), found.end())
    if made[2] not in "-+":
        made = f"{{%{before}{made[2:]}"
    return made if made[-3] in "-+" else f"{made[:-2]}{after}%}}"


def _worded(text: str) -> str:
    for pattern, word in _WORDS:
        text = pattern.sub(word, text)
    return text


def _same(value: object) -> object:
    return value
