"""Makes the calls of a load test: a few threads, each with a connection of its own.

Bounds: `calls` and `concurrency` as asked for, no new call after `within_s`, no wait longer than
WAIT_S, no call longer than CALL_S. Times are read around everything that an application waits
for: sending, the answer's head, its body to the end.
"""

import http.client
import queue
import threading
import time
from collections.abc import Iterator, Sequence

import msgspec

from portico.contract.bench import BenchSample
from portico.main.cli.server import LONGEST_LINE, Server, connect, read_error

PATH = "/v1/chat/completions"
WAIT_S = 120.0
CALL_S = 600.0
LARGEST_ANSWER = 64 * 1024 * 1024


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`bodies` are sent in turn."""

    bodies: Sequence[bytes]
    calls: int
    concurrency: int
    stream: bool
    within_s: float


class Failed(Exception):
    """A call without a whole answer; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class Choice(msgspec.Struct, frozen=True):
    delta: Delta = Delta()


class StreamError(msgspec.Struct, frozen=True):
    code: str | None = None


class Chunk(msgspec.Struct, frozen=True):
    """What of a stream's chunk is looked at."""

    choices: list[Choice] = []
    error: StreamError | None = None


class Whole(msgspec.Struct, frozen=True):
    choices: list[msgspec.Raw]


def drive(server: Server, plan: Plan) -> Iterator[BenchSample]:
    """The samples in the order in which the calls ended. Leaving early ends the threads soon."""
    done: queue.SimpleQueue[BenchSample | None] = queue.SimpleQueue()
    tickets = Tickets(plan.calls, time.monotonic() + plan.within_s)
    threads = [
        threading.Thread(target=_work, args=(server, plan, tickets, done), daemon=True)
        for _ in range(min(plan.concurrency, plan.calls))
    ]
    for thread in threads:
        thread.start()
    working = len(threads)
    try:
        while working:
            sample = done.get()
            if sample is None:
                working -= 1
            else:
                yield sample
    finally:
        tickets.stop()


class Tickets:
    """Which call is to be made next, for all threads."""

    def __init__(self, calls: int, until: float) -> None:
        self._lock = threading.Lock()
        self._next = 0
        self._calls = calls
        self._until = until

    def take(self) -> int | None:
        """None: no more are to be made."""
        with self._lock:
            if self._next >= self._calls or time.monotonic() >= self._until:
                return None
            self._next += 1
            return self._next - 1

    def stop(self) -> None:
        with self._lock:
            self._calls = 0


def _work(
    server: Server, plan: Plan, tickets: Tickets, done: "queue.SimpleQueue[BenchSample | None]"
) -> None:
    line = Line(server, plan.stream)
    try:
        while (number := tickets.take()) is not None:
            done.put(line.call(plan.bodies[number % len(plan.bodies)]))
    finally:
        line.close()
        done.put(None)


class Line:
    """A connection that is kept between calls, as an application's client keeps one."""

    def __init__(self, server: Server, stream: bool) -> None:
        self._connection, prefix = connect(server.url)
        self._target = prefix + PATH
        self._stream = stream
        self._headers = {
            "authorization": f"Bearer {server.token}",
            "content-type": "application/json",
            "accept": "*/*",
        }
        self._sent = 0.0
        self._call = ""
        self._first: int | None = None

    def call(self, body: bytes) -> BenchSample:
        """One call. Failures are samples too."""
        self._call, self._first, error = "", None, ""
        self._sent = time.monotonic()
        try:
            self._exchange(body)
        except Failed as failure:
            error = failure.code
        except TimeoutError:
            error = "timeout"
        except (OSError, http.client.HTTPException):
            error = "unreachable"
        total = self._elapsed()
        if error:
            self.close()
        return BenchSample(call=self._call, error=error, total_us=total, first_token_us=self._first)

    def close(self) -> None:
        self._connection.close()

    def _exchange(self, body: bytes) -> None:
        if not _is_open(self._connection):  # not yet, or the server has closed it with its reply
            self._connection.connect()
            self._connection.sock.settimeout(WAIT_S)
        self._connection.request("POST", self._target, body, self._headers)
        reply = self._connection.getresponse()
        self._call = reply.headers.get("x-portico-call", "")
        if reply.status != 200:
            headers = {name.lower(): value for name, value in reply.getheaders()}
            raise Failed(read_error(reply.status, headers, reply.read(LARGEST_ANSWER)).code)
        if self._stream:
            self._read_stream(reply)
        else:
            _check_whole(reply.read(LARGEST_ANSWER))

    def _read_stream(self, reply: http.client.HTTPResponse) -> None:
        while line := reply.readline(LONGEST_LINE):
            if self._elapsed() > CALL_S * 1e6:
                raise Failed("timeout")
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                reply.read(LARGEST_ANSWER)  # what ends the body, so that the connection is free
                return
            if self._first is None or b'"error"' in data:
                self._look(data)
        raise Failed("stream_cut")

    def _look(self, data: bytes) -> None:
        try:
            chunk = msgspec.json.decode(data, type=Chunk)
        except msgspec.DecodeError as failure:
            raise Failed("not_a_completion") from failure
        if chunk.error is not None:
            raise Failed(chunk.error.code or "upstream_failed")
        if self._first is None and any(map(_has_content, chunk.choices)):
            self._first = self._elapsed()

    def _elapsed(self) -> int:
        return round((time.monotonic() - self._sent) * 1e6)


def _is_open(connection: http.client.HTTPConnection) -> bool:
    return connection.sock is not None


def _has_content(choice: Choice) -> bool:
    delta = choice.delta
    return bool(delta.content or delta.refusal or delta.reasoning_content or delta.tool_calls)


def _check_whole(body: bytes) -> None:
    try:
        answer = msgspec.json.decode(body, type=Whole)
    except msgspec.DecodeError as failure:
        raise Failed("not_a_completion") from failure
    if not answer.choices:
        raise Failed("not_a_completion")
