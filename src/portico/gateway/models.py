"""`GET /v1/models`: what this caller may name, in the shape of the wire that asks."""

from typing import Final

import msgspec

from portico.contract.call import Principal
from portico.contract.errors import UnknownModel
from portico.gateway.live import Live
from portico.security.access import may_invoke

EPOCH: Final = "1970-01-01T00:00:00Z"
"""Portico knows no creation dates; the wires demand one."""


def visible(at: Live, who: Principal) -> list[str]:
    """Workloads in file order, then the `provider/model` names, as far as the caller may."""
    catalogue = at.catalogue
    workloads = [name for name in catalogue.workloads if may_invoke(who, name, raw=False)]
    raw = list(catalogue.raw) if may_invoke(who, "", raw=True) else []
    return workloads + raw


def listing(at: Live, who: Principal, *, anthropic: bool) -> bytes:
    names = visible(at, who)
    if not anthropic:
        return msgspec.json.encode({"object": "list", "data": [_openai(name) for name in names]})
    return msgspec.json.encode(
        {
            "data": [_anthropic(name) for name in names],
            "has_more": False,
            "first_id": names[0] if names else None,
            "last_id": names[-1] if names else None,
        }
    )


def single(at: Live, who: Principal, name: str, *, anthropic: bool) -> bytes:
    if name not in visible(at, who):
        raise UnknownModel(f"There is no model named '{name[:100]}' that this key may use.")
    return msgspec.json.encode(_anthropic(name) if anthropic else _openai(name))


def _openai(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "portico"}


def _anthropic(name: str) -> dict[str, object]:
    return {"type": "model", "id": name, "display_name": name, "created_at": EPOCH}
