"""The matrix, run: every feature through the code that serves, in memory.

A cell is a feature, a door and a provider's wire. Each side of it (what is asked, what is
answered, whole and streamed, and the next turn) is run and named by what happened:

- `exact`: the bytes passed from one side to the other, but for what a passthrough changes;
- `translated`: the content was found where the other wire has it;
- `dropped`: it was not, and the loss is listed with the attempt or in docs/reference;
- `refused`: the call ended in InvalidRequest, naming the member;
- `lost`: it was not found, and nothing says so. This is a defect.
"""

import json
import re
from typing import Any, Final

import msgspec
from tests.wire.matrix import callers, upstreams
from tests.wire.matrix.features import DOORS, MODELS, WIRES, Body, Feature, missing

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.wires import Door, Outgoing, Relay, Target
from portico.gateway import wires
from portico.gateway.attempt import translate
from portico.gateway.translation import Naming, Translation

CAP: Final = 4096
NAMING: Final = Naming(id="call_1", model="served", created=1_770_000_000)
PORTICO: Final = b'{"call":"call_1"}'
PIECE: Final = 11
"""Bytes: streams come in pieces of this size, so that no frame comes whole."""
ADDED: Final = frozenset(("model", "stream", "stream_options", "max_tokens"))
"""What a passthrough may change or add at the top level of a request."""
STREAMING: Final[dict[str, Body]] = {
    "openai_chat": {"stream": True, "stream_options": {"include_usage": True}},
    "anthropic_messages": {"stream": True},
}


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one side of a cell. `left` is what left for the other side."""

    fate: str
    left: Json
    dropped: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    """Paths at which the content was looked for in vain."""
    field: str | None = None


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """The sides of a cell by name: asked, asked streamed, answered, answered streamed, …"""

    feature: Feature
    door: str
    wire: str
    sides: dict[str, Side]


def cell(feature: Feature, door: str, wire: str) -> Cell:
    sides: dict[str, Side] = {}
    if door in feature.asked:
        wanted = feature.arrives.get(wire)
        more: Body
        for name, more in (("asked", {}), ("asked, streamed", STREAMING[door])):
            body = _body(door, {**feature.asked[door], **more})
            sides[name] = ask(feature, door, wire, body, wanted)
    if feature.shows(wire, door) is not None:
        sides.update(_answers(feature, door, wire))
    return Cell(feature=feature, door=door, wire=wire, sides=sides)


def _answers(feature: Feature, door: str, wire: str) -> dict[str, Side]:
    sides: dict[str, Side] = {}
    if wire in feature.answered:
        if feature.only == "both":
            sides["answered"] = _answer(feature, door, wire)
        sides["answered, streamed"] = _stream(feature, door, wire)
    if wire in feature.failed:
        sides["answered"] = _failure(feature, door, wire)
    if wire in feature.broken:
        sides["answered, streamed"] = _breach(feature, door, wire)
    if wire not in feature.returns:
        return sides
    for name in [name for name, side in sides.items() if side.fate != "dropped"]:
        body = next_turn(door, sides[name].left)
        again = name.replace("answered", "next turn")
        sides[again] = ask(feature, door, wire, body, feature.returns[wire])
    return sides


def _body(door: str, members: Body) -> Body:
    least = {"max_tokens": 4000} if door == "anthropic_messages" else {}
    return {"model": "support", **least, **members}


def ask(feature: Feature, door: str, wire: str, body: Body, wanted: Body | None) -> Side:
    """The request of a call: as `gateway.attempt.prepare` writes it."""
    asked = wires.DOORS[door].read(json.dumps(body).encode(), 100)
    target = Target(model_id=MODELS[wire], stream=asked.stream, max_output_tokens=CAP)
    if door == wire:
        left = json.loads(wires.WIRES[wire].passthrough(asked, target).body)
        changed = {name for name in {*body, *left} if body.get(name) != left.get(name)}
        gone = tuple(missing(left, wanted or {}))
        return _side(left, gone, exact=changed <= ADDED)
    try:
        outgoing = write(door, wire, body)
    except InvalidRequest as refused:
        return Side(
            fate="refused"
            if _named(body, refused.field or "")
            else "refused without naming a member of the call",
            left={"refused": refused.message, "field": refused.field},
            field=refused.field,
        )
    left = json.loads(outgoing.body)
    gone = ("(this wire has no place for it)",) if wanted is None else tuple(missing(left, wanted))
    listed = bool(set(feature.listed) & set(outgoing.dropped))
    return _side(left, gone, listed=listed, dropped=outgoing.dropped)


def write(door: str, wire: str, body: Body) -> Outgoing:
    """The request written by way of the canonical conversation, whatever the wire."""
    asked = wires.DOORS[door].read(json.dumps(body).encode(), 100)
    target = Target(model_id=MODELS[wire], stream=asked.stream, max_output_tokens=CAP)
    return translate(wires.DOORS[door], wires.WIRES[wire], asked, target)


def _named(body: Json, field: str) -> bool:
    """Whether the field is the place of a member of the caller's body."""
    found: Any = body
    for step in re.findall(r"[^.\[\]]+", field):
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            return False
    return bool(field)


def _side(
    left: Json,
    gone: tuple[str, ...],
    *,
    exact: bool = False,
    listed: bool = False,
    dropped: tuple[str, ...] = (),
) -> Side:
    fate = "exact" if exact else "translated"
    if gone:
        fate = "dropped" if listed else "lost"
    return Side(fate=fate, left=left, gone=gone, dropped=dropped)


def _seen(feature: Feature, door: str, wire: str, body: Body, exact: bool = False) -> Side:
    gone = tuple(missing(body, feature.shows(wire, door) or {}))
    return _side(body, gone, exact=exact, listed=door in feature.lost)


def _answer(feature: Feature, door: str, wire: str) -> Side:
    """A whole answer: as `gateway.attempt.whole` carries it."""
    body = upstreams.whole(wire, feature.answered[wire])
    if door == wire:
        assert wires.WIRES[wire].skim(body).failed is None
        return _seen(feature, door, wire, json.loads(body), exact=True)
    answer = NAMING.complete(wires.WIRES[wire].read_answer(body))
    return _seen(feature, door, wire, json.loads(wires.DOORS[door].write_answer(answer)))


def _stream(feature: Feature, door: str, wire: str) -> Side:
    sent = upstreams.stream(wire, feature.answered[wire])
    carrier, came = carried(feature, door, wire, sent)
    assert carrier.skim.failed is None, carrier.skim.failed
    assert carrier.skim.complete
    exact = door == wire and came.replace(b',"portico":' + PORTICO, b"") == sent
    return _seen(feature, door, wire, callers.assembled(door, came), exact)


def _breach(feature: Feature, door: str, wire: str) -> Side:
    sent = upstreams.broken(wire, feature.broken[wire])
    carrier, came = carried(feature, door, wire, sent)
    assert carrier.skim.failed is not None
    return _seen(feature, door, wire, callers.assembled(door, came))


def carried(feature: Feature, door: str, wire: str, sent: bytes) -> tuple[Relay, bytes]:
    """A stream: as the gateway relays it, with its tail or the error that ends it."""
    carrier = _carrier(feature, wires.DOORS[door], wire)
    parts = [sent[at : at + PIECE] for at in range(0, len(sent), PIECE)]
    came = b"".join([carrier.feed(part) for part in parts])
    if carrier.skim.failed is None:
        came += carrier.close()
    failed = carrier.skim.failed
    return carrier, came + (carrier.finish(PORTICO) if failed is None else carrier.fail(failed))


def _carrier(feature: Feature, door: Door, wire: str) -> Relay:
    spoken: Body = {"messages": [{"role": "user", "content": "Hi"}]}
    body = _body(door.name, {**feature.asked.get(door.name, spoken), **STREAMING[door.name]})
    asked = door.read(json.dumps(body).encode(), 100)
    if door.name == wire:
        return wires.WIRES[wire].relay(asked)
    return Translation(wires.WIRES[wire].stream_reader(), door.stream_writer(asked), NAMING)


def _failure(feature: Feature, door: str, wire: str) -> Side:
    reply = feature.failed[wire]
    error = wires.WIRES[wire].read_error(
        reply.status, reply.headers, json.dumps(reply.body).encode()
    )
    body = json.loads(wires.DOORS[door].write_error(error, "call_1"))
    return _seen(feature, door, wire, {"status": error.status, **body})


def next_turn(door: str, answer: Any) -> Body:
    """The call that a caller makes next: the answer goes back, and something is said to it."""
    first: Body = {"role": "user", "content": "Hi"}
    if door == "openai_chat":
        message = answer["choices"][0]["message"]
        calls = message.get("tool_calls") or []
        said: list[Body] = [
            {"role": "tool", "tool_call_id": call["id"], "content": "Done"} for call in calls
        ]
        messages = [first, message, *(said or [{"role": "user", "content": "Go on"}])]
        return _body(door, {"messages": messages})
    results: list[Body] = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "Done"}
        for block in answer["content"]
        if block["type"] == "tool_use"
    ]
    messages = [
        first,
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": results or "Go on"},
    ]
    return _body(door, {"messages": messages})


def pairs() -> list[tuple[str, str]]:
    return [(door, wire) for door in DOORS for wire in WIRES]
