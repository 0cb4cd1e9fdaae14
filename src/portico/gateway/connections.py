"""How providers are reached: a connection each, and variants where a workload, a model or an
older release asks for something else of its provider."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from portico.contract.errors import InvalidRequest
from portico.contract.ports import Connection
from portico.contract.snapshot import Model, Network, Provider, Workload
from portico.providers.anthropic.connection import connect as connect_anthropic
from portico.providers.bedrock.connection import connect as connect_bedrock
from portico.providers.gemini.connection import connect as connect_gemini
from portico.providers.openai.connection import connect as connect_openai
from portico.providers.simulator.connection import connect as connect_simulator

CONNECT: Final[Mapping[str, Callable[[Provider, str], Connection]]] = {
    "openai": connect_openai,
    "anthropic": connect_anthropic,
    "bedrock": connect_bedrock,
    "gemini": connect_gemini,
    "simulator": connect_simulator,
}
PLACE: Final = ("kind", "base_url", "region", "api_version", "script")
"""What a release remembers of its providers; all else is the provider's as it is today."""

Tags = tuple[tuple[str, str], ...]


class Connections:
    """Of the providers as they are today, their references resolved.

    Raises InvalidRequest naming a provider that cannot be connected. Variants are made when they
    are first asked for; there are as many as the configuration has, no caller adds any.
    """

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = {(provider.project, provider.name): provider for provider in providers}
        self._made = {provider: _connect(provider) for provider in self._providers.values()}

    def to(self, provider: Provider, workload: Workload, model: Model) -> Connection:
        """Raises InvalidRequest where the project has no such provider any more."""
        own = self._providers.get((provider.project, provider.name))
        if own is None or own.kind != provider.kind:
            raise InvalidRequest(
                f"The provider '{provider.name}' of kind {provider.kind} is not in the project "
                f"'{provider.project}' any more; name it again in portico.yaml."
            )
        wanted = msgspec.structs.replace(
            own,
            **{name: getattr(provider, name) for name in PLACE},
            network=_network(own, provider),
            assume_role=workload.assume_role or own.assume_role,
            session_tags=_merged(own.session_tags, workload.session_tags),
            service_tier=model.service_tier or own.service_tier,
        )
        made = self._made.get(wanted)
        if made is None:
            made = self._made[wanted] = _connect(wanted)
        return made


def _network(own: Provider, remembered: Provider) -> Network:
    """Whether an address may be private was decided for the address that is remembered."""
    private = remembered.network.allow_private
    return msgspec.structs.replace(own.network, allow_private=private)


def _merged(under: Tags, over: Tags) -> Tags:
    return tuple(sorted({**dict(under), **dict(over)}.items())) if over else under


def _connect(provider: Provider) -> Connection:
    try:
        return CONNECT[provider.kind](provider, provider.api_key)
    except ValueError as error:
        raise InvalidRequest(f"Provider '{provider.name}' cannot be connected: {error}.") from error
