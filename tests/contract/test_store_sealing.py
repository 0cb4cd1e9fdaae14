"""Stored content: sealed under a key of the data directory, and bound to its place."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.contract.noted import a_transcript, an_observed

from portico.adapters.notes.sink import NotesUnavailable
from portico.adapters.store.migrate import migrate
from portico.adapters.store.noting import SqliteNoteSink
from portico.adapters.store.sealing import KEY_FILE, NotOpened, Sealer
from portico.adapters.store.state import SqliteStore
from portico.contract.errors import InvalidRequest

SECRET = "the prompt that nobody may see"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / KEY_FILE


def filled(directory: Path) -> SqliteStore:
    """Two transcripts and two observed prompts."""
    migrate(directory / "portico.db")
    sink = SqliteNoteSink(directory / "portico.db", Sealer(directory / KEY_FILE))
    notes = [a_transcript("call_1", 1, SECRET), a_transcript("call_2", 2, SECRET)]
    assert sink.write([*notes, an_observed("f1", SECRET), an_observed("f2", SECRET)]) == 0
    return SqliteStore(directory / "portico.db")


def change(directory: Path, statement: str) -> None:
    with sqlite3.connect(directory / "portico.db") as connection:
        connection.execute(statement)
    connection.close()


def test_what_was_sealed_opens_in_its_place_for_whoever_has_the_key(key: Path) -> None:
    for content in (b"", b"\x00text"):
        sealed = Sealer(key).seal(content, "transcripts", "call_1")
        assert Sealer(key).open(sealed, "transcripts", "call_1") == content


@pytest.mark.parametrize(
    "place", [(), ("transcripts",), ("transcripts", "call_2"), ("transcript", "scall_1")]
)
def test_what_was_sealed_opens_nowhere_else(key: Path, place: tuple[str, ...]) -> None:
    sealed = Sealer(key).seal(b"text", "transcripts", "call_1")
    with pytest.raises(NotOpened):
        Sealer(key).open(sealed, *place)


@pytest.mark.parametrize("at", [0, 1, 12, 13, 16, -1])
def test_what_was_altered_or_cut_does_not_open(key: Path, at: int) -> None:
    sealed = bytearray(Sealer(key).seal(b"text", "t"))
    with pytest.raises(NotOpened):
        Sealer(key).open(bytes(sealed[:at]), "t")
    sealed[at] ^= 1
    with pytest.raises(NotOpened):
        Sealer(key).open(bytes(sealed), "t")


def test_the_same_content_is_sealed_differently_every_time(key: Path) -> None:
    sealer = Sealer(key)
    sealed = [sealer.seal(b"text", "t") for _ in range(50)]
    assert len({each[1:13] for each in sealed}) == 50
    assert len({each[13:] for each in sealed}) == 50


def test_the_key_is_made_when_something_is_sealed_and_only_its_owner_may_read_it(
    key: Path,
) -> None:
    sealer = Sealer(key)
    with pytest.raises(NotOpened, match="is missing"):
        sealer.open(b"\x01" + bytes(40), "t")
    assert list(key.parent.iterdir()) == []
    sealer.seal(b"text", "t")
    assert key.stat().st_size == 32
    assert key.stat().st_mode & 0o777 == 0o600
    assert list(key.parent.iterdir()) == [key]


def test_many_who_seal_first_make_one_key(key: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: Sealer(key).seal(b"%d" % n, "t"), range(24)))
    opened = {Sealer(key).open(each, "t") for each in sealed}
    assert opened == {b"%d" % n for n in range(24)}


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_key_of_the_wrong_size_is_said_and_never_written_over(key: Path, content: bytes) -> None:
    key.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"content\.key has \d+ bytes.*backup"):
        Sealer(key).seal(b"text", "t")
    with pytest.raises(InvalidRequest, match="bytes"):
        Sealer(key).open(b"\x01" + bytes(40), "t")
    assert key.read_bytes() == content


def test_a_key_that_cannot_be_read_is_said(key: Path) -> None:
    key.mkdir()
    for act in (Sealer(key).seal, Sealer(key).open):
        with pytest.raises(InvalidRequest, match=r"content\.key cannot be used"):
            act(b"\x01" + bytes(40), "t")


def test_where_no_key_can_be_made_nothing_is_sealed(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be used"):
        Sealer(tmp_path / "gone" / KEY_FILE).seal(b"text", "t")


def test_the_files_of_a_database_do_not_show_what_was_said(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert [each.request for each in store.transcripts("support", 9)] == [SECRET.encode()] * 2
    assert [each.text for each in store.observed()] == [SECRET] * 2
    shown = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET.encode() not in shown
    assert b"call_1" in shown


def test_rows_that_were_swapped_are_left_out_of_lists_and_named_when_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = filled(tmp_path)
    change(
        tmp_path,
        "UPDATE transcripts SET sealed = (SELECT sealed FROM transcripts WHERE call = 'call_2')",
    )
    change(
        tmp_path,
        "UPDATE observed_prompts SET sealed ="
        " (SELECT sealed FROM observed_prompts WHERE fingerprint = 'f1')",
    )
    assert [each.call for each in store.transcripts("support", 9)] == ["call_2"]
    assert [each.fingerprint for each in store.observed()] == ["f1"]
    with pytest.raises(InvalidRequest, match="call_1 cannot be read: it was altered") as refused:
        store.transcript("call_1")
    assert refused.value.field == "call"
    assert store.transcript("call_2") is not None
    assert "1 transcripts cannot be read and are left out: call_1" in caplog.text
    assert SECRET not in caplog.text


def test_without_the_key_lists_are_empty_and_a_transcript_says_what_to_do(tmp_path: Path) -> None:
    filled(tmp_path)
    key = (tmp_path / KEY_FILE).read_bytes()
    (tmp_path / KEY_FILE).unlink()
    store = SqliteStore(tmp_path / "portico.db")
    assert list(store.transcripts("support", 9)) == []
    assert list(store.observed()) == []
    with pytest.raises(InvalidRequest, match=r"call_1 .*content\.key is missing; put it back"):
        store.transcript("call_1")
    (tmp_path / KEY_FILE).write_bytes(key)
    assert len(store.transcripts("support", 9)) == 2


def test_a_store_that_seals_nothing_makes_no_key(tmp_path: Path) -> None:
    migrate(tmp_path / "portico.db")
    store = SqliteStore(tmp_path / "portico.db")
    assert list(store.observed()) == []
    assert store.transcript("call_1") is None
    assert not (tmp_path / KEY_FILE).exists()


def test_notes_wait_for_a_key_that_cannot_be_used(tmp_path: Path) -> None:
    migrate(tmp_path / "portico.db")
    (tmp_path / KEY_FILE).write_bytes(b"short")
    sink = SqliteNoteSink(tmp_path / "portico.db", Sealer(tmp_path / KEY_FILE))
    with pytest.raises(NotesUnavailable, match=r"content\.key has 5 bytes"):
        sink.write([a_transcript("call_1", 1)])
    (tmp_path / KEY_FILE).write_bytes(os.urandom(32))
    assert sink.write([a_transcript("call_1", 1)]) == 0
