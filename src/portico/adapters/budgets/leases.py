"""What replicas say to a Valkey or Redis server about their leases, and what it answers.

A lease is what one replica may spend of one account, in all: its own, whatever becomes of the
server or of the others. The sum of all leases never exceeds the amount; `leases.lua` holds that,
in one atomic step for all accounts of a contact. The laws are written there.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

MARKER: Final = "portico:{budgets}"
PREFIX: Final = f"{MARKER}:"
"""Of accounts. In a cluster, what is in braces keeps all keys in one slot."""
TIMEOUT_S: Final = 0.25
"""Of connecting and of one answer. A server that takes longer is away."""

_LUA: Final = Path(__file__).with_name("leases.lua").read_text(encoding="utf-8")
_SHA: Final = hashlib.sha1(_LUA.encode(), usedforsecurity=False).hexdigest()
"""By which EVALSHA names the script."""

State = Literal["ok", "gathering", "waiting", "short"]


class Away(Exception):
    """The server did not answer, or not with what was asked for. The message is fit for people."""


class Known(msgspec.Struct, frozen=True):
    """What one replica knows of another's lease."""

    lease: str
    done: bool = False
    """It has left, with nothing unspent."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a replica says of one account. Amounts are decimal strings."""

    token: str = ""
    """Of the last answer. Empty: this process has not heard of the account yet."""
    lease: str = "0"
    spent: str = "0"
    lack: str = "0"
    """What it needs beyond its lease. Zero: nothing."""
    amount: str
    wait: int = 0
    """Milliseconds without grants if the account is new: others may have spent on it before."""
    ttl: int
    """Milliseconds from now after which the server forgets the account."""
    thresholds: Mapping[str, str] = {}
    """Share to amount: what is to be told once, when the sum of what is spent reaches it."""
    roster: Mapping[str, Known] = {}
    """Every replica that this one knows to have a lease."""
    done: bool = False
    """Nothing is unspent, and this replica leaves."""


class Answer(msgspec.Struct, frozen=True):
    state: State
    fields: dict[str, str]
    """The account as it is stored now; see `leases.lua`."""
    told: str
    """Shares of thresholds that were passed, and of which nobody else was told; spaces between."""

    def lease(self, replica: str) -> int:
        return int(self.fields[f"g:{replica}"])

    def token(self, replica: str) -> str:
        return self.fields[f"v:{replica}"]

    def total(self, kind: Literal["g:", "s:"]) -> int:
        """All leases, or all that is spent as far as replicas have said so."""
        return sum(int(value) for name, value in self.fields.items() if name.startswith(kind))

    def wanted(self, replica: str) -> bool:
        """Whether another replica found less free than it needed, a moment ago."""
        want = self.fields.get("want", "")
        return want != "" and want.partition(" ")[2] != replica

    def roster(self) -> dict[str, Known]:
        known = {
            name[2:]: Known(lease=value, done=f"done:{name[2:]}" in self.fields)
            for name, value in self.fields.items()
            if name.startswith("g:")
        }
        away = (name[5:] for name in self.fields if name.startswith("wait:"))
        return known | {replica: Known(lease="0") for replica in away}


class Reply(msgspec.Struct, frozen=True):
    life: str
    """Another than before: the server began again, or was emptied."""
    answers: list[Answer]
    """One a claim."""


class _Ask(msgspec.Struct, frozen=True):
    me: str
    nonce: str
    gather: int
    claims: Sequence[Claim]


_decode: Final = msgspec.json.Decoder(Reply).decode
_encode: Final = msgspec.json.Encoder().encode


class Server:
    """One Valkey or Redis server. A contact is one round trip."""

    def __init__(self, url: str, replica: str, gather_s: float) -> None:
        """Raises ValueError where the URL is none of redis://, rediss:// and unix://."""
        self._replica, self._gather = replica, round(gather_s * 1000)
        self._redis = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )

    async def contact(self, keys: Sequence[str], claims: Sequence[Claim]) -> Reply:
        """Grants are made for all claims or for none. Raises Away."""
        ask = _Ask(self._replica, secrets.token_hex(8), self._gather, claims)
        named = (MARKER, *(PREFIX + key for key in keys))
        try:
            return _decode(await self._run_again(named, _encode(ask)))
        except (RedisError, OSError, TimeoutError, msgspec.DecodeError) as failure:
            reason = str(failure).rstrip(".") or type(failure).__name__
            raise Away(f"the shared budgets' server does not answer: {reason}") from failure

    async def _run_again(self, keys: tuple[str, ...], ask: bytes) -> bytes:
        """Once more where a connection broke: it may have been idle for too long. Tokens see to it
        that nothing is done twice."""
        try:
            return await self._run(keys, ask)
        except RedisConnectionError:
            await self._redis.connection_pool.disconnect(inuse_connections=False)
            return await self._run(keys, ask)

    async def _run(self, keys: tuple[str, ...], ask: bytes) -> bytes:
        try:
            answer = await self._redis.evalsha(_SHA, len(keys), *keys, ask)
        except NoScriptError:
            answer = await self._redis.eval(_LUA, len(keys), *keys, ask)
        return bytes(answer)

    async def close(self) -> None:
        await self._redis.aclose()
