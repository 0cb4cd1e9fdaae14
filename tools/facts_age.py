"""Warns about provider facts that nobody has looked up for long. It never fails the build.

    python tools/facts_age.py [ROOT] [--today YYYY-MM-DD]

Facts are what carries a `date` in `src/portico/providers/*/facts.json` and in
`src/portico/sustainability/*.json`: the day when it was read at its `source`.
"""

import argparse
import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MAXIMUM_AGE_DAYS: Final = 180
PATTERNS: Final = (
    "src/portico/providers/*/facts.json",
    "src/portico/cost/*.json",
    "src/portico/cost/prices/*.json",
    "src/portico/sustainability/*.json",
)


def rows(value: object, place: str) -> Iterator[tuple[str, str, str]]:
    """Every dated object below a JSON value: where it is, its date and its source."""
    if isinstance(value, dict):
        if "date" in value:
            yield place, str(value["date"]), str(value.get("source", "its source"))
        for name, member in value.items():
            yield from rows(member, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from rows(member, f"{place}[{called(member) or index}]")


def called(row: object) -> str:
    """The id of a row, or the first of its ids."""
    if not isinstance(row, dict):
        return ""
    ids = row.get("ids") or [row.get("id", "")]
    return str(ids[0])


def judge(date: str, today: datetime.date) -> str:
    """What is wrong with a date, or nothing."""
    try:
        age = (today - datetime.date.fromisoformat(date)).days
    except ValueError:
        return f"the date {date!r} is not YYYY-MM-DD"
    if age < 0:
        return f"the date {date} lies in the future"
    if age > MAXIMUM_AGE_DAYS:
        return f"read {age} days ago, on {date}; {MAXIMUM_AGE_DAYS} at most"
    return ""


def warnings(root: Path, today: datetime.date) -> Iterator[str]:
    for path in sorted(path for pattern in PATTERNS for path in root.glob(pattern)):
        name = path.relative_to(root).as_posix()
        for place, date, source in rows(json.loads(path.read_text(encoding="utf-8")), ""):
            fault = judge(date, today)
            if fault:
                yield f"{name}: {place or 'file'}: {fault}. Read it again at {source}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Warns about provider facts of old date.")
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parent.parent)
    now = datetime.datetime.now(datetime.UTC).date()
    parser.add_argument("--today", type=datetime.date.fromisoformat, default=now)
    options = parser.parse_args(arguments)
    for warning in warnings(options.root.resolve(), options.today):
        print(f"warning: {warning}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
