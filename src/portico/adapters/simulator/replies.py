"""A reply of the simulator before it is performed, and the marks that say it is simulated."""

from collections.abc import Iterable, Iterator

import msgspec

from portico.contract.conversation import Json
from portico.contract.events import Event, PartDelta
from portico.contract.ports import StreamWriter
from portico.providers.simulator.faults import SMOOTH, Course

MARK = ("x-portico-simulated", "true")
_JSON = {"content-type": "application/json", MARK[0]: MARK[1]}
_STREAM = {"content-type": "text/event-stream", "cache-control": "no-cache", MARK[0]: MARK[1]}

Pieces = Iterable[tuple[bytes, int]]
"""Bytes of a body in order, and how many tokens each carries."""


class Reply(msgspec.Struct, kw_only=True):
    """Status, headers (lower-case names) and body; `course` says what goes wrong on the way."""

    status: int
    headers: dict[str, str]
    pieces: Pieces
    length: int | None
    """Bytes of a whole body; None for a stream."""
    course: Course = SMOOTH
    delay_s: float = 0.0
    """Before the head."""


def whole(body: bytes, course: Course = SMOOTH, tokens: int = 0) -> Reply:
    """A body at once, after the time that `tokens` take."""
    paced = tokens / course.tokens_per_s if course.tokens_per_s else 0.0
    return Reply(
        status=200,
        headers=_JSON,
        pieces=((body, 0),),
        length=len(body),
        course=course,
        delay_s=course.delay_s + paced,
    )


def stream(events: Iterator[Event], writer: StreamWriter, course: Course) -> Reply:
    """Frames as their tokens come."""
    return Reply(
        status=200,
        headers=_STREAM,
        pieces=_frames(events, writer),
        length=None,
        course=course,
        delay_s=course.delay_s,
    )


def failure(status: int, body: Json, retry_after_s: float | None = None) -> Reply:
    written = msgspec.json.encode(body)
    headers = _JSON
    if retry_after_s is not None:
        headers = {**_JSON, "retry-after": f"{retry_after_s:g}"}
    return Reply(status=status, headers=headers, pieces=((written, 0),), length=len(written))


def marked(body: bytes) -> bytes:
    """A JSON object with the member `simulated`, put last."""
    return body[:-1] + b',"simulated":true}'


def _frames(events: Iterator[Event], writer: StreamWriter) -> Iterator[tuple[bytes, int]]:
    unmarked = True
    for event in events:
        frame = writer.write(event)
        if unmarked and frame:
            frame = frame.replace(b"data: {", b'data: {"simulated":true,', 1)
            unmarked = False
        yield frame, 1 if isinstance(event, PartDelta) else 0
    # Every door's stream ends in a member that is the gateway's to write, not a provider's.
    yield writer.finish(b"0").replace(b',"portico":0', b"", 1), 0
