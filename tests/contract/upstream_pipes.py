"""The two sides of one connection without a network: its transport and its home."""

import asyncio

from portico.adapters.upstream.connection import Wire


class Pipe(asyncio.Transport):
    """A transport under the test's control."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False
        self.reading = True
        self.written: list[bytes] = []
        self.buffered = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.buffered


class Shelf:
    """A Home that keeps what rests."""

    def __init__(self) -> None:
        self.rested = 0
        self.was_lost = 0

    def rest(self, wire: Wire) -> None:
        self.rested += 1

    def lost(self, wire: Wire) -> None:
        self.was_lost += 1
