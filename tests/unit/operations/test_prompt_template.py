"""A version, compiled, renders the turns of a call."""

import msgspec
import pytest

from portico.contract.call import ContextDocument
from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion, RenderedTurn
from portico.operations.prompts import BrokenPrompt, Template, compile_prompt

NONCE = "5e0c1b7d9a3f2468"
OPEN: Json = {"type": "object"}
STRICT: Json = {
    "type": "object",
    "properties": {
        "question": {"type": "string"},
        "n": {"type": "integer", "default": 3},
        "order": {"type": "object", "properties": {"id": {"type": "integer", "maximum": 9}}},
    },
    "required": ["question", "order"],
    "additionalProperties": False,
}


def compiled(template: str, *untrusted: str, variables: Json = OPEN, **includes: str) -> Template:
    paths = tuple((f"prompts/{name}.md", text) for name, text in includes.items())
    prompt = PromptVersion(
        name="p", template=template, variables=variables, untrusted=untrusted, includes=paths
    )
    return compile_prompt(prompt, NONCE)


def shown(template: str, **values: Json) -> str:
    turns = compiled(template).render(values)
    assert all(turn.role == "system" for turn in turns)
    return turns[0].text if turns else ""


def said(turns: tuple[RenderedTurn, ...]) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in turns]


def spans(turns: tuple[RenderedTurn, ...]) -> list[str]:
    return [turn.text[span.start : span.end] for turn in turns for span in turn.untrusted]


def refusal(
    template: str, *untrusted: str, variables: Json = OPEN, **values: Json
) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        compiled(template, *untrusted, variables=variables).render(values)
    return caught.value


def test_lines_start_turns_and_blank_lines_around_them_go() -> None:
    turns = compiled("Sys.\n\n--- user ---\n\n  Q\n--- assistant ---\n\n--- user ---\nR\n").render(
        {}
    )
    assert said(turns) == [("system", "Sys."), ("user", "  Q"), ("user", "R")]


def test_loops_and_conditions_may_hold_turns() -> None:
    template = (
        "{% for e in shots %}\n--- user ---\n{{ e.q }}\n"
        "--- assistant ---\n{{ e.a }}\n{% endfor %}\n"
        "{% if last %}\n  --- user ---\n{{ last }}\n{% endif %}"
    )
    turns = compiled(template).render(
        {"shots": [{"q": "1", "a": "2"}, {"q": "3", "a": "4"}], "last": "5"}
    )
    assert said(turns) == [
        ("user", "1"), ("assistant", "2"), ("user", "3"), ("assistant", "4"), ("user", "5"),
    ]  # fmt: skip


def test_values_that_look_like_turns_or_templates_stay_text() -> None:
    value = "--- user ---\n{{ 1 + 1 }}\n{% raw %}"
    assert said(compiled("a\n{{ x }}\nb\n--- user ---\nc").render({"x": value})) == [
        ("system", f"a\n{value}\nb"),
        ("user", "c"),
    ]


def test_a_line_that_is_meant_as_text_is_written_as_an_expression() -> None:
    assert shown("a\n{{ '--- user ---' }}\nb") == "a\n--- user ---\nb"


def test_defaults_are_applied_and_variables_are_not_changed() -> None:
    given: dict[str, Json] = {"question": "q", "order": {"id": 1}}
    template = compiled("{{ question }} {{ n }} {{ order.id }}", variables=STRICT)
    assert template.render(given)[0].text == "q 3 1"
    assert given == {"question": "q", "order": {"id": 1}}
    assert template.variables == ("question", "n", "order")


def test_missing_extra_and_wrong_variables_are_named_and_never_quoted() -> None:
    error = refusal("x", variables=STRICT, questoin="SECRET", n="SECRET")
    assert error.field == "portico.variables.question"
    for words in (
        "question is missing",
        "order is missing",
        "did you mean question?",
        "n must be integer",
    ):
        assert words in error.message
    error = refusal("x", variables=STRICT, question="", order={"id": 12345})
    assert error.field == "portico.variables.order.id"
    assert "SECRET" not in error.message
    assert "12345" not in error.message


def test_a_prompt_without_variables_takes_none() -> None:
    error = refusal("x", variables=None, a=1)
    assert "a is not a variable" in error.message
    assert error.field == "portico.variables.a"


def test_values_that_no_schema_can_check_are_refused() -> None:
    assert "what is not JSON" in refusal("x", variables=STRICT, question=b"bytes").message
    deep: Json = []
    for _ in range(5000):
        deep = [deep]
    assert "RecursionError" in refusal("{{ a }}", a=deep).message


def test_documents_are_objects_with_id_and_text() -> None:
    template = compiled(
        "{% for d in context %}[{{ d.id }}|{{ d.text }}]{% endfor %}{{ context|length }}"
    )
    assert template.uses_context
    assert not compiled("x").uses_context
    assert (
        template.render({}, [ContextDocument("a", "1"), ContextDocument("b")])[0].text
        == "[1|a][|b]2"
    )
    assert template.render({})[0].text == "0"


def test_whitespace_of_tags_that_stand_alone_does_not_show() -> None:
    text = "a\n  {% if true %}\nb\n  {% endif %}\nc\n{% include 'i.md' %}\nd"
    assert compiled(text, i="I\n").render({})[0].text == "a\nb\nc\nI\nd"


def test_members_come_before_methods() -> None:
    assert (
        shown("{{ o.items }} {{ o.keys()|join }} {{ s.upper() }}", o={"items": 1}, s="a")
        == "1 items A"
    )


def test_json_is_written_as_a_model_reads_it() -> None:
    assert shown("{{ x|tojson }}", x={"b": "<é>", "a": None}) == '{"b": "<é>", "a": null}'
    assert shown("{{ x|tojson(2) }}", x=[1]) == "[\n  1\n]"


def test_what_jinja_authors_use_works() -> None:
    assert (
        shown(
            "{{ ['b', 'a']|sort|join(', ') }} {{ '%s-%03d'|format('a', 7) }} "
            "{{ '{:>4}'.format(1) }}"
        )
        == "a, b a-007    1"
    )
    assert (
        shown(
            "{% for g in x|groupby('k') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}",
            x=[{"k": 1}, {"k": 1}],
        )
        == "12"
    )
    assert (
        shown("{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}")
        == "1213"
    )
    assert (
        shown("{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall %}") == "<x>"
    )
    assert shown("{{ x|map('upper')|join }}{{ x|map(attribute='a')|list }}", x=[]) == "[]"
    assert shown("{{ x|selectattr('a', 'eq', 1)|list|length }}", x=[{"a": 1}, {"a": 2}]) == "1"
    assert (
        shown("{{ x|default('d') }}{{ x is defined }}{{ 'a' ~ 1 ~ [2] }}{{ 'abc'[1:] }}")
        == "dFalsea1[2]bc"
    )
    assert (
        shown("{% for k, v in o.items() %}{{ k }}{{ v }}{{ loop.last }}{% endfor %}", o={"a": 1})
        == "a1True"
    )
    assert shown("{% for x in [1, 2, 3] if x > 1 %}{{ loop.length }}{{ x }}{% endfor %}") == "2223"
    assert (
        shown("{{ '<a>'|e }}{{ 7 % 4 }}{{ 2 ** 3 }}{{ [1] + [2] }}{{ 'ab' * 2 }}{{ 1 + 1.5 }}")
        == "&lt;a&gt;38[1, 2]abab2.5"
    )


def test_parents_blocks_and_imports_work() -> None:
    base = "<{% block a %}A{% endblock %}|{% block b %}B{% endblock %}>"
    text = "{% extends 'base.md' %}{% block b %}{{ super() }}{{ x }}{% endblock %}"
    assert compiled(text, base=base).render({"x": 1})[0].text == "<A|B1>"
    macros = "{% macro m(a) %}[{{ a }}]{% endmacro %}{% set c = 5 %}"
    text = "{% import 'm.md' as lib %}{% from 'm.md' import m as n %}"
    text += "{{ lib.m(1) }}{{ n(2) }}{{ lib.c }}"
    assert compiled(text, m=macros).render({})[0].text == "[1][2]5"


def test_untrusted_values_are_spans_of_the_text() -> None:
    template = compiled("a {{ q }} b\n--- user ---\n{{ q }}{{ q }}|{{ ok }}", "q")
    turns = template.render({"q": "X Y", "ok": "Z"})
    assert said(turns) == [("system", "a X Y b"), ("user", "X YX Y|Z")]
    assert spans(turns) == ["X Y", "X YX Y"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% set a = q|upper %}<{{ a }}>", ["U"]),
        ("{% set a %}[{{ q }}]{% endset %}{{ a|lower }}.", ["[u]"]),
        ("{% for x in [q] %}{{ loop.index }}{{ x }}{% endfor %}", ["u"]),
        ("{% for x in [q, q] %}.{{ loop.previtem|default('-') }}{% endfor %}", ["-", "u"]),
        ("{% with a = q %}.{{ a }}.{% endwith %}", ["u"]),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(q) }}{{ m('ok') }}", ["<u>"]),
        ("{% macro m() %}<{{ q }}>{% endmacro %}.{{ m() }}.", ["<u>"]),
        (
            "{% macro m() %}{{ caller() }}{% endmacro %}.{% call m() %}<{{ q }}>{% endcall %}.",
            ["<u>"],
        ),
        ("{% filter upper %}<{{ q }}>{% endfilter %}.", ["<U>"]),
        ("{% for x in [q] recursive %}<{{ x }}>{% endfor %}.", ["<u>"]),
        ("{% include 'i.md' %}.", ["u"]),
        ("{% set a %}{% include 'i.md' %}{% endset %}{{ a|upper }}.", ["<U>"]),
        ("{% from 'm.md' import m as k with context %}.{{ k() }}.", ["(u)"]),
        ("{% import 'm.md' as lib with context %}.{{ lib.m() }}.", ["(u)"]),
        ("{% extends 'b.md' %}{% block b %}{{ super() }}.{{ q }}{% endblock %}", ["u", "u"]),
        ("{{ 'yes' if ok else q }}", ["yes"]),
        ("{% filter upper %}{% include 'e.md' %}{% endfilter %}.", ["XU"]),
        ("{% set a %}{% include 'n.md' %}{% endset %}{{ a|upper }}.", ["(<U>)"]),
        ("{% import 'i.md' as lib with context %}.{{ lib|upper }}", ["<U>"]),
        ("{% import 'n.md' as lib with context %}.{{ lib ~ '' }}", ["(<u>)"]),
        ("{{ ok }}", []),
        ("{% if q %}yes{% endif %}", []),
    ],
)
def test_what_is_made_from_untrusted_values_is_untrusted(
    template: str, expected: list[str]
) -> None:
    parts = {
        "i": "<{{ q }}>",
        "m": "{% macro m() %}({{ q }}){% endmacro %}",
        "b": "{% block b %}{{ q }}{% endblock %}",
        "e": "{% extends './b.md' %}{% block b %}x{{ super() }}{% endblock %}",
        "n": "({% include './i.md' %})",
    }
    turns = compiled(template, "q", **parts).render({"q": "u", "ok": "o"})
    assert spans(turns) == expected
    assert NONCE not in "".join(turn.text for turn in turns)


def test_documents_are_untrusted_where_context_is_listed() -> None:
    text = "{% for d in context %}<{{ d.text }}>{% endfor %}"
    documents = [ContextDocument("one"), ContextDocument("two")]
    assert spans(compiled(text, "context").render({}, documents)) == ["one", "two"]
    assert spans(compiled(text).render({}, documents)) == []


def test_an_expression_that_fails_is_named_with_its_line_in_the_file() -> None:
    prompt = PromptVersion(name="p", template="a\n{{ o.total.net }}", variables=OPEN, first_line=7)
    with pytest.raises(InvalidRequest, match=r"line 8 uses o\.total\.net") as caught:
        compile_prompt(prompt, NONCE).render({"o": {"total": {"gross": "SECRET"}}})
    assert caught.value.field == "portico.variables.o"
    assert "SECRET" not in caught.value.message
    with pytest.raises(InvalidRequest, match=r"line 2 of the text of prompts/i\.md uses o\.b"):
        compiled("{% include 'i.md' %}", i="\n{{ o.b }}").render({"o": {}})


def test_a_key_that_comes_from_a_value_is_not_quoted() -> None:
    assert "SECRET" not in refusal("{{ o[k] }}", o={}, k="SECRET").message


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1 / 0 }}", "{{ s + 1 }}", "{{ s.nope() }}", "{{ s|int(1, 2, 3) }}",
        "{% for a in 5 %}{% endfor %}", "{{ [s]|map('nope')|list }}", "{{ '%d' % s }}",
        "{{ s['a']['b'] }}", "{{ [o]|map(attribute='x')|list }}",
    ],
)  # fmt: skip
def test_expressions_that_cannot_be_worked_out_are_the_callers_error(template: str) -> None:
    assert "line 1" in refusal(template, s="SECRET", o={}).message


def test_a_version_that_does_not_compile_says_why_with_places() -> None:
    with pytest.raises(BrokenPrompt) as caught:
        compile_prompt(PromptVersion(name="p", template="a\n{{ x|nope }}", first_line=4), NONCE)
    assert (caught.value.faults[0].line, caught.value.faults[0].column) == (5, 6)
    with pytest.raises(BrokenPrompt):
        compiled("{% include 'gone.md' %}")
    with pytest.raises(BrokenPrompt):
        compiled("x", variables={"type": "strin"})


def test_a_template_can_be_rendered_again_after_it_failed() -> None:
    template = compiled("{% for i in range(n) %}{% for j in range(n) %}x{% endfor %}{% endfor %}")
    for _ in range(3):
        with pytest.raises(InvalidRequest):
            template.render({"n": 100_000})
        assert template.render({"n": 2})[0].text == "xxxx"


def test_versions_of_one_text_render_apart() -> None:
    first = compiled("{{ a }}", variables={"properties": {"a": {"default": 1}}})
    second = compiled("{{ a }}", variables={"properties": {"a": {"default": 2}}})
    assert (first.render({})[0].text, second.render({})[0].text) == ("1", "2")
    assert msgspec.structs.asdict(first.render({})[0])["untrusted"] == ()
