"""Keys: made, rotated, revoked; their text appears once."""

import itertools
from collections.abc import Callable

import pytest

from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.store import MemoryStore
from portico.contract.call import Credential
from portico.contract.errors import InvalidRequest, Unauthenticated, UnknownRoute
from portico.control.keys.service import NANO, KeyDraft, Keys
from portico.security.keys import authenticate

PEPPER = b"p" * 32
WORKLOADS = ("support", "summary")


def counted() -> Callable[[int], bytes]:
    """Entropy that differs from key to key and from run to run not at all."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(4, "big") * (size // 4 + 1)


class World:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.keys = Keys(self.store, self.clock, PEPPER, counted())

    def opens(self, text: str) -> bool:
        stored = self.store.keys()
        try:
            authenticate(
                Credential(secret=text, scheme="bearer"),
                {key.id: key for key in stored},
                PEPPER,
                self.clock.now_ns(),
            )
        except Unauthenticated:
            return False
        return True


def draft(expires_s: float | None = None, workloads: tuple[str, ...] = ("support",)) -> KeyDraft:
    return KeyDraft(name="app", workloads=workloads, team="care", expires_s=expires_s)


def test_a_new_key_opens_and_its_text_is_not_stored() -> None:
    world = World()
    minted = world.keys.create(draft(), WORKLOADS)
    assert world.opens(minted.text)
    assert minted.text.split("_", 2)[2] not in repr(world.store.keys())
    assert (minted.key.team, minted.key.workloads) == ("care", ("support",))


def test_an_unknown_workload_is_refused_with_the_nearest_name() -> None:
    world = World()
    with pytest.raises(InvalidRequest, match="support") as refused:
        world.keys.create(draft(workloads=("suport",)), WORKLOADS)
    assert refused.value.field == "workloads"
    assert world.keys.list() == []


def test_a_star_is_every_workload_and_an_empty_scope_is_refused() -> None:
    world = World()
    assert world.keys.create(draft(workloads=("*",)), ()).key.workloads == ("*",)
    with pytest.raises(InvalidRequest):
        world.keys.create(draft(workloads=()), WORKLOADS)


def test_a_metrics_key_has_no_workloads() -> None:
    made = World().keys.create(KeyDraft(name="m", kind="metrics", workloads=("support",)), ())
    assert (made.key.kind, made.key.workloads) == ("metrics", ())


def test_a_key_ends_at_its_expiry() -> None:
    world = World()
    minted = world.keys.create(draft(expires_s=60), WORKLOADS)
    world.clock.advance(59)
    assert world.keys.state(minted.key) == "active"
    world.clock.advance(1)
    assert world.keys.state(minted.key) == "expired"
    assert not world.opens(minted.text)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_an_absurd_expiry_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidRequest, match="expires_s"):
        World().keys.create(draft(expires_s=seconds), WORKLOADS)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_a_name_that_does_not_fit_a_line_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        World().keys.create(KeyDraft(name=name, workloads=("support",)), WORKLOADS)


def test_rotation_keeps_the_scope_and_both_keys_open_during_the_overlap() -> None:
    world = World()
    old = world.keys.create(draft(expires_s=86_400), WORKLOADS)
    world.clock.advance(1000)
    new = world.keys.rotate(old.key.id, 3600)
    assert new.key.id != old.key.id
    assert (new.key.workloads, new.key.team) == (old.key.workloads, old.key.team)
    assert new.key.expires_ns == world.clock.now_ns() + 86_400 * NANO
    assert world.opens(old.text)
    assert world.opens(new.text)
    world.clock.advance(3600)
    assert not world.opens(old.text)
    assert world.opens(new.text)


def test_rotation_never_lengthens_the_old_key() -> None:
    world = World()
    old = world.keys.create(draft(expires_s=60), WORKLOADS)
    world.keys.rotate(old.key.id, 3600)
    world.clock.advance(60)
    assert not world.opens(old.text)


def test_a_revoked_key_opens_nothing_and_cannot_be_rotated_back_to_life() -> None:
    world = World()
    minted = world.keys.create(draft(), WORKLOADS)
    first = world.keys.revoke(minted.key.id)
    assert not world.opens(minted.text)
    world.clock.advance(5)
    assert world.keys.revoke(minted.key.id) == first
    with pytest.raises(InvalidRequest, match="revoked"):
        world.keys.rotate(minted.key.id, 3600)


def test_an_unknown_key_is_named_in_the_error() -> None:
    with pytest.raises(UnknownRoute, match="key_none"):
        World().keys.revoke("key_none")


@pytest.mark.parametrize("overlap", [-1.0, float("nan"), 31 * 86_400.0])
def test_an_absurd_overlap_is_refused_and_makes_no_key(overlap: float) -> None:
    world = World()
    old = world.keys.create(draft(), WORKLOADS)
    with pytest.raises(InvalidRequest, match="overlap_s"):
        world.keys.rotate(old.key.id, overlap)
    assert world.keys.list() == [old.key]
