"""A stream carried from one wire to another: read into events, written as the caller's."""

from typing import TypeVar

import msgspec

from portico.contract.errors import PorticoError
from portico.contract.events import (
    Answer,
    Event,
    Failed,
    PartDelta,
    Started,
    Stopped,
    UsageReported,
)
from portico.contract.wires import Skim, StreamReader, StreamWriter

Named = TypeVar("Named", Started, Answer)


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is called where its provider's wire does not say."""

    id: str
    model: str
    created: int
    """Seconds since the epoch."""

    def complete(self, said: Named) -> Named:
        if said.id and said.model and said.created is not None:
            return said
        return msgspec.structs.replace(
            said,
            id=said.id or self.id,
            model=said.model or self.model,
            created=self.created if said.created is None else said.created,
        )


class Translation:
    """A Relay over a reader and a writer. The writer holds back the tail until `finish`."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, naming: Naming) -> None:
        self._naming = naming
        self._reader = reader
        self._writer = writer
        self.skim = Skim()

    def feed(self, data: bytes) -> bytes:
        return self._carry(self._reader.feed(data))

    def close(self) -> bytes:
        return self._carry(self._reader.close())

    def finish(self, portico: bytes) -> bytes:
        return self._writer.finish(portico)

    def fail(self, error: PorticoError) -> bytes:
        return self._writer.fail(error)

    def _carry(self, events: list[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if self.skim.failed is not None:
                break
            if isinstance(event, Started):
                event = self._naming.complete(event)  # noqa: PLW2901 - the same event, named
            self._note(event)
            if not isinstance(event, Failed):
                out.append(self._writer.write(event))
        self.skim.complete = self._reader.complete
        return b"".join(out)

    def _note(self, event: Event) -> None:
        skim = self.skim
        if isinstance(event, PartDelta):
            skim.has_content = True
            skim.output_bytes += len(event.text.encode())
        elif isinstance(event, Stopped):
            skim.stop = event.reason
        elif isinstance(event, UsageReported):
            skim.usage = event.usage
        elif isinstance(event, Started):
            skim.model = event.model
        elif isinstance(event, Failed):
            skim.failed = event.error
