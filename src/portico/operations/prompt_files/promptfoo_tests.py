"""promptfoo's tests as suites: one for each kind of scorer that the assertions need.

Format: https://www.promptfoo.dev/docs/configuration/expected-outputs
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.operations.prompt_files.messages import note
from portico.operations.prompt_files.writing import to_yaml

MAX_CASES: Final = 5000
MAX_COMBINATIONS: Final = 200
"""Of the lists that a test gives for its variables."""

Expected = tuple[tuple[str, Json], ...]
"""Kinds of scorers, and what each expects."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    variables: Mapping[str, Json]
    expected: Expected = ()


class Tests(msgspec.Struct, frozen=True):
    cases: tuple[Case, ...] = ()
    thresholds: Mapping[str, float] = {}

    def types(self) -> dict[str, Json]:
        """The schema of each variable whose values are all of one type that is not text."""
        found: dict[str, set[str]] = {}
        for case in self.cases:
            for name, value in case.variables.items():
                found.setdefault(name, set()).add(_type(value))
        return {
            name: {"type": next(iter(types))}
            for name, types in found.items()
            if len(types) == 1 and types != {"string"}
        }


def read_tests(config: Mapping[str, Json], files: Mapping[str, str], notes: list[str]) -> Tests:
    """The tests that stand in the configuration. Raises InvalidRequest."""
    default = config.get("defaultTest")
    shared = default if isinstance(default, dict) else {}
    if isinstance(default, str):
        note(notes, "defaultTest is a file and was not carried over: put it in place")
    value = config.get("tests")
    entries = value if isinstance(value, list) else [] if value is None else [value]
    cases: list[Case] = []
    thresholds: dict[str, float] = {}
    for index, entry in enumerate(entries):
        where = f"tests[{index}]"
        if not isinstance(entry, dict):
            note(notes, f"{where} is in a file or made by code, and was not carried over")
            continue
        cases += _cases(entry, shared, where, notes, thresholds)
        if len(cases) > MAX_CASES:
            raise InvalidRequest(f"the tests make over {MAX_CASES} cases: import them in parts")
    return Tests(tuple(cases), thresholds)


def _cases(
    entry: Mapping[str, Json],
    shared: Mapping[str, Json],
    where: str,
    notes: list[str],
    thresholds: dict[str, float],
) -> Iterator[Case]:
    values = {**_mapping(shared.get("vars")), **_mapping(entry.get("vars"))}
    if isinstance(entry.get("vars"), str) or any(_is_file(each) for each in values.values()):
        note(notes, f"{where}: it takes values from files and was not carried over")
        return
    for key in entry:
        if key not in ("vars", "assert", "description", "metadata"):
            note(notes, f"{where}.{key[:60]} was not carried over")
    asserted = [*_list(shared.get("assert")), *_list(entry.get("assert"))]
    name = str(entry.get("description") or where)[:200]
    lists = [[(key, one) for one in each] for key, each in values.items() if isinstance(each, list)]
    combinations = itertools.islice(itertools.product(*lists), MAX_COMBINATIONS + 1)
    for number, chosen in enumerate(combinations):
        if number == MAX_COMBINATIONS:
            note(notes, f"{where}: only {MAX_COMBINATIONS} combinations of its lists came along")
            return
        variables = {**values, **dict(chosen)}
        expected = tuple(_expected(asserted, variables, where, notes, thresholds))
        yield Case(name=name, variables=variables, expected=expected)


def _expected(
    asserted: list[Json],
    variables: Mapping[str, Json],
    where: str,
    notes: list[str],
    thresholds: dict[str, float],
) -> Iterator[tuple[str, Json]]:
    for entry in asserted:
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            note(notes, f"{where}: an assertion without a type was not carried over")
            continue
        kind = str(entry["type"])
        scorer = SCORERS.get(kind)
        value = _filled(entry.get("value"), variables)
        found = () if scorer is None else tuple(scorer(value))
        if not found:
            note(notes, f"{where}: the assertion {kind[:60]} was not carried over: "
                 "no scorer expresses it")  # fmt: skip
            continue
        for key in entry:
            if key not in ("type", "value", "threshold", "metric"):
                note(notes, f"{where}: {key[:60]} of the assertion {kind} was not carried over")
        threshold = entry.get("threshold")
        if isinstance(threshold, (int, float)) and not isinstance(threshold, bool):
            thresholds.setdefault(found[0][0], float(threshold))
        yield from found


def _one(kind: str) -> Callable[[Json], Iterator[tuple[str, Json]]]:
    def scored(value: Json) -> Iterator[tuple[str, Json]]:
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            yield kind, str(value)

    return scored


def _each(value: Json) -> Iterator[tuple[str, Json]]:
    for one in _list(value):
        if isinstance(one, str):
            yield "contains", one


def _pattern(form: str) -> Callable[[Json], Iterator[tuple[str, Json]]]:
    """A regular expression around one text, or around any of several."""

    def scored(value: Json) -> Iterator[tuple[str, Json]]:
        texts = [re.escape(one) for one in _list(value) if isinstance(one, str)]
        if texts:
            yield "regex", form.format("|".join(texts))

    return scored


def _plain(kind: str) -> Callable[[Json], Iterator[tuple[str, Json]]]:
    def scored(value: Json) -> Iterator[tuple[str, Json]]:
        if value is None:
            yield kind, None

    return scored


SCORERS: Final[Mapping[str, Callable[[Json], Iterator[tuple[str, Json]]]]] = {
    "contains": _one("contains"),
    "contains-all": _each,
    "contains-any": _pattern("(?:{})"),
    "icontains": _pattern("(?i)(?:{})"),
    "icontains-any": _pattern("(?i)(?:{})"),
    "starts-with": _pattern("\\A(?:{})"),
    "equals": _one("exact"),
    "regex": _one("regex"),
    "is-json": _plain("json"),
    "is-refusal": _plain("refusal"),
    "similar": _one("similarity"),
    "llm-rubric": _one("judge"),
    "factuality": _one("judge"),
    "model-graded-closedqa": _one("judge"),
}
"""Assertions that a scorer expresses."""


def suite_files(
    name: str, tests: Tests, asked: str, known: frozenset[str], notes: list[str]
) -> tuple[tuple[str, str], ...]:
    """suite.yaml and cases.jsonl for each kind of scorer. `asked` is the variable that is the
    input of a call, `known` are the variables that the prompt takes."""
    kinds: dict[str, list[tuple[Case, Json]]] = {}
    for case in tests.cases:
        for kind, value in case.expected or (("", None),):
            kinds.setdefault(kind, []).append((case, value))
    bare = kinds.pop("", [])
    if bare and not kinds:
        note(notes, "no test has an assertion that a scorer expresses; its suite needs a scorer")
        kinds = {"similarity": bare}
    elif bare:
        note(notes, f"{len(bare)} tests without an assertion that a scorer expresses were left out")
    files: list[tuple[str, str]] = []
    for kind, pairs in kinds.items():
        suite = name if len(kinds) == 1 else f"{name}-{kind}"
        scorer: dict[str, Json] = {"kind": kind}
        if kind in tests.thresholds:
            scorer["threshold"] = tests.thresholds[kind]
        if kind == "judge":
            note(notes, "rubrics are what the cases of the judge's suite expect")
        head = to_yaml({"name": suite, "scorers": [scorer]})
        files.append((f"evals/{suite}/suite.yaml", head))
        lines = "".join(
            _line(number, case, value, asked, known)
            for number, (case, value) in enumerate(pairs, 1)
        )
        files.append((f"evals/{suite}/cases.jsonl", lines))
    return tuple(files)


def _line(number: int, case: Case, expected: Json, asked: str, known: frozenset[str]) -> str:
    body: dict[str, Json] = {"id": f"case-{number}"}
    if asked:
        body["input"] = str(case.variables.get(asked, ""))
    values = {key: value for key, value in case.variables.items() if key in known}
    if values:
        body["variables"] = values
    if expected is not None:
        body["expected"] = expected
    return msgspec.json.encode(body).decode() + "\n"


def _filled(value: Json, variables: Mapping[str, Json]) -> Json:
    """An expectation with the test's own variables in it."""
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def put(found: re.Match[str]) -> str:
        given = variables.get(found[1])
        return found[0] if given is None else str(given)

    return re.sub(r"\{\{\s*(\w{1,100})\s*\}\}", put, value)


def _type(value: Json) -> str:
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object" if isinstance(value, dict) else "string"


def _mapping(value: Json) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_file(value: Json) -> bool:
    return isinstance(value, str) and value.startswith(("file://", "http://", "https://"))
