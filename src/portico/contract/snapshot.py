"""What control publishes and the gateway compiles: the desired state as plain data.

Secrets are references here (`${NAME}`), resolved by the process that serves. `digest` is the
hash of everything else. `format` lets later versions keep reading older snapshots.
"""

from typing import Literal

import msgspec

from portico.contract.budget import Budget
from portico.contract.conversation import Json
from portico.contract.energy import EnergyCoefficients
from portico.contract.money import Price
from portico.contract.prompt import PromptVersion

FORMAT = 1


class Network(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a provider is reached."""

    ca_file: str = ""
    proxy: str = ""
    allow_private: bool = False
    """The project itself names the address, so private ranges are meant."""
    connect_s: float = 5.0
    first_byte_s: float = 120.0
    between_chunks_s: float = 60.0
    max_response_bytes: int = 64 * 1024 * 1024


class Provider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    project: str = "default"
    """The project that names it: two projects may each have a provider of that name."""
    kind: Literal["openai", "anthropic", "simulator", "bedrock", "gemini"]
    base_url: str = ""
    api_key: str = ""
    """A reference (`${OPENAI_API_KEY}`) or, by the project's own choice, the key itself."""
    api_version: str = ""
    """Azure OpenAI: its presence selects Azure's URL and key style."""
    organization: str = ""
    region: str = ""
    """Bedrock: the AWS region."""
    profile: str = ""
    """Bedrock: a profile of the shared AWS configuration."""
    assume_role: str = ""
    """Bedrock: the ARN of a role to assume."""
    session_tags: tuple[tuple[str, str], ...] = ()
    """Bedrock: tags of the assumed session, for the bill."""
    service_tier: str = ""
    """Bedrock: the tier asked for where the model names none."""
    headers: tuple[tuple[str, str], ...] = ()
    script: str = ""
    """Simulator: the text of the script file, embedded at load."""
    network: Network = Network()


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a model, with its source and the ISO date when it was written down."""

    context: int | None = None
    max_output: int | None = None
    input: tuple[str, ...] = ("text",)
    output: tuple[str, ...] = ("text",)
    retires: str = ""
    reasoning: bool | None = None
    source: str = ""
    date: str = ""


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    """The catalogue's name; `provider/id` for models that the project does not name."""
    provider: str
    id: str
    price: Price | None = None
    """None: unpriced. Receipts say so; it is never a zero."""
    facts: Facts | None = None
    size: float | None = None
    """Parameters, where known."""
    active_size: float | None = None
    """Parameters that take part in one token, where known and fewer than `size`."""
    energy: EnergyCoefficients | None = None
    """None: no estimate. Receipts say so; it is never a zero."""
    stands_for: str = ""
    """The model behind an inference profile or a provisioned ARN; price and facts are its."""
    service_tier: str = ""
    region: str = ""
    throughput: Literal["on-demand", "provisioned"] = "on-demand"
    hourly_nano: int | None = None
    """Nano-US-dollars an hour of provisioned throughput, used or not; its tokens cost nothing
    beside. `price` is then zero with the source "provisioned"."""
    listed: bool = True
    """False for models that only the provider's list knows, not portico.yaml."""


class Workload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    team: str = "default"
    lane: Literal["voice", "chat", "batch"] = "chat"
    ladder: tuple[tuple[str, ...], ...] = ()
    """Rungs, smallest first; each rung is a pool of names of models."""
    first_token_s: float | None = None
    total_s: float | None = None
    max_output_tokens: int | None = None
    assume_role: str = ""
    """Bedrock: the ARN of a role of the workload's own, in the place of its provider's."""
    session_tags: tuple[tuple[str, str], ...] = ()
    """Bedrock: tags of the workload's session, over those of its provider."""
    release: str = ""
    """The id of the release that is live: the hash of everything that shapes an answer."""
    candidate: str = ""
    """The id of the release that takes a share of the traffic, if there is one."""
    share: float = 0.0
    """The candidate's part of the traffic, 0 to 1; sticky by session."""
    project: str = "default"
    """The project whose directory names it."""
    implied: bool = False
    """No directory names it: the workload `default` of a project that declares none."""
    transcripts: bool = False
    """Prompts and answers are kept, encrypted."""


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is deployed, immutable. `id` is the hash of what shapes an answer in it; prices,
    facts and secrets are not part of that, and are today's when it serves again."""

    id: str
    """`rel_` and 16 hexadecimal digits."""
    workload: str
    project: str = "default"
    prompt: PromptVersion | None = None
    ladder: tuple[tuple[Model, ...], ...]
    """Rungs, smallest first; each rung is a pool."""
    providers: tuple[Provider, ...]
    """Those of the ladder, without credentials: these come from the project's own by name."""
    max_output_tokens: int | None = None
    guards: Json = None
    """As written in portico.yaml."""
    trust: Json = None


class Bounds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits of the doors. All have defaults that suit most users."""

    body_bytes: int = 32 * 1024 * 1024
    header_bytes: int = 64 * 1024
    nesting: int = 100
    read_body_s: float = 30.0
    drain_s: float = 30.0


class Currency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For display only: the ledger and budgets are in US dollars."""

    code: str
    """ISO 4217."""
    per_usd: float
    date: str
    """ISO date of the rate."""
    source: str = ""


class Retention(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long what is kept, in seconds. None: without end."""

    receipts_s: float | None = None
    transcripts_s: float | None = None
    feedback_s: float | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where happenings are sent."""

    name: str
    project: str = "default"
    url: str
    secret: str = ""
    """A reference, as a provider's key; signs what is sent."""
    events: tuple[str, ...] = ()
    """Kinds of happenings. Empty: all."""
    shape: Literal["portico", "slack"] = "portico"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    project: str
    providers: tuple[Provider, ...]
    models: tuple[Model, ...]
    workloads: tuple[Workload, ...]
    releases: tuple[Release, ...] = ()
    """Live, candidate and recent ones of every workload. Empty in a snapshot of version 0.1."""
    adopted: tuple[PromptVersion, ...] = ()
    """Prompts of the projects that were adopted from observed ones (`PromptVersion.observed`)."""
    budgets: tuple[Budget, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    retention: Retention = Retention()
    currency: Currency | None = None
    format: int = FORMAT
    digest: str = ""
    bounds: Bounds = Bounds()
    warnings: tuple[str, ...] = ()
    """Keys that are understood but not acted on yet, and other things to know."""


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A Portico key as it is stored: `verifier` is a keyed hash of its secret half."""

    id: str
    verifier: bytes
    kind: Literal["key", "admin", "metrics", "local"] = "key"
    """`local` is the token of this start, which only the owner of the data directory can read."""
    name: str = ""
    workloads: tuple[str, ...] = ()
    """What it may invoke. Empty: nothing; ("*",): every workload."""
    team: str = "default"
    created_ns: int = 0
    expires_ns: int | None = None
    revoked_ns: int | None = None
