"""What is served: a snapshot compiled once, immutable, swapped in one assignment.

A call reads one `Live` from start to end. Compiling resolves every name a call may use to its
workload, release, model, price and connection, so that serving looks things up and decides
nothing.
"""

from collections.abc import Iterable, Mapping

import msgspec

from portico.contract.errors import InternalFault, InvalidRequest
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Key, Provider, Snapshot
from portico.cost.thrift import cheaper, cheapest
from portico.gateway.connections import Connections
from portico.gateway.shelf import DEFAULT_CAP, Route, Shelved, most, standard
from portico.methods.hashing import keyed_hash
from portico.operations import releases
from portico.operations.assignment import Standing
from portico.operations.catalogue import Assignment, Catalogue, assign, build
from portico.providers.simulator.connection import place

Shelves = Mapping[str, Mapping[str, Shelved]]
"""Releases by workload and id."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: Snapshot
    catalogue: Catalogue
    connections: Connections
    routes: Mapping[str, Route]
    """By workload: the way under its live release."""
    ways: dict[str, Route]
    """To models, filled as calls name them: there are many, and few are ever named."""
    standings: Mapping[str, Standing]
    """By workload."""
    shelves: Shelves
    adopted: Mapping[str, PromptVersion]
    """By the fingerprint that applications still send."""
    keys: Mapping[str, Key]
    pepper: bytes

    def route(self, name: str) -> Route:
        """Raises UnknownModel with the nearest names."""
        found = self.routes.get(name) or self.ways.get(name)
        if found is None:
            found = _to_model(assign(self.catalogue, name), self.connections)
            if name in self.catalogue.assignments:  # not one that a caller makes up: `echo?seed=1`
                self.ways[name] = found
        return found

    def served_by(self, workload: str, release: str) -> Route:
        """The way under another of a workload's releases. Raises InvalidRequest where that
        release cannot be served."""
        shelved = self.shelves.get(workload, {}).get(release)
        if shelved is None:
            raise InvalidRequest(
                f"The workload '{workload}' has no release '{release[:100]}' that can be served "
                f"now; GET /admin/v1/workloads/{workload}/releases lists what it has had.",
                field="portico.release",
            )
        return shelved.route()

    def smaller(self, route: Route) -> Route | None:
        """The way to the cheapest model of the workload's ladder. None: it is the route's own, or
        prices are not known."""
        workload = route.workload
        own = self.shelves.get(workload.name, {}).get(route.release)
        if own is not None:
            models = [model for rung in own.release.ladder for model in rung]
            providers = own.release.providers
        else:
            named = {model.name: model for model in self.snapshot.models}
            models = [named[name] for rung in workload.ladder for name in rung if name in named]
            providers = self.snapshot.providers
        model = cheapest(models)
        if model is None or route.model.price is None or not cheaper(model, route.model):
            return None
        provider = next(each for each in providers if each.name == model.provider)
        release = route.release if own is not None else ""
        return msgspec.structs.replace(
            route,
            model=model,
            provider=provider,
            connection=self.connections.to(provider, workload, model),
            release=release or releases.of_model(workload, model, provider),
            bound=most(model, provider),
            standard=standard(model),
        )

    def scripts(self) -> dict[str, str]:
        """The simulator's scripts by the place that its connections name, old releases' too."""
        released = (each for release in self.snapshot.releases for each in release.providers)
        return {
            place(provider): provider.script
            for provider in (*self.snapshot.providers, *released)
            if provider.script
        }


def compile_live(
    snapshot: Snapshot,
    providers: Iterable[Provider],
    keys: Mapping[str, Key],
    pepper: bytes,
    before: Live | None = None,
) -> Live:
    """`providers` are the snapshot's own with their references resolved. What is compiled in
    `before` and has not changed is taken from there.

    Raises InvalidRequest naming what does not compile; then the old `Live` stays.
    """
    snapshot = releases.completed(snapshot)
    connections = Connections(providers)
    catalogue = build(snapshot)
    shelves = _shelves(snapshot, connections, keyed_hash(pepper, "turn marks").hex())
    routes = {}
    standings = {}
    for workload in snapshot.workloads:
        name, shelf = workload.name, shelves.get(workload.name, {})
        if workload.release not in shelf:
            continue
        old = before.shelves.get(name, {}) if before is not None else {}
        routes[name] = shelf[workload.release].route(old.get(workload.release))
        if workload.candidate:
            shelf[workload.candidate].route(old.get(workload.candidate))
        standings[name] = Standing(name, workload.release, workload.candidate, workload.share)
    return Live(
        snapshot=snapshot,
        catalogue=catalogue,
        connections=connections,
        routes=routes,
        ways={},
        standings=standings,
        shelves=shelves,
        adopted={prompt.observed: prompt for prompt in snapshot.adopted},
        keys=keys,
        pepper=pepper,
    )


def _shelves(snapshot: Snapshot, connections: Connections, nonce: str) -> Shelves:
    workloads = {workload.name: workload for workload in snapshot.workloads}
    shelves: dict[str, dict[str, Shelved]] = {}
    for release in snapshot.releases:
        workload = workloads.get(release.workload)
        if workload is not None:
            shelf = shelves.setdefault(workload.name, {})
            shelf[release.id] = Shelved(release, workload, connections, nonce)
    return shelves


def _to_model(assignment: Assignment, connections: Connections) -> Route:
    """The way to a model that a call names itself: the workload's policy without its prompt."""
    workload, model, provider = assignment.workload, assignment.model, assignment.provider
    cap = workload.max_output_tokens
    return Route(
        workload=workload,
        model=model,
        provider=provider,
        connection=connections.to(provider, workload, model),
        raw=assignment.raw,
        release=releases.of_model(workload, model, provider),
        cap=cap or DEFAULT_CAP,
        own_cap=cap is not None,
        bound=most(model, provider),
        standard=standard(model),
    )


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
