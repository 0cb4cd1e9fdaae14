"""Backup and restore of a data directory, in one encrypted file.

A backup may be made while a server serves the directory. The journal is copied before the
database: an entry that was answered before is in the copied journal or already in the database,
and the position in the database says which, so a restored directory has each exactly once.
Calls that were under way are found as lost calls, at their estimated cost.

Left out: what belongs to one process (lock, socket, token of a start).
"""

import io
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from portico.adapters.journal.segments import START, SUFFIX, found_in
from portico.adapters.sealed import SealedReader, SealedWriter
from portico.adapters.store.connection import connect, opened
from portico.adapters.store.data import DATABASE, JOURNAL
from portico.adapters.store.sealing import KEY_FILE
from portico.contract.errors import InvalidRequest

SMALL_FILES = ("snapshot.json", KEY_FILE)
"""What else is taken from the directory, where it is there. The key of stored content is made
before anything is sealed, so it is there if the copy of the database needs it."""
SCRYPT_LOG2_N = 17
"""128 MiB and a third of a second a guess (RFC 7914 with r = 8, p = 1)."""
_COPY_BYTES = 1024 * 1024


def write_backup(
    directory: Path,
    out: Path,
    passphrase: str,
    *,
    files: Sequence[str] = SMALL_FILES,
    scrypt_log2_n: int = SCRYPT_LOG2_N,
) -> None:
    """Writes `out` (0600) whole or not at all. Raises InvalidRequest where there is nothing."""
    database = directory / DATABASE
    if not database.is_file():
        raise InvalidRequest(f"{directory} is not a data directory: it has no {DATABASE}.")
    if not passphrase:
        raise InvalidRequest("A backup holds keys: give a passphrase to encrypt it with.")
    with _written_whole(out) as raw:
        sealed = SealedWriter(raw, passphrase, scrypt_log2_n)
        with tarfile.open(fileobj=cast(BinaryIO, sealed), mode="w|") as archive:
            for name, data in _segments(directory / JOURNAL):
                _add(archive, f"{JOURNAL}/{name}", io.BytesIO(data), len(data))
            with _database_copy(database) as copy, copy.open("rb") as file:
                _add(archive, DATABASE, file, copy.stat().st_size)
            for name in files:
                if (directory / name).is_file():
                    data = (directory / name).read_bytes()
                    _add(archive, name, io.BytesIO(data), len(data))
        sealed.finish()


def read_backup(
    file: Path, directory: Path, passphrase: str, *, files: Sequence[str] = SMALL_FILES
) -> None:
    """Restores into a directory that is empty or not there; all of it, or nothing.

    Raises InvalidRequest for a wrong passphrase, a file that is cut short, altered or not a
    backup, and a directory that has something in it.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InvalidRequest(f"{directory} is not empty. Restore into a new directory.")
    created = not directory.exists()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".restoring-", dir=directory))
    try:
        with _readable(file) as raw:
            _unpack(SealedReader(raw, passphrase, file), stage, files)
        for path in sorted(stage.iterdir(), key=lambda path: path.name == DATABASE):
            path.rename(directory / path.name)
        stage.rmdir()
    except BaseException:  # whatever it is, nothing half restored stays
        shutil.rmtree(stage, ignore_errors=True)
        if created:
            shutil.rmtree(directory, ignore_errors=True)
        raise
    directory.chmod(0o700)


def _segments(journal: Path) -> Iterator[tuple[str, bytes]]:
    """Every segment with entries, cut behind its last whole one."""
    if not journal.is_dir():
        return
    for segment in found_in(journal):
        try:
            if segment.sequence and segment.scan(START):
                yield segment.path.name, segment.read(0, segment.end)
        finally:
            segment.close()


@contextmanager
def _database_copy(database: Path) -> Iterator[Path]:
    """A consistent copy beside the original, where only its owner can read it."""
    fd, name = tempfile.mkstemp(prefix=".backup-", dir=database.parent)
    os.close(fd)
    copy = Path(name)
    try:
        with opened(database, mode="ro") as source:
            target = connect(copy)
            try:
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
            finally:
                target.close()
        yield copy
    finally:
        copy.unlink()


def _add(archive: tarfile.TarFile, name: str, file: BinaryIO, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, file)


def _unpack(sealed: SealedReader, stage: Path, files: Sequence[str]) -> None:
    with tarfile.open(fileobj=cast(BinaryIO, sealed), mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if _expected(member, files) else None
            if content is None:
                raise InvalidRequest(f"The backup holds {member.name!r}, which is not part of one.")
            path = stage / member.name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with open(path, "xb", opener=_private) as target:
                shutil.copyfileobj(content, target, _COPY_BYTES)
                target.flush()
                os.fsync(target.fileno())
    sealed.expect_end()


def _expected(member: tarfile.TarInfo, files: Sequence[str]) -> bool:
    """Names from an archive are a closed list, so that none can point out of the directory."""
    folder, _, name = member.name.rpartition("/")
    segment = folder == JOURNAL and name == f"{name[:4]}{SUFFIX}" and name[:4].isdecimal()
    return member.isfile() and (segment or member.name == DATABASE or member.name in files)


@contextmanager
def _written_whole(out: Path) -> Iterator[BinaryIO]:
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        with open(part, "xb", opener=_private) as raw:
            yield raw
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(out)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise InvalidRequest(f"The backup {out} cannot be written: {problem}.") from problem
    except BaseException:  # whatever it is, no half backup stays
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _readable(file: Path) -> Iterator[BinaryIO]:
    try:
        raw = file.open("rb")
    except OSError as problem:
        raise InvalidRequest(f"The backup cannot be read: {problem}.") from problem
    with raw:
        yield raw


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
