"""The calls of a load test: bounded, kept apart by how they end, and told to a person."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portico.contract.bench import BenchConditions, BenchResult, BenchSample, Latency
from portico.main.cli.bench import Asked, body, conditions, ending, messages
from portico.main.cli.benched import COLUMNS, Change, Kept, lines, remarks, row
from portico.main.cli.exits import UsageFault
from portico.main.cli.load import Plan, drive
from portico.main.cli.server import Server

Respond = Callable[[int], tuple[int, bytes]]
"""From the number of the request, status and body."""

CHUNK = b'data: {"choices":[{"delta":%s}]}\n\n'
SPOKEN = CHUNK % b'{"role":"assistant"}' + CHUNK % b'{"content":"Hi"}'
DONE = b"data: [DONE]\n\n"
WHOLE = b'{"choices":[{"message":{"content":"Hi"}}]}'


class Upstairs:
    """A server in a thread that answers calls as a test says, and keeps what was asked."""

    def __init__(self) -> None:
        self.respond: Respond = lambda number: (200, WHOLE)
        self.bodies: list[bytes] = []
        self.connections: set[Any] = set()
        numbers = itertools.count()
        upstairs = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                upstairs.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                upstairs.connections.add(self.client_address)
                number = next(numbers)
                status, content = upstairs.respond(number)
                self.send_response(status)
                self.send_header("x-portico-call", f"call_{number}")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def run(self, **changes: object) -> list[BenchSample]:
        known: dict[str, object] = {
            "bodies": [b"1", b"2"], "calls": 6, "concurrency": 2, "stream": False,
            "within_s": 60.0,
        }  # fmt: skip
        plan = Plan(**(known | changes))  # type: ignore[arg-type]
        return list(drive(Server(self.url, "t", local=True), plan))


@pytest.fixture
def upstairs() -> Iterator[Upstairs]:
    made = Upstairs()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_as_many_calls_are_made_as_asked_for_each_prompt_in_turn(upstairs: Upstairs) -> None:
    samples = upstairs.run()
    assert sorted(sample.call for sample in samples) == [f"call_{n}" for n in range(6)]
    assert {sample.error for sample in samples} == {""}
    assert sorted(upstairs.bodies) == [b"1"] * 3 + [b"2"] * 3
    assert all(sample.first_token_us is None for sample in samples)


def test_a_caller_keeps_its_connection_between_calls(upstairs: Upstairs) -> None:
    upstairs.run(concurrency=1)
    assert len(upstairs.connections) == 1


def test_no_call_is_made_after_the_time(upstairs: Upstairs) -> None:
    assert upstairs.run(within_s=0.0) == []
    assert upstairs.bodies == []


def test_who_stops_listening_stops_the_calls(upstairs: Upstairs) -> None:
    plan = Plan(bodies=[b"1"], calls=10_000, concurrency=2, stream=False, within_s=60.0)
    samples = drive(Server(upstairs.url, "t", local=True), plan)
    assert isinstance(samples, Iterator)
    next(samples)
    samples.close()  # type: ignore[attr-defined]
    assert len(upstairs.bodies) < 10_000


@pytest.mark.parametrize(
    "content", [SPOKEN + DONE, CHUNK % b'{"tool_calls":[{"index":0}]}' + b": note\n\n" + DONE]
)
def test_a_stream_has_the_time_of_its_first_content(upstairs: Upstairs, content: bytes) -> None:
    upstairs.respond = lambda number: (200, content)
    for sample in upstairs.run(stream=True):
        assert sample.error == ""
        assert sample.first_token_us is not None
        assert 0 < sample.first_token_us <= sample.total_us


@pytest.mark.parametrize(
    ("stream", "status", "content", "error"),
    [
        (False, 429, b'{"error":{"message":"No.","code":"quota_exhausted"}}', "quota_exhausted"),
        (False, 502, b"<html>", "unknown"),
        (False, 200, b"<html>", "not_a_completion"),
        (False, 200, b'{"choices":[]}', "not_a_completion"),
        (True, 200, SPOKEN, "stream_cut"),
        (True, 200, b"data: <html>\n\n", "not_a_completion"),
        (True, 200, SPOKEN + b'data: {"error":{"code":"timeout"}}\n\n', "timeout"),
        (True, 200, SPOKEN + b'data: {"error":{"message":"x"}}\n\n', "upstream_failed"),
    ],
)
def test_a_call_that_fails_is_a_sample_that_says_why(
    upstairs: Upstairs, stream: bool, status: int, content: bytes, error: str
) -> None:
    upstairs.respond = lambda number: (status, content) if number else (200, SPOKEN + DONE)
    samples = upstairs.run(stream=stream, concurrency=1, calls=2)
    assert samples[1].error == error
    assert samples[1].call == "call_1"


def test_a_server_that_is_away_fails_every_call_and_hangs_none(upstairs: Upstairs) -> None:
    upstairs.server.shutdown()
    upstairs.server.server_close()
    samples = upstairs.run(calls=3)
    assert [(sample.error, sample.call) for sample in samples] == [("unreachable", "")] * 3


def asked(**changes: object) -> Asked:
    known = {"calls": 3, "concurrency": 2, "stream": True, "within": "1m"}
    return msgspec.convert(known | changes, Asked)


def test_every_call_carries_the_test_s_tag_and_no_more_than_was_asked_for() -> None:
    sent = json.loads(body("support", "bench_1", [{"role": "user", "content": "x"}], asked()))
    assert sent["portico"] == {"tags": {"bench": "bench_1"}}
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})
    whole = json.loads(body("support", "bench_1", [], asked(stream=False, max_tokens=7)))
    assert (whole["max_tokens"], "stream" in whole) == (7, False)


def test_prompts_come_from_lines_in_three_shapes(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('"One"\n\n{"prompt": "Two"}\n{"messages": [{"role": "system"}]}\n')
    assert json.loads(msgspec.json.encode(messages(None, path))) == [
        [{"role": "user", "content": "One"}],
        [{"role": "user", "content": "Two"}],
        [{"role": "system"}],
    ]
    assert messages("Mine", None) == [[{"role": "user", "content": "Mine"}]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "0 prompts"),
        ('"One"\nnot JSON\n', "line 2"),
        ("7\n", "line 1"),
        ("{}\n", "line 1"),
        ('{"prompt": "a", "messages": []}\n', "line 1"),
    ],
)
def test_a_line_that_is_no_prompt_is_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(text)
    with pytest.raises(UsageFault, match=fault):
        messages(None, path)


def test_a_prompt_and_a_file_of_prompts_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="not both"):
        messages("Mine", tmp_path / "prompts.jsonl")


def test_equal_prompts_have_equal_digests_and_are_not_kept() -> None:
    same = [conditions(asked(), [[{"role": "user", "content": "secret words"}]]) for _ in "ab"]
    assert same[0] == same[1]
    assert "secret" not in repr(same[0])
    other = conditions(asked(), [[{"role": "user", "content": "others"}]])
    assert other.prompts_digest != same[0].prompts_digest


def kept(**changes: Any) -> Kept:
    known = msgspec.structs.asdict(
        BenchResult(
            id="bench_1",
            workload="support",
            started_ns=0,
            duration_us=2_000_000,
            conditions=BenchConditions(calls=3, concurrency=2),
            releases=("rel_1",),
            models=("small",),
            made=3,
            ok=3,
            total=Latency(p50_us=1000, p90_us=2000, p99_us=3000),
            cost_nano=3000,
            calls_per_second=1.5,
        )
    )
    shown = {"cost_usd": "0.000003", "evidence": True} | known | changes
    return Kept(**shown)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "ok", "code"), [(3, 3, 0), (3, 2, 1), (2, 2, 4), (2, 1, 1), (0, 0, 4)]
)
def test_a_failed_call_counts_before_calls_that_were_not_made(
    made: int, ok: int, code: int
) -> None:
    assert ending(kept(made=made, ok=ok)) == code


def test_a_result_is_told_with_what_to_know_before_it_is_believed() -> None:
    told = "\n".join(lines(kept()))
    for fact in ("3 of 3 calls held", "p50 1.0 ms, p90 2.0 ms", "$0.000003", "bench_1", "rel_1"):
        assert fact in told
    assert "remark" not in told
    wary = kept(simulated=True, evidence=False, made=2, ok=2, releases=("a", "b"))
    assert list(remarks(wary)) == [
        "simulated, no evidence",
        "calls not made: 1",
        "the release changed meanwhile",
    ]
    assert list(remarks(kept(evidence=False))) == ["no evidence"]


def test_a_row_has_each_number_with_its_change() -> None:
    change = Change(
        against="bench_0", differs=("stream",), relative={"total_p50": 0.1, "cost_per_call": -0.5}
    )
    cells = dict(zip(COLUMNS, row(kept(change=change)), strict=True))
    assert (cells["P50"], cells["P90"]) == ("1.0 ms (+10.0%)", "2.0 ms")
    assert cells["COST A CALL"] == "$0.000001 (-50.0%)"
    assert cells["FIRST TOKEN P50"] == "-"
    assert cells["REMARK"] == "other stream than before"
    assert "total_p50 +10.0%" in "\n".join(lines(kept(change=change)))
    assert row(kept(unpriced=True))[COLUMNS.index("COST A CALL")] == "unpriced"
