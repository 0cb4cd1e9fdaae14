"""Where load is sent: one gateway's address, credentials and name of the model."""

import http.client
import json
import time
from dataclasses import dataclass
from subprocess import Popen

from benchmarks.peer_runs.machine import NotRunning

PROMPT_BYTES = 1000
EVENTS = 42
"""Events of a stream of the upstream, the last with the usage."""


@dataclass(frozen=True)
class Target:
    port: int
    path: str = "/v1/chat/completions"
    model: str = "bench"
    """Empty where the path names it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Credentials and routing; content-type is sent anyway."""

    def all_headers(self) -> dict[str, str]:
        return {"content-type": "application/json", **dict(self.headers)}

    def body(self, *, stream: bool = False) -> bytes:
        """A chat of one system and one user turn, about 1 kB."""
        text = "The quick brown fox jumps over the lazy dog. " * 30
        body: dict[str, object] = {
            **({"model": self.model} if self.model else {}),
            "messages": [
                {"role": "system", "content": "You answer in one short sentence."},
                {"role": "user", "content": text[: PROMPT_BYTES - 200]},
            ],
            "temperature": 0.2,
            "max_tokens": 256,
        }
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return json.dumps(body).encode()


def ask(target: Target, *, stream: bool = False, timeout: float = 10.0) -> tuple[int, bytes]:
    """One call on a connection of its own: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=timeout)
    try:
        connection.request("POST", target.path, target.body(stream=stream), target.all_headers())
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def first_answer(target: Target, process: Popen[bytes], seconds: float) -> None:
    """Asks until there is an answer. Raises NotRunning."""
    until = time.monotonic() + seconds
    seen = "nothing"
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NotRunning(f"it ended with code {process.returncode}")
        try:
            status, body = ask(target)
        except (OSError, http.client.HTTPException) as error:
            seen = type(error).__name__
        else:
            if status == 200 and b"choices" in body:
                return
            seen = f"status {status}"
        time.sleep(0.005)
    raise NotRunning(f"no answer within {seconds:g} s ({seen})")
