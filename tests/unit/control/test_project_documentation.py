"""docs/reference/configuration.md lists every key, and says truly which have an effect."""

import itertools
import re
from pathlib import Path

from portico.control.projects import activity, keys

PAGE = Path(__file__).parents[3] / "docs/reference/configuration.md"
ROW = re.compile(r"^\| `([^`]+)` \|.*\| (active|not active yet) \|$", re.MULTILINE)


def expanded(key: str) -> list[str]:
    """`a.{b,c}` as `a.b` and `a.c`."""
    pieces = re.split(r"\{([^}]*)\}", key)
    choices = [piece.split(",") if index % 2 else [piece] for index, piece in enumerate(pieces)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def documented() -> dict[str, str]:
    found: dict[str, str] = {}
    for row in ROW.finditer(PAGE.read_text()):
        for key in expanded(row[1]):
            assert key not in found, f"{key} is documented twice"
            found[key] = row[2]
    return found


def inactive(key: str) -> bool:
    steps = key.split(".")
    prefixes = (tuple(steps[:length]) for length in range(1, len(steps) + 1))
    patterns = [keys.pattern(wanted) for wanted in activity.INACTIVE]
    return any(keys.matches(p, prefix) for prefix in prefixes for p in patterns)


def test_the_reference_lists_exactly_the_keys_that_there_are() -> None:
    assert set(documented()) == {".".join(pattern) for pattern in keys.known()}


def test_the_reference_says_not_active_yet_of_exactly_the_keys_that_are_warned_about() -> None:
    said = {key for key, state in documented().items() if state == "not active yet"}
    pools = {"workloads.*.ladder.*.pool"}  # warned about by the number of models in the ladder
    assert said - pools == {key for key in documented() if inactive(key)}


def test_every_row_of_the_table_of_inactive_keys_is_a_key() -> None:
    for wanted in activity.INACTIVE:
        pattern = keys.pattern(wanted)
        assert any(keys.matches(pattern, key) for key in keys.known()), wanted
