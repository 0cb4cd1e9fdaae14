"""What an attempt costs, in integers.

Rates are pico-dollars a token, so the sum is exact; it is rounded once per attempt, half up,
to nano-dollars. Sums of attempts are therefore sums of integers.
"""

from portico.contract.money import Price, Rates
from portico.contract.usage import Usage

PICO_PER_NANO = 1000


def _or(rate: int | None, neighbour: int) -> int:
    return neighbour if rate is None else rate


def input_tokens(usage: Usage) -> int:
    """All tokens of the input, however they were billed; tiers are chosen by it."""
    return (
        usage.input
        + usage.cached_read
        + usage.cache_write_5m
        + usage.cache_write_1h
        + usage.input_audio
        + usage.cached_audio
    )


def rates_for(price: Price, tokens: int) -> Rates:
    """The rates of the highest tier that an input of so many tokens has passed."""
    rates = price.rates
    for tier in price.tiers:
        if tokens <= tier.above:
            break
        rates = tier.rates
    return rates


def charge(usage: Usage, price: Price) -> int:
    """Nano-dollars of one attempt. Token counts must not be negative.

    A tier's rates hold for the whole attempt, not only for the tokens above its threshold.
    `usage.reasoning` is part of `usage.output` and is not charged again.
    """
    rates = rates_for(price, input_tokens(usage)) if price.tiers else price.rates
    pico = rates.request + usage.input * rates.input + usage.output * rates.output
    if usage.cached_read or usage.cache_write_5m or usage.cache_write_1h:
        pico += _cached(usage, rates)
    if usage.input_audio or usage.cached_audio or usage.output_audio:
        pico += _heard(usage, rates)
    return (pico + PICO_PER_NANO // 2) // PICO_PER_NANO


def _cached(usage: Usage, rates: Rates) -> int:
    return (
        usage.cached_read * _or(rates.cached_read, rates.input)
        + usage.cache_write_5m * _or(rates.cache_write_5m, rates.input)
        + usage.cache_write_1h * _or(rates.cache_write_1h, rates.input)
    )


def _heard(usage: Usage, rates: Rates) -> int:
    cached = _or(rates.cached_read, rates.input)
    return (
        usage.input_audio * _or(rates.input_audio, rates.input)
        + usage.cached_audio * _or(rates.cached_audio, cached)
        + usage.output_audio * _or(rates.output_audio, rates.output)
    )


def _dearest_input(rates: Rates) -> int:
    kinds = (
        rates.cached_read,
        rates.cache_write_5m,
        rates.cache_write_1h,
        rates.input_audio,
        rates.cached_audio,
    )
    return max(rates.input, *(rate for rate in kinds if rate is not None), 0)


def ceiling(input_bytes: int, max_output_tokens: int, choices: int, price: Price) -> int:
    """Nano-dollars that an attempt cannot exceed, rounded up.

    A token has at least one UTF-8 byte, so bytes bound tokens. Every token is priced as the
    dearest kind, at the dearest tier that an input of so many bytes can reach.
    """
    reachable = [price.rates, *(t.rates for t in price.tiers if t.above < input_bytes)]
    output = max_output_tokens * choices
    pico = max(rates.request for rates in reachable)
    pico += input_bytes * max(_dearest_input(rates) for rates in reachable)
    pico += output * max(max(r.output, _or(r.output_audio, r.output)) for r in reachable)
    return -(-pico // PICO_PER_NANO)
