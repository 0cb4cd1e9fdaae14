"""promptfoo configurations: their prompts, and their tests as a suite.

Format: https://www.promptfoo.dev/docs/configuration/prompts (inline texts, chats as JSON, files),
https://www.promptfoo.dev/docs/configuration/test-cases and
https://www.promptfoo.dev/docs/configuration/expected-outputs (assertions).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.operations.prompt_files import nunjucks
from portico.operations.prompt_files.imported import (
    MAX_PROMPT,
    MAX_PROMPTS,
    Imported,
    fitted,
    json_of,
    prompt_path,
    size,
    told_apart,
    yaml_of,
)
from portico.operations.prompt_files.messages import (
    ROLES,
    Turns,
    content_text,
    note,
    ordered,
)
from portico.operations.prompt_files.promptfoo_tests import Tests, read_tests, suite_files
from portico.operations.prompt_files.writing import Draft, Role, write_prompt

WHAT: Final = "the promptfoo configuration"
FILE: Final = "file://"
ELSEWHERE: Final = re.compile(r"(?:exec|langfuse|portkey|helicone|https?|huggingface):\S+")
CODE: Final = re.compile(r"\.(?:js|cjs|mjs|ts|py|rb|sh|bash|pl)(?::\w+)?\Z")
_ONE: Final = re.compile(r"\s*\{\{\s*([A-Za-z]\w*)\s*\}\}\s*")
KNOWN: Final = frozenset({"prompts", "tests", "defaultTest", "description", "providers", "targets"})


class _Source(msgspec.Struct, frozen=True):
    label: str
    text: str
    notes: tuple[str, ...] = ()


def read(
    text: str, name: str = "promptfoo", files: Mapping[str, str] | None = None
) -> tuple[Imported, ...]:
    """One prompt file for each prompt, each with its suite where there are tests.

    `files` are the files that the configuration names, by their paths as written there, without
    `file://`. Raises InvalidRequest; it names the files that are missing.
    """
    files = files or {}
    beginning = text.lstrip()[:1]
    config = json_of(text, WHAT) if beginning in ("{", "[") else yaml_of(text, WHAT)
    if not isinstance(config, dict):
        raise InvalidRequest(f"{WHAT}: expected an object with `prompts` at the top")
    sources = tuple(_sources(config.get("prompts"), files))
    if not sources:
        raise InvalidRequest(f"{WHAT} has no prompts: name them under `prompts`")
    if len(sources) > MAX_PROMPTS:
        raise InvalidRequest(f"{WHAT} has {len(sources)} prompts; the most is {MAX_PROMPTS}")
    shared: list[str] = []
    for key in config:
        if key not in KNOWN:
            note(shared, f"{key[:60]} was not carried over")
    if "providers" in config or "targets" in config:
        note(shared, "providers were not carried over: name models in the workload's ladder")
    tests = read_tests(config, files, shared)
    base = fitted(name)
    names = told_apart(fitted(source.label) if source.label else base for source in sources)
    return tuple(
        _imported(ours, source, tests, shared) for ours, source in zip(names, sources, strict=True)
    )


def _sources(value: Json, files: Mapping[str, str]) -> Iterator[_Source]:
    entries = value if isinstance(value, list) else [] if value is None else [value]
    missing: list[str] = []
    for index, entry in enumerate(entries):
        where = f"{WHAT}, prompts[{index}]"
        label = ""
        body: Json = entry
        if isinstance(entry, dict):
            label = str(entry.get("label") or "")[:200]
            body = entry.get("raw") or entry.get("id") or entry.get("prompt")
        if not isinstance(body, str):
            raise InvalidRequest(f"{where}: expected a text, or an object with `raw` or `id`")
        if ELSEWHERE.fullmatch(body.strip()):
            raise InvalidRequest(
                f"{where} is a reference to another system; put the prompt's text in its place"
            )
        if not body.startswith(FILE):
            yield _Source(label, body)
            continue
        path = body[len(FILE) :]
        if CODE.search(path):
            raise InvalidRequest(
                f"{where} is code ({path[:200]}); put the text that it makes in its place"
            )
        if path in files:
            yield from _from_file(path, files[path], label)
        else:
            missing.append(path[:200])
    if missing:
        raise InvalidRequest(
            f"{WHAT} names files that were not given: {', '.join(missing[:20])}; "
            "give them along, or put their texts in place"
        )


def _from_file(path: str, text: str, label: str) -> Iterator[_Source]:
    size(text, path[:200])
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    parts = re.split(r"^---[ \t]*$", text, flags=re.MULTILINE) if path.endswith(".txt") else [text]
    for part in parts:
        if part.strip():
            yield _Source(label or stem, part.strip("\n"))


def _imported(name: str, source: _Source, tests: Tests, shared: list[str]) -> Imported:
    notes = [*source.notes, *shared]
    size(source.text, f"the prompt {name}", MAX_PROMPT)
    variables: dict[str, Json] = {}
    turns = tuple(
        (role, nunjucks.jinja(text, variables, f"turn {index + 1} of {name}", notes))
        for index, (role, text) in enumerate(_turns(source.text, notes))
    )
    turns, asked = _without_question(turns, variables, tests, notes)
    for each, schema in tests.types().items():
        if each in variables:
            variables[each] = schema
    draft = Draft(name=name, turns=turns, variables=variables)
    suite = suite_files(name, tests, asked, frozenset(variables), notes)
    return Imported(
        name=name,
        path=prompt_path(name),
        text=write_prompt(draft),
        notes=tuple(notes),
        suite=suite,
    )


def _turns(text: str, notes: list[str]) -> Turns:
    """A chat in JSON or YAML, else a text, which promptfoo sends as the user's."""
    if text.lstrip().startswith(("[", "- role:")):
        messages = _messages(text)
        if messages is not None:
            return _chat(messages, notes)
    return (("user", text),)


def _messages(text: str) -> list[Json] | None:
    try:
        value = json_of(text, WHAT) if text.lstrip()[0] == "[" else None
        if value is None:
            indented = "\n".join(f"  {line}" for line in text.splitlines())
            value = yaml_of(f"chat:\n{indented}\n", WHAT).get("chat")
    except InvalidRequest:
        return None
    good = isinstance(value, list) and all(
        isinstance(each, dict) and "role" in each for each in value
    )
    return value if good and isinstance(value, list) else None


def _chat(messages: list[Json], notes: list[str]) -> Turns:
    found: list[tuple[Role, str]] = []
    for index, message in enumerate(messages):
        assert isinstance(message, dict)
        where = f"message {index + 1}"
        role = ROLES.get(str(message["role"]).lower())
        if role is None:
            note(notes, f"{where} was left out: Portico's prompts have no such role")
            continue
        found.append((role, content_text(message.get("content"), where, notes)))
    return ordered(found, notes)


def _without_question(
    turns: Turns, variables: dict[str, Json], tests: Tests, notes: list[str]
) -> tuple[Turns, str]:
    """A last turn that is one variable is what the call itself asks: it leaves the prompt."""
    found = _ONE.fullmatch(turns[-1][1]) if len(turns) > 1 and turns[-1][0] == "user" else None
    if found is None or not any(found[1] in case.variables for case in tests.cases):
        return turns, ""
    name = found[1]
    if any(f"{name}" in re.findall(r"\w+", text) for _, text in turns[:-1] if "{" in text):
        return turns, ""
    variables.pop(name, None)
    note(notes, f"the last turn, which is only {name}, left the prompt: calls say it themselves, "
         "and cases have it as their input")  # fmt: skip
    return turns[:-1], name
