"""What can be done with keys, over the Store port. Every call blocks: run it off the loop.

Law of the file: the text of a key exists in the return value of `create` and `rotate` only.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from portico.contract.deployment import Act
from portico.contract.errors import InvalidRequest, UnknownRoute
from portico.contract.ports import Clock, Store
from portico.contract.snapshot import Key
from portico.methods.nearest import nearest
from portico.security.keys import ENTROPY_BYTES, mint

NANO = 1_000_000_000
LONGEST_LIFE_S = 100 * 365 * 86_400.0
LONGEST_OVERLAP_S = 30 * 86_400.0
LONGEST_NAME = 100
MOST_KEYS = 10_000
EVERY_WORKLOAD = "*"

State = Literal["active", "expired", "revoked"]


class KeyDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to be. `expires_s` counts from now; None: it does not expire."""

    name: str
    kind: Literal["key", "metrics"] = "key"
    workloads: tuple[str, ...] = ()
    team: str = "default"
    expires_s: float | None = None


class Minted(msgspec.Struct, frozen=True):
    """A key and its text, which nobody can read again."""

    key: Key
    text: str


class Keys:
    """The keys of one installation."""

    def __init__(
        self, store: Store, clock: Clock, pepper: bytes, entropy: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._clock = clock
        self._pepper = pepper
        self._entropy = entropy
        # A change reads, decides and writes: two at once could undo a revocation.
        self._changing = threading.Lock()

    def create(self, draft: KeyDraft, workloads: Sequence[str]) -> Minted:
        """A new key. `workloads` are the names that exist. Raises InvalidRequest."""
        name = checked_name(draft.name, "name")
        team = checked_name(draft.team, "team")
        scope = () if draft.kind == "metrics" else checked_scope(draft.workloads, workloads)
        with self._changing:
            if len(self._store.keys()) >= MOST_KEYS:
                raise InvalidRequest(f"There are {MOST_KEYS} keys, the most that are kept.")
            now = self._clock.now_ns()
            return self._mint(
                Key(
                    id="",
                    verifier=b"",
                    kind=draft.kind,
                    name=name,
                    workloads=scope,
                    team=team,
                    created_ns=now,
                    expires_ns=_expiry(now, draft.expires_s),
                )
            )

    def list(self) -> Sequence[Key]:
        """All keys, oldest first, those that are revoked or expired among them."""
        return sorted(self._store.keys(), key=lambda key: (key.created_ns, key.id))

    def rotate(self, id: str, overlap_s: float) -> Minted:  # noqa: A002 - the public word
        """A new secret under a new id for the same use; the old key ends after the overlap.

        The new key lives as long from now as the old one was given at its creation.
        Raises UnknownRoute, or InvalidRequest where the key is no longer active.
        """
        _check_span(overlap_s, LONGEST_OVERLAP_S, "overlap_s")
        with self._changing:
            now = self._clock.now_ns()
            old = self._find(id)
            found = state(old, now)
            if found != "active":
                raise InvalidRequest(f"Key {id} is {found}; create a new one instead.", field="id")
            life = None if old.expires_ns is None else old.expires_ns - old.created_ns
            fresh = self._mint(
                msgspec.structs.replace(
                    old,
                    id="",
                    verifier=b"",
                    created_ns=now,
                    expires_ns=None if life is None else now + life,
                )
            )
            end = now + int(overlap_s * NANO)
            end = end if old.expires_ns is None else min(end, old.expires_ns)
            self._store.put_key(msgspec.structs.replace(old, expires_ns=end))
            return fresh

    def revoke(self, id: str) -> Key:  # noqa: A002 - the public word
        """Ends a key now. Revoking again changes nothing. Raises UnknownRoute."""
        with self._changing:
            key = self._find(id)
            if key.revoked_ns is None:
                key = msgspec.structs.replace(key, revoked_ns=self._clock.now_ns())
                self._store.put_key(key)
            return key

    def record(self, by: str, done: str, key: Key) -> None:
        """Notes in the audit trail who did what to a key: "created", "rotated", "revoked"."""
        self._store.act(
            Act(
                at_ns=self._clock.now_ns(),
                who=by,
                action="key",
                project="",
                target=key.id,
                after=f"{done} {key.name}",
            )
        )

    def state(self, key: Key) -> State:
        """Whether a key opens anything at this moment."""
        return state(key, self._clock.now_ns())

    def _mint(self, draft: Key) -> Minted:
        key, text = mint(draft, self._pepper, self._entropy(ENTROPY_BYTES))
        self._store.put_key(key)
        return Minted(key, text)

    def _find(self, id: str) -> Key:  # noqa: A002 - the public word
        stored = self._store.keys()
        for key in stored:
            if key.id == id:
                return key
        raise UnknownRoute(f"There is no key {id!r}; `portico key list` shows those there are.")


def state(key: Key, now_ns: int) -> State:
    """Whether a key opens anything at `now_ns`. A revocation outlasts an expiry."""
    if key.revoked_ns is not None:
        return "revoked"
    if key.expires_ns is not None and key.expires_ns <= now_ns:
        return "expired"
    return "active"


def checked_name(name: str, field: str) -> str:
    """A label that fits a line. Raises InvalidRequest naming `field`."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(
            f"'{field}' must be 1 to {LONGEST_NAME} printable characters.", field=field
        )
    return name


def checked_scope(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The workloads that a key may invoke, once each. Raises InvalidRequest with near names."""
    if not wanted:
        raise InvalidRequest(
            "A key needs at least one workload, or '*' for every one.", field="workloads"
        )
    for name in wanted:
        if name == EVERY_WORKLOAD or name in known:
            continue
        near = nearest(name, known) or tuple(known[:5])
        raise InvalidRequest(
            f"There is no workload {name!r}; there is {', '.join(near) or 'none yet'}.",
            field="workloads",
        )
    return tuple(dict.fromkeys(wanted))


def _expiry(now_ns: int, seconds: float | None) -> int | None:
    if seconds is None:
        return None
    _check_span(seconds, LONGEST_LIFE_S, "expires_s")
    if seconds <= 0:
        raise InvalidRequest("'expires_s' must be more than 0 seconds.", field="expires_s")
    return now_ns + int(seconds * NANO)


def _check_span(seconds: float, most: float, field: str) -> None:
    if not 0 <= seconds <= most:  # false for NaN too
        raise InvalidRequest(f"'{field}' must be 0 to {most:.0f} seconds.", field=field)
