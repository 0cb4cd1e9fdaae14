"""Keys over HTTP. A change is published to the gateway before it is answered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from portico.contract.call import Principal
from portico.contract.snapshot import Key
from portico.control.keys.service import KeyDraft, Keys, Minted

NANO = 1_000_000_000


class CreateKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    kind: Literal["key", "metrics"] = "key"
    workloads: Annotated[list[str], Field(max_length=1000)] = []
    team: str = "default"
    expires_s: float | None = Field(default=None, description="Seconds from now; null: never.")


class RotateKey(BaseModel):
    """How long the old key still opens beside the new one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    overlap_s: float = Field(default=0.0, description="Seconds, at most 30 days.")


class ShownKey(BaseModel):
    """A key as it may be seen. Times are seconds since the epoch."""

    id: str
    name: str
    kind: str
    workloads: list[str]
    team: str
    created: float
    expires: float | None
    revoked: float | None
    state: Literal["active", "expired", "revoked"]


class NewKey(ShownKey):
    """A key with its text, which is shown this once."""

    key: str


class KeyList(BaseModel):
    keys: list[ShownKey]


def router(
    keys: Keys,
    workloads: Callable[[], Sequence[str]],
    on_changed: Callable[[], Awaitable[None]],
) -> APIRouter:
    """The routes under /keys."""
    routes = APIRouter(prefix="/keys", tags=["keys"])

    @routes.get("")
    async def list_keys() -> KeyList:
        """All keys, oldest first; never their secrets."""
        found = await asyncio.to_thread(keys.list)
        return KeyList(keys=[shown(key, keys) for key in found])

    @routes.post("", status_code=201)
    async def create_key(body: CreateKey, request: Request) -> NewKey:
        """A new key. Its text is in this answer and nowhere else."""
        draft = KeyDraft(
            name=body.name,
            kind=body.kind,
            workloads=tuple(body.workloads),
            team=body.team,
            expires_s=body.expires_s,
        )
        minted = await asyncio.to_thread(keys.create, draft, workloads())
        await on_changed()
        await asyncio.to_thread(keys.record, _who(request), "created", minted.key)
        return shown_once(minted, keys)

    @routes.post("/{id}/rotate", status_code=201)
    async def rotate_key(
        id: str,  # noqa: A002 - the path's word
        body: RotateKey,
        request: Request,
    ) -> NewKey:
        """A new secret under a new id; the old key ends after the overlap."""
        minted = await asyncio.to_thread(keys.rotate, id, body.overlap_s)
        await on_changed()
        await asyncio.to_thread(keys.record, _who(request), f"rotated {id} into", minted.key)
        return shown_once(minted, keys)

    @routes.post("/{id}/revoke")
    async def revoke_key(id: str, request: Request) -> ShownKey:  # noqa: A002 - the path's word
        """Ends a key. The next call that shows it is refused."""
        key = await asyncio.to_thread(keys.revoke, id)
        await on_changed()
        await asyncio.to_thread(keys.record, _who(request), "revoked", key)
        return shown(key, keys)

    return routes


def _who(request: Request) -> str:
    who: Principal = request.scope["portico.principal"]
    return who.key


def shown(key: Key, keys: Keys) -> ShownKey:
    """What of a key may be seen."""
    return ShownKey(
        id=key.id,
        name=key.name,
        kind=key.kind,
        workloads=list(key.workloads),
        team=key.team,
        created=key.created_ns / NANO,
        expires=None if key.expires_ns is None else key.expires_ns / NANO,
        revoked=None if key.revoked_ns is None else key.revoked_ns / NANO,
        state=keys.state(key),
    )


def shown_once(minted: Minted, keys: Keys) -> NewKey:
    return NewKey(**shown(minted.key, keys).model_dump(), key=minted.text)
