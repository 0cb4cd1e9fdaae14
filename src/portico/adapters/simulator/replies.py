"""A reply of the simulator before it is performed, and the marks that say it is simulated."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from portico.adapters.simulator.framing import Framing, Piece
from portico.contract.conversation import Json
from portico.contract.events import Event
from portico.contract.wires import StreamWriter
from portico.providers.simulator.faults import SMOOTH, Course

MARK = ("x-portico-simulated", "true")
_JSON = {"content-type": "application/json", MARK[0]: MARK[1]}
_STREAM = {"cache-control": "no-cache", MARK[0]: MARK[1]}

Pieces = Iterable[Piece]


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


def stream(
    events: Iterator[Event],
    writer: StreamWriter,
    framing: Framing,
    course: Course,
    breach: bytes = b"",
) -> Reply:
    """Frames as their tokens come; `breach` ends them after the first token."""
    return Reply(
        status=200,
        headers={"content-type": framing.content_type, **_STREAM},
        pieces=framing.pieces(events, writer, breach),
        length=None,
        course=course,
        delay_s=course.delay_s,
    )


def failure(status: int, body: Json, headers: Mapping[str, str]) -> Reply:
    written = msgspec.json.encode(body)
    return Reply(
        status=status,
        headers={**_JSON, **headers},
        pieces=((written, 0),),
        length=len(written),
    )


def marked(body: bytes) -> bytes:
    """A JSON object with the member `simulated`, put last."""
    return body[:-1] + b',"simulated":true}'
