"""What the gateway needs of a wire: a door for callers, a provider's side for upstreams.

Both are sans-IO: bytes and events in, bytes and events out.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import Conversation
from portico.contract.embedding import EmbeddingAnswer, EmbeddingRequest
from portico.contract.errors import PorticoError
from portico.contract.events import Answer, Event
from portico.contract.prompt import Dressing, RenderedTurn
from portico.contract.usage import StopReason, Usage


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is written for."""

    model_id: str
    stream: bool
    stands_for: str = ""
    """The model behind an ARN or a profile, where the id does not say."""
    max_output_tokens: int
    """The cap in force; written where the request names none."""
    cap_field: str = "max_tokens"
    """OpenAI chat: the member in which this provider takes the cap."""

    @property
    def family(self) -> str:
        """The id by which tables know what the model can do."""
        return self.stands_for or self.model_id


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A request in a provider's wire. `dropped` names what it cannot say and the docs list."""

    body: bytes
    dropped: tuple[str, ...] = ()


class Skim(msgspec.Struct, kw_only=True):
    """What a passthrough learns from an answer without translating it.

    `output_bytes` counts the UTF-8 bytes of text, reasoning and tool arguments, for an
    estimate where the upstream reports no usage. `failed` is set by a stream that ends badly.
    """

    model: str = ""
    stop: StopReason | None = None
    usage: Usage | None = None
    output_bytes: int = 0
    has_content: bool = False
    complete: bool = False
    """The wire's own end was seen; a stream that ends without it was cut."""
    failed: PorticoError | None = None


class Relay(Protocol):
    """Carries a stream from upstream to caller, bytes in, bytes out, holding back its tail.

    The frames from the finish reason on are held until `finish`, so that what is known only at
    the end can ride in them. A relay holds at most one frame and the tail in memory.
    """

    @property
    def skim(self) -> Skim: ...

    def feed(self, data: bytes) -> bytes:
        """Bytes for the caller, maybe none. After `skim.failed` is set, returns no more."""
        ...

    def close(self) -> bytes:
        """The upstream ended. Sets `skim.failed` if it ended too early."""
        ...

    def finish(self, portico: bytes) -> bytes:
        """The tail, with `portico` (a JSON object) as a member of the wire's last data frame."""
        ...

    def fail(self, error: PorticoError) -> bytes:
        """The wire's own error event, to end a stream that has begun."""
        ...


class StreamReader(Protocol):
    """A provider's stream into events. Right for every way of cutting the bytes."""

    @property
    def complete(self) -> bool:
        """The wire's own end was seen: there is nothing more to wait for."""
        ...

    def feed(self, data: bytes) -> list[Event]: ...

    def close(self) -> list[Event]:
        """The upstream ended: what a missing last newline held, or `Failed` if it was cut."""
        ...


class StreamWriter(Protocol):
    """Events into a door's stream."""

    def write(self, event: Event) -> bytes: ...

    def finish(self, portico: bytes) -> bytes: ...

    def fail(self, error: PorticoError) -> bytes: ...


class Dresser(Protocol):
    """What a release adds to calls of one door, ready to be put into them."""

    def __call__(self, request: WireRequest, turns: tuple[RenderedTurn, ...]) -> WireRequest:
        """A new request: every byte of the old one as it came, but for the turns, which go
        before the call's own (system text before its system text), and the members that the
        call does not name itself."""
        ...


class Door(Protocol):
    """The caller's side of a wire."""

    @property
    def name(self) -> str: ...

    def read(self, body: bytes, nesting: int) -> WireRequest:
        """Checks and opens a body. Raises InvalidRequest naming the member at fault."""
        ...

    def conversation(self, request: WireRequest) -> Conversation: ...

    def write_answer(self, answer: Answer) -> bytes: ...

    def embedding(self, request: WireRequest) -> EmbeddingRequest:
        """Raises InvalidRequest on a wire that embeds nothing."""
        ...

    def write_vectors(self, answer: EmbeddingAnswer) -> bytes: ...

    def stream_writer(self, request: WireRequest) -> StreamWriter: ...

    def write_error(self, error: PorticoError, call: str) -> bytes: ...

    def dresser(self, dressing: Dressing) -> Dresser:
        """Raises InvalidRequest for what this wire cannot say, and on a wire that embeds."""
        ...


class ProviderWire(Protocol):
    """The provider's side of a wire."""

    @property
    def name(self) -> str: ...

    def write_request(self, conversation: Conversation, target: Target) -> Outgoing:
        """Raises InvalidRequest naming what the target cannot express."""
        ...

    def passthrough(self, request: WireRequest, target: Target) -> Outgoing:
        """The body with only model, `portico`, cap and stream options changed."""
        ...

    def read_answer(self, body: bytes) -> Answer: ...

    def write_embedding(self, request: EmbeddingRequest, target: Target) -> Outgoing:
        """Raises InvalidRequest on a wire that embeds nothing."""
        ...

    def read_vectors(self, body: bytes) -> EmbeddingAnswer: ...

    def skim(self, body: bytes) -> Skim: ...

    def relay(self, request: WireRequest) -> Relay:
        """Carries the stream through unchanged but for the held tail."""
        ...

    def stream_reader(self) -> StreamReader: ...

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> PorticoError:
        """An upstream's error reply in Portico's words."""
        ...
