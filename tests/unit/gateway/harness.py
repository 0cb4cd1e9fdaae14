"""A gateway in memory: real wires, real pipeline, scripted upstreams, no sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portico.adapters.budgets.local import LocalBudgets
from portico.adapters.clock import SystemClock
from portico.adapters.memory.credentials import MemoryCredentials
from portico.adapters.memory.journal import MemoryJournal
from portico.adapters.memory.ledger import MemoryLedger
from portico.adapters.memory.notes import MemoryNotes
from portico.adapters.memory.store import MemoryStore
from portico.adapters.memory.upstream import MemoryUpstream, Scripted
from portico.contract.money import Price, Rates
from portico.contract.ports import Journal, Upstream
from portico.contract.receipt import Receipt
from portico.contract.snapshot import Bounds, Key, Model, Provider, Snapshot, Workload
from portico.gateway.app import App, Asgi, Gate
from portico.gateway.arrival import Message, Scope
from portico.gateway.caller import GatewayCaller
from portico.gateway.io import Io
from portico.gateway.live import Slot, compile_live
from portico.gateway.metrics import Metrics
from portico.gateway.observing import Observer
from portico.gateway.readiness import Readiness
from portico.gateway.repeats import Repeats
from portico.security.keys import ENTROPY_BYTES, mint

PEPPER = b"p" * 32
PRICE = Price(rates=Rates(input=250_000, output=2_000_000), source="test")
"""0.25 and 2 US dollars a million tokens."""

SNAPSHOT = Snapshot(
    project="default",
    providers=(
        Provider(name="openai", kind="openai", api_key="sk-upstream"),
        Provider(name="claude", kind="anthropic", api_key="sk-ant-upstream"),
    ),
    models=(
        Model(name="small", provider="openai", id="gpt-5-mini", price=PRICE),
        Model(name="large", provider="claude", id="claude-sonnet-4-5", price=PRICE),
        Model(name="free", provider="openai", id="own-model"),
    ),
    workloads=(
        Workload(name="support", team="care", ladder=(("small",),), max_output_tokens=500),
        Workload(name="deep", ladder=(("large",),), release="rel_1"),
        Workload(name="unpriced", ladder=(("free",),)),
        Workload(name="hasty", ladder=(("small",),), total_s=0.02),
        Workload(name="default", ladder=(("small",),)),
    ),
    digest="d1",
    bounds=Bounds(body_bytes=10_000, read_body_s=5.0),
)

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-mini-2025-08-07",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
CLAUDE_ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Hello there"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
JSON_HEADERS = (("content-type", "application/json"),)
EVENT_HEADERS = (("content-type", "text/event-stream"),)


def answered(answer: Mapping[str, object] = ANSWER) -> Scripted:
    return Scripted(headers=JSON_HEADERS, body=(json.dumps(answer).encode(),))


def streamed(*events: object) -> tuple[bytes, ...]:
    """OpenAI chat chunks as server-sent events, the last one `[DONE]`."""
    lines = [json.dumps(event) if not isinstance(event, str) else event for event in events]
    return tuple(f"data: {line}\n\n".encode() for line in lines)


def chunk(delta: Mapping[str, object], finish: str | None = None) -> dict[str, object]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


USAGE_CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-5-mini-2025-08-07",
    "choices": [],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
STREAM = streamed(
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hello"}),
    chunk({"content": " there"}),
    chunk({}, "stop"),
    USAGE_CHUNK,
    "[DONE]",
)


class Turnstile:
    """A step of a scripted reply that tells when it is reached, and waits to be opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


@dataclass
class Got:
    """What the caller received."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The JSON of each `data:` line but `[DONE]`."""
        lines = [line for line in self.body.decode().splitlines() if line.startswith("data: ")]
        return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


class Site:
    """One gateway and its callers."""

    def __init__(
        self,
        replies: Sequence[Scripted] = (),
        *,
        snapshot: Snapshot = SNAPSHOT,
        journal: Journal | None = None,
        commit: bool = False,
    ) -> None:
        self.upstream = MemoryUpstream(replies)
        self.memory = MemoryJournal()
        self.store = MemoryStore()
        self.ledger = MemoryLedger(self.memory)
        self.notes = MemoryNotes(self.store)
        self.keys: dict[str, Key] = {}
        self.texts: dict[str, str] = {}
        for number, (kind, scope) in enumerate((("key", ("*",)), ("admin", ()), ("metrics", ()))):
            draft = Key(id="", verifier=b"", kind=kind, workloads=scope)  # type: ignore[arg-type]
            key, self.texts[kind] = mint(draft, PEPPER, bytes([number + 1]) * ENTROPY_BYTES)
            self.keys[key.id] = key
        self.slot = Slot()
        self.publish(snapshot)
        clock = SystemClock()
        upstreams: dict[str, Upstream] = {"openai": self.upstream, "anthropic": self.upstream}
        self.io = Io(
            clock=clock,
            journal=journal or self.memory,
            upstreams=upstreams,
            credentials=MemoryCredentials(),
            metrics=Metrics(),
            repeats=Repeats(clock),
            spares=Repeats(clock),
            budgets=LocalBudgets(MemoryLedger(self.memory), clock),
            notes=self.notes,
            ledger=self.ledger,
            observer=Observer(self.notes, clock),
            commit=commit,
        )
        gate = Gate()
        readiness = Readiness(self.slot, self.io.journal)
        self.app = App(self.slot, self.io, readiness, self.no_admin, gate)
        self.caller = GatewayCaller(self.slot, self.io, gate)

    def publish(self, snapshot: Snapshot) -> None:
        self.slot.swap(compile_live(snapshot, snapshot.providers, self.keys, PEPPER))

    @staticmethod
    async def no_admin() -> Asgi:
        async def admin(scope: Scope, receive: object, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"administered"})

        return admin

    @property
    def receipts(self) -> list[Receipt]:
        return list(self.memory.receipts.values())

    @property
    def receipt(self) -> Receipt:
        """The only receipt."""
        (receipt,) = self.receipts
        return receipt

    def sent(self, number: int = 0) -> Any:
        """The JSON body of a request that reached an upstream."""
        return json.loads(self.upstream.requests[number].body)

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        key: str | None = "key",
    ) -> Got:
        got = Got()
        scope = self.scope(method, path, headers or {}, key)

        async def send(message: Message) -> None:
            collect(got, message)

        await asyncio.create_task(self._run(scope, body, send))
        return got

    async def _run(self, scope: Scope, body: bytes, send: Any) -> None:
        parts = body_of(body)

        async def receive() -> Message:
            return await anext(parts)

        await self.app(scope, receive, send)

    def scope(self, method: str, path: str, headers: Mapping[str, str], key: str | None) -> Scope:
        pairs = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
        ]
        if key is not None:
            text = self.texts.get(key, key)
            pairs.append((b"authorization", f"Bearer {text}".encode()))
        return {"type": "http", "method": method, "path": path, "headers": pairs}

    async def chat(self, key: str | None = "key", **members: object) -> Got:
        """A chat completion of workload `support` unless `members` say otherwise."""
        headers = members.pop("headers", None)
        assert headers is None or isinstance(headers, dict)
        return await self.request(
            "POST", "/v1/chat/completions", chat_body(**members), headers, key=key
        )

    async def message(self, **members: object) -> Got:
        """An Anthropic message of workload `deep` unless `members` say otherwise."""
        body = {
            "model": "deep",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "Hi"}],
            **members,
        }
        return await self.request("POST", "/v1/messages", json.dumps(body).encode())


def chat_body(**members: object) -> bytes:
    body = {"model": "support", "messages": [{"role": "user", "content": "Hi"}], **members}
    return json.dumps(body).encode()


async def body_of(body: bytes) -> AsyncIterator[Message]:
    """A body in two pieces, then silence: the caller stays connected."""
    half = len(body) // 2
    yield {"type": "http.request", "body": body[:half], "more_body": True}
    yield {"type": "http.request", "body": body[half:], "more_body": False}
    await asyncio.Event().wait()


def collect(got: Got, message: Message) -> None:
    if message["type"] == "http.response.start":
        got.status = message["status"]
        got.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        return
    got.pieces.append(message.get("body", b""))
    got.ended = not message.get("more_body", False)
