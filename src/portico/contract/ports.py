"""What the gateway and control plane need of the world, as protocols.

Each port has an in-memory fake that ships (`portico.adapters.memory`) and one suite of tests
that the fake and every real adapter pass (`tests/contract`).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from portico.contract.bench import BenchResult
from portico.contract.call import Operation, WireRequest
from portico.contract.conversation import Conversation
from portico.contract.embedding import EmbeddingAnswer, EmbeddingRequest
from portico.contract.errors import PorticoError
from portico.contract.events import Answer, Event
from portico.contract.ledger import Use
from portico.contract.receipt import Intent, Receipt
from portico.contract.snapshot import Key, Network
from portico.contract.usage import StopReason, Usage

# --- wires ---------------------------------------------------------------------------------


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


class ProviderWire(Protocol):
    """The provider's side of a wire."""

    @property
    def name(self) -> str: ...

    def write_request(self, conversation: Conversation, target: Target) -> Outgoing:
        """Raises InvalidRequest naming what the target cannot express."""
        ...

    def passthrough(self, request: WireRequest, target: Target) -> bytes:
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


# --- providers and upstreams ---------------------------------------------------------------


class AwsIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Whose AWS credentials sign a provider's requests. Empty: the standard chain as it is."""

    region: str
    profile: str = ""
    role_arn: str = ""
    """A role to assume, from the credentials of the chain."""
    session_name: str = "portico"
    session_tags: tuple[tuple[str, str], ...] = ()
    """STS session tags, by which AWS can split its bill."""
    service: str = "bedrock"


class AwsSecret(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials at one moment. Never logged or stored."""

    access_key: str
    secret_key: str
    token: str = ""


class AwsCredentials(Protocol):
    """The standard AWS credential chain, refreshed before it expires."""

    async def secret(self, identity: AwsIdentity) -> AwsSecret:
        """Raises UpstreamFailed, detail stage "credentials", where there are none."""
        ...


class UpstreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    method: Literal["GET", "POST"]
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    network: Network = Network()


class Connection(Protocol):
    """How one provider is reached: URLs, credentials, the wire of each operation."""

    def wire(self, operation: Operation) -> str: ...

    def cap_field(self) -> str: ...

    def request(
        self,
        operation: Operation,
        model_id: str,
        body: bytes,
        stream: bool,
        forwarded: Mapping[str, str],
    ) -> UpstreamRequest: ...

    @property
    def identity(self) -> AwsIdentity | None:
        """The AWS identity whose signature requests need; None: they are complete as written."""
        ...

    def sign(self, request: "UpstreamRequest", secret: AwsSecret, now_ns: int) -> "UpstreamRequest":
        """The request with its signature. Called only where there is an identity."""
        ...

    def probe(self) -> UpstreamRequest:
        """A request that costs nothing and tells whether the credential works (a model list)."""
        ...


class UpstreamReply(Protocol):
    """A reply whose head has come. `close` ends the upstream's work; it may be called twice."""

    status: int
    headers: Mapping[str, str]
    """Names compare without regard to case."""
    address: str
    private: bool
    connection: Literal["new", "reused", "retried"]

    def chunks(self) -> AsyncIterator[bytes]:
        """Decoded body. Raises UpstreamFailed when it breaks, stalls or grows over its bound."""
        ...

    async def read(self) -> bytes: ...

    async def close(self) -> None: ...


class Upstream(Protocol):
    """Sends requests to providers. Raises UpstreamFailed; `detail["stage"]` says where:
    "address", "dns", "connect", "tls", "first_byte", "between_chunks", "body"."""

    async def send(self, request: UpstreamRequest) -> UpstreamReply: ...

    async def close(self) -> None: ...


# --- state ---------------------------------------------------------------------------------


class Clock(Protocol):
    def now_ns(self) -> int:
        """Wall clock, nanoseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds; only differences mean something."""
        ...


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """How the journal stands. `waiting` counts entries that the database does not have yet."""

    waiting: int
    waiting_bytes: int
    capacity_bytes: int
    lost: int = 0
    """Receipts that could not be written although the project chose to serve on."""
    error: str = ""
    """Why the database takes nothing at the moment; empty when it does."""


class Journal(Protocol):
    """The local append-only record that a killed process leaves complete."""

    def intend(self, intent: Intent) -> None:
        """Records that an attempt is about to be made, and reserves room for its receipt.

        Raises Overloaded when the journal is full.
        """
        ...

    def record(self, receipt: Receipt) -> None:
        """Records a finished call. Its room was reserved by the first `intend`."""
        ...

    async def committed(self) -> None:
        """Waits until everything recorded so far is in the database."""
        ...

    def state(self) -> JournalState: ...


class Ledger(Protocol):
    """Receipts as they are read. Every read first waits for what the journal still holds."""

    async def recent(
        self, limit: int, *, before: str | None = None, after: str | None = None
    ) -> Sequence[Receipt]:
        """The newest calls in the order of their recording; `before` and `after` are call ids.

        With `after`, the calls that follow it directly, so that a reader who goes on misses
        none. Raises InvalidRequest for an id that is not in the ledger.
        """
        ...

    async def find(self, call: str) -> Receipt | None: ...

    async def several(self, calls: Sequence[str]) -> Sequence[Receipt]:
        """Those of at most 500 calls that are in the ledger, in no particular order.

        Raises InvalidRequest for more.
        """
        ...

    async def use(self, since_ns: int, until_ns: int) -> Use:
        """Which models served the calls received from `since_ns` until before `until_ns`."""
        ...


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A project directory as it was applied: its files by relative path, and who did it."""

    project: str
    files: dict[str, str]
    digest: str
    applied_ns: int
    by: str


class Store(Protocol):
    """Control-plane state. Calls block: run them off the loop."""

    def keys(self) -> Sequence[Key]: ...

    def put_key(self, key: Key) -> None:
        """Adds a key or replaces the one with its id."""
        ...

    def applied(self) -> Sequence[Applied]:
        """What is live, one a project."""
        ...

    def apply(self, applied: Applied) -> None: ...

    def secret(self, name: str, fresh: bytes) -> bytes:
        """The stored secret of that name; stores `fresh` if there is none yet."""
        ...

    def put_bench(self, result: BenchResult) -> None:
        """Keeps a load test's result. Raises InvalidRequest where its id is taken."""
        ...

    def benches(self, limit: int) -> Sequence[BenchResult]:
        """The newest results in the order in which they were stored, newest last."""
        ...
