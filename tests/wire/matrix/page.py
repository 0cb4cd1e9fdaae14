"""What the matrix leaves behind: the page docs/reference/matrix.md and a snapshot a cell.

python -m tests.wire.matrix.page      writes both anew, so that a review sees the difference
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from tests.wire.matrix.features import WIRES, Feature, features
from tests.wire.matrix.run import Cell, Side, cell, pairs

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs/reference/matrix.md"
SNAPSHOTS: Final = ROOT / "tests/wire/snapshots/matrix"
NAMES: Final = {
    "openai_chat": "OpenAI",
    "anthropic_messages": "Anthropic",
    "bedrock_converse": "Bedrock",
    "gemini": "Gemini",
}
PAGES: Final = {
    "openai_chat": "openai",
    "anthropic_messages": "anthropic",
    "bedrock_converse": "bedrock",
    "gemini": "gemini",
}
"""The page of each wire in docs/reference."""
SIDES: Final = ("asked", "answered", "next turn")
HEAD: Final = Path(__file__).with_name("head.md")
NOTHING: Final = "-"


def cells() -> dict[str, dict[tuple[str, str], Cell]]:
    """Every cell, by feature, door and wire."""
    return {
        feature.name: {pair: cell(feature, *pair) for pair in pairs()} for feature in features()
    }


def page(run: dict[str, dict[tuple[str, str], Cell]]) -> str:
    pages = ", ".join(f"[{NAMES[wire]}]({PAGES[wire]}.md)" for wire in WIRES)
    lines = [HEAD.read_text("utf-8").replace("{pages}", pages)]
    doors = [f"{NAMES[door]} → {NAMES[wire]}" for door, wire in pairs()]
    lines += ["## The table", "", f"| feature | | {' | '.join(doors)} |"]
    lines.append("|---" * (len(doors) + 2) + "|")
    for name, found in run.items():
        for side in SIDES:
            fates = [_fate(found[pair], side) for pair in pairs()]
            if set(fates) != {NOTHING}:
                lines.append(f"| {name} | {side} | {' | '.join(fates)} |")
    lines += ["", "## What is dropped and refused, by name", ""]
    lines += ["| feature | from → to | | named |", "|---|---|---|---|"]
    lines += [line for found in run.values() for one in found.values() for line in _named(one)]
    return "\n".join(lines) + "\n"


def _fate(found: Cell, side: str) -> str:
    either = [found.sides.get(name) for name in (side, f"{side}, streamed")]
    whole, streamed = (None if one is None else one.fate for one in either)
    if whole == streamed or streamed is None:
        return whole or NOTHING
    return f"streamed: {streamed}" if whole is None else f"{whole}; streamed: {streamed}"


def _named(found: Cell) -> Iterable[str]:
    """The lines that say under which names a cell's content is dropped or refused."""
    said: dict[str, None] = {}
    for name, side in found.sides.items():
        where = f"{NAMES[found.door]} → {NAMES[found.wire]}"
        if name.startswith("answered"):
            where = f"{NAMES[found.wire]} → {NAMES[found.door]}"
        if text := _words(found, name, side):
            said[f"| {found.feature.name} | {where} | {text} |"] = None
    return said


def _words(found: Cell, name: str, side: Side) -> str:
    if side.fate == "refused":
        return f"refused | `{side.field}`"
    if side.dropped:
        partly = "" if side.fate == "dropped" else " in part"
        return f"dropped{partly} | {', '.join(f'`{one}`' for one in side.dropped)}"
    if side.fate == "dropped":
        return f"dropped | {found.feature.lost[found.door].replace(' | ', ': ')}"
    return ""


def slug(feature: Feature) -> str:
    return re.sub(r"[^a-z0-9]+", "_", feature.name.lower()).strip("_")


def snapshots(run: dict[str, dict[tuple[str, str], Cell]]) -> dict[Path, str]:
    """The files of the cells that are not empty: what left, on every side."""
    return {
        SNAPSHOTS / door / wire / f"{slug(found.feature)}.json": _snapshot(found)
        for row in run.values()
        for (door, wire), found in row.items()
        if found.sides
    }


def _snapshot(found: Cell) -> str:
    """The sides; a streamed one only where it is not as the whole one."""
    sides: dict[str, dict[str, object]] = {}
    for name, side in found.sides.items():
        entry: dict[str, object] = {"fate": side.fate, "left": side.left}
        if side.dropped:
            entry["dropped"] = side.dropped
        if entry != sides.get(name.removesuffix(", streamed")):
            sides[name] = entry
    text = msgspec.json.format(msgspec.json.encode(sides), indent=2)
    return text.decode() + "\n"


def main() -> None:
    run = cells()
    PAGE.write_text(page(run), "utf-8")
    written = snapshots(run)
    for path in set(SNAPSHOTS.rglob("*.json")) - written.keys():
        path.unlink()
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} and {len(written)} snapshots\n")


if __name__ == "__main__":
    main()
