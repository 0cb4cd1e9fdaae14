import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion
from portico.operations.prompt_files import dotprompt
from portico.operations.prompt_files.handlebars import translate
from portico.operations.prompt_files.imported import Imported
from portico.operations.prompt_files.picoschema import json_schema
from portico.operations.prompts.reading import read_prompt
from portico.operations.prompts.template import compile_prompt

FULL = """\
---
name: greetingPrompt
model: googleai/gemini-flash
tools: [clock]
config: {temperature: 0.7, topK: 20, stopSequences: [STOP], version: x}
input:
  default: {name: Guest}
  schema:
    name: string
    language?: string
    items(array, what to list):
      title: string
      n?: integer
    mood(enum): [glad, sad]
output:
  schema:
    greeting: string, the greeting
---
{{role "system"}}
Greet {{name}}{{#if language}} in {{language}}{{else}} in English{{/if}}.{{! a comment }}
{{#each items}}
- {{@index}} {{title}}{{this.n}} for {{../name}}{{#unless @last}},{{/unless}}
{{/each}}
{{role "user"}}
{{#ifEquals mood "sad"}}Cheer up.{{/ifEquals}} {{json items}} \\{{raw}}
{{history}}
{{media url=pic}}{{>part}}{{#list x}}gone{{/list}}
"""


def version(made: Imported) -> PromptVersion:
    reading = read_prompt(made.path, {made.path: made.text})
    assert reading.faults == ()
    assert reading.prompt is not None
    return reading.prompt


def one(text: str, name: str = "file") -> Imported:
    (made,) = dotprompt.read(text, name)
    return made


def test_a_whole_file_renders_as_its_author_meant() -> None:
    read = version(one(FULL))
    assert read.name == "greeting-prompt"
    assert read.parameters.sampling.top_k == 20
    assert read.output is not None
    items = [{"title": "A", "n": 1}, {"title": "B"}]
    turns = compile_prompt(read, "n").render({"items": items, "mood": "sad"}, ())
    assert [(turn.role, turn.text.strip()) for turn in turns] == [
        ("system", "Greet Guest in English.\n- 0 A1 for Guest,\n- 1 B for Guest"),
        ("user", 'Cheer up. [{"title": "A", "n": 1}, {"title": "B"}] {{raw}}'),
    ]


def test_what_has_no_equal_is_named_with_its_line() -> None:
    notes = one(FULL).notes
    for line, word in ((26, "history"), (27, "media"), (27, ">part"), (27, "the block list")):
        assert any(note.startswith(f"line {line}:") and word in note for note in notes), word
    for word in ("model", "tools", "config.version"):
        assert any(note.startswith(word) for note in notes), word


def test_a_file_without_front_matter_takes_its_name_from_the_file() -> None:
    made = one("Hello {{who}} and {{#with who}}{{this}}{{/with}}!", "helloWorld.formal")
    assert made.name == "hello-world"
    (turn,) = compile_prompt(version(made), "n").render({"who": "Ann"}, ())
    assert (turn.role, turn.text) == ("user", "Hello Ann and Ann!")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{#each a as |x i|}}{{x.t}}{{i}};{{else}}none{{/each}}", "p0;q1;"),
        ("{{#if b}}yes{{else if c}}maybe{{else}}no{{/if}}\nx", "maybe\nx"),
        ("  {{#if c}}a{{/if}} b", "  a b"),
        ("{{#each a}}\n{{#each ../a}}{{t}}{{/each}}\n{{/each}}\nend", "pq\npq\nend"),
        ("{{lookup d 'k'}} {{d.k}} {{{c}}} {% raw %} {{'lit'}}", "v v c {% raw %} lit"),
        ("a {{~c~}} b", "acb"),
        ("{{!-- {{c}} --}}x{{unless}}", "x"),
    ],
)
def test_handlebars_means_the_same_in_jinja(template: str, text: str) -> None:
    schema = "a: any\n    b: any\n    c: any\n    d: any\n    unless?: any"
    made = one(f"---\ninput:\n  schema:\n    {schema}\n---\n{template}")
    values = {"a": [{"t": "p"}, {"t": "q"}], "b": False, "c": "c", "d": {"k": "v"}}
    (turn,) = compile_prompt(version(made), "n").render(values, ())
    assert turn.text == text


@given(
    st.lists(
        st.sampled_from(
            ["{{#if a}}", "{{/if}}", "{{else}}", "{{#each b}}", "{{/each}}", "{{a.b}}", "{{../a}}",
             "{{#x}}", "{{/x}}", "{{{c}}}", "{{", "}}", "{%", "{#", "\n", "t", '{{role "user"}}',
             "{{@index}}", "\\{{a}}", "{{!c}}", "{{!--", "--}}", "{{#with a}}", "{{/with}}", "~"]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_no_template_makes_the_translation_raise(parts: list[str]) -> None:
    notes: list[str] = []
    made = translate("".join(parts), (), 1, notes)
    assert made.turns


def test_picoschema_is_json_schema() -> None:
    made = json_schema(
        {"a": "string, the a", "b?": "number", "c(object, the c)": {"d": "any"}, "(*)": "string"},
        "s",
    )
    assert made == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "the a"},
            "b": {"type": ["number", "null"]},
            "c": {
                "type": "object",
                "properties": {"d": {}},
                "required": ["d"],
                "additionalProperties": False,
                "description": "the c",
            },
        },
        "required": ["a", "c"],
        "additionalProperties": {"type": "string"},
    }


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("input: {schema: {a: Person}}", "input.schema.a: Person is no type"),
        ("input: {schema: {'a(map)': string}}", "must be"),
        ("input: {schema: string}", "an object with members"),
        ("name: [", "line"),
        ("a: 1\na: 2", "line 2"),
    ],
)
def test_front_matter_that_cannot_be_read_is_refused_with_its_place(head: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        dotprompt.read(f"---\n{head}\n---\nx")
    with pytest.raises(InvalidRequest, match="the most is"):
        dotprompt.read("x" * 2_000_000)
