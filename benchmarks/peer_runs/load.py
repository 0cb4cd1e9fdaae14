"""Load on one gateway, from wrk where it is installed and from `loader.py` where it is not."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peer_runs.machine import spawn
from benchmarks.peer_runs.target import Target

LOADER = Path(__file__).parent / "loader.py"
INSTALL = "wrk is not installed (Debian: apt-get install wrk); a loader in Python stands in"

SCRIPT = """
wrk.method = "POST"
wrk.path = "{path}"
wrk.body = [==[{body}]==]
{headers}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nJSON {{"requests": %d, "seconds": %.6f, "errors": %d, ' ..
    '"p50_us": %.1f, "p99_us": %.1f}}\\n', summary.requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What a round of load saw. Times are of whole answers."""

    requests: int
    seconds: float
    errors: int
    p50_us: float
    p99_us: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class LoadFailed(Exception):
    """The load generator itself failed, or nothing was answered."""


def wrk() -> str | None:
    return shutil.which("wrk")


def run(
    target: Target, *, connections: int, seconds: float, core: int, work: Path, stream: bool = False
) -> Load:
    """Asks as fast as answers come, on so many connections. Raises LoadFailed."""
    program = wrk()
    if program is not None:
        script = work / "post.lua"
        script.write_text(_script(target, stream))
        length = f"{max(1, round(seconds))}s"
        address = f"http://127.0.0.1:{target.port}"
        counts = ("-t", "1", "-c", str(connections), "-d", length, "--timeout", "30s")
        command = [program, *counts, "-s", str(script), address]
    else:
        command = [sys.executable, str(LOADER), str(connections), str(seconds)]
        command += [str(target.port), _request(target, stream).hex()]
    process = spawn(command, core, stderr=subprocess.STDOUT)
    out, _ = process.communicate(timeout=seconds + 60)
    lines = [line for line in out.decode().splitlines() if line.startswith("JSON ")]
    if not lines:
        raise LoadFailed(f"the load generator failed: {out.decode()[-200:]}")
    found = Load(**json.loads(lines[-1].removeprefix("JSON ")))
    if found.requests == 0 or found.errors > found.requests / 100:
        raise LoadFailed(f"{found.errors} errors in {found.requests} requests")
    return found


def _script(target: Target, stream: bool) -> str:
    headers = "\n".join(
        f'wrk.headers["{name}"] = "{value}"' for name, value in target.all_headers().items()
    )
    body = target.body(stream=stream).decode()
    return SCRIPT.format(path=target.path, body=body, headers=headers)


def _request(target: Target, stream: bool) -> bytes:
    body = target.body(stream=stream)
    lines = [f"POST {target.path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in target.all_headers().items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
