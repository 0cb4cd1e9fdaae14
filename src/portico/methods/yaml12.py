"""YAML into plain data, with the place of every value.

The law of this file: scalars are read by YAML 1.2's core schema (https://yaml.org/spec/1.2.2/,
section 10.3), so that `off`, `yes` and dates are words and `8e9` is a number; keys are text;
a key may stand once. Size, depth and the number of values after aliases are bounded.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping

import msgspec
import yaml

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 50_000
"""Values after aliases are followed; a file of nested aliases is refused, not expanded."""

Data = bool | int | float | str | list["Data"] | dict[str, "Data"] | None
Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, counted from 1."""

WORDS: Mapping[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]{1,400}"), int),
    (re.compile(r"0o[0-7]{1,400}"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]{1,400}"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)
TEXT_TAGS = ("!", "tag:yaml.org,2002:str")


class Unreadable(Exception):
    """The file is not YAML that Portico reads. `hint` says what was expected."""

    def __init__(self, message: str, place: Place, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint


class Document(msgspec.Struct, frozen=True):
    """Plain data, and where each of its values begins (for mappings' values: at the key)."""

    data: dict[str, Data]
    places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Where a value stands; where its nearest parent does if it has no place of its own."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


class _Node(msgspec.Struct, gc=False):
    """A value before aliases are followed."""

    place: Place
    scalar: bool | int | float | str | None = None
    items: "list[_Node] | None" = None
    members: "dict[str, tuple[Place, _Node]] | None" = None


def scalar(text: str) -> bool | int | float | str | None:
    """A plain scalar by the core schema."""
    if text in WORDS:
        return WORDS[text]
    for pattern, number in NUMBERS:
        if pattern.fullmatch(text):
            return number(text)
    return text


def read(text: str) -> Document:
    """Reads one YAML document whose top is a mapping; an empty one is an empty mapping.

    Raises Unreadable.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Unreadable("the file is not valid UTF-8 text", (1, 1)) from error
    if size > MAX_BYTES:
        raise Unreadable(f"the file has {size} bytes; the most is {MAX_BYTES}", (1, 1))
    try:
        top = _Reader(yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = error.problem or error.context or "cannot be read"
        raise Unreadable(f"this is not valid YAML: {problem}", place) from error
    except yaml.YAMLError as error:
        raise Unreadable("this is not valid YAML: a character is not allowed", (1, 1)) from error
    if top is None or (top.scalar is None and top.items is None and top.members is None):
        return Document({}, {(): (1, 1)})
    if top.members is None:
        raise Unreadable("expected a mapping of keys at the top", top.place)
    places: dict[Path, Place] = {(): top.place}
    data = _expand(top, (), places)
    assert isinstance(data, dict)
    return Document(data, places)


class _Reader:
    """Builds nodes from the parser's events, so that depth is bounded before it is reached."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}

    def document(self) -> _Node | None:
        top = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if top is not None:
                    raise Unreadable("expected one document, found a second", _place(event))
                top = self._node(next(self._events), 0)
        return top

    def _node(self, event: yaml.Event, depth: int) -> _Node:
        place = _place(event)
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", place)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Unreadable(f"the alias *{event.anchor} names no value before it", place)
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            node = _Node(place, scalar=_scalar(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            _untagged(event)
            node = _Node(place, items=list(self._items(depth)))
        else:
            assert isinstance(event, yaml.MappingStartEvent)
            _untagged(event)
            node = _Node(place, members=self._members(depth))
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _items(self, depth: int) -> Iterator[_Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _members(self, depth: int) -> dict[str, tuple[Place, _Node]]:
        members: dict[str, tuple[Place, _Node]] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            place = _place(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise Unreadable("expected a word as the key", place)
            key: str = event.value
            if key == "<<" and event.implicit[0]:
                raise Unreadable(
                    "merge keys (<<) are not part of YAML 1.2", place, "repeat the keys in place"
                )
            if key in members:
                first = members[key][0][0]
                raise Unreadable(f"the key {key} stands twice; the first is in line {first}", place)
            members[key] = (place, self._node(next(self._events), depth + 1))
        return members


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _untagged(event: yaml.CollectionStartEvent) -> None:
    if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
        raise Unreadable(f"the tag {event.tag} is not used here", _place(event))


def _scalar(event: yaml.ScalarEvent) -> bool | int | float | str | None:
    if event.tag is not None and event.tag not in TEXT_TAGS:
        raise Unreadable(f"the tag {event.tag} is not used here", _place(event), "leave it out")
    text: str = event.value
    return scalar(text) if event.tag is None and event.implicit[0] else text


def _expand(node: _Node, path: Path, places: dict[Path, Place]) -> Data:
    if len(places) > MAX_VALUES:
        raise Unreadable(f"more than {MAX_VALUES} values once aliases are followed", node.place)
    if node.members is not None:
        result: dict[str, Data] = {}
        for key, (place, member) in node.members.items():
            places[(*path, key)] = place
            result[key] = _expand(member, (*path, key), places)
        return result
    if node.items is not None:
        listed: list[Data] = []
        for index, item in enumerate(node.items):
            places[(*path, index)] = item.place
            listed.append(_expand(item, (*path, index), places))
        return listed
    return node.scalar
