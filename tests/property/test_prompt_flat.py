"""A prompt that only puts texts into places renders as its template would."""

from hypothesis import given, settings
from hypothesis import strategies as st

from portico.operations.prompts import compile_prompt, read_prompt

FILES = {
    "prompts/p.md": (
        "---\nvariables: {a: string, b: string}\n---\n"
        "Say {{ a }}, then {{ b }}{{ a }}.\n{% include 'prompts/parts/t.md' %}\n"
        "--- user ---\n  {{ b }}\n--- assistant ---\n{{ a }}\n"
        "--- user ---\n\n   Is {{ a }} it?  \n\n--- assistant ---\n \n  No.\n  \n"
    ),
    "prompts/parts/t.md": "Be {{ b }}.\n",
}
SLOW = FILES | {"prompts/p.md": FILES["prompts/p.md"] + "{% if false %}x{% endif %}"}


@settings(deadline=None)
@given(st.text(), st.text())
def test_the_short_way_and_the_template_agree(a: str, b: str) -> None:
    rendered = []
    for files in (FILES, SLOW):
        prompt = read_prompt("prompts/p.md", files).prompt
        assert prompt is not None
        rendered.append(compile_prompt(prompt, "0" * 16).render({"a": a, "b": b}))
    assert rendered[0] == rendered[1]


def test_the_two_prompts_take_the_two_ways() -> None:
    ways = []
    for files in (FILES, SLOW):
        prompt = read_prompt("prompts/p.md", files).prompt
        assert prompt is not None
        ways.append(compile_prompt(prompt, "0" * 16).flat)
    assert ways == [True, False]
