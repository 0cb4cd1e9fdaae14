"""Frames of server-sent events, one promise each."""

import pytest

from portico.contract.errors import UpstreamFailed
from portico.wires.sse import SseFrame, SseReader, frame


def read(*pieces: bytes) -> list[SseFrame]:
    reader = SseReader()
    frames = [found for piece in pieces for found in reader.feed(piece)]
    return frames + reader.close()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_every_line_ending_of_the_standard_ends_a_frame(newline: bytes) -> None:
    stream = b"event: a\ndata: 1\n\ndata: 2\n\n".replace(b"\n", newline)
    assert [(found.event, found.data) for found in read(stream)] == [("a", b"1"), ("", b"2")]


def test_a_carriage_return_at_the_cut_is_not_taken_for_a_whole_line_ending() -> None:
    frames = read(b"data: 1\r\n\r", b"\ndata: 2\r\n\r\n")
    assert [found.raw for found in frames] == [b"data: 1\r\n\r\n", b"data: 2\r\n\r\n"]


def test_data_lines_of_one_frame_are_joined_by_a_newline() -> None:
    assert read(b"data: a\ndata:b\ndata\n\n")[0].data == b"a\nb\n"


def test_only_one_space_after_the_colon_is_dropped() -> None:
    assert read(b"data:  a\n\n")[0].data == b" a"


def test_a_keep_alive_is_a_frame_without_data() -> None:
    assert read(b": ping\n\n") == [SseFrame(b": ping\n\n", "", b"")]


def test_a_comment_within_a_frame_stays_in_its_bytes_only() -> None:
    found = read(b": hi\ndata: 1\n\n")[0]
    assert (found.raw, found.data) == (b": hi\ndata: 1\n\n", b"1")


def test_a_byte_order_mark_at_the_start_is_no_part_of_the_first_field() -> None:
    found = read(b"\xef\xbb", b"\xbfdata: {}\n\n")[0]
    assert (found.raw, found.data) == (b"\xef\xbb\xbfdata: {}\n\n", b"{}")


def test_the_frame_of_a_missing_final_newline_comes_at_the_end() -> None:
    assert read(b"data: 1\n\ndata: 2")[-1] == SseFrame(b"data: 2", "", b"2")


def test_a_character_cut_in_two_is_whole_again() -> None:
    text = "data: ž\n\n".encode()
    assert read(text[:7], text[7:])[0].data.decode() == "ž"


def test_a_frame_over_the_limit_fails_however_it_comes() -> None:
    whole = SseReader(limit=64)
    with pytest.raises(UpstreamFailed) as one:
        whole.feed(b"data: " + b"x" * 100 + b"\n\n")
    drops = SseReader(limit=64)
    assert drops.feed(b"x" * 64) == []
    with pytest.raises(UpstreamFailed):
        drops.feed(b"x")
    assert one.value.detail["kind"] == "event_too_large"


def test_a_written_frame_reads_back_as_it_was() -> None:
    assert read(frame(b"a\nb", "delta"))[0] == SseFrame(
        b"event: delta\ndata: a\ndata: b\n\n", "delta", b"a\nb"
    )


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\n\n", b"\n\r\n"])
@pytest.mark.parametrize("name", [b"", b"event: delta\n", b"event: delta\r\n", b": note\n"])
def test_a_frame_that_comes_whole_reads_as_one_that_comes_in_bytes(
    name: bytes, ending: bytes
) -> None:
    first = b": hello\r\n\r\n" if b"\r" in ending else b": hello\n\n"
    stream = first + (name + b'data: {"a":1}' + ending) * 2 + name + b'data: {"b":2}' + ending
    whole, slow = SseReader(), SseReader()
    pieces = [first, *[name + b'data: {"a":1}' + ending] * 2, name + b'data: {"b":2}' + ending]
    quick = [frame for piece in pieces for frame in whole.feed(piece)] + whole.close()
    bytewise = [frame for at in range(len(stream)) for frame in slow.feed(stream[at : at + 1])]
    assert quick == bytewise + slow.close()
    assert [frame.data for frame in quick if frame.data] == [b'{"a":1}', b'{"a":1}', b'{"b":2}']
