"""What really leaves Portico: a server before the simulated providers that keeps each request."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.acceptance.house import PATIENCE_S, simulate

HOP = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True)
class Sent:
    """A request as the provider had it."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Recorder:
    url: str
    sent: list[Sent] = field(default_factory=list)
    """In the order of their arrival; tests that share a recorder clear it first."""

    @property
    def last(self) -> Sent:
        return self.sent[-1]


@contextlib.contextmanager
def recording(directory: Path) -> Iterator[Recorder]:
    """`portico simulate`, with every request to it kept."""
    with simulate(directory) as simulator:
        behind = urlsplit(simulator.url)
        sent: list[Sent] = []

        class Forwarder(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                sent.append(Sent(self.path, headers, json.loads(body)))
                assert behind.hostname is not None
                there = http.client.HTTPConnection(behind.hostname, behind.port, PATIENCE_S)
                with contextlib.closing(there):
                    kept = {name: text for name, text in headers.items() if name not in HOP}
                    there.request("POST", self.path, body, {**kept, "host": behind.netloc})
                    reply = there.getresponse()
                    self.send_response(reply.status)
                    for name, value in reply.getheaders():
                        if name.lower() not in HOP:
                            self.send_header(name, value)
                    self.end_headers()
                    while piece := reply.read1(65536):
                        self.wfile.write(piece)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Forwarder)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Recorder(f"http://127.0.0.1:{server.server_address[1]}", sent)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
