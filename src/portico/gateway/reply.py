"""What a reply says beside its answer: headers, the `portico` member, errors."""

import re
from typing import Final

import msgspec

from portico.contract.energy import Energy
from portico.contract.errors import PorticoError
from portico.contract.receipt import Receipt
from portico.contract.wires import Door
from portico.gateway.arrival import Headers
from portico.sustainability.energy import bounds

JSON: Final = (b"content-type", b"application/json")
EVENTS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
)
CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
SHOULD_RETRY: Final = {"no": b"false", "yes": b"true"}


def usd(nano: int) -> str:
    """Nano-dollars as an exact decimal number of dollars."""
    whole, rest = divmod(nano, 1_000_000_000)
    return f"{whole}.{rest:09d}"


def cost(receipt: Receipt) -> str:
    return "unpriced" if receipt.unpriced else usd(receipt.cost_nano)


def opening(receipt: Receipt) -> list[tuple[bytes, bytes]]:
    """Headers that are known before the first byte of an answer."""
    call = receipt.call.encode()
    return [
        (b"x-portico-call", call),
        (b"x-request-id", call),
        (b"request-id", call),
        (b"x-portico-model", _value(receipt.model)),
        (b"x-portico-release", _value(receipt.release)),
        (b"x-portico-cache", receipt.cache.encode()),
        (b"x-portico-attempts", b"%d" % max(1, len(receipt.attempts))),
        (b"server-timing", timing(receipt)),
    ]


def closing(receipt: Receipt) -> list[tuple[bytes, bytes]]:
    """All headers of an answer that is sent whole."""
    return [
        JSON,
        *opening(receipt),
        (b"x-portico-cost-usd", cost(receipt).encode()),
        (b"x-portico-trust", receipt.trust.encode()),
        *(footprint(receipt.energy) if receipt.energy is not None else ()),
    ]


def footprint(energy: Energy) -> tuple[tuple[bytes, bytes], ...]:
    """Energy and carbon as `low-high`."""
    wh = "-".join(bounds(energy.low_nwh, energy.high_nwh)).encode()
    co2e = "-".join(bounds(energy.co2e_low_ng, energy.co2e_high_ng)).encode()
    return (b"x-portico-energy-wh", wh), (b"x-portico-co2e-g", co2e)


def timing(receipt: Receipt) -> bytes:
    """`server-timing` (W3C Server Timing): milliseconds by stage."""
    return ", ".join([f"{stage};dur={us / 1000:.3f}" for stage, us in receipt.stages]).encode()


def member(receipt: Receipt) -> bytes:
    """The `portico` member of a stream's last data: what is known only at its end."""
    facts: dict[str, object] = {
        "call": receipt.call,
        "model": receipt.model,
        "release": receipt.release,
        "cost_usd": None if receipt.unpriced else msgspec.Raw(usd(receipt.cost_nano).encode()),
        "trust": receipt.trust,
        "cache": receipt.cache,
        "attempts": len(receipt.attempts),
        "usage": receipt.attempts[-1].usage_source if receipt.attempts else "none",
    }
    if receipt.energy is not None:
        energy = receipt.energy
        facts["energy_wh"] = _numbers(energy.low_nwh, energy.high_nwh)
        facts["co2e_g"] = _numbers(energy.co2e_low_ng, energy.co2e_high_ng)
    if receipt.simulated:
        facts["simulated"] = True
    return msgspec.json.encode(facts)


def _numbers(low: int, high: int) -> list[msgspec.Raw]:
    return [msgspec.Raw(bound.encode()) for bound in bounds(low, high)]


def refusal(error: PorticoError, call: str, door: Door) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error in the shape of the door's wire."""
    headers = [
        JSON,
        (b"x-portico-error", error.code.encode()),
        (b"x-portico-call", call.encode()),
        (b"x-request-id", call.encode()),
        (b"request-id", call.encode()),
    ]
    if error.retry in SHOULD_RETRY:
        headers.append((b"x-should-retry", SHOULD_RETRY[error.retry]))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, round(error.retry_after))))
    elif error.code == "overloaded":
        headers.append((b"retry-after", b"1"))
    return error.status, headers, door.write_error(error, call)


def _value(text: str) -> bytes:
    """Names may hold any text; a header may not."""
    value = text.encode("ascii", "replace")
    return value if text.isprintable() else CONTROL.sub(b" ", value)
