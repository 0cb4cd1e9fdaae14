"""Entries as bytes, and receipts made to fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.adapters.journal.entries import HEAD, INTENT, RECEIPT, Kind, decode, frame, lost, walk
from portico.adapters.journal.trim import STEPS, fitted
from portico.contract.receipt import Attempt, Receipt

SEQUENCES = st.integers(1, 2**63)
PAYLOADS = st.binary(min_size=1, max_size=200)
KINDS: st.SearchStrategy[Kind] = st.sampled_from([INTENT, RECEIPT])
ROOM = 700


def an_attempt(number: int, cost_nano: int = 0) -> Attempt:
    return Attempt(
        id=f"a{number}", provider="p", kind="k", model="m", model_id="i", wire="w",
        status="failed", cost_nano=cost_nano,
    )  # fmt: skip


@given(entries=st.lists(st.tuples(KINDS, PAYLOADS), max_size=8), sequence=SEQUENCES)
def test_what_is_written_is_walked_in_order(
    entries: list[tuple[Kind, bytes]], sequence: int
) -> None:
    data = b"".join(frame(kind, payload, sequence) for kind, payload in entries)
    found = list(walk(data + bytes(50), sequence, base=32))
    assert [(f.kind, f.payload) for f in found] == entries
    assert [f.end for f in found[-1:]] == ([32 + len(data)] if entries else [])


@given(payload=PAYLOADS, kind=KINDS, sequence=SEQUENCES, other=SEQUENCES)
def test_an_entry_of_another_sequence_never_parses(
    payload: bytes, kind: Kind, sequence: int, other: int
) -> None:
    parses = list(walk(frame(kind, payload, sequence), other, 0)) != []
    assert parses == (sequence % 2**32 == other % 2**32)


@given(payload=PAYLOADS, sequence=SEQUENCES, data=st.data())
def test_a_changed_byte_ends_the_walk(payload: bytes, sequence: int, data: st.DataObject) -> None:
    entry = bytearray(frame(RECEIPT, payload, sequence))
    entry[data.draw(st.integers(0, len(entry) - 1))] ^= data.draw(st.integers(1, 255))
    assert list(walk(bytes(entry), sequence, 0)) == []


@given(junk=st.binary(max_size=300), sequence=SEQUENCES)
def test_junk_is_no_entry(junk: bytes, sequence: int) -> None:
    assert list(walk(junk, sequence, 0)) == []


@given(payload=PAYLOADS, sequence=SEQUENCES, data=st.data())
def test_a_torn_entry_hides_none_before_it(
    payload: bytes, sequence: int, data: st.DataObject
) -> None:
    whole = frame(RECEIPT, payload, sequence)
    kept = data.draw(st.integers(0, len(whole) - 1))
    found = list(walk(whole + whole[:kept], sequence, 0))
    assert [f.payload for f in found] == [payload]
    assert found[0].end == HEAD.size + len(payload)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=600)


@given(
    texts=st.tuples(TEXTS, TEXTS, TEXTS),
    tags=st.lists(st.tuples(TEXTS, TEXTS), max_size=4),
    costs=st.lists(st.integers(0, 10**12), max_size=12),
)
def test_a_receipt_is_made_to_fit_and_keeps_its_cost(
    texts: tuple[str, str, str], tags: list[tuple[str, str]], costs: list[int]
) -> None:
    session, subject, requested = texts
    receipt = Receipt(
        call="call_1",
        received_ns=1,
        door="openai_chat",
        session=session,
        subject=subject,
        requested_model=requested,
        tags=tuple(tags),
        attempts=tuple(an_attempt(n, cost) for n, cost in enumerate(costs)),
        cost_nano=sum(costs),
    )
    payload = fitted(receipt, ROOM)
    assert payload is not None
    assert len(payload) <= ROOM
    found = decode(payload)
    assert (found.call, found.cost_nano) == ("call_1", sum(costs))
    assert subject.startswith(found.subject)
    if not any("attempts" in note for note in found.degraded):
        assert sum(a.cost_nano for a in found.attempts) == sum(costs)


def test_there_is_no_receipt_without_room_for_its_bones() -> None:
    assert fitted(Receipt(call="call_1", received_ns=1, door="d"), 5) is None


@pytest.mark.parametrize("name", [name for name, _ in STEPS])
def test_every_step_of_trimming_is_in_the_documentation(
    name: str, pytestconfig: pytest.Config
) -> None:
    assert f"`journal:{name}`" in (pytestconfig.rootpath / "docs/ledger.md").read_text()


def test_a_lost_call_costs_the_sum_of_its_attempts() -> None:
    known = Receipt(
        call="c", received_ns=1, door="d", attempts=(an_attempt(1, 5), an_attempt(2, 900))
    )
    found = lost(known)
    assert (found.status, found.http_status, found.cost_nano) == ("lost", 0, 905)
    assert found.attempts == known.attempts
