"""A project with two workloads and one prompt, shipped with the installed command."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.acceptance.doors import DOORS
from tests.acceptance.house import Running

KEY = "an-admin-key-of-mine"
ENVIRONMENT = {"PORTICO_ADMIN_KEY": KEY}
PROJECT = """\
providers: {sim: {kind: simulator, script: answers.yaml}}
models: {one: {provider: sim, id: %(model)s}}
workloads:
  support: {prompt: support, ladder: [one], transcripts: full}
  sales: {prompt: support, ladder: [one]}
"""
PROMPT = """\
---
variables: {product: {type: string, default: lamp}}
---
You help with {{ product }}.
Be %s.
"""
ANSWERS = """\
- {match: "Be brief", answer: "brief"}
- {match: "Be kind", answer: "kind"}
- {answer: "neither"}
"""
POLICY = 'permit (principal, action, resource) when { context.region == "%s" };\n'
BASE = {
    "portico.yaml": PROJECT % {"model": "script"},
    "answers.yaml": ANSWERS,
    "prompts/support.md": PROMPT % "brief",
}
KIND = {"prompts/support.md": PROMPT % "kind"}


def write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        place = directory / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def done(running: Running, *words: str) -> str:
    made = running.portico(*words)
    assert made.returncode == 0, made.stderr + made.stdout
    return made.stdout


def ship(running: Running, files: Mapping[str, str], *words: str) -> str:
    write(running.directory, files)
    return done(running, "apply", *words)


def live(running: Running, workload: str = "support") -> dict[str, Any]:
    found = running.ask("/admin/v1/workloads").json["workloads"]
    return next(each for each in found if each["name"] == workload)


def acts(running: Running) -> list[dict[str, Any]]:
    return json.loads(done(running, "audit", "show", "--json"))  # type: ignore[no-any-return]


def answered(running: Running, workload: str = "support") -> tuple[str, str]:
    """What every door says, and under which release; all must agree."""
    (found,) = {(said.text, said.release) for said in (ask(running, workload) for ask in
                DOORS.values())}  # fmt: skip
    return found
