"""Requests in a wire's bytes to replies: reads them, lets the engine decide, writes them."""

import time
import zlib
from collections.abc import Callable

import msgspec

from portico.adapters.simulator import embeddings, replies
from portico.adapters.simulator.dialects import Dialect
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

    def chat(self, dialect: Dialect, body: bytes, path: str) -> Reply:
        """A chat completion, whole or streamed as the body asks; errors are replies too."""
        return _answered(dialect, lambda: self._chat(dialect, body, path))

    def embeddings(self, dialect: Dialect, body: bytes, path: str) -> Reply:
        return _answered(dialect, lambda: self._embeddings(dialect, body, path))

    def models(self, dialect: Dialect, body: bytes, path: str) -> Reply:
        """The list of models, with the members that the OpenAI and the Anthropic SDK read."""
        names = [name for name in MODELS if name != "script" or self.script is not None]
        data = [
            {
                "id": name,
                "object": "model",
                "created": 0,
                "owned_by": "portico",
                "type": "model",
                "display_name": f"Simulated: {name}",
                "created_at": "1970-01-01T00:00:00Z",
            }
            for name in names
        ]
        listed = {
            "object": "list",
            "data": data,
            "has_more": False,
            "first_id": names[0],
            "last_id": names[-1],
            "simulated": True,
        }
        return replies.whole(msgspec.json.encode(listed))

    def count_tokens(self, dialect: Dialect, body: bytes, path: str) -> Reply:
        """Anthropic's count of input tokens. Counting draws no number of a model's sequence."""
        return _answered(dialect, lambda: self._count(dialect, body, path))

    def _chat(self, dialect: Dialect, body: bytes, path: str) -> Reply:
        door = dialect.door
        request = dialect.read(body, path)
        seen, n = self._turn(request.model)
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
            return replies.stream(told, door.stream_writer(request), planned)
        written = door.write_answer(engine.whole(outcome, dialect.ids + name, request.model, now))
        return replies.whole(replies.marked(written), planned, outcome.usage.output)

    def _embeddings(self, dialect: Dialect, body: bytes, path: str) -> Reply:
        request = embeddings.read(body)
        seen, n = self._turn(request.model)
        planned = course(seen.settings, n)
        if planned.failure is not None:
            return _failed(dialect, planned.failure)
        return replies.whole(embeddings.write(request, seen.settings.base), planned)

    def _count(self, dialect: Dialect, body: bytes, path: str) -> Reply:
        request = dialect.read(_with_cap(body), path)
        parse(request.model)
        count = tokens(render(dialect.door.conversation(request)))
        return replies.whole(msgspec.json.encode({"input_tokens": count, "simulated": True}))

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


Operation = Callable[[Simulation, Dialect, bytes, str], Reply]
"""What a path does: a method of `Simulation`."""


def _answered(dialect: Dialect, make: Callable[[], Reply]) -> Reply:
    """The reply, or what a provider says of a request that it cannot serve."""
    try:
        return make()
    except PorticoError as error:
        return replies.failure(error.status, dialect.error(error.status, error.message))


def _failed(dialect: Dialect, failure: Failure) -> Reply:
    message = f"The simulator fails this request with {failure.status}, as its model id asks."
    body = dialect.error(failure.status, message)
    return replies.failure(failure.status, body, failure.retry_after_s)


def _with_cap(body: bytes) -> bytes:
    """A request to count carries no max_tokens, which the door of messages demands."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return body
    members.setdefault("max_tokens", msgspec.Raw(b"1"))
    return msgspec.json.encode(members)
