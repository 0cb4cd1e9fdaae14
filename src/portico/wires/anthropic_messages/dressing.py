"""A release's turns and settings in a Messages body."""

from collections.abc import Mapping, Sequence

import msgspec

from portico.contract.call import WireRequest
from portico.contract.prompt import Dressing, RenderedTurn
from portico.contract.wires import Dresser
from portico.wires.anthropic_messages.request_writer import settings
from portico.wires.anthropic_messages.tables import NAME
from portico.wires.dressing import BodyDresser, as_conversation, before, encoded


def dresser(dressing: Dressing) -> Dresser:
    """Raises InvalidRequest naming what this wire cannot say."""
    own = encoded(settings(as_conversation(dressing, NAME)))
    return BodyDresser(own=own, instead={}, place=_place)


def _place(
    request: WireRequest, given: Mapping[str, bytes], turns: Sequence[RenderedTurn]
) -> Mapping[str, bytes]:
    placed: dict[str, bytes] = {}
    said = [
        b'{"role":"%b","content":%b}' % (turn.role.encode(), msgspec.json.encode(turn.text))
        for turn in turns
        if turn.role != "system"
    ]
    if said:
        placed["messages"] = before(given["messages"], b",".join(said))
    text = "\n\n".join([turn.text for turn in turns if turn.role == "system"])
    if text:
        placed["system"] = _system(msgspec.json.encode(text), given.get("system", b"null"))
    return placed


def _system(text: bytes, given: bytes) -> bytes:
    """The prompt's text before the call's own, which is text, blocks or nothing."""
    if given in (b"null", b'""', b"[]"):
        return text
    block = b'{"type":"text","text":%b}' % text
    if given.startswith(b"["):
        return before(given, block)
    return b'[%b,{"type":"text","text":%b}]' % (block, given)
