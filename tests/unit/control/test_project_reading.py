"""YAML as portico.yaml is read: YAML 1.2 scalars, places, and bounds."""

import math

import pytest

from portico.methods.yaml12 import MAX_BYTES, Unreadable, read


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("2026-11-23", "2026-11-23"),
        ("12:30:00", "12:30:00"),
        ("8e9", 8e9),
        ("0.05", 0.05),
        (".5", 0.5),
        ("0o17", 15),
        ("017", 17),
        ("0x1f", 31),
        ("-3", -3),
        ("true", True),
        ("True", True),
        ("~", None),
        ("null", None),
        ("", None),
        (".inf", math.inf),
        ("1_000", "1_000"),
        ("'8'", "8"),
        ('"true"', "true"),
        ("!!str 8", "8"),
    ],
)
def test_scalars_are_read_by_the_core_schema_of_yaml_1_2(written: str, value: object) -> None:
    found = read(f"key: {written}").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_every_value_knows_its_line_and_column() -> None:
    document = read("a:\n  b: [x, {c: 1}]\n")
    assert document.place(("a",)) == (1, 1)
    assert document.place(("a", "b")) == (2, 3)
    assert document.place(("a", "b", 1, "c")) == (2, 11)


def test_a_value_without_a_place_has_that_of_its_nearest_parent() -> None:
    assert read("a:\n  b: 1\n").place(("a", "b", "c", 0)) == (2, 3)


def test_aliases_stand_for_what_they_name() -> None:
    assert read("a: &x {b: 1}\nc: *x").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a: b: c", (1, 5), "not valid YAML"),
        ("a: [1,\n", (2, 1), "not valid YAML"),
        ("a: *nowhere", (1, 4), "names no value"),
        ("a: &a [*a]", (1, 8), "names no value"),
        ("- a", (1, 1), "mapping"),
        ("word", (1, 1), "mapping"),
        ("a: 1\nb: 2\na: 3", (3, 1), "twice; the first is in line 1"),
        ("a: 1\n---\nb: 2", (2, 1), "second"),
        ("a: !!int 5", (1, 4), "tag"),
        ("a: !secret x", (1, 4), "tag"),
        ("a: !x {}", (1, 4), "tag"),
        ("a: {b: 1}\nc: {<<: {}}", (2, 5), "merge"),
        ("? [a]\n: b", (1, 3), "word as the key"),
        ("a: \x00", (1, 1), "character"),
        ('a: "\ud800"', (1, 1), "UTF-8"),
    ],
)
def test_what_is_no_yaml_of_ours_is_refused_with_its_place(
    text: str, place: tuple[int, int], said: str
) -> None:
    with pytest.raises(Unreadable, match=said) as caught:
        read(text)
    assert caught.value.place == place


def test_nested_aliases_are_refused_before_they_are_expanded() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]"]
    for level in range(1, 12):
        again = ", ".join([f"*a{level - 1}"] * 8)
        lines.append(f"a{level}: &a{level} [{again}]")
    with pytest.raises(Unreadable, match="once aliases are followed"):
        read("\n".join(lines))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_before_it_is_built(opening: str) -> None:
    with pytest.raises(Unreadable, match="nested deeper"):
        read("a:\n  " + opening * 100_000)


def test_a_file_over_the_bound_is_refused() -> None:
    with pytest.raises(Unreadable, match="the most is"):
        read("#" * (MAX_BYTES + 1))


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert read("").data == {}
    assert read("# only a comment\n").data == {}
