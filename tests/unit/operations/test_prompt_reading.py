"""A prompt's file is a version, or everything that is wrong with it."""

import pytest

from portico.contract.prompt import PromptVersion
from portico.operations.prompts import Fault, identify, read_prompt

PATH = "prompts/support.md"
HEAD = "---\nvariables: {question: string, n: {type: integer, default: 3}}\n"


def faults(text: str, **others: str) -> tuple[Fault, ...]:
    files = {PATH: text, **{f"prompts/{name}.md": part for name, part in others.items()}}
    reading = read_prompt(PATH, files)
    assert (reading.prompt is None) == bool(reading.faults)
    return reading.faults


def version(text: str, **others: str) -> PromptVersion:
    files = {PATH: text, **{f"prompts/{name}.md": part for name, part in others.items()}}
    prompt = read_prompt(PATH, files).prompt
    assert prompt is not None
    return prompt


def places(found: tuple[Fault, ...]) -> list[tuple[int, int]]:
    return [(fault.line, fault.column) for fault in found]


def test_a_file_without_front_matter_is_all_template() -> None:
    prompt = version("You help.\n")
    assert (prompt.name, prompt.template, prompt.variables) == ("support", "You help.\n", None)


def test_front_matter_becomes_the_fields_of_the_version() -> None:
    prompt = version(
        HEAD + "untrusted: [question]\n"
        "parameters: {temperature: 0.2, stop: END, reasoning_effort: low, reasoning_budget: 2048}\n"
        "tools: [{name: find, description: Finds, parameters: {type: object}, strict: true}]\n"
        "output: {type: object}\nobserved: 0123456789abcdef\n---\n{{ question }} {{ n }}\n"
    )
    assert prompt.variables == {
        "type": "object",
        "properties": {"question": {"type": "string"}, "n": {"type": "integer", "default": 3}},
        "additionalProperties": False,
        "required": ["question"],
    }
    assert prompt.untrusted == ("question",)
    assert prompt.parameters.sampling.temperature == 0.2
    assert prompt.parameters.sampling.stop == ("END",)
    reasoning = prompt.parameters.reasoning
    assert reasoning is not None
    assert (reasoning.effort, reasoning.budget) == ("low", 2048)
    assert (prompt.tools[0].name, prompt.tools[0].strict) == ("find", True)
    assert prompt.output is not None
    assert prompt.output.kind == "schema"
    assert prompt.observed == "0123456789abcdef"
    assert prompt.first_line == 9


def test_a_whole_json_schema_is_kept_as_written() -> None:
    prompt = version(
        "---\nvariables:\n  type: object\n  properties: {a: {$ref: '#/$defs/t'}}\n"
        "  $defs: {t: {type: string}}\n---\n{{ a }}"
    )
    assert isinstance(prompt.variables, dict)
    assert prompt.variables["properties"] == {"a": {"$ref": "#/$defs/t"}}


def test_words_that_only_older_yaml_took_for_values_are_words() -> None:
    assert version("---\nparameters: {stop: off}\n---\nx").parameters.sampling.stop == ("off",)


def test_the_version_is_the_hash_of_all_that_is_said() -> None:
    first = version("a {% include 'parts.md' %}", parts="one")
    assert first.version.startswith("ver_")
    assert len(first.version) == 20
    assert (
        first.version
        == version("---\ndescription: d\n---\na {% include 'parts.md' %}", parts="one").version
    )
    assert first.version != version("a {% include 'parts.md' %}", parts="two").version
    assert first.version != version("b {% include 'parts.md' %}", parts="one").version
    assert identify(first) == first


def test_line_ends_do_not_change_the_version() -> None:
    assert version("a\r\nb\r\n") == version("a\nb\n")


def test_includes_are_found_by_project_and_by_folder_and_lose_their_front_matter() -> None:
    prompt = version(
        "{% include 'prompts/a.md' %}{% include './b.md' %}",
        a="---\nname: a\n---\nA {% include 'c.md' %}",
        b="B",
        c="C",
    )
    assert prompt.includes == (
        ("prompts/a.md", "A {% include 'c.md' %}"),
        ("prompts/b.md", "B"),
        ("prompts/c.md", "C"),
    )


def test_a_missing_include_is_named_with_the_nearest() -> None:
    (fault,) = faults("x\n{% include 'tonne.md' %}", tone="x")
    assert (fault.line, fault.column) == (2, 13)
    assert "tonne.md" in fault.message
    assert "prompts/tone.md" in fault.hint


def test_circular_includes_are_named_with_the_whole_chain() -> None:
    (fault,) = faults(
        "{% include 'a.md' %}", a="{% import 'b.md' as b %}", b="\n{% include 'a.md' %}"
    )
    assert (fault.file, fault.line) == ("prompts/b.md", 2)
    assert "prompts/a.md → prompts/b.md → prompts/a.md" in fault.message


@pytest.mark.parametrize(
    "text",
    [
        "{% include name %}",
        "{% include ['a', 'b'] %}",
        "{% extends 'a' ~ 'b' %}",
        "{% import 1 as x %}",
    ],
)
def test_a_name_that_is_not_fixed_cannot_be_included(text: str) -> None:
    assert any("the name of one file" in fault.message for fault in faults(text))


def test_everything_wrong_is_reported_at_once_with_its_place() -> None:
    found = faults(
        "---\nname: suport\nvariables: {question: {type: strin}}\n"
        "parameters: {temprature: 1, temperature: 3, top_k: 1.5, stop: 4}\n"
        "tools: [{nam: x}]\noutput: jsn\nobservd: 1\n---\n"
        "{{ question|uper }}\n{% include 'x.md' %}\n--- usr ---\n{{ self }}\n"
    )
    assert places(found) == [
        (2, 1), (3, 24), (4, 14), (4, 29), (4, 45), (4, 57), (5, 9), (5, 10), (6, 1), (7, 1),
        (9, 13), (10, 13), (11, 5), (12, 4),
    ]  # fmt: skip
    hints = " ".join(fault.hint for fault in found)
    assert all(word in hints for word in ("temperature?", "name?", "observed?", "upper?", "user"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a\nb {{ x ! }}", (2, 8)),
        ("a\n {% foo %}", (2, 5)),
        ("{{ 'x' } }}", (1, 8)),
        ("a\n{% for x in %}{% endfor %}", (2, 13)),
        ("---\nname: support\n---\n\n{{ 1 if }}", (5, 9)),
        ("{% if 1 %}", (1, 1)),
        ("{# never", (1, 1)),
    ],
)
def test_a_syntax_error_has_line_and_column_of_the_file(text: str, place: tuple[int, int]) -> None:
    assert places(faults(text)) == [place]


def test_broken_front_matter_is_a_fault_with_its_place() -> None:
    assert places(faults("---\na: [\n---\nx")) == [(3, 1)]
    assert places(faults("---\nname: support\n")) == [(1, 1)]
    assert places(faults("---\nname: support\nname: support\n---\nx")) == [(3, 1)]


def test_a_name_that_is_not_declared_is_a_fault_with_the_nearest() -> None:
    (fault,) = faults(HEAD + "---\n{{ question }} {{ questoin }}")
    assert (fault.line, fault.column) == (4, 19)
    assert fault.hint == "did you mean question?"
    assert (
        faults(
            "{% set a = 1 %}{% for b in context %}{{ a }}{{ b.text }}{{ loop.index }}{% endfor %}"
        )
        == ()
    )


def test_names_that_templates_give_themselves_reach_includes() -> None:
    assert faults("{% set tone = 1 %}{% include 'a.md' %}", a="{{ tone }}") == ()


@pytest.mark.parametrize("name", ["context", "loop", "no-dash", "1st", "range"])
def test_a_variable_needs_a_name_that_a_template_can_say(name: str) -> None:
    assert len(faults(f"---\nvariables: {{'{name}': string}}\n---\nx")) == 1


@pytest.mark.parametrize(
    "schema",
    [
        "{type: strin}", "{$ref: 'https://example.com/s.json'}", "{$ref: 'file:///etc/passwd'}",
        "{$ref: '#/$defs/none'}", "{type: string, pattern: '('}", "5",
    ],
)  # fmt: skip
def test_a_schema_that_is_none_or_reaches_outside_is_a_fault(schema: str) -> None:
    assert faults(f"---\nvariables: {{a: {schema}}}\n---\n{{{{ a }}}}")
    assert faults(f"---\noutput: {{schema: {schema}}}\n---\nx")


def test_a_default_must_fit_its_own_schema() -> None:
    (fault,) = faults("---\nvariables:\n  n: {type: integer, default: x}\n---\n{{ n }}")
    assert fault.line == 3
    assert "default of n" in fault.message


def test_untrusted_names_must_be_variables_or_context() -> None:
    assert version(HEAD + "untrusted: [context]\n---\nx").untrusted == ("context",)
    (fault,) = faults(HEAD + "untrusted: [context, qestion]\n---\nx")
    assert (fault.line, fault.column, fault.hint) == (3, 22, "did you mean question?")


def test_a_turn_with_another_name_is_a_fault_with_a_hint() -> None:
    (fault,) = faults("a\n--- assistent ---\nb")
    assert (fault.line, fault.column) == (2, 5)
    assert "--- assistant ---" in fault.hint
    assert "system text" in faults("--- system ---\nb")[0].hint
    assert len(faults("---user---\nb")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{% macro m() %}\n--- user ---\n{% endmacro %}",
        "{% set a %}\n--- user ---\n{% endset %}",
        "{% filter upper %}\n--- user ---\n{% endfilter %}",
        "{% for a in [1] recursive %}\n--- user ---\n{% endfor %}",
        "{{ 'a\n--- user ---\n' }}",
    ],
)
def test_a_turn_cannot_start_in_text_that_the_template_works_on(text: str) -> None:
    assert [fault.line for fault in faults(text)] == [2] or "expression" in faults(text)[0].message


def test_a_turn_cannot_start_in_an_included_file() -> None:
    (fault,) = faults("{% include 'a.md' %}", a="---\nname: a\n---\nx\n--- user ---\n")
    assert (fault.file, fault.line, fault.column) == ("prompts/a.md", 5, 5)


def test_ten_megabytes_are_refused_before_they_are_read() -> None:
    (fault,) = faults("{{ x " * 2_000_000)
    assert "10000000 bytes" in fault.message
    assert "1048576" in fault.message
    (fault,) = faults("{% include 'a.md' %}", a="a" * 10_000_000)
    assert fault.file == "prompts/a.md"


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ 1" + "+1" * 5000 + " }}",
        "{{ [" + "1," * 50_000 + "] }}",
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
        "{{ range }}" * 20_000,
        "{{ 1" + "0" * 5000 + " }}",
    ],
)
def test_a_template_that_no_compiler_takes_is_a_fault(text: str) -> None:
    (fault,) = faults(text)
    assert "nested too deeply" in fault.message


SECRET = "sk-ant-api03-" + "AbCdEfGh12345678" * 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"a\nkey: {SECRET}", (2, 6)),
        (f"---\nvariables: {{a: {{default: {SECRET}}}}}\n---\n{{{{ a }}}}", (2, 26)),
        (f"---\ntools: [{{name: a, description: use {SECRET}}}]\n---\nx", (2, 36)),
        (f"---\nparameters: {{stop: {SECRET}}}\n---\nx", (2, 20)),
        (f'---\ndescription: "s\\x6b{SECRET[2:]}"\n---\nx', (2, 1)),
    ],
)
def test_a_secret_is_refused_with_place_and_kind_and_is_never_quoted(
    text: str, place: tuple[int, int]
) -> None:
    (fault,) = faults(text)
    assert (fault.line, fault.column) == place
    assert "Anthropic API key" in fault.message
    assert SECRET[13:] not in str(fault)


def test_a_secret_in_an_include_is_refused_at_its_place() -> None:
    (fault,) = faults("{% include 'a.md' %}", a=f"---\nname: a\n---\nx {SECRET}")
    assert (fault.file, fault.line, fault.column) == ("prompts/a.md", 4, 3)


def test_a_path_that_is_not_there_is_a_fault_with_the_nearest() -> None:
    reading = read_prompt("prompts/suport.md", {PATH: "x"})
    assert reading.faults[0].hint == f"did you mean {PATH}?"
