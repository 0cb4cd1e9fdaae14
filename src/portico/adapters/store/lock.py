"""One process serves a data directory at a time."""

import fcntl
import os
from pathlib import Path

from portico.contract.errors import InvalidRequest

NAME = "lock"


class DirectoryLock:
    """Held until `release`, or until the process ends however it ends (flock)."""

    def __init__(self, directory: Path) -> None:
        """Raises InvalidRequest naming the process that serves the directory."""
        self._fd = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise InvalidRequest(
                f"The data directory {directory} is served by another process (pid {owner}). "
                "Stop that one, or use another data directory."
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """The file stays: removing it would let two processes lock two files of one name."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
