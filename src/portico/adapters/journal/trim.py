"""Makes a receipt fit its room by leaving out the least important first.

Nothing that money, erasure or counting needs goes before everything else has gone. A receipt
that lost something says so in `degraded`, as "journal:" and the name of the step.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from portico.adapters.journal.entries import encode
from portico.contract.receipt import Attempt, Receipt

TEXT_BOUND = 256
"""Characters that stay of a caller's own text when even that has to be shortened."""


def _without_prices(receipt: Receipt) -> Receipt:
    return replace(receipt, attempts=tuple(replace(a, price=None) for a in receipt.attempts))


def _without_stages(receipt: Receipt) -> Receipt:
    return replace(receipt, stages=())


def _without_details(receipt: Receipt) -> Receipt:
    """Attempts keep what they are, what they used and what they cost."""
    return replace(receipt, attempts=tuple(_bare(a) for a in receipt.attempts))


def _without_tags(receipt: Receipt) -> Receipt:
    return replace(receipt, tags=())


def _with_short_texts(receipt: Receipt) -> Receipt:
    return replace(
        receipt,
        requested_model=receipt.requested_model[:TEXT_BOUND],
        session=receipt.session[:TEXT_BOUND],
        subject=receipt.subject[:TEXT_BOUND],
        error=receipt.error[:TEXT_BOUND],
        degraded=tuple(d[:TEXT_BOUND] for d in receipt.degraded[:8]),
    )


def _with_last_attempts(receipt: Receipt) -> Receipt:
    return replace(receipt, attempts=receipt.attempts[-4:])


def _without_attempts(receipt: Receipt) -> Receipt:
    """The call keeps the sum of their tokens and costs."""
    return replace(receipt, attempts=())


def _without_texts(receipt: Receipt) -> Receipt:
    """What is left of the caller's own text is the start of the subject, for erasure."""
    return replace(
        receipt, requested_model="", session="", error="", subject=receipt.subject[:64], degraded=()
    )


def _bare(attempt: Attempt) -> Attempt:
    return Attempt(
        id=attempt.id,
        provider=attempt.provider,
        kind=attempt.kind,
        model=attempt.model,
        model_id=attempt.model_id,
        wire=attempt.wire,
        status=attempt.status,
        reason=attempt.reason,
        region=attempt.region,
        private=attempt.private,
        http_status=attempt.http_status,
        started_ns=attempt.started_ns,
        total_us=attempt.total_us,
        usage=attempt.usage,
        usage_source=attempt.usage_source,
        cost_nano=attempt.cost_nano,
        stop=attempt.stop,
        simulated=attempt.simulated,
    )


STEPS: Sequence[tuple[str, Callable[[Receipt], Receipt]]] = (
    ("prices", _without_prices),
    ("stages", _without_stages),
    ("details", _without_details),
    ("tags", _without_tags),
    ("texts", _with_short_texts),
    ("attempts", _with_last_attempts),
    ("all-attempts", _without_attempts),
    ("all-texts", _without_texts),
)


def fitted(receipt: Receipt, room: int) -> bytes | None:
    """The receipt in at most `room` bytes; None where even its bare bones do not fit."""
    for name, step in STEPS:
        shorter = step(receipt)
        if shorter != receipt:
            receipt = replace(shorter, degraded=(*shorter.degraded, f"journal:{name}"))
        payload = encode(receipt)
        if len(payload) <= room:
            return payload
    return None
