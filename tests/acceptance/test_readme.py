"""The README's commands do what it says, run as they stand there."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.house import PATIENCE_S, PORTICO, Running, clean_environment, up

README = (Path(__file__).parents[2] / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8080"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block(language: str, word: str) -> str:
    (found,) = [text for text in blocks(language) if word in text]
    return found


@pytest.fixture(scope="module")
def portico(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("stranger")) as running:
        yield running


@pytest.fixture(scope="module")
def key(portico: Running) -> str:
    """Made by the README's own command."""
    line = block("bash", "key create").splitlines()[0]
    words = shlex.split(line)
    assert words[0] == ".venv/bin/portico"
    made = portico.portico(*words[1:])
    assert made.returncode == 0, made.stderr
    (text,) = re.findall(r"pk_[0-9a-f]+_[\w-]+", made.stdout)
    return str(text)


def shell(running: Running, key: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words,
        cwd=running.directory,
        env=clean_environment(PORTICO_KEY=key),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_curl_gets_an_answer(portico: Running, key: str) -> None:
    script = block("bash", "curl -i").replace(ADDRESS, portico.url)
    ran = shell(portico, key, "bash", "-c", script)
    assert ran.returncode == 0, ran.stderr
    head, _, body = ran.stdout.partition("\n\n") if "\n\n" in ran.stdout else ("", "", "")
    head = head or ran.stdout
    assert "200 OK" in head
    answer = json.loads(body or ran.stdout.splitlines()[-1])
    assert answer["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_sdk_s_example_prints_the_answer(portico: Running, key: str, sdk: str) -> None:
    script = block("python", f"from {sdk} import").replace(ADDRESS, portico.url)
    ran = shell(portico, key, sys.executable, "-c", script)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "Hello\n"


def test_the_commands_that_look_at_calls_run_with_the_key_exported(
    portico: Running, key: str
) -> None:
    call = portico.chat().headers["x-portico-call"]
    script = block("bash", "calls tail").replace(ADDRESS, portico.url).replace("CALL", call)
    for line in script.splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == ".venv/bin/portico":
            words = [*PORTICO, *words[1:]]
        ran = shell(portico, key, *words)
        assert ran.returncode == 0, (line, ran.stdout, ran.stderr)
        if "calls" in words:
            assert call in ran.stdout


def test_the_headers_that_it_explains_are_sent(portico: Running) -> None:
    explained = set(re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE))
    good, bad = portico.chat(), portico.chat(model="none")
    assert explained <= set(good.headers) | set(bad.headers)
    assert "x-portico-error" in bad.headers


def test_the_two_set_up_commands_are_there() -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/portico up" in README
    assert "tools/check" in blocks("bash")[1]
