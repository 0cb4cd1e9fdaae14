"""How a simulated provider speaks each wire: its door, its ids, its streams and its errors.

A further wire is a further `Dialect` here, and its rows in `routes.py`.
"""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from portico.adapters.simulator import breaches, failures
from portico.adapters.simulator.breaches import Breach
from portico.adapters.simulator.failures import Say
from portico.adapters.simulator.framing import EVENT_STREAM, JSON_ARRAY, SSE, Framing
from portico.contract.call import WireRequest
from portico.contract.snapshot import Bounds
from portico.contract.wires import Door
from portico.wires.anthropic_messages import DOOR as ANTHROPIC_DOOR
from portico.wires.bedrock_converse import DOOR as BEDROCK_DOOR
from portico.wires.gemini import DOOR as GEMINI_DOOR
from portico.wires.openai_chat import DOOR as OPENAI_DOOR

NESTING = Bounds().nesting


class Address(msgspec.Struct, frozen=True):
    """What the URL of a request says of it, on wires that say it there."""

    model: str = ""
    """"" where the body names the model, and whether to stream."""
    stream: bool = False


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One wire of the simulator."""

    door: Door
    ids: str
    """How ids of answers begin."""
    call_ids: str
    """How ids of tool calls begin."""
    say: Say
    """How a fault is put."""
    breach: Breach
    """How a stream says that it broke."""
    framing: Framing = SSE
    model: Callable[[str], str] = lambda id_: id_
    """The simulated model that an id of this wire stands for."""

    def read(self, body: bytes, address: Address) -> WireRequest:
        """Opens a body. Raises InvalidRequest naming the member at fault."""
        request = self.door.read(body, NESTING)
        if address.model:
            request.model = address.model
            request.stream = address.stream
        return request


_EMBEDDERS = ("amazon.titan-embed", "cohere.embed")


def bedrock_model(id_: str) -> str:
    """An ARN stands for its last part. The names of real models that embed stand for `embed`:
    whoever speaks this wire tells by them which body to send."""
    name, mark, settings = id_.partition("?")
    if name.startswith("arn:"):
        name = name.rpartition("/")[2]
    if any(embedder in name for embedder in _EMBEDDERS):
        name = "embed"
    return name + mark + settings


OPENAI = Dialect(
    door=OPENAI_DOOR,
    ids="chatcmpl-sim-",
    call_ids="call_sim_",
    say=failures.openai,
    breach=breaches.openai,
)
ANTHROPIC = Dialect(
    door=ANTHROPIC_DOOR,
    ids="msg_sim_",
    call_ids="toolu_sim_",
    say=failures.anthropic,
    # An overloaded Anthropic has a status of its own.
    breach=breaches.data(failures.anthropic, "error", unavailable=529),
)
BEDROCK = Dialect(
    door=BEDROCK_DOOR,
    ids="",
    call_ids="tooluse_sim_",
    say=failures.bedrock,
    breach=breaches.exception,
    framing=EVENT_STREAM,
    model=bedrock_model,
)
GEMINI = Dialect(
    door=GEMINI_DOOR,
    ids="sim-",
    call_ids="call_sim_",
    say=failures.gemini,
    breach=breaches.data(failures.gemini),
)
GEMINI_ARRAY = replace(GEMINI, framing=JSON_ARRAY)
"""Without `alt=sse`, a stream of Gemini is one JSON array."""
