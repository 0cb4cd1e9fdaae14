"""Requests in a wire's bytes to replies: reads them, lets the engine decide, writes them."""

import time
import zlib
from collections.abc import Callable

import msgspec

from portico.adapters.simulator import counting, embeddings, listings, replies
from portico.adapters.simulator.counting import Counting
from portico.adapters.simulator.dialects import Address, Dialect
from portico.adapters.simulator.embeddings import Shape
from portico.adapters.simulator.failures import Fault
from portico.adapters.simulator.listings import Listing
from portico.adapters.simulator.replies import Reply
from portico.contract.errors import PorticoError
from portico.providers.simulator import engine
from portico.providers.simulator.faults import Failure, course
from portico.providers.simulator.script import Script
from portico.providers.simulator.settings import MODELS, Settings, parse
from portico.providers.simulator.transcript import render, tokens

MAX_IDS = 10_000
"""Model ids whose requests are counted; beyond, the one seen first starts at 0 again."""


class _Seen(msgspec.Struct):
    """A model id that was asked for before."""

    settings: Settings
    tag: str
    next: int = 0


class Simulation:
    """One simulated provider: its script, and how many requests each model id has had."""

    def __init__(self, script: Script | None) -> None:
        self.script = script
        self._seen: dict[str, _Seen] = {}

    def chat(self, dialect: Dialect, body: bytes, address: Address) -> Reply:
        """A chat completion, whole or streamed as it is asked; errors are replies too."""
        return _answered(dialect, lambda: self._chat(dialect, body, address))

    def embeddings(
        self, dialect: Dialect, body: bytes, address: Address, shape: Shape = embeddings.OPENAI
    ) -> Reply:
        return _answered(dialect, lambda: self._embeddings(dialect, body, address, shape))

    def models(
        self, dialect: Dialect, body: bytes, address: Address, listing: Listing = listings.openai
    ) -> Reply:
        names = [name for name in MODELS if name != "script" or self.script is not None]
        return replies.whole(replies.marked(msgspec.json.encode(listing(names))))

    def count_tokens(
        self,
        dialect: Dialect,
        body: bytes,
        address: Address,
        wanted: Counting = counting.ANTHROPIC,
    ) -> Reply:
        """The count of input tokens. Counting draws no number of a model's sequence."""
        return _answered(dialect, lambda: self._count(dialect, body, address, wanted))

    def _chat(self, dialect: Dialect, body: bytes, address: Address) -> Reply:
        door = dialect.door
        request = dialect.read(body, address)
        seen, n = self._turn(dialect.model(request.model))
        planned = course(seen.settings, n)
        if planned.failure is not None:
            return _failed(dialect, planned.failure)
        name = f"{seen.tag}-{n:x}"
        outcome = engine.answer(
            door.conversation(request), seen.settings.base, self.script, dialect.call_ids + name
        )
        now = int(time.time())
        if request.stream:
            told = engine.events(outcome, dialect.ids + name, request.model, now)
            breach = dialect.breach(planned.broken_by) if planned.broken_by else b""
            writer = door.stream_writer(request)
            return replies.stream(told, writer, dialect.framing, planned, breach)
        written = door.write_answer(engine.whole(outcome, dialect.ids + name, request.model, now))
        return replies.whole(replies.marked(written), planned, outcome.usage.output)

    def _embeddings(self, dialect: Dialect, body: bytes, address: Address, shape: Shape) -> Reply:
        asked = shape.read(body)
        seen, n = self._turn(dialect.model(address.model or asked.model))
        planned = course(seen.settings, n)
        if planned.failure is not None:
            return _failed(dialect, planned.failure)
        written = shape.write(embeddings.answer(asked, seen.settings.base))
        return replies.whole(replies.marked(written), planned)

    def _count(self, dialect: Dialect, body: bytes, address: Address, wanted: Counting) -> Reply:
        request = dialect.read(wanted.chat(body), address)
        parse(dialect.model(request.model))
        count = tokens(render(dialect.door.conversation(request)))
        return replies.whole(msgspec.json.encode({wanted.member: count, "simulated": True}))

    def _turn(self, model_id: str) -> tuple[_Seen, int]:
        """What is known of a model id, and the number of this request of it."""
        seen = self._seen.get(model_id)
        if seen is None:
            tag = f"{zlib.crc32(model_id.encode('utf-8', 'surrogatepass')):08x}"
            seen = _Seen(parse(model_id), tag)
            if len(self._seen) >= MAX_IDS:
                del self._seen[next(iter(self._seen))]
            self._seen[model_id] = seen
        n = seen.next
        seen.next = n + 1
        return seen, n


Operation = Callable[[Simulation, Dialect, bytes, Address], Reply]
"""What a path does: a method of `Simulation`."""


def refused(dialect: Dialect, fault: Fault) -> Reply:
    """A fault as the provider puts it."""
    said = dialect.say(fault)
    headers = dict(said.headers)
    if fault.retry_after_s is not None:
        headers["retry-after"] = f"{fault.retry_after_s:g}"
    return replies.failure(fault.status, said.body, headers)


def _answered(dialect: Dialect, make: Callable[[], Reply]) -> Reply:
    """The reply, or what a provider says of a request that it cannot serve."""
    try:
        return make()
    except PorticoError as error:
        return refused(dialect, Fault(status=error.status, message=error.message))


def _failed(dialect: Dialect, failure: Failure) -> Reply:
    message = f"The simulator fails this request with {failure.status}, as its model id asks."
    fault = Fault(status=failure.status, message=message, retry_after_s=failure.retry_after_s)
    return refused(dialect, fault)
