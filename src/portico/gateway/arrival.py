"""A request as ASGI hands it over, and the way back to its caller."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from portico.contract.call import Credential
from portico.contract.errors import BodyTooLarge, InvalidRequest
from portico.contract.snapshot import Bounds
from portico.gateway.exchange import EXCHANGE, Exchange
from portico.gateway.lifeline import Lifeline

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

BEARER: Final = "bearer "
PLAIN: Final = (b"", b"identity")
"""Content encodings that are none."""


class Arrival:
    """One HTTP request and its reply. A reply is sent whole, or begun and then fed."""

    __slots__ = ("_receive", "begun", "headers", "lifeline", "scope", "send")

    def __init__(self, scope: Scope, receive: Receive, send: Send, lifeline: Lifeline) -> None:
        self.scope = scope
        self._receive = receive
        self.send = send
        self.lifeline = lifeline
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.begun = False

    def header(self, name: bytes) -> str:
        """Latin-1, as HTTP defines; empty where absent. `name` is in lower case."""
        value = self.headers.get(name)
        return "" if value is None else value.decode("latin-1")

    def credential(self) -> Credential | None:
        """`Authorization: Bearer`, `x-api-key` or `x-goog-api-key`, the first that is there."""
        authorization = self.header(b"authorization")
        if authorization[:7].lower() == BEARER and (secret := authorization[7:].strip()):
            return Credential(secret, "bearer")
        if secret := self.header(b"x-api-key"):
            return Credential(secret, "x-api-key")
        if secret := self.header(b"x-goog-api-key"):
            return Credential(secret, "x-goog-api-key")
        return None

    async def body(self, bounds: Bounds) -> bytes:
        """The whole body. Raises BodyTooLarge; a slow body is cut by the lifeline."""
        encoding = self.headers.get(b"content-encoding")
        if encoding is not None and encoding not in PLAIN:
            raise InvalidRequest(
                f"Bodies encoded as '{encoding[:40].decode('latin-1')}' are not taken. "
                "Send the JSON as it is."
            )
        declared = self.headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > bounds.body_bytes:
            raise _too_large(bounds)
        exchange: Exchange | None = self.scope.get(EXCHANGE)
        if exchange is None or exchange.more_body:
            self.lifeline.arm("slow", bounds.read_body_s)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise InvalidRequest("The caller disconnected before its body was complete.")
            part = message.get("body", b"")
            size += len(part)
            if size > bounds.body_bytes:
                raise _too_large(bounds)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        length = (b"content-length", b"%d" % len(body))
        await self.begin(status, [*headers, length])
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def begin(self, status: int, headers: Headers) -> None:
        self.begun = True
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def end(self, data: bytes = b"") -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": False})


def _too_large(bounds: Bounds) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is over the limit of {bounds.body_bytes} bytes ('limits.body' in portico.yaml)."
    )
