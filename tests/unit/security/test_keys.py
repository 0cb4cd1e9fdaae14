"""Keys are recognised by what was shown, and say no more than the caller may know."""

import msgspec
import pytest

from portico.contract.call import Credential
from portico.contract.errors import Unauthenticated
from portico.contract.snapshot import Key
from portico.security.keys import (
    ENTROPY_BYTES,
    MOST_SEEN,
    PRESET,
    Seen,
    authenticate,
    identify,
    keep,
    mint,
)

PEPPER = b"p" * 32
DRAFT = Key(id="", verifier=b"", name="app", workloads=("support",), team="care")


def shown(text: str) -> Credential:
    return Credential(text, "bearer")


def minted(draft: Key = DRAFT, fill: bytes = b"\x07") -> tuple[Key, str]:
    return mint(draft, PEPPER, fill * ENTROPY_BYTES)


def test_a_minted_key_is_recognised_with_its_scope_and_team() -> None:
    key, text = minted()
    who = authenticate(shown(text), {key.id: key}, PEPPER, 0)
    assert (who.key, who.team, who.workloads) == (key.id, "care", ("support",))


def test_the_stored_record_does_not_hold_the_text() -> None:
    key, text = minted()
    secret = text.split("_", 2)[2]
    assert secret.encode() not in msgspec.json.encode(key)
    assert text.startswith("pk_")


def test_the_same_text_under_another_pepper_is_unknown() -> None:
    key, text = minted()
    with pytest.raises(Unauthenticated):
        authenticate(shown(text), {key.id: key}, b"q" * 32, 0)


def test_a_changed_secret_is_unknown_though_its_id_is_right() -> None:
    key, text = minted()
    forged = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert identify(forged) == key.id
    with pytest.raises(Unauthenticated, match="not known"):
        authenticate(shown(forged), {key.id: key}, PEPPER, 0)


@pytest.mark.parametrize("text", ["", "pk", "pk_", "pk__", "nonsense", "pk_zz_", "Bearer pk_1_2"])
def test_text_that_is_no_key_is_unknown(text: str) -> None:
    key, _ = minted()
    with pytest.raises(Unauthenticated):
        authenticate(shown(text), {key.id: key}, PEPPER, 0)


def test_no_credential_says_how_to_send_one() -> None:
    with pytest.raises(Unauthenticated, match="Authorization: Bearer"):
        authenticate(None, {}, PEPPER, 0)


def test_a_key_is_refused_from_the_moment_it_expires_or_is_revoked() -> None:
    key, text = minted()
    expiring = msgspec.structs.replace(key, expires_ns=100)
    revoked = msgspec.structs.replace(key, revoked_ns=100)
    for record, word in ((expiring, "expired"), (revoked, "revoked")):
        assert authenticate(shown(text), {key.id: record}, PEPPER, 99).key == key.id
        with pytest.raises(Unauthenticated, match=word):
            authenticate(shown(text), {key.id: record}, PEPPER, 100)


def test_a_chosen_admin_key_of_any_form_is_recognised() -> None:
    draft = Key(id="", verifier=b"", kind="admin")
    plain = keep(draft, PEPPER, "correct horse battery")
    formed = keep(draft, PEPPER, "pk_mine_secret")
    assert plain.id == PRESET
    for key, text in ((plain, "correct horse battery"), (formed, "pk_mine_secret")):
        assert authenticate(shown(text), {key.id: key}, PEPPER, 0).kind == "admin"


def test_too_little_entropy_is_refused() -> None:
    with pytest.raises(ValueError, match="random bytes"):
        mint(DRAFT, PEPPER, b"short")


def test_a_remembered_key_is_refused_at_once_when_revoked_expired_or_gone() -> None:
    key, text = minted()
    seen: Seen = {}
    first = authenticate(shown(text), {key.id: key}, PEPPER, 0, seen)
    assert authenticate(shown(text), {key.id: key}, PEPPER, 0, seen) is first
    for changed in ({"revoked_ns": 5}, {"expires_ns": 5}, {"verifier": bytes(32)}):
        later = msgspec.structs.replace(key, **changed)
        with pytest.raises(Unauthenticated):
            authenticate(shown(text), {key.id: later}, PEPPER, 5, seen)
    with pytest.raises(Unauthenticated):
        authenticate(shown(text), {}, PEPPER, 5, seen)


def test_a_remembered_key_has_the_scope_that_is_live_now() -> None:
    key, text = minted()
    seen: Seen = {}
    authenticate(shown(text), {key.id: key}, PEPPER, 0, seen)
    wider = msgspec.structs.replace(key, workloads=("*",))
    assert authenticate(shown(text), {key.id: wider}, PEPPER, 0, seen).workloads == ("*",)


def test_only_right_credentials_are_remembered_and_never_their_text() -> None:
    key, text = minted()
    seen: Seen = {}
    for wrong in (text + "x", "pk_0_0", "x"):
        with pytest.raises(Unauthenticated):
            authenticate(shown(wrong), {key.id: key}, PEPPER, 0, seen)
    assert not seen
    authenticate(shown(text), {key.id: key}, PEPPER, 0, seen)
    (mark,) = seen
    assert text.encode() not in mark
    assert len(mark) == 32


def test_what_is_remembered_of_keys_is_bounded() -> None:
    key, text = minted()
    known = Key(id="", verifier=b"")
    filled = {n.to_bytes(4, "big"): (known, authenticate(shown(text), {key.id: key}, PEPPER, 0))
              for n in range(MOST_SEEN)}  # fmt: skip
    authenticate(shown(text), {key.id: key}, PEPPER, 0, filled)
    assert len(filled) <= MOST_SEEN
