"""The simulator in process, through the Upstream port."""

import asyncio
import base64
import json
import struct
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from portico.adapters.simulator.upstream import SimulatedUpstream
from portico.contract.call import Operation
from portico.contract.errors import InvalidRequest, UpstreamFailed
from portico.contract.ports import Upstream, UpstreamReply
from portico.contract.snapshot import Network, Provider
from portico.providers.simulator.connection import connect

Body = dict[str, Any]
T = TypeVar("T")


def chat(model: str = "echo", text: str = "hello there", **more: object) -> Body:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def send(
    upstream: Upstream,
    body: Body,
    network: Network | None = None,
    operation: Operation = "chat",
    provider: str = "sim",
) -> UpstreamReply:
    connection = connect(Provider(name=provider, kind="simulator", network=network or Network()))
    written = json.dumps(body).encode()
    streams = bool(body.get("stream"))
    return await upstream.send(connection.request(operation, body["model"], written, streams, {}))


def run(main: Callable[[SimulatedUpstream], Awaitable[T]], script: str = "") -> T:
    async def inner() -> T:
        return await main(SimulatedUpstream({"sim": script}))

    return asyncio.run(inner())


def ask(body: Body, script: str = "", operation: Operation = "chat") -> tuple[UpstreamReply, Body]:
    async def main(upstream: SimulatedUpstream) -> tuple[UpstreamReply, Body]:
        reply = await send(upstream, body, operation=operation)
        return reply, json.loads(await reply.read())

    return run(main, script)


def stream(body: Body) -> list[Body]:
    """The data frames of a stream, which must end in [DONE]."""

    async def main(upstream: SimulatedUpstream) -> bytes:
        reply = await send(upstream, {**body, "stream": True})
        assert reply.status == 200
        assert reply.headers["content-type"] == "text/event-stream"
        return await reply.read()

    frames = [
        line.removeprefix("data: ")
        for line in run(main).decode().splitlines()
        if line.startswith("data: ")
    ]
    assert frames[-1] == "[DONE]"
    return [json.loads(frame) for frame in frames[:-1]]


async def until_broken(reply: UpstreamReply) -> tuple[bytes, UpstreamFailed]:
    """What came of a body, and the failure that must end it."""
    got = bytearray()

    async def read() -> None:
        async for chunk in reply.chunks():
            got.extend(chunk)

    with pytest.raises(UpstreamFailed) as caught:
        await read()
    return bytes(got), caught.value


def test_a_whole_answer_comes_in_the_openai_wire_and_says_that_it_is_simulated() -> None:
    reply, body = ask(chat())
    assert reply.status == 200
    assert reply.headers["x-portico-simulated"] == "true"
    assert body["simulated"] is True
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "hello there"
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["prompt_tokens"] == body["usage"]["completion_tokens"] == 3
    assert "portico" not in body


def test_a_stream_carries_a_token_a_frame_and_is_marked_at_its_start() -> None:
    frames = stream(chat(stream_options={"include_usage": True}))
    assert frames[0]["simulated"] is True
    deltas = [choice["delta"].get("content") for frame in frames for choice in frame["choices"]]
    assert [delta for delta in deltas if delta] == ["hell", "o th", "ere"]
    assert any(frame.get("usage", None) for frame in frames)
    assert all("portico" not in frame for frame in frames)


def test_a_paced_stream_says_the_same_as_an_unpaced_one() -> None:
    def said(model: str) -> str:
        frames = stream(chat(model, "word " * 50))
        deltas = [choice["delta"].get("content") for f in frames for choice in f["choices"]]
        return "".join(delta or "" for delta in deltas)

    assert said("echo?tps=100000&ttft=1ms") == said("echo") == "word " * 50


def test_answers_have_ids_of_their_own() -> None:
    async def main(upstream: SimulatedUpstream) -> list[str]:
        replies = [await send(upstream, chat(model)) for model in ("echo", "echo", "extract")]
        return [json.loads(await reply.read())["id"] for reply in replies]

    assert len(set(run(main))) == 3


def test_a_failure_has_the_status_the_header_and_the_body_of_a_provider() -> None:
    reply, body = ask(chat("echo?fail=503&retry_after=2"))
    assert reply.status == 503
    assert reply.headers["retry-after"] == "2"
    assert body["error"]["type"] == "server_error"
    assert ask(chat("echo?fail=429"))[1]["error"]["type"] == "rate_limit_error"


def test_failures_are_the_same_in_every_run() -> None:
    async def main(upstream: SimulatedUpstream) -> list[int]:
        body = chat("echo?fail=503@0.3&seed=7")
        return [(await send(upstream, body)).status for _ in range(50)]

    assert run(main) == run(main)
    assert set(run(main)) == {200, 503}


def test_each_model_id_counts_its_own_requests() -> None:
    async def mixed(upstream: SimulatedUpstream) -> list[int]:
        statuses = []
        for _ in range(30):
            statuses.append((await send(upstream, chat("echo?fail=503@0.3&seed=7"))).status)
            await send(upstream, chat("echo?fail=500@0.3&seed=7"))
        return statuses

    async def alone(upstream: SimulatedUpstream) -> list[int]:
        body = chat("echo?fail=503@0.3&seed=7")
        return [(await send(upstream, body)).status for _ in range(30)]

    assert run(mixed) == run(alone)


@pytest.mark.parametrize(
    ("model", "status", "told"),
    [
        ("ehco", 404, "Did you mean echo"),
        ("echo?speed=1", 400, "no setting 'speed'; it knows ttft"),
        ("echo?ttft=1", 400, "a duration such as"),
        ("script", 400, "has no script"),
        ("embed", 400, "does not chat"),
    ],
)
def test_a_model_id_that_cannot_be_served_is_refused_as_a_provider_would(
    model: str, status: int, told: str
) -> None:
    reply, body = ask(chat(model))
    assert reply.status == status
    assert told in body["error"]["message"]


def test_a_body_that_cannot_be_read_is_refused() -> None:
    reply, body = ask({"model": "echo"})
    assert reply.status == 400
    assert body["error"]["type"] == "invalid_request_error"


def test_a_stall_ends_as_a_timeout_of_the_first_byte() -> None:
    async def main(upstream: SimulatedUpstream) -> None:
        with pytest.raises(UpstreamFailed) as caught:
            await send(upstream, chat("echo?stall=1"), Network(first_byte_s=0.001))
        assert caught.value.detail["stage"] == "first_byte"

    run(main)


def test_a_call_that_hangs_can_be_cancelled() -> None:
    async def main(upstream: SimulatedUpstream) -> None:
        sending = asyncio.ensure_future(send(upstream, chat("echo?stall=1")))
        await asyncio.wait({sending}, timeout=0)
        assert not sending.done()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    run(main)


def test_a_late_stall_gives_its_bytes_and_ends_as_a_timeout_between_chunks() -> None:
    async def main(upstream: SimulatedUpstream) -> None:
        body = chat("echo?stall=30@1", stream=True)
        reply = await send(upstream, body, Network(between_chunks_s=0.001))
        got, failure = await until_broken(reply)
        assert (len(got), failure.detail["stage"]) == (30, "between_chunks")

    run(main)


def test_closing_a_reply_ends_its_stall_and_may_be_done_twice() -> None:
    async def main(upstream: SimulatedUpstream) -> None:
        reply = await send(upstream, chat("echo?stall=30@1", stream=True))
        reading = asyncio.ensure_future(until_broken(reply))
        await asyncio.wait({reading}, timeout=0)
        await reply.close()
        await reply.close()
        got, _ = await reading
        assert len(got) == 30

    run(main)


@pytest.mark.parametrize("streams", [True, False])
def test_a_cut_breaks_the_body_after_its_bytes(streams: bool) -> None:
    async def main(upstream: SimulatedUpstream) -> None:
        reply = await send(upstream, chat("echo?cut=40", stream=streams))
        got, failure = await until_broken(reply)
        assert reply.status == 200
        assert (len(got), failure.detail["stage"], failure.detail["kind"]) == (40, "body", "cut")

    run(main)


def test_a_body_shorter_than_its_cut_comes_whole() -> None:
    assert ask(chat("echo?cut=100000"))[1]["choices"][0]["message"]["content"] == "hello there"


def test_a_body_over_the_bound_is_refused() -> None:
    async def main(upstream: SimulatedUpstream) -> None:
        reply = await send(upstream, chat(text="a" * 1000), Network(max_response_bytes=500))
        got, failure = await until_broken(reply)
        assert (got, failure.detail["stage"]) == (b"", "body")
        with pytest.raises(UpstreamFailed):
            await reply.read()

    run(main)


def test_tools_are_called_and_their_results_echoed() -> None:
    tools = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
    asked = {"role": "user", "content": 'call add {"a": 1}\ncall add {"a": 2}'}
    first = ask({"model": "echo", "messages": [asked], "tools": tools})[1]["choices"][0]
    assert first["finish_reason"] == "tool_calls"
    made = first["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in made] == ['{"a": 1}', '{"a": 2}']
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": str(at)}
        for at, call in enumerate(made)
    ]
    turns = [asked, first["message"], *results]
    second = ask({"model": "echo", "messages": turns, "tools": tools})[1]["choices"][0]
    assert second["message"]["content"] == "0\n1"


def test_embeddings_come_as_floats_and_as_base64() -> None:
    asked: Body = {"model": "embed", "input": ["a cat", "a dog"], "dimensions": 8}
    reply, plain = ask(asked, operation="embeddings")
    packed = ask({**asked, "encoding_format": "base64"}, operation="embeddings")[1]
    assert reply.status == 200
    assert plain["simulated"] is True
    assert plain["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert [item["index"] for item in plain["data"]] == [0, 1]
    for floats, text in zip(plain["data"], packed["data"], strict=True):
        unpacked = struct.unpack("<8f", base64.b64decode(text["embedding"]))
        assert unpacked == pytest.approx(floats["embedding"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"input": []}, "1 to 2048"),
        ({"input": ["a", 1]}, "mixes"),
        ({"input": {}}, "$.input"),
        ({"dimensions": 0}, "dimensions"),
        ({"model": "echo"}, "does not embed"),
    ],
)
def test_embeddings_that_cannot_be_made_are_refused(change: Body, told: str) -> None:
    reply, body = ask({"model": "embed", "input": "a", **change}, operation="embeddings")
    assert reply.status == 400
    assert told in body["error"]["message"]


def test_the_probe_lists_the_models() -> None:
    async def main(upstream: SimulatedUpstream, script: str) -> list[str]:
        reply = await upstream.send(connect(Provider(name="sim", kind="simulator")).probe())
        return [item["id"] for item in json.loads(await reply.read())["data"]]

    assert run(lambda upstream: main(upstream, "")) == ["echo", "extract", "embed"]
    assert "script" in run(lambda upstream: main(upstream, ""), "- answer: hi")


def test_scripts_are_replaced_for_the_calls_that_follow() -> None:
    async def main(upstream: SimulatedUpstream) -> list[str]:
        said = []
        for script in ("- answer: one", "- answer: two"):
            upstream.replace({"sim": script})
            body = json.loads(await (await send(upstream, chat("script"))).read())
            said.append(body["choices"][0]["message"]["content"])
        return said

    assert run(main) == ["one", "two"]


def test_a_bad_script_changes_nothing() -> None:
    async def main(upstream: SimulatedUpstream) -> str:
        with pytest.raises(InvalidRequest, match=r"'sim'.*entry 1"):
            upstream.replace({"sim": "- {}"})
        body = json.loads(await (await send(upstream, chat("script"))).read())
        return str(body["choices"][0]["message"]["content"])

    assert run(main, "- answer: first") == "first"


def test_each_provider_has_its_own_script() -> None:
    async def main(upstream: SimulatedUpstream) -> int:
        return (await send(upstream, chat("script"), provider="other")).status

    assert run(main, "- answer: hi") == 400


def test_an_unknown_address_is_refused() -> None:
    async def main(upstream: SimulatedUpstream) -> None:
        provider = Provider(name="sim/nowhere", kind="simulator")
        with pytest.raises(UpstreamFailed) as caught:
            await upstream.send(connect(provider).probe())
        assert caught.value.detail["stage"] == "address"
        await upstream.close()

    run(main)
