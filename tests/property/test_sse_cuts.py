"""However a stream is cut, its frames and its bytes are the same."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from portico.wires.sse import SseFrame, SseReader

LINES = st.sampled_from(
    ["data: x", "data: žluťoučký 😀", "data:", "data", "event: e", ": ping", "id: 4", "", "", ""]
)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
STREAMS = st.lists(st.tuples(LINES, NEWLINES), max_size=20).map(
    lambda pairs: "".join(line + end for line, end in pairs).encode()
)
ANYTHING = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"data: a", b"\xef\xbb\xbf", b"\xc5"]))


def read(pieces: list[bytes]) -> list[SseFrame]:
    reader = SseReader()
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    return frames + reader.close()


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[start:end] for start, end in pairwise(ends)]


@given(STREAMS | ANYTHING.map(b"".join), st.lists(st.integers(0, 1000)))
def test_cuts_change_neither_frames_nor_bytes(stream: bytes, places: list[int]) -> None:
    whole = read([stream])
    assert read(cut(stream, places)) == whole
    assert b"".join(frame.raw for frame in whole) == stream


@given(STREAMS)
def test_a_stream_that_comes_byte_by_byte_gives_the_same_frames(stream: bytes) -> None:
    assert read([bytes([byte]) for byte in stream]) == read([stream])


@given(st.lists(st.tuples(LINES, NEWLINES), max_size=20))
def test_the_kind_of_line_ending_does_not_change_what_is_said(pairs: list[tuple[str, str]]) -> None:
    mixed = "".join(line + end for line, end in pairs).encode()
    plain = mixed.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    said = [(frame.event, frame.data) for frame in read([mixed]) if frame.data]
    assert said == [(frame.event, frame.data) for frame in read([plain]) if frame.data]
