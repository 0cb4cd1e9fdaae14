"""A release's turns and settings in a chat completions body."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from portico.contract.call import WireRequest
from portico.contract.prompt import Dressing, RenderedTurn
from portico.contract.wires import Dresser
from portico.wires.dressing import BodyDresser, as_conversation, before, encoded
from portico.wires.openai_chat.request_writer import settings
from portico.wires.openai_chat.schema import NAME

INSTEAD: Final = {
    "tools": ("functions",),
    "temperature": (),
    "reasoning_effort": ("reasoning",),
}
"""Members that a call may name in the place of ours."""


def dresser(dressing: Dressing) -> Dresser:
    """Raises InvalidRequest naming what this wire cannot say."""
    own = encoded(settings(as_conversation(dressing, NAME)))
    return BodyDresser(own=own, instead=INSTEAD, place=_place)


def _place(
    request: WireRequest, given: Mapping[str, bytes], turns: Sequence[RenderedTurn]
) -> Mapping[str, bytes]:
    items = b",".join(
        [
            b'{"role":"%b","content":%b}' % (turn.role.encode(), msgspec.json.encode(turn.text))
            for turn in turns
        ]
    )
    return {"messages": before(given["messages"], items)}
