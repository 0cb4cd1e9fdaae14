"""Backup and restore: whole or not at all, readable with the passphrase and not without."""

import asyncio
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from tests.contract.noted import a_transcript

from portico.adapters.backup import read_backup, write_backup
from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.sealed import CHUNK, SealedReader, SealedWriter
from portico.adapters.store.data import open_data
from portico.contract.errors import InvalidRequest, Overloaded
from portico.contract.receipt import Receipt

FIXTURE = Path(__file__).parents[1] / "fixtures/data/0.1.0"
CHILD = Path(__file__).with_name("journal_child.py")
QUICK = 4
"""log2 of scrypt's cost: a test does not guard a secret."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """What a killed process left, with a snapshot and things that belong to that process."""
    place = tmp_path / "data"
    shutil.copytree(FIXTURE, place)
    (place / "snapshot.json").write_bytes(b'{"project": "default"}')
    for name in ("lock", "token", "portico.sock"):
        (place / name).write_text("of this process only")
    return place


@pytest.fixture
def backup(directory: Path, tmp_path: Path) -> Path:
    write_backup(directory, tmp_path / "out.backup", "correct horse", scrypt_log2_n=QUICK)
    return tmp_path / "out.backup"


def ledger(directory: Path) -> list[Receipt]:
    async def all_pages() -> list[Receipt]:
        pages = list(await data.ledger.recent(1000))
        while more := await data.ledger.recent(1000, before=pages[0].call):
            pages[:0] = more
        return pages

    data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
    receipts = asyncio.run(all_pages())
    assert data.close()
    return receipts


def test_a_restored_directory_has_every_call_key_and_secret(
    backup: Path, directory: Path, tmp_path: Path
) -> None:
    read_backup(backup, tmp_path / "restored", "correct horse")
    data = open_data(tmp_path / "restored", journal=JournalOptions(), clock=SystemClock())
    keys, secret = data.store.keys(), data.store.secret("key-verifiers", b"fresh")
    assert data.close()
    assert [key.id for key in keys] == ["key_1", "key_2"]
    assert secret == b"pepper"
    assert ledger(tmp_path / "restored") == ledger(directory)
    assert len(ledger(directory)) == 5


def test_a_restored_directory_reads_the_transcripts_that_were_sealed(
    directory: Path, tmp_path: Path
) -> None:
    kept = a_transcript("call_0001", 1, "a question")
    data = open_data(directory, journal=JournalOptions(), clock=SystemClock())
    data.notes.keep(kept)
    assert data.close()
    write_backup(directory, tmp_path / "sealed.backup", "correct horse", scrypt_log2_n=QUICK)
    read_backup(tmp_path / "sealed.backup", tmp_path / "restored", "correct horse")
    assert (tmp_path / "restored/content.key").stat().st_mode & 0o777 == 0o600
    data = open_data(tmp_path / "restored", journal=JournalOptions(), clock=SystemClock())
    assert data.store.transcript("call_0001") == kept
    assert data.close()


def test_what_belongs_to_one_process_is_left_out(backup: Path, tmp_path: Path) -> None:
    read_backup(backup, tmp_path / "restored", "correct horse")
    names = sorted(p.name for p in (tmp_path / "restored").iterdir())
    assert names == ["journal", "portico.db", "snapshot.json"]
    assert (tmp_path / "restored/snapshot.json").read_bytes() == b'{"project": "default"}'


def test_nobody_but_the_owner_may_read_a_backup_or_what_comes_out_of_it(
    backup: Path, tmp_path: Path
) -> None:
    read_backup(backup, tmp_path / "restored", "correct horse")
    everything = [backup, *(tmp_path / "restored").rglob("*"), tmp_path / "restored"]
    modes = {(p.is_dir(), p.stat().st_mode & 0o777) for p in everything}
    assert modes == {(False, 0o600), (True, 0o700)}


def test_a_backup_does_not_show_what_is_in_it(backup: Path) -> None:
    shown = backup.read_bytes()
    assert all(word not in shown for word in (b"SQLite", b"portico.db", b"pepper", b"call_0001"))


def test_two_backups_of_the_same_directory_share_no_key_stream(
    backup: Path, directory: Path, tmp_path: Path
) -> None:
    write_backup(directory, tmp_path / "again", "correct horse", scrypt_log2_n=QUICK)
    first, second = backup.read_bytes()[64:], (tmp_path / "again").read_bytes()[64:]
    same = sum(a == b for a, b in zip(first, second, strict=False))
    assert same < len(first) / 50


def test_a_wrong_passphrase_is_said_and_leaves_nothing_behind(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="passphrase is wrong"):
        read_backup(backup, tmp_path / "restored", "wrong")
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("kept", [0, 1, 40, 60, 5000, -1, -17])
def test_a_backup_that_is_cut_short_leaves_nothing_behind(
    backup: Path, tmp_path: Path, kept: int
) -> None:
    backup.write_bytes(backup.read_bytes()[:kept])
    (tmp_path / "restored").mkdir()
    with pytest.raises(InvalidRequest, match=r"cut short|not a backup"):
        read_backup(backup, tmp_path / "restored", "correct horse")
    assert list((tmp_path / "restored").iterdir()) == []


@pytest.mark.parametrize("place", [0, 8, 9, 12, 20, 40, 48, 5000, -1])
def test_a_backup_that_was_altered_leaves_nothing_behind(
    backup: Path, tmp_path: Path, place: int
) -> None:
    data = bytearray(backup.read_bytes())
    data[place] ^= 0x40
    backup.write_bytes(data)
    with pytest.raises(InvalidRequest):
        read_backup(backup, tmp_path / "restored", "correct horse")
    assert not (tmp_path / "restored").exists()


def test_bytes_behind_the_end_are_noticed(backup: Path, tmp_path: Path) -> None:
    backup.write_bytes(backup.read_bytes() + b"x")
    with pytest.raises(InvalidRequest):
        read_backup(backup, tmp_path / "restored", "correct horse")


def test_nothing_is_restored_over_something(backup: Path, directory: Path) -> None:
    before = sorted(p.name for p in directory.iterdir())
    with pytest.raises(InvalidRequest, match="not empty"):
        read_backup(backup, directory, "correct horse")
    assert sorted(p.name for p in directory.iterdir()) == before


def test_a_backup_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_backup(tmp_path / "none", tmp_path / "restored", "x")
    assert not (tmp_path / "restored").exists()


def test_a_directory_without_data_cannot_be_backed_up(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="not a data directory"):
        write_backup(tmp_path, tmp_path / "out", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_needs_a_passphrase_and_a_place(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="passphrase"):
        write_backup(directory, tmp_path / "out", "")
    with pytest.raises(InvalidRequest, match="cannot be written"):
        write_backup(directory, tmp_path / "no/where/out", "x", scrypt_log2_n=QUICK)


def test_a_backup_of_a_database_that_is_broken_leaves_the_last_one(
    backup: Path, directory: Path, tmp_path: Path
) -> None:
    last = backup.read_bytes()
    (directory / "portico.db").write_bytes(b"not a database" * 100)
    with pytest.raises(Overloaded, match="not a database"):
        write_backup(directory, backup, "correct horse", scrypt_log2_n=QUICK)
    assert backup.read_bytes() == last
    assert {p.name for p in tmp_path.iterdir()} == {"data", "out.backup"}
    assert not list(directory.glob(".backup-*"))


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "journal/../../e", "other.txt"])
def test_a_name_that_is_not_part_of_a_backup_is_refused(tmp_path: Path, name: str) -> None:
    with (tmp_path / "forged").open("wb") as raw:
        sealed = SealedWriter(raw, "x", QUICK)
        with tarfile.open(fileobj=cast(BinaryIO, sealed), mode="w|") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        sealed.finish()
    with pytest.raises(InvalidRequest, match="not part of one"):
        read_backup(tmp_path / "forged", tmp_path / "restored", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["forged"]


def test_chunks_cannot_be_reordered_repeated_or_left_out(tmp_path: Path) -> None:
    raw = io.BytesIO()
    writer = SealedWriter(raw, "x", QUICK)
    content = b"".join(bytes([n]) * CHUNK for n in range(4))
    writer.write(content)
    writer.finish()
    sealed = raw.getvalue()
    head = len(sealed) - 4 * (CHUNK + 16)
    chunks = [sealed[at : at + CHUNK + 16] for at in range(head, len(sealed), CHUNK + 16)]

    def read(*order: int) -> bytes:
        file = io.BytesIO(sealed[:head] + b"".join(chunks[n] for n in order))
        return SealedReader(file, "x", tmp_path).read(len(content) + 1)

    assert read(0, 1, 2, 3) == content
    for order in [(1, 0, 2, 3), (0, 1, 3), (0, 1, 2), (0, 1, 1, 2, 3), (0, 2, 1, 3), (0, 3), (3,)]:
        with pytest.raises(InvalidRequest):
            read(*order)


def test_a_backup_made_while_serving_has_every_call_answered_before(tmp_path: Path) -> None:
    place = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, str(CHILD), "endless", str(place), "1"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        with process.stdout:
            answered = {int(process.stdout.readline()) for _ in range(500)}
            for turn in range(3):
                out = tmp_path / f"out{turn}"
                write_backup(place, out, "x", scrypt_log2_n=QUICK)
            process.kill()
    for turn in range(3):
        restored = tmp_path / f"restored{turn}"
        read_backup(tmp_path / f"out{turn}", restored, "x")
        receipts = ledger(restored)
        calls = {r.call: r for r in receipts}
        assert len(calls) == len(receipts)
        assert all(calls[f"call_{n:06d}"].cost_nano == 1 for n in answered)
        assert {r.cost_nano for r in receipts} <= {1, 1000}
