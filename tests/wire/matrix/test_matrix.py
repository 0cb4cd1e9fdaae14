"""Two doors by every wire that providers speak: nothing is lost without a word.

What is run and how it is named: `run.py`; what leaves and the page: `page.py`.
"""

import difflib
import json
import re
from functools import cache

import pytest
from tests.wire.matrix import callers, page, upstreams
from tests.wire.matrix.features import DOORS, WIRES, Feature, features, missing
from tests.wire.matrix.run import Cell, carried, pairs, write

from portico.gateway import wires

FATES = {"exact", "translated", "dropped", "refused"}
FEATURES = [pytest.param(feature, id=page.slug(feature)) for feature in features()]
REFERENCE = page.PAGE.parent


@cache
def matrix() -> dict[str, dict[tuple[str, str], Cell]]:
    return page.cells()


def difference(pinned: str, now: str) -> str:
    lines = difflib.unified_diff(
        pinned.splitlines(), now.splitlines(), "pinned", "now", lineterm=""
    )
    return "\n" + "\n".join(lines)


def test_every_wire_that_holds_conversations_is_in_the_matrix() -> None:
    embedding = {name for name in wires.WIRES if "embed" in name}
    assert set(WIRES) == wires.WIRES.keys() - embedding


@pytest.mark.parametrize("feature", FEATURES)
def test_nothing_is_lost_without_a_word(feature: Feature) -> None:
    silent = [
        f"{door} → {wire}, {name}: {side.fate}, looked for {list(side.gone)}, "
        f"listed as dropped {list(side.dropped)}, field {side.field}"
        for (door, wire), found in matrix()[feature.name].items()
        for name, side in found.sides.items()
        if side.fate not in FATES
    ]
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("feature", FEATURES)
def test_what_stays_on_its_own_wire_is_exact(feature: Feature) -> None:
    for door in DOORS:
        for name, side in matrix()[feature.name][door, door].sides.items():
            is_error = bool(feature.failed or feature.broken)
            assert side.fate == ("translated" if is_error else "exact"), (door, name)


@pytest.mark.parametrize("feature", FEATURES)
def test_what_is_written_anew_on_its_own_wire_arrives_whole(feature: Feature) -> None:
    for door in feature.asked:
        body = {"model": "support", "max_tokens": 4000, **feature.asked[door]}
        outgoing = write(door, door, body)
        # A text is as good as its one text block.
        wanted = {
            path: value
            for path, value in feature.arrives[door].items()
            if "content" not in path.rpartition(".")[2]
        }
        assert not missing(json.loads(outgoing.body), wanted)
        assert not outgoing.dropped


@pytest.mark.parametrize("feature", FEATURES)
def test_what_leaves_is_what_is_pinned(feature: Feature) -> None:
    now = page.snapshots({feature.name: matrix()[feature.name]})
    for path, text in now.items():
        pinned = path.read_text("utf-8") if path.exists() else ""
        assert pinned == text, f"{path.relative_to(page.ROOT)}{difference(pinned, text)}"


def test_there_is_no_snapshot_without_a_cell() -> None:
    assert set(page.SNAPSHOTS.rglob("*.json")) == page.snapshots(matrix()).keys()


def test_the_page_is_what_the_code_does() -> None:
    pinned, now = page.PAGE.read_text("utf-8"), page.page(matrix())
    assert pinned == now, difference(pinned, now)


def test_what_answers_lose_is_said_in_the_reference() -> None:
    pages = " ".join(path.read_text("utf-8") for path in REFERENCE.glob("*.md"))
    said = re.sub(r"\s+", " ", pages)
    for feature in features():
        for words in feature.lost.values():
            assert words in said, feature.name


@pytest.mark.parametrize(("door", "wire"), pairs())
def test_tool_arguments_are_streamed_piece_by_piece(door: str, wire: str) -> None:
    feature = next(one for one in features() if one.name == "streamed tool arguments")
    _, came = carried(feature, door, wire, upstreams.stream(wire, feature.answered[wire]))
    calls = 2
    # Gemini sends the arguments of a call at once.
    assert callers.pieces(came) == (calls if wire == "gemini" else 2 * calls)
