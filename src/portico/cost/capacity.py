"""Provisioned capacity, which is paid by the hour, spread over what used it.

Law of the file: nothing is lost and nothing is made. What an amount is spread into sums to the
amount exactly, in whole nano-dollars.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from portico.contract.ledger import Capacity

HOUR_NS: Final = 3_600 * 10**9

Window = tuple[int, int]
"""Nanoseconds since the epoch: the start, and the end that is not in it any more."""


def paid(terms: Iterable[Capacity], window: Window) -> int:
    """Nano-dollars of the hours of these terms that lie in the window, rounded once."""
    return _rounded(sum(_hours(term, window) for term in terms))


def paid_by(terms: Sequence[Capacity], windows: Sequence[Window]) -> tuple[int, ...]:
    """What was paid in each of several windows that do not overlap: parts of one amount, the
    sum over all of them rounded once."""
    weights = [sum(_hours(term, window) for term in terms) for window in windows]
    return apportion(_rounded(sum(weights)), weights) if any(weights) else (0,) * len(windows)


def apportion(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """The amount in parts as the weights are, which sum to it exactly.

    By the method of the largest remainder (Hamilton): each part is its exact share rounded down,
    and what is left goes by one to those that lost most, the earlier first. No part is one
    or more away from its share, and who weighs nothing gets nothing.

    Raises ValueError where nothing weighs anything, or a weight or the amount is below zero.
    """
    whole = sum(weights)
    if whole <= 0 or amount < 0 or min(weights) < 0:
        raise ValueError("an amount is spread over weights of zero and more, not all zero")
    shares = [divmod(amount * weight, whole) for weight in weights]
    parts = [down for down, _ in shares]
    order = sorted(range(len(shares)), key=lambda place: -shares[place][1])
    for place in order[: amount - sum(parts)]:
        parts[place] += 1
    return tuple(parts)


def part(amount: int, weight: int, whole: int) -> int:
    """One share of an amount, rounded to the nearest: for groups that overlap, whose parts sum
    to nothing in particular."""
    return (2 * amount * weight + whole) // (2 * whole)


def _hours(term: Capacity, window: Window) -> int:
    """Nano-dollars an hour times nanoseconds."""
    start, end = window
    until = min(end, term.until_ns or end)
    return term.nano_per_hour * max(0, until - max(start, term.since_ns))


def _rounded(weight: int) -> int:
    return (2 * weight + HOUR_NS) // (2 * HOUR_NS)
