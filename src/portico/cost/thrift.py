"""Which of several models costs less."""

from collections.abc import Iterable

from portico.contract.snapshot import Model


def weight(model: Model) -> int | None:
    """Pico-dollars of a token in and a token out, at the standard rates. None: no price."""
    return None if model.price is None else model.price.rates.input + model.price.rates.output


def cheapest(models: Iterable[Model]) -> Model | None:
    """The first of those that cost least. None: none has a price."""
    priced = [(cost, model) for model in models if (cost := weight(model)) is not None]
    return min(priced, key=lambda each: each[0])[1] if priced else None


def cheaper(one: Model, other: Model) -> bool:
    """Both have a price, and `one` costs less."""
    ours, theirs = weight(one), weight(other)
    return ours is not None and theirs is not None and ours < theirs
