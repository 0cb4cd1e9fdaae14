"""A stream carried from one wire to another: read into events, written as the caller's."""

import msgspec

from portico.contract.errors import PorticoError
from portico.contract.events import Event, Failed, PartDelta, Started, Stopped, UsageReported
from portico.contract.ports import Skim, StreamReader, StreamWriter


class Translation:
    """A Relay over a reader and a writer. The writer holds back the tail until `finish`."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, created: int) -> None:
        """`created`: seconds since the epoch, for a reader's wire that does not say."""
        self._created = created
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
            if isinstance(event, Started) and event.created is None:
                event = msgspec.structs.replace(event, created=self._created)  # noqa: PLW2901
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
