"""A model server that answers at once: a fixed completion, or 42 events a millisecond apart.

python benchmarks/peer_runs/model_server.py PORT
"""

import asyncio
import json
import re
import sys

TEXT = "The fox is quick, the dog is lazy, and neither of them minds being measured at all. " * 4
COMPLETION = json.dumps(
    {
        "id": "chatcmpl-0123456789",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 230,
            "completion_tokens": 72,
            "total_tokens": 302,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        },
        "system_fingerprint": "fp_bench",
    }
).encode()
EVENTS = 42
APART_S = 0.001
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    return {
        "id": "chatcmpl-0123456789",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "bench",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _events() -> list[bytes]:
    chunks = [_chunk({"role": "assistant", "content": ""})]
    chunks += [_chunk({"content": " measured"})] * (EVENTS - 3)
    chunks.append(_chunk({}, "stop"))
    usage = {"prompt_tokens": 230, "completion_tokens": 39, "total_tokens": 269}
    chunks.append({**_chunk({}), "choices": [], "usage": usage})
    texts = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    texts[-1] += b"data: [DONE]\n\n"
    return [b"%x\r\n%b\r\n" % (len(text), text) for text in texts]


FRAMES = _events()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(COMPLETION),
    COMPLETION,
)


class Model(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rest = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        end = self._rest.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        found = LENGTH.search(self._rest, 0, end)
        stop = end + (int(found[1]) if found else 0)
        if len(self._rest) < stop:
            return
        body, self._rest = self._rest[end:stop], self._rest[stop:]
        if b'"stream": true' in body or b'"stream":true' in body:
            self._transport.write(HEAD + FRAMES[0])
            self._timer = self._loop.call_later(APART_S, self._next, 1)
        else:
            self._transport.write(WHOLE)

    def _next(self, number: int) -> None:
        if number + 1 < EVENTS:
            self._transport.write(FRAMES[number])
            self._timer = self._loop.call_later(APART_S, self._next, number + 1)
        else:
            self._transport.write(FRAMES[number] + b"0\r\n\r\n")


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Model(loop), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def main() -> None:
    import uvloop  # here, so that the texts can be imported where there is none

    uvloop.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
