"""How soon an upstream sees that its caller's caller has left.

A caller opens a stream through Portico, reads a little and closes its socket. The upstream, a
small server of this script, notes when its own connection ends. Printed: the time between the
two, which is what Portico adds (a direct caller is measured in the same run as the floor).

    python benchmarks/cancel.py --calls 200
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = """
providers: {{slow: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: any}}}}
models: {{slow: {{provider: slow, id: slow, price: unpriced}}}}
workloads: {{default: {{ladder: [slow]}}}}
"""
CHUNK = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "slow",
    "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}],
}
EVENT = f"data: {json.dumps(CHUNK)}\n\n".encode()
BODY = json.dumps(
    {"model": "default", "stream": True, "messages": [{"role": "user", "content": "x"}]}
).encode()


class Upstream:
    """Streams a word every 5 ms until its caller is gone, and notes when that was."""

    def __init__(self) -> None:
        self.gone: asyncio.Queue[float] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        await reader.readexactly(length)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        feeding = asyncio.create_task(self.feed(writer))
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
        self.gone.put_nowait(time.perf_counter())
        feeding.cancel()
        writer.close()

    async def feed(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
            await asyncio.sleep(0.005)


async def leave(url: str, key: str, upstream: Upstream) -> float:
    """Seconds from the caller's close to the upstream's notice."""
    place = urlsplit(url)
    assert place.hostname is not None
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"content-length: {len(BODY)}\r\n\r\n".encode()
        + BODY
    )
    await reader.readuntil(b"word")
    left = time.perf_counter()
    writer.close()
    async with asyncio.timeout(10):
        return await upstream.gone.get() - left


async def measure(calls: int, directory: Path) -> tuple[list[float], list[float]]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (directory / "portico.yaml").write_text(PROJECT.format(port=port))
    unwanted = ("OPENAI_", "ANTHROPIC_", "PORTICO_")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "portico", "up", "--port", "0", "--json"),
        cwd=directory,
        env={name: value for name, value in os.environ.items() if not name.startswith(unwanted)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        direct, through = [], []
        for _ in range(calls):
            direct.append(await leave(f"http://127.0.0.1:{port}", "any", upstream))
            through.append(await leave(ready["url"], ready["admin_key"], upstream))
    finally:
        process.terminate()
        await process.wait()
        server.close()
    return direct, through


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--smoke", action="store_true", help="three calls: that it runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        calls = 3 if options.smoke else options.calls
        direct, through = asyncio.run(measure(calls, Path(directory)))
    for name, times in (("direct", direct), ("through portico", through)):
        print(
            f"{name}: median {statistics.median(times) * 1e3:.2f} ms, "
            f"largest {max(times) * 1e3:.2f} ms of {len(times)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
