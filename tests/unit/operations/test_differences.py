from portico.contract.conversation import OutputFormat, Sampling, Tool
from portico.contract.prompt import Parameters, PromptVersion
from portico.operations.differences import (
    MOST_LINES,
    Case,
    FileDifference,
    between,
    rendered,
    text_lines,
)
from portico.operations.prompts.reading import read_prompt

OLD = PromptVersion(
    name="p",
    version="ver_1",
    template="Be kind.\nHello {{ who }}.\n",
    variables={"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]},
)


def test_equal_texts_have_no_difference() -> None:
    assert text_lines("a\nb", "a\nb") == ()
    assert between(OLD, OLD).files == ()
    assert between(OLD, OLD).said == ()


def test_a_difference_has_three_lines_of_context() -> None:
    old = "\n".join(map(str, range(20)))
    lines = text_lines(old, old.replace("\n10\n", "\nten\n"))
    assert lines == (
        "@@ -8,7 +8,7 @@", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13",
    )  # fmt: skip


def test_a_long_difference_says_how_much_is_left() -> None:
    new = "\n".join(map(str, range(100_000)))
    lines = text_lines("", new)
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == f"… and {100_000 + 1 - MOST_LINES} more lines"
    assert len(text_lines("x" * 9_000_000, "y")[1]) < 3000


def test_line_ends_alone_are_named() -> None:
    assert text_lines("a\n", "a\r\n") == ("(the texts differ in their line ends only)",)


def test_changes_are_said_in_words() -> None:
    new = PromptVersion(
        name="p",
        version="ver_2",
        template="Be kind.\nGood day {{ name }}.\n",
        includes=(("prompts/part.md", "Part"),),
        variables={
            "type": "object",
            "properties": {"who": {"type": "integer"}, "name": {"type": "string"}},
        },
        untrusted=("name",),
        parameters=Parameters(sampling=Sampling(temperature=0.2)),
        tools=(Tool(name="find"),),
        output=OutputFormat(kind="json"),
    )
    found = between(OLD, new)
    assert (found.old, found.new) == ("ver_1", "ver_2")
    assert [each.path for each in found.files] == ["prompts/p.md", "prompts/part.md"]
    assert "-Hello {{ who }}." in found.files[0].lines
    for start in (
        "variable who changed: required true becomes false, schema",
        "variable name added",
        "parameter temperature added: 0.2",
        "tool find added",
        "output: free text becomes",
        "variable name is untrusted now",
    ):
        assert any(said.startswith(start) for said in found.said), start
    back = between(new, OLD).said
    for start in ("variable name removed", "parameter temperature removed", "tool find removed"):
        assert start in back


def test_a_prompt_that_is_new_is_all_added() -> None:
    found = between(None, OLD)
    assert (found.name, found.old, found.new) == ("p", "", "ver_1")
    assert found.files == (
        FileDifference("prompts/p.md", ("@@ -0,0 +1,2 @@", "+Be kind.", "+Hello {{ who }}.")),
    )
    assert between(OLD, None).files[0].lines[1].startswith("-")
    assert between(None, None).files == ()


def prompt(text: str) -> PromptVersion:
    reading = read_prompt("prompts/p.md", {"prompts/p.md": text})
    assert reading.prompt is not None, reading.faults
    return reading.prompt


def test_cases_show_what_calls_would_see_or_why_not() -> None:
    old = prompt("---\nvariables: {who: string}\n---\nHi {{ who }}.\n--- user ---\nQ\n")
    new = prompt("---\nvariables: {who: string}\n---\nDear {{ who }}.\n--- user ---\nQ\n")
    cases = (
        Case(id="a", variables={"who": "Ann"}),
        Case(id="b"),
        Case(id="c", variables={"who": ""}),
    )
    first, second, third = rendered(old, new, cases, "nonce")
    assert first.lines == (
        "@@ -1,4 +1,4 @@", " --- system ---", "-Hi Ann.", "+Dear Ann.", " --- user ---", " Q",
    )  # fmt: skip
    assert second.lines == ()
    assert "old version" in second.failed
    assert "who" in second.failed
    assert third.failed == ""
    assert rendered(None, new, cases[:1], "nonce")[0].lines[1] == "+--- system ---"
