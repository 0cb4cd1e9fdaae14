import json
from typing import Any

import pytest

from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion
from portico.methods.yaml12 import read as read_yaml
from portico.operations.prompt_files import promptfoo
from portico.operations.prompt_files.imported import Imported
from portico.operations.prompts.reading import read_prompt
from portico.operations.prompts.template import compile_prompt


def version(made: Imported) -> PromptVersion:
    reading = read_prompt(made.path, {made.path: made.text})
    assert reading.faults == ()
    assert reading.prompt is not None
    return reading.prompt


def rendered(made: Imported, **variables: object) -> list[tuple[str, str]]:
    turns = compile_prompt(version(made), "n").render(variables, ())
    return [(turn.role, turn.text) for turn in turns]


def suites(made: Imported) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    found: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    for (path, head), (_, lines) in zip(made.suite[::2], made.suite[1::2], strict=True):
        cases = [json.loads(line) for line in lines.splitlines()]
        found[path.split("/")[1]] = (dict(read_yaml(head).data), cases)
    return found


def test_a_text_is_a_users_turn_with_its_template() -> None:
    text = (
        "prompts:\n  - 'To {{lang}}: {% if loud === true && x %}!{% elseif x %}?{% endif %}\n\n"
        "    {{ t | upper }}'\n"
    )
    (made,) = promptfoo.read(text, "My Config")
    assert made.name == "my-config"
    assert rendered(made, lang="fr", loud=True, x=1, t="hi") == [("user", "To fr: !\nHI")]
    assert rendered(made, lang="fr", loud=False, x=1, t="hi") == [("user", "To fr: ?\nHI")]


def test_a_last_turn_that_is_one_variable_becomes_the_input_of_the_cases() -> None:
    chat = [{"role": "system", "content": "You are {{who}}."}, {"role": "user", "content": "{{q}}"}]
    config = {
        "prompts": [{"label": "Chat", "raw": json.dumps(chat)}],
        "tests": [
            {"vars": {"who": "me", "q": "why?"}, "assert": [{"type": "contains", "value": "so"}]}
        ],
    }
    (made,) = promptfoo.read(json.dumps(config))
    assert rendered(made, who="me") == [("system", "You are me.")]
    suite, cases = suites(made)["chat"]
    assert suite["scorers"] == [{"kind": "contains"}]
    assert cases == [
        {"id": "case-1", "input": "why?", "variables": {"who": "me"}, "expected": "so"}
    ]


def test_assertions_become_one_suite_for_each_kind_of_scorer() -> None:
    config = {
        "prompts": ["Say {{x}}"],
        "defaultTest": {"assert": [{"type": "is-json"}]},
        "tests": [
            {
                "vars": {"x": ["a", "b"], "n": 3},
                "assert": [
                    {"type": "equals", "value": "{{x}}!"},
                    {"type": "regex", "value": "a+"},
                    {"type": "icontains", "value": "a.b"},
                    {"type": "similar", "value": "s", "threshold": 0.8},
                    {"type": "llm-rubric", "value": "kind"},
                    {"type": "javascript", "value": "1"},
                    {"type": "not-contains", "value": "1"},
                ],
            }
        ],
    }
    (made,) = promptfoo.read(json.dumps(config), "all")
    found = suites(made)
    assert set(found) == {"all-json", "all-exact", "all-regex", "all-similarity", "all-judge"}
    assert [case["expected"] for case in found["all-exact"][1]] == ["a!", "b!"]
    assert [case["expected"] for case in found["all-regex"][1]][:2] == ["a+", "(?i)(?:a\\.b)"]
    assert found["all-similarity"][0]["scorers"] == [{"kind": "similarity", "threshold": 0.8}]
    assert all("expected" not in case for case in found["all-json"][1])
    for kind in ("javascript", "not-contains"):
        assert any(f"assertion {kind} was not carried over" in note for note in made.notes)


def test_files_come_from_the_mapping_or_are_named() -> None:
    text = "prompts: [file://a.txt, file://b/chat.json]\n"
    with pytest.raises(InvalidRequest, match=r"not given: a\.txt, b/chat\.json"):
        promptfoo.read(text)
    files = {"a.txt": "One {{x}}\n---\nTwo {{x}}", "b/chat.json": '[{"role":"user","content":"C"}]'}
    made = promptfoo.read(text, files=files)
    assert [each.name for each in made] == ["a", "a-2", "chat"]
    assert rendered(made[1], x="1") == [("user", "Two 1")]


def test_what_jinja_does_not_have_is_named_with_its_line() -> None:
    config = {
        "prompts": ["Hello {{name}}\n{% asyncEach a in b %}x{% endeach %}", "{{ x | shorten }}"]
    }
    first, second = promptfoo.read(json.dumps(config))
    assert any("line 2" in note and "plain text" in note for note in first.notes)
    assert rendered(first, name="A")[0][1].startswith("Hello A\n{% asyncEach")
    assert any("the filter shorten" in note for note in second.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompts: [", "line 2, column 1"),
        ("a: &a [1]\nprompts: 3", "expected a text"),
        ("[]", "expected an object"),
        ("tests: []", "no prompts"),
        ("prompts: ['exec:./x.sh']", "another system"),
        ("prompts: ['file://x.py:make']", "is code"),
        ("x" * 9_000_000, "the most is"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        promptfoo.read(text)


def test_tests_from_files_are_named() -> None:
    config = {
        "prompts": ["x"],
        "tests": ["file://t.csv", {"vars": {"a": "file://doc.txt"}}],
        "env": 1,
    }
    (made,) = promptfoo.read(json.dumps(config))
    assert made.suite == ()
    assert any("tests[0]" in note for note in made.notes)
    assert any("tests[1]" in note for note in made.notes)
    assert any(note.startswith("env") for note in made.notes)
