"""Whatever stands in portico.yaml, the answer is a snapshot or problems, never an exception."""

import datetime
from collections.abc import Callable

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico.control.projects import compile_project, keys

NAMES = sorted({step for pattern in keys.known() for step in pattern if step != "*"})
WORDS = [
    *NAMES,
    "default",
    "sim",
    "echo",
    "simulator",
    "openai",
    "unpriced",
    "${X}",
    "${",
    "8s",
    "5",
]
SCALARS: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**20),
    st.floats(allow_nan=True),
    st.sampled_from(WORDS),
    st.text(max_size=5),
)


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    )


PROJECTS = st.dictionaries(
    st.sampled_from([pattern[0] for pattern in keys.known()]),
    st.recursive(SCALARS, containers, max_leaves=12),
    max_size=6,
)


def outcome(text: str) -> None:
    result = compile_project({"portico.yaml": text}, {"Y": "z"}, datetime.date(2026, 11, 23))
    assert (result.snapshot is None) == bool(result.problems)
    lines = text.count("\n") + 2
    assert all(1 <= p.line <= lines and p.column >= 1 and p.message for p in result.problems)


def checked(strategy: st.SearchStrategy[object], write: Callable[[object], str]) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(value: object) -> None:
        outcome(write(value))

    run()


def test_any_shape_of_known_words_gives_a_snapshot_or_problems() -> None:
    checked(PROJECTS, lambda value: str(yaml.safe_dump(value, allow_unicode=True)))


def test_any_text_gives_a_snapshot_or_problems() -> None:
    alphabet = st.sampled_from(list("ab: -[]{}#&*!|>'\"%@`,\n\t?~0.e${}\\é\x00"))
    checked(st.text(alphabet, max_size=60), str)
