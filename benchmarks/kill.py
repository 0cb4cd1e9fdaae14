"""Kills a serving Portico with SIGKILL at random moments under load, and counts what is missing.

Promise 1: every call whose last byte reached its caller is in the ledger exactly once, whatever
dies when; calls that were under way are in it as lost, at their estimated cost. Each round
starts `portico up` on the same data directory, loads it from several threads (whole answers
and streams in turn) and kills it at a moment drawn from a seeded generator.

    python benchmarks/kill.py --kills 100
"""

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE_S = 60.0
CALLERS = 4
PROJECT = """
providers: {sim: {kind: simulator}}
models: {echo: {provider: sim, id: "echo?tps=20000", price: {input: 1, output: 2}}}
workloads: {default: {ladder: [echo], max_output_tokens: 300}}
"""


@dataclass
class Outcome:
    kills: int = 0
    answered: list[str] = field(default_factory=list)
    """Ids of the calls whose last byte was received."""
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    recorded: int = 0
    lost: int = 0
    inexact: int = 0
    """Receipts whose cost is not the sum of their attempts'."""

    @property
    def held(self) -> bool:
        return not (self.missing or self.doubled or self.inexact)


def environment() -> dict[str, str]:
    unwanted = ("OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "AWS_", "AZURE_", "PORTICO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def start(directory: Path) -> "tuple[subprocess.Popen[str], dict[str, str]]":
    process = subprocess.Popen(
        [sys.executable, "-m", "portico", "up", "--port", "0", "--json"],
        cwd=directory,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"portico up did not start again (exit code {process.wait()})")
    return process, json.loads(line)


def call_forever(url: str, key: str, answered: list[str], stop: threading.Event) -> None:
    """Calls until the server is gone; notes a call's id once its last byte is here."""
    place = urlsplit(url)
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE_S)
    number = 0
    while not stop.is_set():
        number += 1
        stream = number % 2 == 0
        content = "a few words to be echoed " * (1 + number % 7)
        body = {
            "model": "default",
            "stream": stream,
            "messages": [{"role": "user", "content": content}],
        }
        headers = {"authorization": f"Bearer {key}"}
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            reply = connection.getresponse()
            call = reply.headers["x-portico-call"]
            text = reply.read()
        except (OSError, http.client.HTTPException):
            return
        if reply.status == 200 and (not stream or text.endswith(b"data: [DONE]\n\n")):
            answered.append(call)


def load_and_kill(directory: Path, key: str, chance: random.Random) -> tuple[list[str], str]:
    """One round. Returns the ids of the answered calls, and the admin key."""
    process, ready = start(directory)
    key = ready.get("admin_key", key)
    answered: list[list[str]] = [[] for _ in range(CALLERS)]
    stop = threading.Event()
    callers = [
        threading.Thread(target=call_forever, args=(ready["url"], key, ids, stop))
        for ids in answered
    ]
    for caller in callers:
        caller.start()
    time.sleep(chance.uniform(0.0, 0.4))
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE_S)
    stop.set()
    for caller in callers:
        caller.join(PATIENCE_S)
    if process.stdout is not None:
        process.stdout.close()
    return [call for ids in answered for call in ids], key


def ledger(directory: Path, key: str) -> list[dict[str, object]]:
    """Every receipt, read through the administrative API of one last start."""
    process, ready = start(directory)
    place = urlsplit(ready["url"])
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE_S)
    found: list[dict[str, object]] = []
    before = ""
    while True:
        path = f"/admin/v1/calls?limit=500{before}"
        connection.request("GET", path, headers={"authorization": f"Bearer {key}"})
        page = json.loads(connection.getresponse().read())
        calls = page["calls"] if isinstance(page, dict) else page
        if not calls:
            break
        found += calls
        before = f"&before={calls[0]['call']}"
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_S)
    if process.stdout is not None:
        process.stdout.close()
    return found


def measure(kills: int, seed: int, directory: Path) -> Outcome:
    (directory / "portico.yaml").write_text(PROJECT)
    outcome, chance, key = Outcome(), random.Random(seed), ""
    for number in range(kills):
        answered, key = load_and_kill(directory, key, chance)
        outcome.answered += answered
        outcome.kills += 1
        print(f"kill {number + 1}/{kills}: {len(answered)} calls answered", flush=True)
    receipts = ledger(directory, key)
    counts = Counter(str(receipt["call"]) for receipt in receipts)
    outcome.recorded = len(counts)
    outcome.missing = [call for call in outcome.answered if call not in counts]
    outcome.doubled = [call for call, count in counts.items() if count > 1]
    outcome.lost = sum(receipt["status"] == "lost" for receipt in receipts)
    for receipt in receipts:
        attempts = receipt.get("attempts", [])
        assert isinstance(attempts, list)
        total = sum(attempt.get("cost_nano", 0) for attempt in attempts)
        outcome.inexact += total != receipt.get("cost_nano", 0)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="two kills: that it runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        outcome = measure(2 if options.smoke else options.kills, options.seed, Path(directory))
    print(
        f"{outcome.kills} kills, {len(outcome.answered)} calls answered, "
        f"{outcome.recorded} receipts of which {outcome.lost} lost: "
        f"{len(outcome.missing)} missing, {len(outcome.doubled)} doubled, "
        f"{outcome.inexact} inexact sums"
    )
    return 0 if outcome.held else 1


if __name__ == "__main__":
    sys.exit(main())
