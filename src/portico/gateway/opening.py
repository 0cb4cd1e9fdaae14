"""What a call asks for, read from its body and headers."""

from typing import Final

import msgspec

from portico.contract.call import NO_OPTIONS, Options, WireRequest
from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Bounds
from portico.contract.wires import Door
from portico.gateway.arrival import Arrival
from portico.wires.members import options as read_options
from portico.wires.members import scan

LONGEST_TEXT: Final = 512
"""Characters of a session, subject or tag: they are stored with every receipt."""
MOST_TAGS: Final = 32


def open_request(arrival: Arrival, door: Door, body: bytes, bounds: Bounds) -> WireRequest:
    """Raises InvalidRequest naming the member at fault."""
    request = door.read(body, bounds.nesting)
    header = arrival.header(b"x-portico-options")
    if header:
        request.options = merge(from_header(header, bounds.nesting), request.options)
    if request.options is not NO_OPTIONS:
        check(request.options)
    return request


def from_header(header: str, nesting: int) -> Options:
    """Holds the header to what holds for a body: one JSON object, UTF-8, not too deep."""
    raw = header.encode("latin-1")
    try:
        scan(raw, nesting)
    except InvalidRequest as error:
        said = error.message.replace("The body", "It", 1)
        raise InvalidRequest(
            f"The header x-portico-options is refused. {said}", field="x-portico-options"
        ) from None
    return read_options(msgspec.Raw(raw))


def merge(header: Options, body: Options) -> Options:
    """What the body says wins over the header."""
    default = NO_OPTIONS
    said = {
        name: value
        for name in Options.__struct_fields__
        if (value := getattr(body, name)) != getattr(default, name)
    }
    return msgspec.structs.replace(header, **said)


def check(options: Options) -> None:
    """Bounds what is stored with the receipt. Raises InvalidRequest."""
    if options.deadline_ms is not None and options.deadline_ms <= 0:
        raise InvalidRequest(
            "'portico.deadline_ms' is a positive number of milliseconds.",
            field="portico.deadline_ms",
        )
    if options.session is not None:
        _short("session", options.session)
    if options.subject is not None:
        _short("subject", options.subject)
    if not options.tags:
        return
    tags = options.tags
    texts = [*tags, *tags.values()] if isinstance(tags, dict) else tags
    if len(tags) > MOST_TAGS or any(len(text) > LONGEST_TEXT for text in texts):
        raise InvalidRequest(
            f"'portico.tags' holds at most {MOST_TAGS} tags of {LONGEST_TEXT} characters.",
            field="portico.tags",
        )


def _short(name: str, text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise InvalidRequest(
            f"'portico.{name}' has at most {LONGEST_TEXT} characters.", field=f"portico.{name}"
        )


def idempotency_key(arrival: Arrival, options: Options) -> str:
    """The member `portico.idempotency_key`, else the header; empty if the call carries none."""
    return options.idempotency_key or arrival.header(b"idempotency-key")
