"""What the gateway and control plane need of the world, as protocols.

Each port has an in-memory fake that ships (`portico.adapters.memory`) and one suite of tests
that the fake and every real adapter pass (`tests/contract`).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from portico.contract.bench import BenchResult
from portico.contract.budget import Recorded
from portico.contract.call import Operation
from portico.contract.deployment import (
    Act,
    Applied,
    Deployment,
    Happening,
    ObservedPrompt,
    Shipment,
    StoredRelease,
    StoredVersion,
    Transcript,
)
from portico.contract.feedback import Feedback
from portico.contract.ledger import (
    Capacity,
    EnergyKey,
    EnergyUse,
    PromptUse,
    Spending,
    SpendingQuery,
    Use,
)
from portico.contract.receipt import Intent, Receipt
from portico.contract.snapshot import Key, Network

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

    async def prompts(self, since_ns: int, until_ns: int) -> Sequence[PromptUse]:
        """Calls by workload, release, prompt, version, source and whether they were simulated,
        received from `since_ns` until before `until_ns`, in the order of these."""
        ...

    async def use(self, since_ns: int, until_ns: int) -> Use:
        """Which models served the calls received from `since_ns` until before `until_ns`."""
        ...

    async def energy(self, since_ns: int, until_ns: int, by: EnergyKey) -> Sequence[EnergyUse]:
        """Estimates of the calls received from `since_ns` until before `until_ns`, in the order
        of their keys, those of simulated models after the others of the key."""
        ...

    async def spending(self, query: SpendingQuery) -> Sequence[Spending]:
        """What calls cost, from roll-ups that outlive the receipts: in the order of the keys,
        those of simulated models after the others of the same keys.

        Raises InvalidRequest for a window that does not begin and end on quarters of an hour.
        """
        ...

    async def recorded(self, since_ns: int, after: str = "") -> Sequence[Recorded]:
        """Calls received from `since_ns` on, at most 50,000, in the order of their recording;
        with `after`, those behind that call."""
        ...

    async def sessions(self, since_ns: int) -> Sequence[Recorded]:
        """All calls of every session that had a call since then, in the order of their
        recording. `call` is empty: each entry is a session's calls of one quarter of an hour."""
        ...

    async def forget(self, before_ns: int) -> int:
        """Deletes receipts of calls received before then; their roll-ups stay. How many."""
        ...

    async def forget_feedback(self, before_ns: int) -> int:
        """Deletes authors and comments of feedback given before then; its counts stay."""
        ...

    async def judged(self, feedback: Feedback) -> None:
        """Appends what somebody thinks of an answer. Raises InvalidRequest (field "call") for a
        call that is not in the ledger."""
        ...

    async def capacities(self, since_ns: int, until_ns: int) -> Sequence[Capacity]:
        """Terms of provisioned capacity that overlap the time, by model and start."""
        ...


class Store(Protocol):
    """Control-plane state. Calls block: run them off the loop."""

    def keys(self) -> Sequence[Key]: ...

    def put_key(self, key: Key) -> None:
        """Adds a key or replaces the one with its id."""
        ...

    def applied(self) -> Sequence[Applied]:
        """What is live, one a project."""
        ...

    def ship(self, shipment: Shipment) -> None:
        """Stores an apply in one transaction: whole or not at all, whenever the process dies.

        Releases and versions that are stored already keep their first author, time and message.
        Raises InvalidRequest (field "base") where something else is live than the apply expects.
        """
        ...

    def repoint(self, deployment: Deployment, expected: str, act: Act) -> None:
        """Moves one pointer and writes the act, in one transaction.

        Raises InvalidRequest (field "release") where the workload's live release is not
        `expected` any more, or the new one is not stored.
        """
        ...

    def deployments(self) -> Sequence[Deployment]:
        """Every workload's pointer, by name."""
        ...

    def release(self, id_: str) -> StoredRelease | None: ...

    def releases(self, workload: str, limit: int) -> Sequence[StoredRelease]:
        """The newest releases of a workload, newest first, in the order in which they were first
        shipped or last pointed to."""
        ...

    def versions(self, project: str, name: str | None = None) -> Sequence[StoredVersion]:
        """Stored versions of a project's prompts, newest first."""
        ...

    def act(self, act: Act) -> None:
        """Appends to the audit trail."""
        ...

    def acts(self, limit: int, before: int | None = None) -> Sequence[Act]:
        """The newest acts, newest first; `before` is an act's number, itself excluded."""
        ...

    def happenings(self, limit: int, before: int | None = None) -> Sequence[Happening]:
        """The newest happenings, newest first."""
        ...

    def observed(self) -> Sequence[ObservedPrompt]:
        """Every observed prompt, by workload and first sight."""
        ...

    def transcript(self, call: str) -> Transcript | None: ...

    def transcripts(self, workload: str, limit: int) -> Sequence[Transcript]:
        """The newest transcripts of a workload, newest first."""
        ...

    def forget_transcripts(self, before_ns: int) -> int:
        """Deletes transcripts of calls received before then. How many there were."""
        ...

    def put_capacities(self, project: str, now_ns: int, hourly: Mapping[str, int]) -> None:
        """From now on the project's models have these prices an hour (nano-US-dollars): terms
        of others end now, terms that stay the same go on."""
        ...

    def secret(self, name: str, fresh: bytes) -> bytes:
        """The stored secret of that name; stores `fresh` if there is none yet."""
        ...

    def put_bench(self, result: BenchResult) -> None:
        """Keeps a load test's result. Raises InvalidRequest where its id is taken."""
        ...

    def benches(self, limit: int) -> Sequence[BenchResult]:
        """The newest results in the order in which they were stored, newest last."""
        ...


class NotesState(msgspec.Struct, frozen=True, kw_only=True):
    waiting: int = 0
    waiting_bytes: int = 0
    dropped: int = 0
    """Notes that did not fit, or that the database refused for good."""
    error: str = ""
    """Why the database takes nothing at the moment; empty when it does."""


Note = Transcript | ObservedPrompt | Happening


class Notes(Protocol):
    """What is kept beside the ledger: written soon, by a thread, within bounds of memory.

    Unlike the journal it may lose: a killed process loses what was waiting, and what does not
    fit is dropped and counted. An observed prompt replaces the one of its workload and
    fingerprint.
    """

    def keep(self, note: Note) -> None:
        """Never waits and never raises."""
        ...

    async def flushed(self) -> None:
        """Waits until everything kept so far is in the database or was dropped."""
        ...

    def state(self) -> NotesState: ...

    def close(self, timeout_s: float = 5.0) -> bool:
        """Blocks until everything is written, at most `timeout_s`. Whether it is."""
        ...
