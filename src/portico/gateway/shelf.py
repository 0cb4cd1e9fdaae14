"""Releases that can be served, each compiled when it is first needed."""

from typing import Final

import msgspec

from portico.contract.errors import InvalidRequest
from portico.contract.money import Price
from portico.contract.ports import Connection
from portico.contract.prompt import Dressing, PromptVersion
from portico.contract.snapshot import Model, Provider, Release, Workload
from portico.contract.wires import Door, Dresser
from portico.cost.charge import Bound, applied, bound
from portico.gateway.connections import Connections

DEFAULT_CAP: Final = 4096
"""Output tokens, for calls and workloads that set none."""


class Serving:
    """A release's prompt, compiled."""

    __slots__ = ("_dressers", "_dressing", "prompt", "template")

    def __init__(self, prompt: PromptVersion, nonce: str) -> None:
        # Jinja takes a while to import: a project without prompts needs it neither now nor later
        from portico.operations.prompts.faults import BrokenPrompt
        from portico.operations.prompts.template import compile_prompt

        self.prompt = prompt
        try:
            self.template = compile_prompt(prompt, nonce)
        except BrokenPrompt as broken:
            raise InvalidRequest(str(broken)) from broken
        # the output cap is the release's: it is not set a second time
        sampling = msgspec.structs.replace(prompt.parameters.sampling, max_output_tokens=None)
        self._dressing = Dressing(
            parameters=msgspec.structs.replace(prompt.parameters, sampling=sampling),
            tools=prompt.tools,
            output=prompt.output,
        )
        self._dressers: dict[str, Dresser] = {}

    def dresser(self, door: Door) -> Dresser:
        """Raises InvalidRequest for what the door's wire cannot say."""
        made = self._dressers.get(door.name)
        if made is None:
            made = self._dressers[door.name] = door.dresser(self._dressing)
        return made


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name leads."""

    workload: Workload
    model: Model
    provider: Provider
    connection: Connection
    raw: bool = False
    release: str = ""
    """The release in force; for a call that names a model, the hash of what shapes its answer."""
    cap: int = DEFAULT_CAP
    """Output tokens, for calls that set none."""
    own_cap: bool = False
    """The cap is the workload's or its prompt's, not the default."""
    named: bool = False
    """The workload itself was named, so its release serves."""
    bound: Bound | None = None
    """What an attempt of the model can cost at most. None: it has no price."""
    standard: Price | None = None
    """The model's price without its service tiers: what nearly all receipts keep."""
    serving: Serving | None = None
    """What its release adds to a call. None: nothing, the application sends its own prompt."""


def most(model: Model, provider: Provider) -> Bound | None:
    """What an attempt of the model can cost. Where a provider serves only the tier that was asked
    for, the others do not count."""
    if model.price is None:
        return None
    exact = provider.kind == "bedrock"
    return bound(model.price, (model.service_tier or "default") if exact else "")


def standard(model: Model) -> Price | None:
    return None if model.price is None else applied(model.price, "")


class Shelved:
    """A release at hand. Its route is made on demand: most releases are never asked for again."""

    __slots__ = ("_connections", "_nonce", "_route", "_workload", "release")

    def __init__(
        self, release: Release, workload: Workload, connections: Connections, nonce: str
    ) -> None:
        self.release = release
        self._workload = workload
        self._connections = connections
        self._nonce = nonce
        self._route: Route | None = None

    def route(self, known: "Shelved | None" = None) -> Route:
        """`known` is the same release compiled before. Raises InvalidRequest where a prompt does
        not compile or a provider is gone."""
        if self._route is None:
            before = known._route if known is not None else None
            self._route = self._made(before.serving if before is not None else None)
        return self._route

    def _made(self, serving: Serving | None) -> Route:
        release, workload = self.release, self._workload
        model = release.ladder[0][0]
        provider = next(each for each in release.providers if each.name == model.provider)
        if serving is None and release.prompt is not None:
            serving = Serving(release.prompt, self._nonce)
        cap = release.max_output_tokens
        return Route(
            workload=workload,
            model=model,
            provider=provider,
            connection=self._connections.to(provider, workload, model),
            release=release.id,
            cap=cap or DEFAULT_CAP,
            own_cap=cap is not None,
            named=True,
            bound=most(model, provider),
            standard=standard(model),
            serving=serving,
        )
