"""The short way of a stream's pieces, and when they do not take it."""

import pytest

from portico.contract.errors import PorticoError
from portico.contract.wires import Skim
from portico.gateway.flow import Flow


class Relaying:
    """A relay that shouts; `end` ends the stream."""

    def __init__(self) -> None:
        self.skim = Skim()
        self.fed: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self.fed.append(data)
        if data == b"defect":
            raise ZeroDivisionError
        self.skim.complete = data == b"end"
        return data.upper()

    def close(self) -> bytes:
        return b""

    def finish(self, portico: bytes) -> bytes:
        return portico

    def fail(self, error: PorticoError) -> bytes:
        return error.code.encode()


class Way:
    """The caller's side: what a flow asks of an exchange."""

    def __init__(self) -> None:
        self.flowing = True
        self.pushed: list[bytes] = []

    def push(self, data: bytes) -> None:
        self.pushed.append(data)


class Arrived:
    def __init__(self, way: Way) -> None:
        self.scope = {"portico.exchange": way}


class Called:
    tapes = ()
    keeping = None

    def __init__(self, way: Way) -> None:
        self.arrival = Arrived(way)


def opened() -> tuple[Flow, Relaying, Way]:
    relay, way = Relaying(), Way()
    return Flow(relay, Called(way)), relay, way  # type: ignore[arg-type]  # all that it asks of one


def test_a_piece_is_sent_on_without_the_call() -> None:
    flow, _, way = opened()
    assert flow.take(b"a")
    assert way.pushed == [b"A"]


def test_a_caller_who_does_not_keep_up_leaves_the_piece_to_the_call() -> None:
    flow, relay, way = opened()
    way.flowing = False
    assert not flow.take(b"a")
    assert (relay.fed, way.pushed) == ([], [])
    assert flow.feed(b"a") == b"A"


def test_the_end_is_carried_once_and_left_to_the_call() -> None:
    flow, relay, way = opened()
    assert not flow.take(b"end")
    assert flow.feed(b"end") == b"END"
    assert (relay.fed, way.pushed) == ([b"end"], [])


def test_a_defect_is_raised_in_the_call() -> None:
    flow, _, way = opened()
    assert not flow.take(b"defect")
    with pytest.raises(ZeroDivisionError):
        flow.feed(b"defect")
    assert way.pushed == []
