"""What is served: a snapshot compiled once, immutable, swapped in one assignment.

A call reads one `Live` from start to end. Compiling resolves every name a call may use to its
workload, model, price and connection, so that serving looks things up and decides nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from portico.contract.errors import InternalFault, InvalidRequest, PolicyDenied
from portico.contract.ports import Connection
from portico.contract.snapshot import Key, Model, Provider, Snapshot, Workload
from portico.operations.catalogue import Assignment, Catalogue, assign, build
from portico.providers.anthropic.connection import connect as connect_anthropic
from portico.providers.bedrock.connection import connect as connect_bedrock
from portico.providers.gemini.connection import connect as connect_gemini
from portico.providers.openai.connection import connect as connect_openai
from portico.providers.simulator.connection import connect as connect_simulator

DEFAULT_CAP: Final = 4096
"""Output tokens, for calls and workloads that set none."""

CONNECT: Final[Mapping[str, Callable[[Provider, str], Connection]]] = {
    "openai": connect_openai,
    "anthropic": connect_anthropic,
    "bedrock": connect_bedrock,
    "gemini": connect_gemini,
    "simulator": connect_simulator,
}


Tags = tuple[tuple[str, str], ...]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name leads."""

    workload: Workload
    model: Model
    provider: Provider
    connection: Connection
    raw: bool

    @property
    def cap(self) -> int:
        return self.workload.max_output_tokens or DEFAULT_CAP


class Live(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: Snapshot
    catalogue: Catalogue
    connections: Mapping[str, Connection]
    routes: Mapping[str, Route]
    keys: Mapping[str, Key]
    pepper: bytes

    def route(self, name: str) -> Route:
        """Raises UnknownModel with the nearest names."""
        found = self.routes.get(name)
        return found if found is not None else self.lead(assign(self.catalogue, name))

    def lead(self, assignment: Assignment) -> Route:
        """The assignment with its connection. Raises PolicyDenied where there is none."""
        connection = self.connections.get(assignment.provider.name)
        if connection is None:
            raise PolicyDenied(
                f"Provider '{assignment.provider.name}' is of kind '{assignment.provider.kind}', "
                "which this version does not serve."
            )
        return Route(
            workload=assignment.workload,
            model=assignment.model,
            provider=assignment.provider,
            connection=connection,
            raw=assignment.raw,
        )


def compile_live(
    snapshot: Snapshot, providers: Iterable[Provider], keys: Mapping[str, Key], pepper: bytes
) -> Live:
    """`providers` are the snapshot's own with their references resolved.

    Raises InvalidRequest naming what does not compile; then the old `Live` stays.
    """
    resolved = {provider.name: provider for provider in providers if provider.kind in CONNECT}
    connections = {name: _connect(provider) for name, provider in resolved.items()}
    live = Live(
        snapshot=snapshot,
        catalogue=build(snapshot),
        connections=connections,
        routes={},
        keys=keys,
        pepper=pepper,
    )
    made: dict[Provider, Connection] = {}
    routes = {
        name: _own(live.lead(assignment), resolved[assignment.provider.name], made)
        for name, assignment in live.catalogue.assignments.items()
        if assignment.provider.name in connections
    }
    return msgspec.structs.replace(live, routes=routes)


def _own(route: Route, provider: Provider, made: dict[Provider, Connection]) -> Route:
    """The route over a connection of its own, where its workload or model asks for another role,
    other session tags or another service tier than its provider."""
    workload = route.workload
    wanted = msgspec.structs.replace(
        provider,
        assume_role=workload.assume_role or provider.assume_role,
        session_tags=_merged(provider.session_tags, workload.session_tags),
        service_tier=route.model.service_tier or provider.service_tier,
    )
    if wanted == provider:
        return route
    if wanted not in made:
        made[wanted] = _connect(wanted)
    return msgspec.structs.replace(route, connection=made[wanted])


def _merged(under: Tags, over: Tags) -> Tags:
    return tuple(sorted({**dict(under), **dict(over)}.items())) if over else under


def _connect(provider: Provider) -> Connection:
    try:
        return CONNECT[provider.kind](provider, provider.api_key)
    except ValueError as error:
        raise InvalidRequest(f"Provider '{provider.name}' cannot be connected: {error}.") from error


def with_keys(live: Live, keys: Mapping[str, Key]) -> Live:
    return msgspec.structs.replace(live, keys=keys)


class Slot:
    """Holds what is live. Swapping is one assignment; a call keeps the one it began with."""

    __slots__ = ("_live",)

    def __init__(self) -> None:
        self._live: Live | None = None

    @property
    def live(self) -> Live:
        if self._live is None:
            raise InternalFault("Nothing is live yet.")
        return self._live

    def swap(self, live: Live) -> None:
        self._live = live
