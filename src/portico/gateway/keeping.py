"""What was said in a call, taken down where its workload keeps transcripts."""

from typing import Final

from portico.contract.deployment import Transcript
from portico.contract.receipt import Receipt

MOST_BYTES: Final = 1024 * 1024
"""Of an answer: a longer one is not kept at all, since half an answer misleads."""


class Keeping:
    """The request as it came, and the answer as it leaves."""

    __slots__ = ("_answer", "_options", "_request", "_size")

    def __init__(self, request: bytes, options: bytes) -> None:
        self._request = request
        self._options = options
        self._answer: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= MOST_BYTES:
            self._answer.append(data)

    def transcript(self, receipt: Receipt) -> Transcript | None:
        """None for a call that was not answered, or whose answer is too long."""
        if receipt.status != "ok" or self._size > MOST_BYTES:
            return None
        return Transcript(
            call=receipt.call,
            team=receipt.team,
            workload=receipt.workload,
            door=receipt.door,
            subject=receipt.subject,
            received_ns=receipt.received_ns,
            request=self._request,
            options=self._options,
            answer=b"".join(self._answer),
            stream=receipt.stream,
            release=receipt.release,
        )
