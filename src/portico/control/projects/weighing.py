"""What answers of a model take in energy, resolved once at load."""

import msgspec

from portico.contract.energy import EnergyCoefficients
from portico.contract.snapshot import Model, Provider
from portico.sustainability import sizes
from portico.sustainability.accelerators import draw
from portico.sustainability.centres import ELSEWHERE, centre
from portico.sustainability.energy import coefficients
from portico.sustainability.grid import grid

HOSTED = frozenset({"anthropic", "bedrock", "gemini", "openai"})


def weighed(model: Model, provider: Provider, own: bool) -> Model:
    """The model with its coefficients, where its size is known or there is a range for it.

    `own`: the provider serves its own models itself, and not somebody else at another address.
    """
    size = _size(model, provider)
    return (
        model
        if size is None
        else msgspec.structs.replace(model, energy=_of(size, model, provider, own))
    )


def _size(model: Model, provider: Provider) -> sizes.Size | None:
    if model.size is not None:
        return sizes.written(model.size, model.active_size)
    if provider.kind == "simulator":
        return None
    return sizes.known(provider.kind, model.stands_for or model.id)


def _of(size: sizes.Size, model: Model, provider: Provider, own: bool) -> EnergyCoefficients:
    site = centre(_whose(provider, own))
    return coefficients(
        size, draw(size), site.pue, grid(model.region or provider.region, site.zone)
    )


def _whose(provider: Provider, own: bool) -> str:
    if provider.api_version:
        return "azure"
    return provider.kind if own and provider.kind in HOSTED else ELSEWHERE
