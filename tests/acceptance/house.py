"""The installed command, run as a user would: real processes, free ports, stopped at the end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORTICO = (sys.executable, "-m", "portico")
PATIENCE_S = 60.0
"""How long anything may take before a test gives up: generous, because machines are shared."""


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without provider keys and Portico's own variables."""
    unwanted = ("OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "AWS_", "AZURE_", "PORTICO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "NO_COLOR": "1", **more}


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A process that serves, and what it said when it was ready."""

    process: "subprocess.Popen[str]"
    ready: Mapping[str, str]
    directory: Path
    errors: Path

    @property
    def url(self) -> str:
        return self.ready["url"]

    @property
    def key(self) -> str:
        return self.ready["admin_key"]

    @property
    def log(self) -> str:
        return self.errors.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def ask(
        self,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> Answer:
        sent = {"content-type": "application/json", **(headers or {})}
        sent.setdefault("authorization", f"Bearer {key or self.key}")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
                return Answer(reply.status, dict(reply.headers.items()), reply.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers.items()), error.read())

    def chat(self, text: str = "Hi", model: str = "default", **members: object) -> Answer:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **members}
        return self.ask("/v1/chat/completions", body)

    def portico(self, *words: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """A command of the installed program in the same directory."""
        return command(*words, directory=self.directory, stdin=stdin)


def command(
    *words: str,
    directory: Path,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PORTICO, *words],
        cwd=directory,
        env={**clean_environment(), **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def start(directory: Path, *words: str, environment: Mapping[str, str] | None = None) -> Running:
    """`portico WORDS --json --port 0`, once it has said that it is ready."""
    errors = directory.parent / f"{directory.name}-{words[0]}.log"
    with errors.open("a") as log:
        process = subprocess.Popen(
            [*PORTICO, *words, "--port", "0", "--json"],
            cwd=directory,
            env={**clean_environment(), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(PATIENCE_S)
        raise AssertionError(f"it did not start: {errors.read_text()}")
    return Running(process, json.loads(line), directory, errors)


@contextlib.contextmanager
def up(
    directory: Path, *words: str, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """A serving Portico; stopped when the block ends, killed if it does not stop."""
    running = start(directory, "up", *words, environment=environment)
    try:
        yield running
    finally:
        end(running)


@contextlib.contextmanager
def simulate(directory: Path, *words: str) -> Iterator[Running]:
    running = start(directory, "simulate", *words)
    try:
        yield running
    finally:
        end(running)


def end(running: Running) -> None:
    try:
        running.stop()
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()
        raise
    finally:
        if running.process.stdout is not None:
            running.process.stdout.close()
