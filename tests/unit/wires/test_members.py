"""The top level of a JSON body: what is refused, where members are, edits that touch only them."""

import json

import msgspec
import pytest

from portico.contract.call import NO_OPTIONS
from portico.contract.errors import InvalidRequest
from portico.wires.members import edit, options, refusal, scan, stamp


def refused(body: bytes, nesting: int = 10) -> str:
    with pytest.raises(InvalidRequest) as caught:
        scan(body, nesting)
    return caught.value.message


def edited(body: bytes, *, replace: dict[str, bytes], remove: tuple[str, ...] = ()) -> bytes:
    return edit(body, scan(body, 10)[1], replace, remove)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "too early"),
        (b'{"a": 1', "too early"),
        (b'{"a": tru}', "not valid JSON"),
        (b'{"a": 1,\n"b": x}', "(line 2)"),
        (b'{"a": 1} x', "trailing characters"),
        (b"[1]", "of type array"),
        (b'"text"', "of type str"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": "\\ud800"}', "surrogate pair at byte 7"),
        (b'{"a": "\\udc00 is a low one"}', "surrogate pair"),
        (b'{"a": "\xff"}', "not valid UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "not valid UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": "tab\there"}', "not valid JSON"),
    ],
)
def test_a_body_that_is_not_one_clean_json_object_is_refused_with_the_place(
    body: bytes, words: str
) -> None:
    message = refused(body)
    assert words in message


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 1}',
        b'{"b": {"x": "}"}, "a": [1, "]"], "b": 2}',
        b'{"a": 1, "b": 2, "b": 2, "a": 1}',
        b'{"a": {"c": 1}, "c": 1, "a": {"c": 1}}',
    ],
)
def test_a_member_that_comes_twice_is_refused_by_name(body: bytes) -> None:
    assert "comes twice" in refused(body)


def test_the_same_name_on_two_levels_is_no_duplicate() -> None:
    assert list(scan(b'{"a": {"a": 1}, "b": {"a": 2}}', 10)[0]) == ["a", "b"]


def test_escaped_pairs_and_escaped_backslashes_are_no_lone_surrogates() -> None:
    body = rb'{"a": "\ud83d\ude00", "b": "\\ud800"}'
    assert list(scan(body, 10)[0]) == ["a", "b"]


def test_nesting_counts_depth_and_not_brackets() -> None:
    wide = b'{"a": [' + b"[],{}," * 100 + b'"[[[[[[[[[[[[\\"[[[["]}'
    assert list(scan(wide, 3)[0]) == ["a"]
    assert "4 deep" in refused(b'{"a": [[[]]]}', 3)


def test_a_hundred_thousand_brackets_are_refused_and_not_followed() -> None:
    assert "at most 100" in refused(b'{"a":' + b"[" * 100_000, 100)


def test_an_unfinished_string_of_escaped_quotes_is_refused() -> None:
    assert "too early" in refused(b'{"a":"' + b'\\"' * 50_000 + b"[" * 50)


def test_spans_are_the_exact_places_of_key_and_value() -> None:
    body = b' { "a" : [1, 2] ,\n"\\u00e9":"x" } '
    spans = scan(body, 10)[1]
    assert [(name, body[key:start], body[start:end]) for name, key, start, end in spans] == [
        ("a", b'"a" : ', b"[1, 2]"),
        ("é", b'"\\u00e9":', b'"x"'),
    ]


def test_an_edit_leaves_every_other_byte_equal() -> None:
    body = b'{ "model" : "a",\t"portico": {"x": 1},\n  "messages": [ 1 , 2 ] }\n'
    assert edited(body, replace={"model": b'"b"'}, remove=("portico",)) == (
        b'{ "model" : "b",\n  "messages": [ 1 , 2 ] }\n'
    )


@pytest.mark.parametrize(
    "remove", [("a",), ("b",), ("c",), ("a", "b"), ("b", "c"), ("a", "b", "c")]
)
def test_whatever_members_are_removed_the_rest_is_still_json(remove: tuple[str, ...]) -> None:
    left = json.loads(edited(b'{ "a": 1 , "b": [2] ,"c":"3" }', replace={}, remove=remove))
    assert list(left) == [name for name in "abc" if name not in remove]


def test_an_edit_of_nothing_is_the_same_body() -> None:
    body = b'{"a" :1 , "b": 2}'
    assert edited(body, replace={"unknown": b"1"}, remove=("other",)) == body


def test_members_are_added_at_the_end_of_what_is_kept() -> None:
    body = b'{"a": 1, "b": 2}'
    spans = scan(body, 10)[1]
    assert edit(body, spans, {}, ("b",), {"c": b"3"}) == b'{"a": 1,"c":3}'
    assert json.loads(edit(b"{ }", (), {}, (), {"c": b"3", "d": b"4"})) == {"c": 3, "d": 4}


@pytest.mark.parametrize(
    ("data", "stamped"),
    [(b"{}", b'{"p":1}'), (b'{"a":{}}', b'{"a":{},"p":1}'), (b'{"a":1 } ', b'{"a":1,"p":1 } ')],
)
def test_a_stamp_is_the_last_member_of_the_object(data: bytes, stamped: bytes) -> None:
    assert stamp(data, "p", b"1") == stamped


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        (b'{"sesion": "x"}', "portico.sesion", "did you mean `session`?"),
        (b'{"session": 1}', "portico.session", "expected `str"),
        (b'{"context": ["a", 1]}', "portico.context[1]", "expected `str"),
        (b'{"deadline_ms": 0}', "portico.deadline_ms", "at least 1"),
        (b"[]", "portico", "expected `object`"),
    ],
)
def test_a_bad_option_is_named_with_its_place(given: bytes, field: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        options(msgspec.Raw(given))
    assert (caught.value.field, words in caught.value.message) == (field, True)


def test_options_are_read_and_their_absence_is_no_options() -> None:
    assert options(None) is NO_OPTIONS
    assert options(msgspec.Raw(b'{"session": "s", "tags": {"a": "b"}}')).session == "s"


def test_a_failed_decode_names_the_member_that_is_missing() -> None:
    class Inner(msgspec.Struct):
        name: str

    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b"[{}]", type=list[Inner])
    assert refusal(caught.value, "tools").field == "tools[0].name"
