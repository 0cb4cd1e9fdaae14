import re

import pytest

from portico.contract.errors import InvalidRequest
from portico.contract.usage import StopReason
from portico.providers.simulator.pattern import risk
from portico.providers.simulator.script import MAX_ENTRIES, MAX_PATTERN, MAX_TEXT, load


def test_every_key_of_an_entry_is_read() -> None:
    entry = load(
        "- {match: a, answer: b, stop: length, tool_calls: [{name: f, arguments: {x: [1]}}, "
        "{name: g}, {name: h, arguments: '{broken'}]}"
    ).entries[0]
    assert entry.match is not None
    assert (entry.match.pattern, entry.answer, entry.stop) == ("a", "b", StopReason.LENGTH)
    assert entry.tool_calls == (("f", '{"x": [1]}'), ("g", "{}"), ("h", "{broken"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- {answer: a}\n- {answer: b}", "entry 1: only the last entry"),
        ("- {match: a}", "entry 1: it needs an answer or tool_calls"),
        ("- {match: a, answer: b}\n- hello", "entry 2: it must be a mapping"),
        ("- {answer: a, reply: b}", "entry 1: it has no key 'reply'; it knows match, answer"),
        ("- {answer: 5}", "entry 1: answer must be text; put it in quotes"),
        ("- {answer: off}", "entry 1: answer must be text; put it in quotes"),
        ("- {answer: a, stop: never}", "entry 1: stop must be one of end, length"),
        ("- {answer: a, stop: [x]}", "entry 1: stop must be one of"),
        ("- {match: '(', answer: a}", "entry 1: match is not a regular expression"),
        ("- {match: 3, answer: a}", "entry 1: match must be text"),
        ("- {match: '(a+)+b', answer: a}", "entry 1: match may take forever"),
        (f"- {{match: {'a' * (MAX_PATTERN + 1)}, answer: a}}", f"{MAX_PATTERN} are the most"),
        ("- {tool_calls: f}", "entry 1: tool_calls must be a list"),
        ("- {tool_calls: [{arguments: {}}]}", "entry 1: tool call 1 needs a name"),
        ("- {tool_calls: [{name: f}, {name: g, arguments: 3}]}", "arguments of tool call 2"),
        ("- {tool_calls: [{name: g, arguments: {a: .nan}}]}", "what JSON can say"),
        ("- {tool_calls: [{name: g, arguments: {a: 2020-01-01}}]}", "what JSON can say"),
        ("a: b", "must be a list"),
        ("", "must be a list"),
        ("- {answer: [}", "not YAML: .*line 1"),
        ("- !!python/object:os.system {}", "not YAML"),
        ("- {answer: a, match: b}\n" * (MAX_ENTRIES + 1), f"{MAX_ENTRIES} are the most"),
        ("#" * (MAX_TEXT + 1), "characters"),
    ],
)
def test_a_bad_script_is_refused_with_the_entry_and_what_was_expected(
    text: str, problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        load(text)


def test_all_problems_of_a_script_come_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        load("- {match: '(', answer: a}\n- {match: b}\n- {answer: c}")
    assert "entry 1" in caught.value.message
    assert "entry 2" in caught.value.message
    assert "entry 3" not in caught.value.message


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a*)*",
        "(?:a|aa)+$",
        "(?P<x>a?b?){2,}",
        "((a+))*",
        "(a{1,9}){5}",
        "(?:(?:x|y)z)+",
        r"(\w+\s?)*$",
        r"(a)\1",
        "(?P<q>a)(?P=q)",
    ],
)
def test_a_pattern_that_may_take_forever_is_found(pattern: str) -> None:
    re.compile(pattern)
    assert risk(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "refund",
        "(?i)refund.*order",
        "(refund|return) of (order|parcel)",
        r"\d{3}-\d+",
        r"(\d{3}-){2}x",
        r"[(a+)+]+b",
        r"\(a+\)+",
        "(?:abc)+",
        "(a|b)?c",
        "(?<=x)y+",
        "call f \\{.*\\}",
        "(?#(a+)a",
        "[]a+]+",
    ],
)
def test_a_harmless_pattern_passes(pattern: str) -> None:
    re.compile(pattern)
    assert risk(pattern) == ""
