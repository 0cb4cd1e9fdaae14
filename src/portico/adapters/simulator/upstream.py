"""The simulator in process, behind the Upstream port: no socket, the same faults."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
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

_OPERATIONS: Mapping[str, tuple[Operation, Dialect]] = {
    "openai_chat": (Simulation.chat, OPENAI),
    "openai_embeddings": (Simulation.embeddings, OPENAI),
    PROBE: (Simulation.models, OPENAI),
}


class SimulatedReply:
    """A `portico.contract.ports.UpstreamReply`."""

    address = "simulator"
    private = False

    def __init__(self, reply: Reply, network: Network) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self.connection: Literal["new", "reused", "retried"] = "reused"
        self._reply = reply
        self._network = network
        self._stage = "first_byte"
        self._closed = False
        self._wake: asyncio.Event | None = None

    async def lead(self) -> None:
        """Waits for the head. Raises UpstreamFailed when that takes longer than allowed."""
        await flow.lead(self._reply, self._pause)

    async def chunks(self) -> AsyncIterator[bytes]:
        self._stage = "between_chunks"
        left = self._network.max_response_bytes
        try:
            async for piece in flow.body(self._reply, self._pause):
                left -= len(piece)
                if left < 0:
                    raise _failed("body", "grew over its bound")
                yield piece
                if self._closed:
                    return
        except flow.Broken:
            raise _failed("between_chunks", "broke the connection as its model id asks") from None

    async def read(self) -> bytes:
        reply = self._reply
        if reply.length is None or reply.course.breaks:
            return b"".join([piece async for piece in self.chunks()])
        if reply.length > self._network.max_response_bytes:
            raise _failed("body", "grew over its bound")
        # A whole body that nothing breaks needs no loop: most calls of a load test end here.
        return b"".join([piece for piece, _ in reply.pieces])

    async def close(self) -> None:
        self._closed = True
        if self._wake is not None:
            self._wake.set()

    async def _pause(self, seconds: float) -> None:
        network = self._network
        limit = network.first_byte_s if self._stage == "first_byte" else network.between_chunks_s
        self._wake = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, limit)):
                await self._wake.wait()
        if self._closed:
            raise _failed(self._stage, "was closed")
        if seconds > limit:
            raise _failed(self._stage, f"sent nothing for {limit:g} s")


class SimulatedUpstream:
    """A `portico.contract.ports.Upstream` for providers of kind simulator.

    `scripts` maps names of providers to the text of their script. Raises InvalidRequest for a
    script that cannot be used.
    """

    def __init__(self, scripts: Mapping[str, str]) -> None:
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
        provider, _, name = request.url.removeprefix(SCHEME).partition("/")
        row = _OPERATIONS.get(name)
        if row is None or not request.url.startswith(SCHEME):
            raise _failed("address", "has no such address")
        operation, dialect = row
        simulation = self._simulation(provider)
        answered = operation(simulation, dialect, request.body, Address())
        reply = SimulatedReply(answered, request.network)
        await reply.lead()
        return reply

    async def close(self) -> None:
        """There is nothing to close."""

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


def _failed(stage: str, what: str) -> UpstreamFailed:
    return UpstreamFailed(
        f"The simulated provider {what}; try again or take another model.",
        detail={"stage": stage},
    )
