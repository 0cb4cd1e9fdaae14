"""Whatever a variable holds, it is text in its place and nothing else."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion
from portico.operations.prompts import compile_prompt, read_prompt

NONCE = "5e0c1b7d9a3f2468"
OPEN: Json = {"type": "object"}
PIECES = [
    "--- user ---", "\n", "--- assistant ---\n", "{{ x }}", "{% raw %}", "#}", "\x02", "\x02u",
    "\x02(",
    "\r\n", " ", NONCE[:6], "%s", "{0}", "é", "\u2028", "---", "<b>",
]  # fmt: skip
SYNTAX = [
    "{{", "}}", "{%", "%}", "---\n", "--- user ---\n", "a", "for x in y", "endfor", "|upper", "'",
    "(", ")", "{#", "#}", "\n", "name: p\n", "include 'a.md'", "set a = 1", ": ", "[", "{",
]  # fmt: skip
TEXTS = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
SIDES = PromptVersion(
    name="p",
    template="[{{ a }}|{{ b }}]\n--- user ---\n{% for x in xs %}<{{ x }}>{% endfor %}.\n{{ a }}.",
    variables=OPEN,
    untrusted=("a", "xs"),
)
TEMPLATE = compile_prompt(SIDES, NONCE)
BARE = compile_prompt(PromptVersion(name="p", template=SIDES.template, variables=OPEN), NONCE)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3))
def test_texts_appear_verbatim_make_no_turns_and_are_the_spans(
    a: str, b: str, xs: list[str]
) -> None:
    turns = TEMPLATE.render({"a": a, "b": b, "xs": xs})
    listed = "".join(f"<{x}>" for x in xs)
    assert [(turn.role, turn.text) for turn in turns] == [
        ("system", f"[{a}|{b}]"),
        ("user", f"{listed}.\n{a}."),
    ]
    found = [turn.text[span.start : span.end] for turn in turns for span in turn.untrusted]
    assert found == [text for text in (a, *xs, a) if text]
    bare = BARE.render({"a": a, "b": b, "xs": xs})
    assert [turn.text for turn in bare] == [turn.text for turn in turns]
    assert not any(turn.untrusted for turn in bare)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_json_renders_or_is_refused_as_the_callers_error(value: Json) -> None:
    template = "{{ x }}{% for y in x %}{{ y.a }}{{ y|upper }}{% endfor %}{{ x|tojson }}"
    prompt = PromptVersion(name="p", template=template, variables=OPEN)
    written = json.dumps(value, ensure_ascii=False)
    try:
        text = compile_prompt(prompt, NONCE).render({"x": value})[0].text
    except InvalidRequest as error:
        text = written if "p cannot be rendered" in error.message else "another error"
    assert text.endswith(written)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(SYNTAX), max_size=14).map("".join))
def test_any_file_is_a_version_that_compiles_or_has_faults_in_it(text: str) -> None:
    reading = read_prompt("prompts/p.md", {"prompts/p.md": text, "prompts/a.md": "x {{ y }}"})
    assert (reading.prompt is None) == bool(reading.faults)
    for fault in reading.faults:
        assert fault.line <= text.count("\n") + 1
        assert fault.message
    if reading.prompt is not None:
        compile_prompt(reading.prompt, NONCE)
