"""What an attempt costs, in integers, and the most that it can.

Rates are pico-dollars a token, so the sum is exact; it is rounded once per attempt, half up,
to nano-dollars. Sums of attempts are therefore sums of integers.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from portico.contract.money import Price, Rates, Service
from portico.contract.usage import Usage

PICO_PER_NANO = 1000
STANDARD: Final = frozenset({"", "default", "standard", "standard_only", "on_demand"})
"""What providers call the tier that is charged with `Price.rates`."""
UNDECIDED: Final = frozenset({"", "auto"})
"""Asked for so, the provider chooses: a project's own default may be another tier."""


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


def rates_for(price: Price | Service, tokens: int) -> Rates:
    """The rates of the highest tier that an input of so many tokens has passed."""
    rates = price.rates
    for tier in price.tiers:
        if tokens <= tier.above:
            break
        rates = tier.rates
    return rates


def served(price: Price, service_tier: str) -> Price | Service:
    """The rates of a service tier: its own, or the standard ones where it has none."""
    for service in price.services:
        if service.name == service_tier:
            return service
    return price


def unpriced_tier(usage: Usage, price: Price) -> bool:
    """Whether a service tier was served that the price does not know: charged as standard."""
    tier = usage.service_tier
    return tier not in STANDARD and all(service.name != tier for service in price.services)


def applied(price: Price, service_tier: str) -> Price:
    """The price without the service tiers that did not serve: what a receipt has to keep."""
    if not price.services:
        return price
    kept = tuple(each for each in price.services if each.name == service_tier)
    return msgspec.structs.replace(price, services=kept)


def charge(usage: Usage, price: Price) -> int:
    """Nano-dollars of one attempt. Token counts must not be negative.

    A tier's rates hold for the whole attempt, not only for the tokens above its threshold.
    A service tier that the price does not know is charged as the standard one.
    """
    rates = price.rates
    if usage.service_tier or price.tiers:
        schedule = served(price, usage.service_tier) if usage.service_tier else price
        rates = rates_for(schedule, input_tokens(usage))
    pico = rates.request + usage.input * rates.input + usage.output * rates.output
    if usage.cached_read or usage.cache_write_5m or usage.cache_write_1h:
        pico += _cached(usage, rates)
    if usage.input_audio or usage.cached_audio or usage.output_audio:
        pico += _heard(usage, rates)
    if usage.reasoning and rates.reasoning is not None:
        pico += min(usage.reasoning, usage.output) * (rates.reasoning - rates.output)
    if usage.input_image or usage.input_video or usage.output_image:
        pico += _seen(usage, rates)
    if usage.searches:
        pico += usage.searches * rates.search
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


def _seen(usage: Usage, rates: Rates) -> int:
    """What images and video add. Those of the input are part of it, and no more than it."""
    image = min(usage.input_image, usage.input)
    video = min(usage.input_video, usage.input - image)
    return (
        image * (_or(rates.input_image, rates.input) - rates.input)
        + video * (_or(rates.input_video, rates.input) - rates.input)
        + usage.output_image * _or(rates.output_image, rates.output)
    )


class Step(msgspec.Struct, frozen=True):
    """The dearest rates in reach of an input of more than `above` tokens, in pico-dollars."""

    above: int
    input: int
    output: int
    request: int
    search: int


class Bound(msgspec.Struct, frozen=True):
    """What an attempt cannot exceed, made ready once for a price."""

    steps: tuple[Step, ...]
    """In ascending order of `above`, of which the first is -1; each is as dear as those before."""

    def nano(self, input_tokens: int, output_tokens: int, searches: int = 0) -> int:
        """Nano-dollars, rounded up, for at most so many tokens and searches of any kind."""
        reached = self.steps[0]
        if len(self.steps) > 1:
            for step in self.steps:
                if input_tokens <= step.above:
                    break
                reached = step
        pico = reached.request + input_tokens * reached.input + output_tokens * reached.output
        if searches:
            pico += searches * reached.search
        return -(-pico // PICO_PER_NANO)


def bound(price: Price, service_tier: str = "") -> Bound:
    """The bound of a price for calls that ask for a service tier.

    Where the provider chooses the tier (nothing asked for, or "auto"), the dearest of all. Where
    one is asked for, that one or the standard one, to which providers fall back; where the
    standard one is asked for, that alone.
    """
    schedules = tuple(_schedules(price, service_tier))
    above = sorted({tier.above for schedule in schedules for tier in schedule.tiers})
    reachable: list[Rates] = []
    steps: list[Step] = []
    for least in (-1, *above):
        reachable += (rates_for(schedule, least + 1) for schedule in schedules)
        steps.append(
            Step(
                above=least,
                input=max(map(_dearest_input, reachable)),
                output=max(map(_dearest_output, reachable)),
                request=max(each.request for each in reachable),
                search=max(each.search for each in reachable),
            )
        )
    return Bound(tuple(steps))


def _schedules(price: Price, service_tier: str) -> Iterator[Price | Service]:
    yield price
    if service_tier in UNDECIDED:
        yield from price.services
    elif service_tier not in STANDARD:
        yield served(price, service_tier)


def _dearest_input(rates: Rates) -> int:
    kinds = (
        rates.cached_read,
        rates.cache_write_5m,
        rates.cache_write_1h,
        rates.input_audio,
        rates.cached_audio,
        rates.input_image,
        rates.input_video,
    )
    return max(rates.input, *(rate for rate in kinds if rate is not None), 0)


def _dearest_output(rates: Rates) -> int:
    kinds = (rates.output_audio, rates.output_image, rates.reasoning)
    return max(rates.output, *(rate for rate in kinds if rate is not None), 0)


def ceiling(
    input_tokens_at_most: int,
    max_output_tokens: int,
    choices: int,
    price: Price,
    service_tier: str = "",
    searches: int = 0,
) -> int:
    """Nano-dollars that an attempt cannot exceed, rounded up.

    Bytes may stand for tokens: a token has at least one UTF-8 byte. Every token is priced as the
    dearest kind, at the dearest tier that so large an input can reach, in the dearest service
    tier that can serve it; see `bound`, which is made once where many calls have one price.
    """
    ready = bound(price, service_tier)
    return ready.nano(input_tokens_at_most, max_output_tokens * choices, searches)
