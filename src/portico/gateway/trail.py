"""The receipt of a call as it comes about."""

from msgspec.structs import replace

from portico.contract.call import Principal, WireRequest
from portico.contract.energy import Energy
from portico.contract.errors import PorticoError
from portico.contract.money import Price
from portico.contract.own import OwnCall
from portico.contract.ports import Clock, UpstreamReply
from portico.contract.prompt import PromptSource, PromptVersion
from portico.contract.receipt import Attempt, AttemptStatus, CallStatus, Intent, Receipt
from portico.contract.usage import Usage
from portico.contract.wires import Skim
from portico.cost.charge import applied, charge, unpriced_tier
from portico.cost.settle import Outcome, settled
from portico.gateway.shelf import Route
from portico.methods.estimators import tokens
from portico.methods.hashing import content_hash
from portico.operations.assignment import How
from portico.sustainability import energy
from portico.sustainability.sizes import WRITTEN

UPSTREAM_IDS = ("x-request-id", "request-id", "x-amzn-requestid")
"""Where providers say what they call a request."""
NAME_LENGTH = 200
"""Text that others choose (ids, names of models) is cut to this before it is stored."""

UNPRICED_TIER = "unpriced_tier"
"""The flag of a service tier that the price does not know; it is charged as the standard one."""
COUNTS = tuple(name for name in Usage.__struct_fields__ if name not in ("service_tier", "doubt"))


class Trail:
    """Collects what happens to one call; `close` settles it, once."""

    __slots__ = ("_last", "accountable", "clock", "closed", "receipt", "started")

    def __init__(self, call: str, door: str, clock: Clock) -> None:
        self.clock = clock
        self.started = self._last = clock.monotonic()
        self.receipt = Receipt(call=call, door=door, received_ns=clock.now_ns())
        self.accountable = False
        """True once the caller is known: from then on the call leaves a receipt."""
        self.closed = False

    def mark(self, stage: str) -> None:
        """The stage that ends now."""
        now = self.clock.monotonic()
        self.receipt.stages += ((stage, round((now - self._last) * 1e6)),)
        self._last = now

    def identify(self, who: Principal) -> None:
        self.receipt.key = who.key
        self.receipt.team = who.team
        self.accountable = True

    def describe(self, request: WireRequest) -> None:
        receipt, options, tags = self.receipt, request.options, request.options.tags
        receipt.requested_model = request.model[:NAME_LENGTH]
        receipt.stream = request.stream
        receipt.operation = request.operation
        receipt.session = options.session or ""
        receipt.subject = options.subject or ""
        if tags:
            pairs = tags.items() if isinstance(tags, dict) else ((tag, "") for tag in tags)
            receipt.tags = tuple(pairs)

    def originate(self, own: OwnCall) -> None:
        """The call is one of Portico's own, made again of another."""
        self.receipt.origin = own.origin
        self.receipt.replay_of = own.of

    def repeats(self, call: str) -> None:
        """The call gets the answer of an earlier one, by its idempotency key."""
        self.receipt.origin = "repeat"
        self.receipt.replay_of = call

    def kept(self, call: str) -> None:
        """The call gets the answer of an earlier one, since a budget is nearly spent."""
        receipt = self.receipt
        receipt.origin, receipt.replay_of, receipt.cache = "kept", call, "hit-exact"

    def assign(self, route: Route, how: How = "live") -> None:
        receipt, workload = self.receipt, route.workload
        receipt.project = workload.project
        receipt.workload = workload.name
        receipt.lane = workload.lane
        receipt.release = route.release
        receipt.model = route.model.name
        if route.named:
            receipt.assigned = how
        if workload.team != "default":
            receipt.team = workload.team

    def prompted(
        self, prompt: PromptVersion, source: PromptSource, parameters: tuple[str, ...] = ()
    ) -> None:
        """The prompt that the call has, and what it set on the call."""
        receipt = self.receipt
        receipt.prompt = prompt.name
        receipt.prompt_version = prompt.version
        receipt.prompt_source = source
        receipt.parameters = parameters

    def observed(self, fingerprint: str) -> None:
        """The application sends a prompt of its own."""
        self.receipt.prompt = f"observed:{fingerprint}"
        self.receipt.prompt_source = "observed"

    def cap(self, asked: int | None, route: Route) -> int:
        """The output cap in force; the receipt says whose it is. Embeddings have no output."""
        if self.receipt.operation == "embeddings":
            return 0
        receipt = self.receipt
        receipt.cap_source = (
            "caller" if asked is not None else "workload" if route.own_cap else "default"
        )
        receipt.max_output_tokens = asked if asked is not None else route.cap
        return receipt.max_output_tokens

    def idempotency(self, key: str) -> None:
        self.receipt.idempotency = content_hash(key)

    def token(self, attempt: "AttemptTrail") -> None:
        """Content of the answer has come, for the first time."""
        self.receipt.first_token_us = self.elapsed_us()
        attempt.token()

    def elapsed_us(self) -> int:
        return round((self.clock.monotonic() - self.started) * 1e6)

    def intent(self, attempt: "AttemptTrail", output_tokens: int) -> Intent:
        """What is to be known of this call if the process dies now."""
        lost = attempt.lost(output_tokens)
        attempts = (*self.receipt.attempts, lost)
        receipt = replace(self.receipt, status="lost", error="lost", attempts=attempts)
        _add_up(receipt)
        return Intent(receipt=receipt)

    def close(
        self, status: CallStatus, error: PorticoError | None = None, *, degraded: str = ""
    ) -> Receipt:
        """The finished receipt. Called once a call; a second call is a defect."""
        if self.closed:
            raise AssertionError(f"call {self.receipt.call} was settled twice")
        self.closed = True
        receipt, attempts = self.receipt, self.receipt.attempts
        receipt.status = status
        _add_up(receipt)
        receipt.total_us = self.elapsed_us()
        receipt.stop = attempts[-1].stop if attempts else None
        if error is not None:
            receipt.error, receipt.http_status = error.code, error.status
        if degraded:
            receipt.degraded += (f"the ledger's database is behind: {degraded}",)
        seconds = (receipt.total_us - (receipt.first_token_us or 0)) / 1e6
        if receipt.usage.output and seconds > 0:
            receipt.tokens_per_second = round(receipt.usage.output / seconds, 3)
        return receipt


class AttemptTrail:
    """One attempt as it comes about."""

    __slots__ = ("attempt", "clock", "coefficients", "price", "sent_bytes", "started", "tier")

    def __init__(self, identity: str, route: Route, clock: Clock, sent_bytes: int) -> None:
        self.clock = clock
        self.sent_bytes = sent_bytes
        self.started = clock.monotonic()
        provider, model = route.provider, route.model
        self.coefficients = model.energy
        self.price = model.price
        self.tier = model.service_tier
        """The service tier that was asked for; what answers do not say, it is."""
        self.attempt = Attempt(
            id=identity,
            provider=provider.name,
            kind=provider.kind,
            model=model.name,
            model_id=model.id,
            listed=model.listed,
            region=model.region or provider.region,
            started_ns=clock.now_ns(),
            simulated=provider.kind == "simulator",
            price=route.standard,
        )

    def answered(self, reply: UpstreamReply) -> None:
        attempt, headers = self.attempt, reply.headers
        attempt.http_status = reply.status
        attempt.address = reply.address
        attempt.private = reply.private
        attempt.connection = reply.connection
        attempt.first_byte_us = self.elapsed_us()
        for name in UPSTREAM_IDS:
            if found := headers.get(name):
                attempt.upstream_id = found[:NAME_LENGTH]
                break
        if headers.get("x-portico-simulated"):
            attempt.simulated = True

    def token(self) -> None:
        if self.attempt.first_token_us is None:
            self.attempt.first_token_us = self.elapsed_us()

    def lost(self, output_tokens: int) -> Attempt:
        """The attempt as it is accounted for if nobody lives to settle it: its dearest end."""
        usage = Usage(input=tokens(self.sent_bytes), output=output_tokens)
        price, takes = self.attempt.price, self.coefficients
        return replace(
            self.attempt,
            status="lost",
            error="lost",
            usage=usage,
            usage_source="estimated",
            cost_nano=0 if price is None else charge(usage, price),
            energy=None if takes is None else energy.lost(usage, takes),
            energy_basis=None if takes is None or not output_tokens else takes.basis,
        )

    def settle(self, status: AttemptStatus, skim: Skim, error: PorticoError | None) -> Attempt:
        """The finished attempt, priced."""
        attempt = self.attempt
        attempt.status = status
        found = settled(
            Outcome(
                skim=skim,
                sent_bytes=self.sent_bytes,
                ended=status,
                error=error,
                http_status=attempt.http_status,
            )
        )
        attempt.usage, attempt.usage_source = found.usage, found.source
        attempt.usage_flags, attempt.usage_reported = found.flags, found.reported
        if self.price is not None:
            self._charge(attempt, self.price)
        self._weigh(attempt)
        attempt.total_us = self.elapsed_us()
        attempt.served_model = skim.model[:NAME_LENGTH]
        attempt.stop = skim.stop
        if error is not None:
            attempt.error = error.code
            detail = error.detail
            kind = detail.get("type") or detail.get("kind") or detail.get("stage") or ""
            attempt.error_type = kind[:NAME_LENGTH]
        return attempt

    def _charge(self, attempt: Attempt, price: Price) -> None:
        usage = attempt.usage
        if self.tier and not usage.service_tier:
            usage = attempt.usage = replace(usage, service_tier=self.tier)
        attempt.cost_nano = charge(usage, price)
        if usage.service_tier:
            attempt.price = applied(price, usage.service_tier)
            if unpriced_tier(usage, price):
                attempt.usage_flags += (UNPRICED_TIER,)

    def _weigh(self, attempt: Attempt) -> None:
        """Energy and carbon. A simulated answer takes none but that of a size that was written."""
        takes = self.coefficients
        if takes is None or (attempt.simulated and takes.basis.size_source != WRITTEN):
            return
        attempt.energy = energy.estimate(attempt.usage, takes)
        if attempt.energy is not None:
            attempt.energy_basis = takes.basis

    @property
    def started_s(self) -> int:
        """Seconds since the epoch, for wires that say when an answer was made."""
        return self.attempt.started_ns // 1_000_000_000

    def elapsed_us(self) -> int:
        return round((self.clock.monotonic() - self.started) * 1e6)


def _add_up(receipt: Receipt) -> None:
    """Makes the receipt's sums those of its attempts."""
    attempts = receipt.attempts
    if len(attempts) == 1:  # nearly every call: without the loops
        attempt = attempts[0]
        receipt.usage = attempt.usage
        receipt.cost_nano = attempt.cost_nano
        receipt.unpriced = attempt.price is None
        receipt.energy = attempt.energy
        receipt.simulated = attempt.simulated
        return
    receipt.usage = total(attempts)
    receipt.cost_nano = sum(each.cost_nano for each in attempts)
    receipt.unpriced = any(each.price is None for each in attempts)
    receipt.energy = _energy(attempts)
    receipt.simulated = any(each.simulated for each in attempts)


def _energy(attempts: tuple[Attempt, ...]) -> Energy | None:
    known = [each.energy for each in attempts if each.energy is not None]
    wrote = sum(each.usage.output + each.usage.output_audio > 0 for each in attempts)
    return energy.total(known) if known and len(known) == wrote else None


def total(attempts: tuple[Attempt, ...]) -> Usage:
    """The exact sum of the attempts' tokens."""
    return Usage(**{name: sum(getattr(each.usage, name) for each in attempts) for name in COUNTS})
