"""What a call left behind. Receipts are rows of the ledger; they are appended, never edited.

Receipts and attempts are filled in while their call runs, by the one who serves it. Once a
receipt is recorded nobody changes it.
"""

from typing import Literal

import msgspec

from portico.contract.energy import Energy, EnergyBasis
from portico.contract.money import Price
from portico.contract.prompt import PromptSource
from portico.contract.usage import StopReason, Usage

AttemptStatus = Literal["ok", "failed", "cancelled", "timeout", "lost"]
Reason = Literal[
    "first", "retry", "fallback", "hedge", "escalation", "judge", "shadow", "embedding", "guard"
]
"""Why an attempt was made. `embedding`: for a cache or a check, not the caller's own."""
CallStatus = Literal["ok", "failed", "refused", "cancelled", "lost"]
UsageSource = Literal["reported", "estimated", "none"]


class Attempt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request to one upstream model. Times are microseconds since the attempt began."""

    id: str
    provider: str
    kind: str
    """The provider's kind: "openai", "anthropic", "simulator"."""
    model: str
    """The catalogue's name of the model."""
    model_id: str
    """The provider's id of the model, as sent."""
    listed: bool = True
    """False for a model that only the provider's list knows, not portico.yaml."""
    wire: str = ""
    status: AttemptStatus = "lost"
    reason: Reason = "first"
    translated: bool = False
    dropped: tuple[str, ...] = ()
    """Fields that the target cannot express and the documentation lists as dropped."""
    address: str = ""
    """Where the upstream's name resolved to."""
    private: bool = False
    """True where that address is private (RFC 1918, RFC 4193, loopback)."""
    region: str = ""
    connection: Literal["", "new", "reused", "retried"] = ""
    http_status: int = 0
    error: str = ""
    error_type: str = ""
    """The upstream's own name for the error; never its message."""
    upstream_id: str = ""
    """The provider's request id, for its support."""
    served_model: str = ""
    """The model that the provider says has answered."""
    started_ns: int = 0
    first_byte_us: int | None = None
    first_token_us: int | None = None
    total_us: int = 0
    usage: Usage = Usage()
    usage_source: UsageSource = "none"
    usage_flags: tuple[str, ...] = ()
    """What was wrong with the usage that the upstream reported: "negative", "absurd", …"""
    usage_reported: str = ""
    """The usage object as the upstream sent it, where it is not believed; cut at 500 characters."""
    held_nano: int | None = None
    """What was reserved in budgets. None: no budget bounds the call."""
    cost_nano: int = 0
    """Nano-US-dollars (1e-9 USD)."""
    price: Price | None = None
    """The price that the attempt was charged with. None: nothing was charged."""
    energy: Energy | None = None
    """None: no estimate, since the model's size is not known or the method does not cover it."""
    energy_basis: EnergyBasis | None = None
    """What the estimate rests on. Set where `energy` is."""
    stop: StopReason | None = None
    simulated: bool = False


class Receipt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The whole story of one call. `version` lets later releases read older receipts."""

    call: str
    received_ns: int
    door: str
    version: int = 1
    operation: str = "chat"
    stream: bool = False
    status: CallStatus = "ok"
    http_status: int = 200
    error: str = ""
    workload: str = ""
    lane: str = ""
    model: str = ""
    """The catalogue's name of the model that answered."""
    release: str = ""
    assigned: Literal["", "live", "candidate", "pinned"] = ""
    """How the release was chosen. Empty: the call named a model, not a workload."""
    prompt: str = ""
    """The prompt's name; `observed:<fingerprint>` for one that the application sends itself."""
    prompt_version: str = ""
    prompt_source: PromptSource = ""
    parameters: tuple[str, ...] = ()
    """What the release's prompt set on this call: "temperature", "tools", "output", …"""
    requested_model: str = ""
    key: str = ""
    """The id of the key or token that called."""
    team: str = ""
    project: str = ""
    session: str = ""
    subject: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    attempts: tuple[Attempt, ...] = ()
    usage: Usage = Usage()
    cost_nano: int = 0
    """The exact sum of the attempts' costs."""
    unpriced: bool = False
    energy: Energy | None = None
    """The exact sum of the attempts' estimates. None where one that wrote tokens has none."""
    max_output_tokens: int | None = None
    """The cap that was in force."""
    cap_source: Literal["", "caller", "workload", "default"] = ""
    stages: tuple[tuple[str, int], ...] = ()
    """Microseconds by stage, in the order of the pipeline."""
    first_token_us: int | None = None
    total_us: int = 0
    tokens_per_second: float | None = None
    stop: StopReason | None = None
    trust: str = "unknown"
    cache: str = "bypass"
    idempotency: str = ""
    """A hash of the caller's idempotency key."""
    replay_of: str = ""
    """The call whose answer was given again, or whose request was made again."""
    origin: Literal["", "repeat", "replay", "kept"] = ""
    """Why `replay_of` is set: an idempotent repeat, `portico calls replay`, or an answer that was
    kept for when a budget is nearly spent."""
    budgets: tuple[str, ...] = ()
    """Budgets that bounded the call; one that refused it has "!" before its name."""
    degraded: tuple[str, ...] = ()
    """What was away or worse than usual while the call was served."""
    simulated: bool = False


class Intent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Written before the first byte to an upstream: enough to account for a call that is lost."""

    receipt: Receipt
    """What is known so far, with the attempt under way as "lost" at its estimated cost."""


Entry = Receipt | Intent
