"""The top level of a JSON body: its members, where they are, and edits that touch only them.

Law of the file: a body that `scan` accepts is one JSON object in valid UTF-8, with no member
twice, nested no deeper than allowed; and `edit` changes the named members and no other byte.

Grammar: RFC 8259. Refused beyond it, because readers disagree about them: duplicate members at
the top level, lone surrogates, a byte order mark.
"""

import difflib
import re
from collections.abc import Collection, Mapping
from itertools import accumulate

import msgspec

from portico.contract.call import NO_OPTIONS, Options
from portico.contract.errors import InvalidRequest

Span = tuple[str, int, int, int]
"""A member: its name, the start of its key, the start of its value, the end of its value."""

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_anything = msgspec.json.Decoder()
_options = msgspec.json.Decoder(Options)

_KEY = re.compile(rb'[ \t\r\n]*[{,][ \t\r\n]*("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*:[ \t\r\n]*')
_CLOSING = re.compile(rb"[ \t\r\n]*(?:\{[ \t\r\n]*)?\}")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_PAIRED = re.compile(
    rb"(?:[^\\]++|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u(?![dD][89a-fA-F])|\\[^u])*+", re.DOTALL
)
_NOT_A_NUMBER = re.compile(rb"-?(?:NaN|Infinity)")
_BYTE = re.compile(r"\(byte (\d+)\)")
_FIELD = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")

_SPACE = 0x20
_BRACKETS = bytes(1 if byte in b"[{" else 0xFF if byte in b"]}" else 0 for byte in range(256))
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def scan(body: bytes, nesting: int) -> tuple[dict[str, msgspec.Raw], tuple[Span, ...]]:
    """The members of a body, undecoded, and their places in bytes.

    Raises InvalidRequest for anything but one JSON object that is safe to read, with the place.
    """
    if body.count(b"[") + body.count(b"{") > nesting:
        _check_nesting(body, nesting)
    try:
        members = _members.decode(body)
        body.decode("utf-8")
        if b"\\" in body and (b"\\ud" in body or b"\\uD" in body):
            _anything.decode(body)
    except msgspec.ValidationError as error:
        raise _not_an_object(body, error) from None
    except UnicodeDecodeError as error:
        place = _place(body, error.start)
        raise InvalidRequest(f"The body is not valid UTF-8 at {place}.") from None
    except msgspec.DecodeError as error:
        raise _malformed(body, error) from None
    return members, _spans(body, members)


def edit(
    body: bytes,
    members: Collection[Span],
    replace: Mapping[str, bytes],
    remove: Collection[str] = (),
    add: Mapping[str, bytes] = {},
) -> bytes:
    """The body with some members replaced, removed or added (last), all else equal.

    `members` are the spans that `scan` found; names that are not among them are ignored by
    `replace` and `remove`. Values are JSON text. A removed member goes with the comma before
    it; where nothing before it is kept, with the comma after it.
    """
    pieces: list[bytes] = []
    done = 0
    opening = body.find(b"{") + 1
    kept = opening
    skip = False
    for name, key, start, end in members:
        if skip:
            done = key if kept == opening else done
        skip = name in remove
        if skip:
            pieces.append(body[done : key if kept == opening else kept])
            done = end
        elif name in replace:
            pieces += (body[done:start], replace[name])
            done = kept = end
        else:
            kept = end
    tail = b""
    if add:
        tail = b"".join(b',"' + name.encode() + b'":' + value for name, value in add.items())
        tail = tail[1:] if kept == opening else tail
    pieces += (body[done:kept], tail, body[max(done, kept) :])
    return b"".join(pieces)


def stamp(data: bytes, name: str, value: bytes) -> bytes:
    """The text of a JSON object with one more member at its end. `value` is JSON text."""
    closing = data.rindex(b"}")
    head = data[:closing].rstrip()
    comma = b"" if head.endswith(b"{") else b","
    return b"".join((head, comma, b'"', name.encode(), b'":', value, data[len(head) :]))


def options(raw: msgspec.Raw | None) -> Options:
    """The `portico` member. Raises InvalidRequest naming the option at fault."""
    if raw is None:
        return NO_OPTIONS
    try:
        found = _options.decode(raw)
    except msgspec.ValidationError as error:
        raise _bad_option(error) from None
    if found.deadline_ms is not None and found.deadline_ms < 1:
        raise InvalidRequest(
            "`portico.deadline_ms` must be at least 1 (milliseconds).", field="portico.deadline_ms"
        )
    return found


def refusal(error: msgspec.DecodeError, within: str = "") -> InvalidRequest:
    """A failed typed decode as an error that names the member, such as "messages[2].content"."""
    text = str(error)
    match = _FIELD.search(text)
    path = match[1].replace("[...]", "") if match else ""
    field = f"{within}.{path}" if within and path and path[0] != "[" else within + path
    what = text[: match.start()] if match else text
    if (missing := re.search(r"missing required field `(.*)`", what)) is not None:
        field = f"{field}.{missing[1]}" if field else missing[1]
        return InvalidRequest(f"`{field}` is missing; it is required.", field=field)
    at = f"`{field}`: " if field else ""
    return InvalidRequest(f"{at}{what[:1].lower()}{what[1:]}.", field=field or None)


def _bad_option(error: msgspec.ValidationError) -> InvalidRequest:
    unknown = _UNKNOWN.search(str(error))
    if unknown is None:
        return refusal(error, "portico")
    name = unknown[1]
    known = Options.__struct_fields__
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else "known are " + ", ".join(known) + "."
    return InvalidRequest(f"`portico.{name}` is not an option; {hint}", field=f"portico.{name}")


def _spans(body: bytes, members: Mapping[str, msgspec.Raw]) -> tuple[Span, ...]:
    """Walks the members in their order. A member that does not fit its text came twice.

    First as most writers write: at most one space after the comma and after the colon, and no
    escapes in names; the pattern is for all others.
    """
    spans: list[Span] = []
    position = 0
    for name, raw in members.items():
        text = bytes(raw)
        start = -1
        if body[position] in b"{,":
            opened = position + 1 + (body[position + 1] == _SPACE)
            key = b'"%b":' % name.encode()
            if body.startswith(key, opened):
                start = opened + len(key)
                start += body[start] == _SPACE
        if start < 0 or not body.startswith(text, start):
            opened, start = _member(body, position, name, text)
        position = start + len(text)
        spans.append((name, opened, start, position))
    if body[position:] != b"}" and _CLOSING.match(body, position) is None:
        raise _duplicate(body)
    return tuple(spans)


def _member(body: bytes, position: int, name: str, text: bytes) -> tuple[int, int]:
    """Where the member begins that stands at `position`, and where its value does."""
    key = _KEY.match(body, position)
    if key is None:
        raise _duplicate(body)
    opened, closed = key.span(1)
    token = body[opened:closed]
    same = token[1:-1] == name.encode() or _name(token) == name
    if not (same and body.startswith(text, key.end())):
        raise _duplicate(body)
    return opened, key.end()


def _name(token: bytes) -> str:
    if b"\\" in token:
        return msgspec.json.decode(token, type=str)
    return token[1:-1].decode()


def _duplicate(body: bytes) -> InvalidRequest:
    """Finds which member came twice, slowly; only bodies that will be refused pay for it."""
    seen: set[str] = set()
    position = 0
    while (key := _KEY.match(body, position)) is not None:
        name = _name(key[1])
        if name in seen:
            place = _place(body, key.start(1))
            return InvalidRequest(
                f"The member {name[:80]!r} comes twice in the body (again at {place}); send one.",
                field=name[:80],
            )
        seen.add(name)
        position = _after_value(body, key.end())
    return InvalidRequest("The body has a member twice; send each once.")


def _after_value(body: bytes, position: int) -> int:
    """The place after a valid JSON value, which begins at `position`."""
    depth = 0
    while position < len(body):
        byte = body[position]
        if byte == 0x22:
            string = _STRING.match(body, position)
            position = string.end() if string else len(body)
            continue
        if depth == 0 and byte in b",}]":
            break
        depth += (byte in b"[{") - (byte in b"]}")
        position += 1
    return position


def _check_nesting(body: bytes, nesting: int) -> None:
    brackets = _STRING.sub(b"", body).translate(_BRACKETS, _NOT_BRACKETS)
    deepest = max(accumulate(memoryview(brackets).cast("b")), default=0)
    if deepest > nesting:
        raise InvalidRequest(
            f"The body is nested {deepest} deep; at most {nesting} levels are accepted."
        )


def _place(body: bytes, offset: int) -> str:
    line = body.count(b"\n", 0, offset) + 1
    return f"byte {offset} (line {line})"


def _not_an_object(body: bytes, error: msgspec.ValidationError) -> InvalidRequest:
    text = str(error)
    if "out of range" in text:
        return InvalidRequest("The body has a number that is out of range; send a smaller one.")
    kind = text.rpartition("got `")[2].partition("`")[0] or "something else"
    return InvalidRequest(f"The body must be a JSON object; it is of type {kind}.")


def _malformed(body: bytes, error: msgspec.DecodeError) -> InvalidRequest:
    if body.startswith(b"\xef\xbb\xbf"):
        return InvalidRequest("The body begins with a byte order mark; send JSON without it.")
    paired = _PAIRED.match(body)
    if paired is not None and paired.end() < len(body):
        place = _place(body, paired.end())
        if body[paired.end() + 1 : paired.end() + 2] == b"u":
            return InvalidRequest(
                f"The body has half of a surrogate pair at {place}; send whole characters."
            )
    found = _BYTE.search(str(error))
    if found is None:
        return InvalidRequest(
            f"The body is not complete JSON: it ends after {len(body)} bytes, too early."
        )
    offset = int(found[1])
    number = _NOT_A_NUMBER.search(body, max(0, offset - 1), offset + 9)
    if number is not None and number.start() <= offset:
        word = number[0].decode()
        return InvalidRequest(f"{word} at {_place(body, offset)} is not JSON; send a number.")
    what = str(error).removeprefix("JSON is malformed: ").partition(" (byte")[0]
    return InvalidRequest(f"The body is not valid JSON: {what} at {_place(body, offset)}.")
