"""The one timer of a connection, against a clock that the test moves."""

import asyncio
from collections.abc import Callable
from typing import cast

from tests.contract.upstream_pipes import Pipe, Shelf

from portico.adapters.upstream.connection import Wire
from portico.adapters.upstream.reply import PooledReply
from portico.adapters.upstream.route import Routes
from portico.contract.snapshot import Network

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Timer:
    def __init__(self, when: float, call: Callable[[], object]) -> None:
        self.when = when
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """As much of an event loop as a connection needs."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], object]) -> Timer:
        self.timers.append(Timer(when, call))
        return self.timers[-1]

    def move(self, seconds: float) -> None:
        self.now += seconds
        for timer in list(self.timers):
            if not timer.cancelled and timer.when <= self.now:
                timer.cancelled = True
                timer.call()

    def pending(self) -> list[float]:
        return [timer.when - self.now for timer in self.timers if not timer.cancelled]


class Watched:
    def __init__(self) -> None:
        self.clock = Clock()
        self.loop = cast(asyncio.AbstractEventLoop, self.clock)
        self.pipe = Pipe()
        self.wire = Wire(self.loop)
        self.wire.connection_made(self.pipe)
        self.wire.home = Shelf()
        network = Network(allow_private=True)
        self.route = asyncio.run(Routes().work_out("http://127.0.0.1:1/", network))

    def ask(self, seconds: float) -> PooledReply:
        reply = PooledReply(self.wire, self.route, self.loop, "new")
        self.wire.ask(reply, b"HEAD\r\n\r\n", b"", self.clock.now + seconds)
        return reply


def test_requests_that_are_answered_in_time_set_one_timer() -> None:
    at = Watched()
    for _ in range(100):
        reply = at.ask(120)
        at.clock.move(0.5)
        at.wire.data_received(OK)
        assert reply.done
    assert len(at.clock.timers) == 1


def test_a_request_that_is_not_answered_breaks_at_its_deadline_and_not_before() -> None:
    at = Watched()
    at.ask(120)
    at.clock.move(50)
    at.wire.data_received(OK)
    reply = at.ask(120)
    at.clock.move(119.5)
    assert (reply.broken, at.pipe.aborted) == ("", False)
    at.clock.move(1)
    assert (reply.broken, at.pipe.aborted) == ("expired", True)
    assert at.clock.pending() == []


def test_a_deadline_before_that_of_the_timer_moves_it() -> None:
    at = Watched()
    at.ask(120)
    at.wire.data_received(OK)
    reply = at.ask(5)
    assert at.clock.pending() == [5]
    at.clock.move(5)
    assert reply.broken == "expired"


def test_a_timer_that_ends_while_nothing_is_awaited_does_no_harm() -> None:
    at = Watched()
    at.ask(5)
    at.wire.data_received(OK)
    at.clock.move(60)
    assert (at.pipe.aborted, at.clock.pending()) == (False, [])
    reply = at.ask(5)
    at.clock.move(4)
    assert not at.pipe.aborted
    at.clock.move(1)
    assert reply.broken == "expired"


def test_a_head_ends_the_wait_for_it_and_a_slow_reader_is_not_a_slow_upstream() -> None:
    at = Watched()
    reply = at.ask(5)
    at.wire.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    at.clock.move(1000)
    assert (reply.status, reply.broken, at.pipe.aborted) == (200, "", False)


def test_the_timer_of_a_lost_connection_is_cancelled() -> None:
    at = Watched()
    at.ask(120)
    at.wire.connection_lost(None)
    assert at.clock.pending() == []
