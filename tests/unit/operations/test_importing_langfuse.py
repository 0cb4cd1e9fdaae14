import json

import pytest

from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion
from portico.operations.prompt_files import langfuse
from portico.operations.prompt_files.imported import Imported
from portico.operations.prompts.reading import read_prompt
from portico.operations.prompts.template import compile_prompt


def version(made: Imported) -> PromptVersion:
    reading = read_prompt(made.path, {made.path: made.text})
    assert reading.faults == ()
    assert reading.prompt is not None
    return reading.prompt


def test_a_text_prompt_becomes_the_system_text() -> None:
    text = json.dumps({"name": "greet", "type": "text", "prompt": "Hi {{name}}, {% not jinja %}!"})
    (made,) = langfuse.read(text)
    assert (made.name, made.path) == ("greet", "prompts/greet.md")
    (turn,) = compile_prompt(version(made), "n").render({"name": "Ann"}, ())
    assert (turn.role, turn.text) == ("system", "Hi Ann, {% not jinja %}!")


def test_the_version_labelled_production_is_taken_and_the_others_are_named() -> None:
    entries = [
        {"name": "p", "version": 1, "labels": [], "prompt": "one"},
        {"name": "p", "version": 2, "labels": ["production", "eu"], "prompt": "two"},
        {"name": "p", "version": 3, "labels": ["latest"], "prompt": "three"},
    ]
    (made,) = langfuse.read(json.dumps({"data": entries}))
    assert made.text.endswith("two\n")
    assert any("version 2 (production) was taken; left: 1, 3" in note for note in made.notes)
    assert any("labels were not carried over: eu" in note for note in made.notes)


def test_without_that_label_the_newest_is_taken() -> None:
    entries = [{"name": "p", "version": n, "prompt": f"text {n}"} for n in (1, 3, 2)]
    (made,) = langfuse.read(json.dumps(entries))
    assert made.text.endswith("text 3\n")


def test_a_chat_keeps_its_turns_and_names_what_is_left_out() -> None:
    prompt = [
        {"role": "system", "content": "You are {{who}}."},
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": "Q: {{question}}"},
        {"role": "tool", "content": "x"},
        {"role": "system", "content": "Late."},
    ]
    config = {"model": "gpt-4o", "temperature": 0.5, "top_p": 7, "max_tokens": 9, "langs": ["en"]}
    (made,) = langfuse.read(json.dumps({"name": "c", "prompt": prompt, "config": config}))
    read = version(made)
    assert read.parameters.sampling.temperature == 0.5
    assert read.parameters.sampling.max_output_tokens == 9
    turns = compile_prompt(read, "n").render({"who": "me", "question": "why"}, ())
    assert [(turn.role, turn.text) for turn in turns] == [
        ("system", "You are me.\n\nLate."),
        ("user", "Q: why"),
    ]
    for word in ("placeholder history", "message 4", "moved", "model", "top_p", "langs"):
        assert any(word in note for note in made.notes), word


def test_references_are_resolved_within_the_export_only() -> None:
    tag = "@@@langfusePrompt:name={}|label=production@@@"
    entries = [
        {"name": "a", "prompt": f"A {tag.format('b')} {tag.format('missing')}"},
        {"name": "b", "prompt": f"B {tag.format('a')}"},
    ]
    first, _ = langfuse.read(json.dumps(entries))
    assert "A B " in first.text
    assert any("missing was not resolved" in note for note in first.notes)


def test_tools_and_response_formats_of_the_config_come_along() -> None:
    function = {"name": "find", "description": "d", "parameters": {"type": "object"}}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    config = {
        "tools": [{"type": "function", "function": function}, {"type": "web"}],
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
    }
    (made,) = langfuse.read(json.dumps({"name": "t", "prompt": "x", "config": config}))
    read = version(made)
    assert [tool.name for tool in read.tools] == ["find"]
    assert read.output is not None
    assert read.output.schema == schema
    assert any("config.tools[1]" in note for note in made.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1]", "prompt 1: expected an object"),
        ('{"data": []}', "no prompts"),
        ('{"data": [{"name": "p", "versions": [1]}]}', "a list of names"),
        ('{"prompt": "x"}', "`name` is missing"),
        ('{"name": "p", "prompt": 3}', "must be a text or a list"),
        ('{"name": "p", "prompt": ["x"]}', "message 1 of p"),
        ('"' + "x" * 9_000_000 + '"', "the most is"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said.replace("[", "\\[")):
        langfuse.read(text)


def test_a_secret_is_left_to_whoever_reads_the_file() -> None:
    secret = "sk-proj-" + "a1B2" * 12
    (made,) = langfuse.read(json.dumps({"name": "s", "prompt": f"Use {secret}."}))
    assert read_prompt(made.path, {made.path: made.text}).faults
