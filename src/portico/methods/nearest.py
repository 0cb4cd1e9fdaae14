"""Names that somebody may have meant."""

from collections.abc import Iterable

LONGEST = 80
"""Characters; longer names are not compared, so that a hostile name costs nothing."""


def distance(left: str, right: str) -> int:
    """Edits that turn `left` into `right`: insert, delete, replace, swap two neighbours.

    Optimal string alignment, a restricted Damerau-Levenshtein distance
    (https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance).
    """
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row = row, [i]
        for j, b in enumerate(right, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before = above
    return row[-1]


def nearest(name: str, candidates: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The candidates most like `name`, best first; none where nothing is alike.

    Alike is: equal but for case, one contains the other's start, or a third of the letters
    differ at most. Case does not count.
    """
    if not name or len(name) > LONGEST:
        return ()
    wanted = name.lower()
    allowed = max(1, len(wanted) // 3)
    found: list[tuple[int, str]] = []
    for candidate in dict.fromkeys(candidates):
        known = candidate.lower()
        if len(known) > LONGEST:
            continue
        if min(len(known), len(wanted)) >= 3 and (
            known.startswith(wanted) or wanted.startswith(known)
        ):
            found.append((1, candidate))
        elif abs(len(known) - len(wanted)) <= allowed:
            apart = distance(wanted, known)
            if apart <= allowed:
                found.append((apart, candidate))
    return tuple(candidate for _, candidate in sorted(found)[:limit])
