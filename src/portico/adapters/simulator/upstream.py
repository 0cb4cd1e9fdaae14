"""The simulator in process, behind the Upstream port: no socket, the same faults."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Literal

from portico.adapters.simulator import flow
from portico.adapters.simulator.dialects import OPENAI, Address, Dialect
from portico.adapters.simulator.replies import Reply
from portico.adapters.simulator.simulation import Operation, Simulation
from portico.contract.errors import InvalidRequest, UpstreamFailed
from portico.contract.ports import UpstreamReply, UpstreamRequest
from portico.contract.snapshot import Network
from portico.providers.simulator.connection import PROBE, SCHEME
from portico.providers.simulator.script import Script, load

Operations = Mapping[str, tuple[Operation, Dialect]]
"""What a provider serves, by the last part of its URL."""

OPERATIONS: Operations = {
    "openai_chat": (Simulation.chat, OPENAI),
    "openai_embeddings": (Simulation.embeddings, OPENAI),
    PROBE: (Simulation.models, OPENAI),
}


class _Fields(Mapping[str, str]):
    """Header fields, whose names are in lower case, found by any spelling."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class SimulatedReply:
    """A `portico.contract.ports.UpstreamReply`."""

    address = "simulator"
    private = False

    def __init__(self, reply: Reply, network: Network) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = _Fields(reply.headers)
        self.connection: Literal["new", "reused", "retried"] = "reused"
        self._reply = reply
        self._network = network
        self._stage = "first_byte"
        self._closed = False
        self._done = False
        self._wake: asyncio.Event | None = None

    async def lead(self) -> None:
        """Waits for the head. Raises UpstreamFailed when that takes longer than allowed."""
        await flow.lead(self._reply, self._pause)

    async def chunks(self) -> AsyncIterator[bytes]:
        self._stage = "between_chunks"
        left = self._network.max_response_bytes
        try:
            self._check_open()
            async for piece in flow.body(self._reply, self._pause):
                left -= len(piece)
                if left < 0:
                    raise _failed("body", "too_large", "grew over its bound")
                yield piece
                if self._closed:
                    return
            self._done = True
        except flow.Broken:
            raise _failed("body", "cut", "broke the connection as its model id asks") from None

    async def read(self) -> bytes:
        reply = self._reply
        if reply.length is None or reply.course.breaks:
            return b"".join([piece async for piece in self.chunks()])
        self._check_open()
        if reply.length > self._network.max_response_bytes:
            raise _failed("body", "too_large", "grew over its bound")
        self._done = True
        # A whole body that nothing breaks needs no loop: most calls of a load test end here.
        return b"".join([piece for piece, _ in reply.pieces])

    async def close(self) -> None:
        self._closed = not self._done
        if self._wake is not None:
            self._wake.set()

    def _check_open(self) -> None:
        if self._closed:
            raise _failed("body", "cut", "was closed before its end")

    async def _pause(self, seconds: float) -> None:
        network = self._network
        limit = network.first_byte_s if self._stage == "first_byte" else network.between_chunks_s
        self._wake = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, limit)):
                await self._wake.wait()
        if self._closed:
            raise _failed("body", "cut", "was closed before its end")
        if seconds > limit:
            raise _failed(self._stage, "timeout", f"sent nothing for {limit:g} s")


class SimulatedUpstream:
    """A `portico.contract.ports.Upstream` for providers of kind simulator.

    `scripts` maps names of providers to the text of their script. Raises InvalidRequest for a
    script that cannot be used.
    """

    def __init__(self, scripts: Mapping[str, str], operations: Operations = OPERATIONS) -> None:
        self._operations = operations
        self._closed = False
        self._simulations: dict[str, Simulation] = {}
        self._scripts: Mapping[str, Script] = {}
        self.replace(scripts)

    def replace(self, scripts: Mapping[str, str]) -> None:
        """Puts other scripts in place for the calls that follow; counts of requests go on.

        Raises InvalidRequest, naming the provider, and changes nothing then.
        """
        loaded = {name: _load(name, text) for name, text in scripts.items() if text}
        self._scripts = loaded
        for name, simulation in self._simulations.items():
            simulation.script = loaded.get(name)

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        if self._closed:
            raise _failed("connect", "closed", "is closed")
        provider, _, name = request.url.removeprefix(SCHEME).partition("/")
        row = self._operations.get(name)
        if row is None or not request.url.startswith(SCHEME):
            raise _failed("address", "url", "has no such address")
        operation, dialect = row
        simulation = self._simulation(provider)
        answered = operation(simulation, dialect, request.body, Address())
        reply = SimulatedReply(answered, request.network)
        await reply.lead()
        return reply

    async def close(self) -> None:
        """Sends nothing from now on. There is no connection to end."""
        self._closed = True

    def _simulation(self, provider: str) -> Simulation:
        simulation = self._simulations.get(provider)
        if simulation is None:
            simulation = Simulation(self._scripts.get(provider))
            # Bounded by the providers that the project names: no caller chooses this name.
            self._simulations[provider] = simulation
        return simulation


def _load(provider: str, text: str) -> Script:
    try:
        return load(text)
    except InvalidRequest as error:
        raise InvalidRequest(f"Provider '{provider}': {error.message}", field="script") from None


def _failed(stage: str, kind: str, what: str) -> UpstreamFailed:
    return UpstreamFailed(
        f"The simulated provider {what}; try again or take another model.",
        detail={"stage": stage, "kind": kind},
    )
