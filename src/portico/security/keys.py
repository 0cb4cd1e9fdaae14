"""Portico keys: how they are made, stored and recognised.

A key reads `pk_<id>_<secret>`. Only `HMAC-SHA-256(pepper, whole text)` is stored; the pepper
lives in the data directory, apart from the database's backups unless these are encrypted.
"""

import base64
import hmac
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from portico.contract.call import Credential, Principal
from portico.contract.errors import Unauthenticated
from portico.contract.snapshot import Key
from portico.methods.hashing import keyed_hash

ENTROPY_BYTES: Final = 38
PRESET: Final = "key_preset"
"""The id under which a key that the operator chose (`PORTICO_ADMIN_KEY`) is stored."""

MOST_SEEN: Final = 4096
"""Credentials whose check is remembered."""

Seen = dict[bytes, tuple[Key, Principal]]
"""By a keyed hash of a credential's text: the record that it proved to hold, and who that is.

An entry counts only while `keys` holds the very record it was made from, and only the check of
the secret is remembered: expiry and revocation are looked at each time.
"""


def mint(draft: Key, pepper: bytes, entropy: bytes) -> tuple[Key, str]:
    """A new key and its text, which is shown once and never stored.

    `draft` has everything but `id` and `verifier`; `entropy` holds `ENTROPY_BYTES` random bytes.
    """
    if len(entropy) < ENTROPY_BYTES:
        raise ValueError(f"a key takes {ENTROPY_BYTES} random bytes, got {len(entropy)}")
    name = entropy[:6].hex()
    secret = base64.urlsafe_b64encode(entropy[6:ENTROPY_BYTES]).rstrip(b"=").decode()
    text = f"pk_{name}_{secret}"
    return keep(draft, pepper, text), text


def keep(draft: Key, pepper: bytes, text: str) -> Key:
    """The record to store for a key whose text is known."""
    return msgspec.structs.replace(draft, id=identify(text), verifier=keyed_hash(pepper, text))


def identify(text: str) -> str:
    """The id of the record that would hold this key."""
    parts = text.split("_", 2)
    return f"key_{parts[1]}" if len(parts) == 3 and parts[0] == "pk" else PRESET


def authenticate(
    credential: Credential | None,
    keys: Mapping[str, Key],
    pepper: bytes,
    now_ns: int,
    seen: Seen | None = None,
) -> Principal:
    """Who shows this credential. Raises Unauthenticated; the reason only to who knows the key.

    `seen` is kept by the caller from one call to the next; it spares the HMAC, never a check.
    """
    if credential is None:
        raise Unauthenticated(
            "No credential: send a Portico key as 'Authorization: Bearer pk_…' or 'x-api-key'."
        )
    secret = credential.secret
    if seen is None:
        key, who = _verify(secret, keys, pepper)
    else:
        key, who = _recall(secret, keys, pepper, seen)
    if key.revoked_ns is not None and key.revoked_ns <= now_ns:
        raise Unauthenticated(f"Key {key.id} has been revoked.")
    if key.expires_ns is not None and key.expires_ns <= now_ns:
        raise Unauthenticated(f"Key {key.id} has expired. Rotate it with 'portico key rotate'.")
    return who


def _recall(
    secret: str, keys: Mapping[str, Key], pepper: bytes, seen: Seen
) -> tuple[Key, Principal]:
    mark = blake2b(secret.encode(), key=pepper[:64], digest_size=32).digest()
    found = seen.get(mark)
    if found is not None and keys.get(found[0].id) is found[0]:
        return found
    found = _verify(secret, keys, pepper)
    if len(seen) >= MOST_SEEN:
        seen.clear()
    seen[mark] = found
    return found


def _verify(secret: str, keys: Mapping[str, Key], pepper: bytes) -> tuple[Key, Principal]:
    key = keys.get(identify(secret))
    shown = keyed_hash(pepper, secret)
    if not hmac.compare_digest(shown, key.verifier if key else bytes(32)) or key is None:
        raise Unauthenticated("This key is not known here. Make one with 'portico key create'.")
    return key, Principal(
        key=key.id, kind=key.kind, name=key.name, team=key.team, workloads=key.workloads
    )
