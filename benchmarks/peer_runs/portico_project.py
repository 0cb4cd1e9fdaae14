"""A Portico project with a scoped key and a priced model: what a team would run."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.peer_runs.machine import cores, environment, spawn, stop

PROJECT = """
project: bench
providers:
  fast: {{kind: openai, base_url: "http://127.0.0.1:{upstream}/v1", api_key: x}}
models:
  bench-model: {{provider: fast, id: bench-model, price: {{input: 0.15, output: 0.60}}}}
workloads:
  bench: {{ladder: [bench-model], max_output_tokens: 1000}}
"""


def write(home: Path, upstream: int) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "portico.yaml").write_text(PROJECT.format(upstream=upstream))


def prepare(home: Path, upstream: int) -> tuple[str, str]:
    """Writes the project and makes its key, which is stored in the data directory.

    Returns the key, and the version that runs.
    """
    write(home, upstream)
    program = [sys.executable, "-m", "portico"]
    command = [*program, "up", str(home), "--port", "0", "--json"]
    process = spawn(command, cores()[0], cwd=home)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        made = subprocess.run(
            [*program, "key", "create", "--workload", "bench", "--json"],
            env=environment({"PORTICO_URL": ready["url"], "PORTICO_KEY": ready["admin_key"]}),
            cwd=home,
            check=True,
            capture_output=True,
        )
    finally:
        stop(process)
    return json.loads(made.stdout)["key"], ready["version"]
