"""A receipt as a story for a person. Pure: a receipt in, lines out."""

from collections.abc import Iterator

from portico.contract.errors import PorticoError
from portico.contract.money import Price
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import Usage
from portico.main.cli.words import (
    microseconds,
    moment_exact,
    money,
    per_million,
    tokens_in,
    tokens_out,
)
from portico.sustainability.energy import bounds

LABEL = 14
BAR = 40

RETRY = {
    "no": "a retry does not help",
    "yes": "a retry helps",
    "maybe": "a retry may help",
}
CAP_SOURCE = {"caller": "set by the caller", "workload": "set by the workload", "": ""}
MONEY_KINDS = {
    "input": "input",
    "cached_read": "cached read",
    "cache_write_5m": "cache write 5 min",
    "cache_write_1h": "cache write 1 h",
    "input_audio": "audio in",
    "cached_audio": "cached audio",
    "output": "output",
    "output_audio": "audio out",
}
"""Kinds of tokens that are charged, in the order of a bill."""


def explain(receipt: Receipt) -> Iterator[str]:
    """The lines of `portico calls show`."""
    yield f"{receipt.call}  {_outcome(receipt)}"
    yield from _who(receipt)
    yield from _what(receipt)
    yield from _answer(receipt)
    yield from _trouble(receipt)
    for number, attempt in enumerate(receipt.attempts, 1):
        yield ""
        yield from _attempt(number, attempt)
    if receipt.stages:
        yield ""
        yield from _timeline(receipt)


def _line(label: str, *parts: str) -> Iterator[str]:
    text = " · ".join(part for part in parts if part)
    if text:
        yield f"  {label:<{LABEL}}{text}"


def _outcome(receipt: Receipt) -> str:
    simulated = " (simulated)" if receipt.simulated else ""
    return f"{receipt.status}, HTTP {receipt.http_status}{simulated}"


def _who(receipt: Receipt) -> Iterator[str]:
    yield from _line("received", moment_exact(receipt.received_ns), receipt.door, receipt.operation)
    yield from _line(
        "caller", receipt.key or "not known", f"team {receipt.team}" * bool(receipt.team)
    )
    yield from _line("session", receipt.session)
    yield from _line("subject", receipt.subject)
    yield from _line("tags", *(f"{name}={value}" for name, value in receipt.tags))


def _what(receipt: Receipt) -> Iterator[str]:
    asked = receipt.requested_model
    yield from _line("asked for", asked, "streamed" if receipt.stream else "whole")
    yield from _line("workload", receipt.workload, f"lane {receipt.lane}" * bool(receipt.lane))
    yield from _line("release", receipt.release)
    yield from _line("answered by", receipt.model)
    if receipt.max_output_tokens is not None:
        source = CAP_SOURCE.get(receipt.cap_source, "Portico's default")
        yield from _line("cap", f"{receipt.max_output_tokens} output tokens", source)


def _answer(receipt: Receipt) -> Iterator[str]:
    yield from _line("tokens", _tokens(receipt.usage))
    cost = "unpriced: the catalogue has no price" if receipt.unpriced else money(receipt.cost_nano)
    yield from _line("cost", cost)
    yield from _line("energy", *_energy(receipt))
    first = receipt.first_token_us
    speed = receipt.tokens_per_second
    yield from _line(
        "time",
        f"{microseconds(receipt.total_us)} in all",
        "" if first is None else f"first token after {microseconds(first)}",
        "" if speed is None else f"{speed:.1f} tokens/s",
    )
    yield from _line("stopped by", "" if receipt.stop is None else receipt.stop.value)
    yield from _line("trust", receipt.trust)
    yield from _line("cache", receipt.cache)
    yield from _line("repeat of", receipt.replay_of)


def _energy(receipt: Receipt) -> Iterator[str]:
    """Each as an interval; what it rests on is that of the last attempt with an estimate."""
    energy = receipt.energy
    if energy is None:
        return
    yield " to ".join(bounds(energy.low_nwh, energy.high_nwh)) + " Wh"
    yield " to ".join(bounds(energy.co2e_low_ng, energy.co2e_high_ng)) + " g CO2e"
    basis = next(each.energy_basis for each in reversed(receipt.attempts) if each.energy_basis)
    yield f"grid {basis.zone}"
    yield f"estimated by {basis.method}"


def _trouble(receipt: Receipt) -> Iterator[str]:
    yield from _line("degraded", *receipt.degraded)
    if receipt.error:
        kind = error_kinds().get(receipt.error)
        fault = "" if kind is None else f"at fault: {kind.fault}"
        yield from _line("error", receipt.error, fault, "" if kind is None else RETRY[kind.retry])


def _attempt(number: int, attempt: Attempt) -> Iterator[str]:
    status = attempt.status if not attempt.error else f"{attempt.status}: {attempt.error}"
    yield f"  attempt {number}, {attempt.reason}: {attempt.model} at {attempt.provider} ({status})"
    yield from _line(
        "  model id",
        attempt.model_id,
        f"served as {attempt.served_model}" * (attempt.served_model not in ("", attempt.model_id)),
        f"region {attempt.region}" * bool(attempt.region),
    )
    how = "translated" if attempt.translated else "passed through"
    yield from _line(
        "  wire", attempt.wire, how, f"dropped {', '.join(attempt.dropped)}" * bool(attempt.dropped)
    )
    place = "private" if attempt.private else "public"
    address = f"{attempt.address} ({place})" if attempt.address else ""
    yield from _line(
        "  network",
        "in this process" if attempt.simulated and not attempt.private else address,
        f"connection {attempt.connection}" * bool(attempt.connection),
        f"HTTP {attempt.http_status}" * bool(attempt.http_status),
    )
    yield from _line(
        "  provider says",
        attempt.error_type,
        f"request id {attempt.upstream_id}" * bool(attempt.upstream_id),
    )
    source = {"reported": "reported by the provider", "estimated": "estimated by Portico"}
    yield from _line(
        "  tokens",
        _tokens(attempt.usage),
        source.get(attempt.usage_source, ""),
        f"usage flagged: {', '.join(attempt.usage_flags)}" * bool(attempt.usage_flags),
    )
    yield from _cost(attempt)
    yield from _times(attempt)


def _cost(attempt: Attempt) -> Iterator[str]:
    if attempt.price is None:
        yield from _line("  cost", "nothing was charged: no price is known")
        return
    yield from _line("  cost", money(attempt.cost_nano), *_rates(attempt.price, attempt.usage))
    dated = f" of {attempt.price.date}" if attempt.price.date else ""
    yield from _line(
        "  price from", f"{attempt.price.source}{dated}" if attempt.price.source else ""
    )


def _rates(price: Price, usage: Usage) -> Iterator[str]:
    """The rates that this usage was charged with, per million tokens."""
    rates = price.rates
    for tier in price.tiers:
        if tokens_in(usage) > tier.above:
            rates = tier.rates
    for name, label in MONEY_KINDS.items():
        rate = getattr(rates, name)
        if getattr(usage, name) and rate is not None:
            yield f"{label} {per_million(rate)}/M"


def _times(attempt: Attempt) -> Iterator[str]:
    first_byte, first_token = attempt.first_byte_us, attempt.first_token_us
    yield from _line(
        "  time",
        f"{microseconds(attempt.total_us)} in all",
        "" if first_byte is None else f"first byte after {microseconds(first_byte)}",
        "" if first_token is None else f"first token after {microseconds(first_token)}",
        "" if attempt.stop is None else f"stopped by {attempt.stop.value}",
    )


def _tokens(usage: Usage) -> str:
    details = [
        f"{getattr(usage, name)} {label}"
        for name, label in (*MONEY_KINDS.items(), ("reasoning", "reasoning"))
        if getattr(usage, name) and name not in ("input", "output")
    ]
    shown = f"{tokens_in(usage)} in, {tokens_out(usage)} out"
    return f"{shown} (of these {', '.join(details)})" if details else shown


def _timeline(receipt: Receipt) -> Iterator[str]:
    """A bar for each stage, as long as its share of the whole."""
    whole = max(1, sum(spent for _, spent in receipt.stages))
    wide = max(len(name) for name, _ in receipt.stages)
    yield "  stages"
    before = 0
    for name, spent in receipt.stages:
        start = before * BAR // whole
        end = max(start + 1, (before + spent) * BAR // whole)
        bar = (" " * min(start, BAR - 1) + "█" * (end - min(start, BAR - 1)))[:BAR]
        yield f"    {name:<{wide}}  {microseconds(spent):>9}  {bar}".rstrip()
        before += spent


def error_kinds() -> dict[str, type[PorticoError]]:
    """The error tree by public code; the first class of a code is its plainest."""
    found: dict[str, type[PorticoError]] = {}
    waiting: list[type[PorticoError]] = [PorticoError]
    while waiting:
        kind = waiting.pop(0)
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return found
