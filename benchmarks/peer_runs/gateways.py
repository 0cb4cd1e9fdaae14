"""The gateways by name: how each is installed, configured and started with one worker.

Python peers have an environment of their own under the cache directory, made with pip by name;
Portkey's gateway comes with npm. Each `prepare` raises Skipped where that cannot be done.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peer_runs import upstreams
from benchmarks.peer_runs.machine import environment, free_port
from benchmarks.peer_runs.target import Target

HERE = Path(__file__).parent
KEY = "sk-benchmark-0123456789"
INSTALL_S = 1800


class Skipped(Exception):
    """This gateway cannot be run here; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where a gateway lives: packages in `cache`, its files in `work`, the model's port."""

    cache: Path
    work: Path
    upstream: int


@dataclass(frozen=True)
class Recipe:
    """How a prepared gateway is started. With `announces` it prints {"url": …} when ready."""

    command: list[str]
    version: str
    target: Target
    announces: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


def _run(command: list[str | Path], what: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            [str(part) for part in command],
            env=environment(),
            cwd=cwd,
            check=True,
            capture_output=True,
            timeout=INSTALL_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        text = getattr(error, "stderr", None) or str(error).encode()
        raise Skipped(f"{what} failed: {text.decode()[-200:].strip()}") from error
    return done.stdout.decode()


def _bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


def _python(place: Place, name: str, package: str) -> Path:
    """The bin folder of an environment that has the package."""
    home = place.cache / name
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", home], f"making an environment for {package}")
        _run([home / "bin/pip", "install", "--quiet", package], f"pip install {package}")
        (home / "ready").touch()
    return home / "bin"


def _version(programs: Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return _run([programs / "python", "-c", code], "asking for a version").strip()


def litellm(place: Place) -> Recipe:
    programs = _python(place, "litellm", "litellm[proxy]")
    port = free_port()
    upstream = f"http://127.0.0.1:{place.upstream}/v1"
    parameters = {"model": "openai/bench", "api_base": upstream, "api_key": "x"}
    config = {
        "model_list": [{"model_name": "bench", "litellm_params": parameters}],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"telemetry": False, "drop_params": True},
    }
    file = place.work / "litellm.yaml"
    file.write_text(json.dumps(config))
    return Recipe(
        command=[
            *(str(programs / "litellm"), "--config", str(file), "--host", "127.0.0.1"),
            *("--port", str(port), "--num_workers", "1"),
        ],
        version=_version(programs, "litellm"),
        target=Target(port, headers=_bearer(KEY)),
        variables={
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "NO_DOCS": "True",
        },
    )


def mlflow(place: Place) -> Recipe:
    programs = _python(place, "mlflow", "mlflow[gateway]")
    port = free_port()
    upstream = f"http://127.0.0.1:{place.upstream}/v1"
    provider = {"openai_api_key": "x", "openai_api_base": upstream}
    model = {"provider": "openai", "name": "bench", "config": provider}
    config = {"endpoints": [{"name": "bench", "endpoint_type": "llm/v1/chat", "model": model}]}
    file = place.work / "mlflow.yaml"
    file.write_text(json.dumps(config))
    search = f"{programs}:{environment().get('PATH', '')}"
    return Recipe(
        command=[
            *(str(programs / "mlflow"), "gateway", "start", "--config-path", str(file)),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        ],
        version=_version(programs, "mlflow"),
        target=Target(port, path="/gateway/bench/invocations", model=""),
        variables={"PATH": search},
    )


def portkey(place: Place) -> Recipe:
    home = place.cache / "portkey"
    package = home / "node_modules/@portkey-ai/gateway"
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Skipped("node and npm are not installed")
    if not package.exists():
        home.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-fund", "--no-audit", "--loglevel=error")
        _run(["npm", "install", *quiet, "@portkey-ai/gateway"], "npm install", cwd=home)
    port = free_port()
    start = package / "build/start-server.js"
    return Recipe(
        command=["node", str(start), f"--port={port}", "--headless"],
        version=json.loads((package / "package.json").read_text())["version"],
        target=Target(
            port,
            headers=(
                *_bearer("x"),
                ("x-portkey-provider", "openai"),
                ("x-portkey-custom-host", f"http://127.0.0.1:{place.upstream}/v1"),
            ),
        ),
        variables={"NODE_ENV": "production"},
    )


TENSORZERO = """
[gateway]
disable_pseudonymous_usage_analytics = true
observability.enabled = false

[models.bench]
routing = ["fast"]

[models.bench.providers.fast]
type = "openai"
model_name = "bench"
api_base = "http://127.0.0.1:{upstream}/v1/"
api_key_location = "env::BENCH_API_KEY"
"""


def tensorzero(place: Place) -> Recipe:
    programs = _python(place, "tensorzero", "tensorzero")
    file = place.work / "tensorzero.toml"
    file.write_text(TENSORZERO.format(upstream=place.upstream))
    return Recipe(
        command=[str(programs / "python"), str(HERE / "tensorzero_host.py"), str(file)],
        version=_version(programs, "tensorzero"),
        target=Target(0, path="/openai/v1/chat/completions", model="tensorzero::model_name::bench"),
        announces=True,
        variables={"BENCH_API_KEY": "x"},
    )


def nginx(place: Place) -> Recipe:
    """The floor: a hop that checks a key and does nothing else."""
    if upstreams.nginx() is None:
        raise Skipped(upstreams.INSTALL)
    port = free_port()
    inner = upstreams.HOP.format(key=KEY, upstream=place.upstream, port=port, buffering="off")
    command = upstreams.nginx_command(place.work, "hop", inner)
    said = subprocess.run([command[0], "-v"], capture_output=True, check=False).stderr.decode()
    version = said.rpartition("/")[2].strip()
    return Recipe(command=command, version=version, target=Target(port, headers=_bearer(KEY)))


def bare(place: Place) -> Recipe:
    """What Portico's server and client cost with nothing between them."""
    port = free_port()
    command = [sys.executable, str(HERE / "bare_hop.py"), str(port), str(place.upstream)]
    return Recipe(command=command, version="", target=Target(port, headers=_bearer(KEY)))


def portico(place: Place) -> Recipe:
    # Here, because the smoke run measures Portico alone and needs nothing of the above.
    from benchmarks.peer_runs.portico_project import prepare

    key, version = prepare(place.work / "portico", place.upstream)
    command = [sys.executable, "-m", "portico", "up", str(place.work / "portico")]
    return Recipe(
        command=[*command, "--port", "0", "--json"],
        version=version,
        target=Target(0, headers=_bearer(key)),
        announces=True,
    )


GATEWAYS: Mapping[str, Callable[[Place], Recipe]] = {
    "portico": portico,
    "tensorzero": tensorzero,
    "portkey": portkey,
    "mlflow": mlflow,
    "litellm": litellm,
    "bare": bare,
    "nginx": nginx,
}
