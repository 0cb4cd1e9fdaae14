"""The language of prompts: Jinja, less what could leave the template, run long, or vary.

The law of this file: what is not listed here is not there. A template reaches values that are
JSON, the methods and filters of these tables, `range`, and what it defines itself.
Source of the syntax: https://jinja.palletsprojects.com/en/stable/templates/
"""

import json
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from types import BuiltinMethodType, MethodType
from typing import Any, Final

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateNotFound
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.filters import _GroupTuple
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter, safe_range
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import pass_context
from markupsafe import escape

from portico.operations.prompts.work import (
    MAX_WIDTH,
    Exhausted,
    Work,
    added,
    bounded_width,
    multiplied,
    raised,
    remainder,
)

GLOBALS: Final[Mapping[str, object]] = {"range": safe_range}
TAKEN: Final = frozenset({"context", "range", "loop", "self", "super", "caller", "varargs"}) | {
    "kwargs", "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True",
    "False", "None",
}  # fmt: skip
"""Names that a variable cannot have: they mean something in the language."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


METHODS: Final[Mapping[type, frozenset[str]]] = {
    str: _listed(
        "capitalize casefold count endswith find format index isalnum isalpha isascii isdecimal "
        "isdigit islower isnumeric isspace istitle isupper join lower lstrip partition "
        "removeprefix removesuffix replace rfind rindex rpartition rsplit rstrip split splitlines "
        "startswith strip swapcase title upper"
    ),
    dict: _listed("get items keys values"),
    list: _listed("count index"),
    tuple: _listed("count index"),
    float: frozenset({"is_integer"}),
    _GroupTuple: frozenset({"grouper", "list"}),
    LoopContext: _listed(
        "changed cycle depth depth0 first index index0 last length nextitem previtem revindex "
        "revindex0"
    ),
}
FILTERS: Final = _listed(
    "abs batch capitalize center count d default dictsort filesizeformat first float format "
    "groupby indent int items join last length list lower map max min reject rejectattr replace "
    "reverse round select selectattr slice sort string striptags title trim truncate unique "
    "upper urlencode wordcount wordwrap"
)
TESTS: Final = _listed(
    "== != > >= < <= eq equalto ne gt greaterthan ge lt lessthan le boolean defined divisibleby "
    "even false float in integer iterable lower mapping none number odd sequence string true "
    "undefined upper"
)


class Absent(StrictUndefined):
    """What a template names and nobody gave. Its error says the name, and nothing of values."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)

    def __repr__(self) -> str:
        """Within a list that is shown, it is as absent as by itself."""
        return str(self)


def _tojson(value: object, indent: int | None = None) -> str:
    """JSON as a model reads it: no HTML escapes, members in their order."""
    if indent is not None and not 0 <= int(indent) <= 16:
        raise ValueError("indent of tojson must be 0 to 16")
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _escape(value: object) -> str:
    return str(escape(value))


def _sum(values: Iterable[Any], start: float = 0) -> object:
    """Of numbers only, so that it cannot chain lists."""
    total = start
    for value in values:
        if not isinstance(value, (int, float)):
            raise TypeError("sum takes numbers")
        total += value
    return total


OWN_FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "tojson": _tojson, "e": _escape, "escape": _escape, "sum": _sum,
}  # fmt: skip


class _Formatter(SandboxedFormatter):
    """`str.format` without attributes that are not in METHODS and without wide fields."""

    def format_field(self, value: Any, format_spec: str) -> str:
        bounded_width(format_spec)
        return str(super().format_field(value, format_spec))


class Language(ImmutableSandboxedEnvironment):
    """The environment of one prompt, with the account of its rendering."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=Absent,
            autoescape=False,
            optimized=False,
            cache_size=0,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            loader=BaseLoader(),
        )
        self.work = work = Work()
        self.compiled: dict[str, Template] = {}
        self.globals = dict(GLOBALS)
        self.finalize = self._shown
        self.concat = work.concat  # type: ignore[method-assign] # the one that Jinja declares
        self.filters = {name: _paid(work, name, JINJA_FILTERS[name]) for name in FILTERS}
        self.filters.update((name, _paid(work, name, own)) for name, own in OWN_FILTERS.items())
        self.tests = {name: _paid(work, name, JINJA_TESTS[name]) for name in TESTS}
        self.known = tuple(sorted(self.filters))
        self.filters |= {SPEND: work.spend, WEIGHED: work.weighed, JOINED: work.joined}

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: Any = None,  # noqa: A002 - the name is Jinja's
    ) -> Template:
        """A text that belongs to the version; there is no other."""
        self.work.spend(1)
        if not isinstance(name, str) or name not in self.compiled:
            raise TemplateNotFound(str(name))
        return self.compiled[name]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`order.total`: a member before a method, unlike Jinja, as values are JSON."""
        kind = type(obj)
        if kind is dict and attribute in obj:
            return obj[attribute]
        if attribute in METHODS.get(kind, ()):
            value = getattr(obj, attribute)
            return self._format(obj) if kind is str and attribute == "format" else value
        if kind is TemplateModule and attribute in obj.__dict__ and attribute[0] != "_":
            return obj.__dict__[attribute]
        if attribute.startswith("_"):
            return self.undefined(name=attribute, exc=SecurityError)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, tuple):
            self.work.weigh(argument)
        if isinstance(obj, (dict, list, tuple, str, range)):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        return self.undefined(obj=obj, name=str(argument)[:20])

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A filter that a value names (`map("upper")`): those that a template can write."""
        if name not in self.known:
            raise TemplateRuntimeError("no such filter")
        return super().call_filter(name, *args, **kwargs)

    def call(self, context: Context, target: Any, /, *args: Any, **kwargs: Any) -> Any:
        work = self.work
        work.spend(2)
        if type(target) is BuiltinMethodType:
            for value in (target.__self__, *args, *kwargs.values()):
                work.weigh(value)
            if (bound := GREAT.get(target.__name__)) is not None:
                bound(work, target.__self__, *args, **kwargs)
            result = target(*args, **kwargs)
            return [*result] if isinstance(result, (KeysView, ValuesView, ItemsView)) else result
        if type(target) is MethodType:  # of a loop, which compares what it is given
            for value in (*args, *kwargs.values()):
                work.weigh(value)
        return super().call(context, target, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return BINARY[operator](self.work, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """Methods are handed out by `getattr` alone."""

    def _format(self, text: str) -> Callable[..., str]:
        def run(*args: Any, **kwargs: Any) -> str:
            for value in (text, *args, *kwargs.values()):
                self.work.weigh(value)
            result = _Formatter(self).vformat(text, args, kwargs)
            self.work.fits(len(result))
            return result

        return run

    def _shown(self, value: Any) -> Any:
        if type(value) is not str:
            self.work.weigh(value)
        return value


SPEND: Final = "#spend"
WEIGHED: Final = "#weighed"
JOINED: Final = "#joined"
"""Filters of the rewriting's own; no template can write their names."""
BINARY: Final[Mapping[str, Callable[[Work, object, object], object]]] = {
    "+": added, "*": multiplied, "**": raised, "%": remainder,
}  # fmt: skip


def _paid(work: Work, name: str, function: Any) -> Callable[..., Any]:
    """A filter or test that pays for what it walks. As it takes the context it is never run
    while a template is compiled."""
    passes = getattr(function, "jinja_pass_arg", None)
    style = passes.name if passes is not None else ""
    bound = GREAT.get(name)

    @pass_context
    def run(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        for each in (value, *args, *kwargs.values()):
            work.weigh(each)
        if bound is not None:
            bound(work, value, *args, **kwargs)
        if not style:
            result = function(value, *args, **kwargs)
        else:
            result = function(_passed(style, context), value, *args, **kwargs)
        if type(result) is str:
            work.fits(len(result))
        return result

    return run


def _passed(style: str, context: Context) -> object:
    return {"context": context, "eval_context": context.eval_ctx}.get(style, context.environment)


def _wide(work: Work, value: object, *args: object, **kwargs: object) -> None:
    """Numbers among the arguments are lengths of what is made."""
    for each in (*args, *kwargs.values()):
        if isinstance(each, int):
            work.spend(max(each, 0))


def _near(work: Work, value: object, *args: object, **kwargs: object) -> None:
    """Numbers among the arguments are exponents or bases."""
    if any(isinstance(each, int) and abs(each) > 100 for each in (*args, *kwargs.values())):
        raise Exhausted


def _indent(work: Work, value: object, *args: object, **kwargs: object) -> None:
    width = args[0] if args else kwargs.get("width", 4)
    step = len(width) if isinstance(width, str) else width
    if not isinstance(step, int) or step > MAX_WIDTH:
        raise Exhausted
    work.fits((len(str(value).splitlines()) + 1) * step)


def _replace(work: Work, value: object, *args: object, **kwargs: object) -> None:
    given = dict(zip(("old", "new"), args, strict=False)) | kwargs
    old, new = str(given.get("old", "")), str(given.get("new", ""))
    text = str(value)
    work.fits(len(text) + text.count(old) * len(new))


def _join(work: Work, value: object, *args: object, **kwargs: object) -> None:
    """A method (`", ".join(names)`) or a filter (`names|join(", ")`)."""
    other = next(iter((*args, *kwargs.values())), "")
    glue, values = (value, other) if isinstance(value, str) else (other, value)
    count = len(values) if isinstance(values, (list, tuple, dict, str, range)) else 0
    work.fits(count * len(str(glue)))


def _format(work: Work, value: object, *args: object, **kwargs: object) -> None:
    remainder(work, str(value), kwargs or args)


def _select(work: Work, value: object, *args: object, **kwargs: object) -> None:
    """Attributes are walked once for each item."""
    names = [each for each in (*args, *kwargs.values()) if isinstance(each, str)]
    if sum(map(len, names)) > MAX_WIDTH:
        raise Exhausted


def _words(work: Work, value: object, *args: object, **kwargs: object) -> None:
    wrap: Sequence[object] = [each for each in kwargs.values() if isinstance(each, str)]
    wrap = [*wrap, *(each for each in args if isinstance(each, str))]
    work.fits((len(str(value)) + 1) * (1 + sum(len(str(each)) for each in wrap)))


GREAT: Final[Mapping[str, Callable[..., None]]] = {
    **dict.fromkeys(("batch", "center", "slice"), _wide),
    **dict.fromkeys(("map", "selectattr", "rejectattr", "groupby", "sort", "unique"), _select),
    **dict.fromkeys(("max", "min", "dictsort"), _select),
    "round": _near,
    "indent": _indent, "replace": _replace, "join": _join, "format": _format, "wordwrap": _words,
}  # fmt: skip
"""What can make more than it is given, with what it pays for that beforehand."""
