"""The standing documents say what is so: links lead somewhere, commands exist, nothing leaks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from portico.contract.errors import PorticoError
from portico.main.cli.commands import COMMANDS

ROOT: Final = Path(__file__).parents[3]
LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHIPPED: Final = (".ci", "benchmarks", "docs", "src", "tests", "tools")
PLACES: Final = re.compile(r"`((?:src|tests|benchmarks|tools|docs|\.ci)/[\w./-]+)`")

# In two halves each, so that this file does not hold what it looks for.
HALVES: Final = (
    (r"\.\./", "shared"),
    ("pypi", r"\.org"),
    ("python", r"hosted\.org"),
    ("registry.npm", r"js\.org"),
    ("proxy.gol", r"ang\.org"),
    ("--index", "-url"),
    (r"(?<![\w.~})-])/(?:wor", "k|roo" + "t)/"),  # a machine's own folders
)
BANNED: Final = re.compile("|".join(head + tail for head, tail in HALVES))


def is_ours(path: Path) -> bool:
    """Neither made by a tool nor hidden."""
    parts = path.relative_to(ROOT).parts
    return not any((p.startswith(".") and p != ".ci") or p == "__pycache__" for p in parts[:-1])


def shipped() -> Iterator[Path]:
    """The files of the project, without what tools and builds leave behind."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")
    for folder in SHIPPED:
        yield from (p for p in sorted((ROOT / folder).rglob("*")) if p.is_file() and is_ours(p))


def pages() -> list[Path]:
    return sorted(path for path in shipped() if path.suffix == ".md")


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors that the repository host gives to headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_a_file_of_the_project_and_a_heading_of_it(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_relative_to(ROOT), f"{link} leads out of the project"
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


def test_every_page_of_docs_is_linked_from_its_index() -> None:
    index = ROOT / "docs/README.md"
    links = LINK.findall(index.read_text(encoding="utf-8"))
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links}
    inside = {path for path in pages() if path.is_relative_to(ROOT / "docs")}
    assert sorted(str(path) for path in inside - linked - {index}) == []


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/portico up",
        "tools/check",
        ".venv/bin/portico key create --workload default",
        "curl -i http://127.0.0.1:8080/v1/chat/completions",
        'OpenAI(base_url="http://127.0.0.1:8080/v1"',
        'Anthropic(base_url="http://127.0.0.1:8080"',
    ],
)
def test_the_readme_holds_set_up_and_first_calls(command: str) -> None:
    assert any(command in body for _, body in BLOCK.findall(readme()))


def test_python_in_the_documents_is_python() -> None:
    bodies = [body for language, body in BLOCK.findall(readme()) if language == "python"]
    assert len(bodies) == 2
    for body in bodies:
        ast.parse(body)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_documents_name_only_commands_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|bin/|^|\| |\$ )portico ([a-z]+)", text, re.MULTILINE)
    assert set(named) <= set(COMMANDS)


@pytest.mark.parametrize(
    "header",
    ["call", "model", "release", "cost-usd", "trust", "cache", "attempts", "error"],
)
def test_the_readme_explains_each_header_that_the_gateway_sends(header: str) -> None:
    assert f"| `x-portico-{header}` |" in readme()


def test_the_error_code_that_the_readme_shows_exists() -> None:
    [code] = re.findall(r"x-portico-error`.*such as `(\w+)`", readme())
    codes: set[str] = set()
    kinds = [PorticoError]
    while kinds:
        kind = kinds.pop()
        codes.add(kind.code)
        kinds.extend(kind.__subclasses__())
    assert code in codes


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_documents_name_exist(page: Path) -> None:
    for place in PLACES.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / place).exists(), place


def test_the_architecture_lists_every_room_of_the_house() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "src/portico").glob("*/__init__.py")}
    assert listed == rooms


def test_the_promises_are_ten_and_each_has_a_state() -> None:
    text = (ROOT / "docs/promises.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| .+? \| (kept|not there yet)[^|]*\|", text, re.MULTILINE)
    assert [number for number, _ in rows] == [str(number) for number in range(1, 11)]


def test_the_license_is_the_apache_license_in_full() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert [f"   {n}. " in text for n in range(1, 10)] == [True] * 9
    assert "APPENDIX: How to apply the Apache License to your work." in text


def test_no_file_names_a_registry_a_machine_or_a_place_outside_the_project() -> None:
    found = []
    for path in shipped():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        found += [f"{path}:{n}" for n, line in enumerate(lines, 1) if BANNED.search(line)]
    assert found == []
