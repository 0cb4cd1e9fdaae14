import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.prompt import PromptVersion
from portico.operations.prompt_files.imported import fitted, told_apart, variable
from portico.operations.prompt_files.writing import Draft, literal, write_prompt
from portico.operations.prompts.reading import read_prompt
from portico.operations.prompts.template import compile_prompt

PATH = "prompts/made.md"


def version(draft: Draft) -> PromptVersion:
    reading = read_prompt(PATH, {PATH: write_prompt(draft)})
    assert reading.faults == ()
    assert reading.prompt is not None
    return reading.prompt


def test_everything_that_a_draft_says_is_read_back() -> None:
    draft = Draft(
        name="made",
        description="For 1e9 people: yes, off",
        variables={"mood": {"type": "string", "default": "off"}, "doc": {"type": "string"}},
        parameters={"temperature": 0.25, "stop": ["END", "1e9"], "max_output_tokens": 20},
        tools=({"name": "find", "description": "Finds", "schema": {"type": "object"}},),
        output={"schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        untrusted=("doc",),
        observed="0123456789012345",
        turns=(("system", "Be {{ mood }}."), ("user", "{{ doc }}"), ("assistant", "Well.")),
    )
    prompt = version(draft)
    assert prompt.parameters.sampling.stop == ("END", "1e9")
    assert prompt.parameters.sampling.temperature == 0.25
    assert prompt.tools[0].name == "find"
    assert prompt.output is not None
    assert prompt.output.kind == "schema"
    assert (prompt.untrusted, prompt.observed) == (("doc",), "0123456789012345")
    turns = compile_prompt(prompt, "nonce").render({"doc": "D"}, ())
    assert [(turn.role, turn.text) for turn in turns] == [
        ("system", "Be off."),
        ("user", "D"),
        ("assistant", "Well."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{ x }} {% if %} {# c #} }} %} #}",
        "{{{{ {",
        "a {",
        "--- user ---\nnot a turn",
        "  --- system ---\n---system---",
        "---\nname: x\n---\nbody",
        "{%- raw -%}{{ a }}{% endraw %}",
        "it's \"quoted\" \\ {{'",
    ],
)
def test_literal_text_renders_to_itself(text: str) -> None:
    prompt = version(Draft(name="made", turns=(("system", f"<{literal(text)}>"),)))
    (turn,) = compile_prompt(prompt, "nonce").render({}, ())
    assert turn.text == f"<{text}>"


@given(st.text(st.sampled_from("{}%#-+ a'\"\nuser\\"), max_size=60))
def test_any_text_of_signs_survives_as_a_literal(text: str) -> None:
    prompt = version(Draft(name="made", turns=(("system", f"<{literal(text)}>"),)))
    (turn,) = compile_prompt(prompt, "nonce").render({}, ())
    assert turn.text == f"<{text}>"


def test_variables_with_the_names_of_schema_words_stay_variables() -> None:
    draft = Draft(
        name="made",
        variables={"properties": {}, "type": {"type": "string"}},
        turns=(("system", "{{ properties }}{{ type }}"),),
    )
    schema = version(draft).variables
    assert isinstance(schema, dict)
    assert sorted(schema["properties"]) == ["properties", "type"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Movie Critic", "movie-critic"),
        ("greetingPrompt", "greeting-prompt"),
        ("team/support_v2", "team-support-v2"),
        ("../../etc/passwd", "etc-passwd"),
        ("2nd", "p-2nd"),
        ("日本", "prompt"),
        ("x" * 500, "x" * 64),
    ],
)
def test_names_are_made_to_fit(theirs: str, ours: str) -> None:
    assert fitted(theirs) == ours


def test_names_that_meet_get_numbers() -> None:
    assert told_apart(["a", "a", "a-2", "a"]) == ("a", "a-2", "a-2-2", "a-3")


def test_variables_get_names_that_templates_have() -> None:
    names = ("user-name", "1st", "loop", "  ", "ok")
    assert [variable(name) for name in names] == ["user_name", "v_1st", "loop_value", None, "ok"]
