"""The journal's files: preallocated, numbered anew each time they are used again."""

import os
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from zlib import crc32

from portico.adapters.journal.entries import HEAD, Found, walk
from portico.contract.errors import InvalidRequest

SUFFIX = ".segment"
LEAST_BYTES = 16 * 1024
_HEAD = Struct("<8sIQ")
_MAGIC = b"PORTICOJ"
_FORMAT = 1
SCAN_BYTES = 256 * 1024
START = 32
"""Where the first entry lies. Before it: magic, format, sequence number, checksum."""


@dataclass(slots=True, eq=False)
class Segment:
    """One file. The writer moves `end` and sets `sealed`; the loader only reads them."""

    path: Path
    fd: int
    size: int
    sequence: int = 0
    """0: never used. Otherwise it orders the segments that hold entries."""
    end: int = START
    sealed: bool = False
    synced: int = START

    def read(self, start: int, size: int) -> bytes:
        return os.pread(self.fd, size, start)

    def renumber(self, sequence: int) -> None:
        """Makes the segment empty: under a new number no old entry passes its checksum."""
        head = _HEAD.pack(_MAGIC, _FORMAT, sequence)
        os.pwrite(self.fd, head + crc32(head).to_bytes(4, "little"), 0)
        self.sequence, self.end, self.sealed, self.synced = sequence, START, False, START

    def sync(self) -> None:
        """Puts what was written so far on the disk."""
        end = self.end
        if end != self.synced:
            os.fdatasync(self.fd)
            self.synced = end

    def scan(self, start: int) -> int:
        """Counts the entries from `start` on, and sets `end` behind the last whole one."""
        self.end = max(start, START)
        count = 0
        while found := self.batch(self.end, self.size, SCAN_BYTES):
            self.end, count = found[-1].end, count + len(found)
        self.synced = self.end
        return count

    def batch(self, start: int, stop: int, size: int) -> list[Found]:
        """Entries between two offsets: about `size` bytes of them, but at least one.

        None where `start` lies behind `stop`: in a backup the database is copied after the
        journal, and may know of entries that the copied segment does not have.
        """
        whole = stop - start
        if whole <= 0:
            return []
        found = list(walk(self.read(start, min(size, whole)), self.sequence, start))
        if found or size >= whole or not self._cut(start, size):
            return found
        return list(walk(self.read(start, whole), self.sequence, start))

    def _cut(self, start: int, size: int) -> bool:
        """Whether an entry at `start` says that it is longer than `size`."""
        length: int = HEAD.unpack(self.read(start, HEAD.size))[0]
        return size < HEAD.size + length <= self.size - start

    def close(self) -> None:
        os.close(self.fd)

    def discard(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)


def sequence_of(head: bytes, path: Path) -> int:
    """The sequence number in a segment's head; 0 for a file that was never used."""
    end = _HEAD.size
    magic, form, sequence = _HEAD.unpack_from(head.ljust(START, b"\0"))
    if magic != _MAGIC or crc32(head[:end]).to_bytes(4, "little") != head[end : end + 4]:
        return 0
    if form != _FORMAT:
        raise InvalidRequest(
            f"The journal file {path} was written by a newer release (format {form}); "
            "start that release again, or let it load its journal before going back."
        )
    return int(sequence)


def found_in(directory: Path) -> list[Segment]:
    """The segments that are there, by sequence number; unused ones first."""
    segments = []
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        segment = Segment(path, fd, os.fstat(fd).st_size)
        segment.sequence = sequence_of(segment.read(0, START), path)
        segments.append(segment)
    return sorted(segments, key=lambda s: s.sequence)


def allocate(directory: Path, size: int) -> Segment:
    """A new file with all its blocks, so that a full disk does not stop it later.

    Raises OSError where the disk has no room for it; nothing is left behind then.
    """
    taken = {path.name for path in directory.glob(f"*{SUFFIX}")}
    name = next(n for i in range(len(taken) + 1) if (n := f"{i:04d}{SUFFIX}") not in taken)
    path = directory / name
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError:
        os.close(fd)
        path.unlink()
        raise
    return Segment(path, fd, size)
