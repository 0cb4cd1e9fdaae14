"""A small load generator, for machines without wrk: it repeats one request on each connection.

python benchmarks/peer_runs/loader.py CONNECTIONS SECONDS PORT REQUEST_IN_HEX
"""

import asyncio
import re
import sys
import time

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LAST_CHUNK = b"0\r\n\r\n"


class Tally:
    def __init__(self) -> None:
        self.times: list[float] = []
        self.errors = 0


class Asker(asyncio.Protocol):
    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._answer = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP
        self._transport = transport
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.errors += exc is not None

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._complete():
            return
        self._tally.times.append(time.perf_counter() - self._since)
        self._tally.errors += not self._answer.startswith(b"HTTP/1.1 200")
        self._ask()

    def _ask(self) -> None:
        self._answer = b""
        self._since = time.perf_counter()
        self._transport.write(self._request)

    def _complete(self) -> bool:
        end = self._answer.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        found = LENGTH.search(self._answer, 0, end)
        if found is None:
            return self._answer.endswith(LAST_CHUNK)
        return len(self._answer) >= end + int(found[1])


async def load(connections: int, seconds: float, port: int, request: bytes) -> str:
    loop = asyncio.get_running_loop()
    tally = Tally()
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Asker(request, tally), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    lasted = time.perf_counter() - began
    times = sorted(tally.times) or [0.0]
    for transport, _ in made:
        transport.abort()
    p50, p99 = (times[int(len(times) * share)] * 1e6 for share in (0.5, 0.99))
    return (
        f'JSON {{"requests": {len(tally.times)}, "seconds": {lasted:.6f}, '
        f'"errors": {tally.errors}, "p50_us": {p50:.1f}, "p99_us": {p99:.1f}}}'
    )


def main() -> None:
    import uvloop  # here, so that the module can be read where there is none

    connections, seconds, port, request = sys.argv[1:5]
    print(
        uvloop.run(load(int(connections), float(seconds), int(port), bytes.fromhex(request))),
        flush=True,
    )


if __name__ == "__main__":
    main()
