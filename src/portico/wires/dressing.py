"""What a release adds to a body of a wire, put in without touching any other byte."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from portico.contract.call import WireRequest
from portico.contract.conversation import Conversation, Json
from portico.contract.prompt import Dressing, RenderedTurn

Span = tuple[str, int, int, int]
Placing = Callable[[WireRequest, Mapping[str, bytes], Sequence[RenderedTurn]], Mapping[str, bytes]]
"""The members that turns replace or add: a request, its members' values, the turns."""


@dataclass(frozen=True, slots=True)
class BodyDresser:
    """Satisfies `contract.wires.Dresser`. `own` are members as JSON text, set where a call has
    none of the names that mean the same (`instead`)."""

    own: Mapping[str, bytes]
    instead: Mapping[str, tuple[str, ...]]
    place: Placing

    def __call__(self, request: WireRequest, turns: tuple[RenderedTurn, ...]) -> WireRequest:
        body, spans = request.body, request.members
        placed: Mapping[str, bytes] = {}
        if turns:
            given = {name: body[start:end] for name, _, start, end in spans if name in _READ}
            placed = self.place(request, given, turns)
        if self.own:
            named = {name for name, *_ in spans}
            own = {
                name: value
                for name, value in self.own.items()
                if name not in named and named.isdisjoint(self.instead.get(name, ()))
            }
            placed = {**placed, **own}
        body, spans = amend(body, spans, placed)
        return replace(request, body=body, members=spans)


_READ = frozenset(("messages", "system"))


def amend(
    body: bytes, spans: Sequence[Span], changes: Mapping[str, bytes]
) -> tuple[bytes, tuple[Span, ...]]:
    """The body with members replaced, and those that it lacks added last; and where all are.

    `spans` are not empty: every body that a door accepts names a model.
    """
    pieces: list[bytes] = []
    moved: list[Span] = []
    done = shift = 0
    left = dict(changes)
    for span in spans:
        name, key, start, end = span
        if name in left:
            value = left.pop(name)
            pieces += (body[done:start], value)
            done = end
            moved.append((name, key + shift, start + shift, start + shift + len(value)))
            shift += len(value) - (end - start)
        else:
            moved.append((name, key + shift, start + shift, end + shift) if shift else span)
    last = spans[-1][3]
    pieces.append(body[done:last])
    place = last + shift
    for name, value in left.items():
        head = b',"%b":' % name.encode()
        pieces += (head, value)
        start = place + len(head)
        moved.append((name, place + 1, start, start + len(value)))
        place = start + len(value)
    pieces.append(body[last:])
    return b"".join(pieces), tuple(moved)


def before(array: bytes, items: bytes) -> bytes:
    """A JSON array with more items in front. `items` are JSON texts joined by commas."""
    if not items:
        return array
    comma = b"" if array[1:-1].isspace() or len(array) == 2 else b","
    return b"".join((b"[", items, comma, array[1:]))


def as_conversation(dressing: Dressing, wire: str) -> Conversation:
    """The dressing in the words that the wire's request writer takes."""
    return Conversation(
        wire=wire,
        turns=(),
        tools=dressing.tools,
        output=dressing.output,
        reasoning=dressing.parameters.reasoning,
        sampling=dressing.parameters.sampling,
    )


def encoded(members: Mapping[str, Json]) -> dict[str, bytes]:
    return {name: msgspec.json.encode(value) for name, value in members.items()}
