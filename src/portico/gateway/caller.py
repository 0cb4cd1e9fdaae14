"""Calls that Portico makes itself: through the pipeline, as if they had come through a door."""

import asyncio

from portico.contract.own import OwnAnswer, OwnCall
from portico.gateway.app import Gate
from portico.gateway.arrival import Arrival, Message
from portico.gateway.io import Io
from portico.gateway.lifeline import Lifeline
from portico.gateway.live import Slot
from portico.gateway.pipeline import serve
from portico.gateway.wires import DOORS


class GatewayCaller:
    """Satisfies `contract.own.Caller`. A call runs in the task of who asks for it."""

    def __init__(self, slot: Slot, io: Io, gate: Gate) -> None:
        self._slot = slot
        self._io = io
        self._gate = gate

    async def call(self, call: OwnCall, release: str) -> OwnAnswer:
        task = asyncio.current_task()
        assert task is not None
        lifeline = Lifeline(task, asyncio.get_running_loop())
        answer = Collected(call.body)
        headers = [(b"x-portico-options", call.options)] if call.options else []
        arrival = Arrival({"headers": headers}, answer.receive, answer.send, lifeline)
        self._gate.lifelines.add(lifeline)
        try:
            own = (call, release)
            receipt = await serve(arrival, DOORS[call.door], self._slot.live, self._io, own)
        finally:
            self._gate.leave(lifeline)
        return OwnAnswer(status=answer.status, body=b"".join(answer.parts), receipt=receipt)


class Collected:
    """The two ends of an ASGI exchange, in memory."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.status = 0
        self.parts: list[bytes] = []

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.parts.append(message["body"])
