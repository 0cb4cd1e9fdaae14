"""Statements of the roll-ups, of feedback, of what is forgotten, and of capacities, by name."""

# ruff: noqa: S608 - only names of this file are put together, never what somebody sends

from typing import Final

from portico.adapters.store.queries import by_rows

DIMENSIONS: Final = (
    "project", "team", "workload", '"release"', "prompt", "prompt_version", '"key"', "tags",
    "model", "provider", "simulated", "energy_method", "size_low", "size_high",
)  # fmt: skip
COUNTS: Final = (
    "calls", "answered", "accepted", "judged", "attempts", "failed", "unpriced", "capped",
    "cap_hits",
)  # fmt: skip
AMOUNTS: Final = (
    "tokens_in", "tokens_cached", "tokens_out", "cost_nano", "energy_low_nwh", "energy_high_nwh",
    "co2e_low_ng", "co2e_high_ng",
)  # fmt: skip
REACHED: Final = ("reached", "model_reached", "unestimated", "model_unestimated")
"""Calls, each once among the real or the simulated attempts; once a model of these; and of either
those with an attempt that ended well and has no estimate of energy."""
MEASURES: Final = (*COUNTS, *AMOUNTS, *REACHED)
PLACE: Final = ("grain", "start", "simulated", "kind", "part")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _marks(names: tuple[str, ...]) -> str:
    return ", ".join("?" for _ in names)


def _added(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} = {name} + excluded.{name}" for name in names)


KIND = f"SELECT number FROM rollup_kinds WHERE {' AND '.join(f'{n} = ?' for n in DIMENSIONS)}"
ADD_KIND = f"INSERT INTO rollup_kinds ({_listed(DIMENSIONS)}) VALUES ({_marks(DIMENSIONS)})"
KINDS = f"SELECT number, {_listed(DIMENSIONS)} FROM rollup_kinds"

ADD_ROLLUPS = by_rows(f"""
INSERT INTO rollups ({_listed(PLACE + MEASURES)})
VALUES ({_marks(PLACE + MEASURES)})
ON CONFLICT ({_listed(PLACE)}) DO UPDATE SET {_added(MEASURES)}
""")
ADD_PART = f"""
INSERT INTO rollups ({_listed(PLACE + MEASURES)})
VALUES (?, ?, ?, ?, (
    SELECT coalesce(max(part), -1) + 1 FROM rollups
    WHERE grain = ? AND start = ? AND simulated = ? AND kind = ?
), {_marks(MEASURES)})
"""
JUDGE = """
UPDATE rollups SET judged = judged + :judged, accepted = accepted + :accepted
WHERE grain = :grain AND start = :start AND simulated = :simulated AND kind = :kind AND part = 0
"""

SESSION_NUMBERS = """
SELECT name, number FROM sessions WHERE name IN (SELECT value FROM json_each(?))
"""
LAST_SESSION = "SELECT coalesce(max(number), 0) FROM sessions"
ADD_SESSIONS = by_rows("INSERT INTO sessions (number, name) VALUES (?, ?)")
ADD_SESSION_USE = by_rows("""
INSERT INTO rollup_sessions (start, session, kind, calls, tokens, cost_nano, first_ns, last_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (start, session, kind) DO UPDATE SET
    calls = calls + excluded.calls,
    tokens = min(tokens + excluded.tokens, 9223372036854775807),
    cost_nano = min(cost_nano + excluded.cost_nano, 9223372036854775807),
    first_ns = min(first_ns, excluded.first_ns),
    last_ns = max(last_ns, excluded.last_ns)
""")
SESSIONS_SINCE = """
SELECT u.start, s.name, k.team, k.workload, k.project, k."key", k.tags,
       u.calls, u.tokens, u.cost_nano, u.first_ns
FROM rollup_sessions u JOIN sessions s ON s.number = u.session
JOIN rollup_kinds k ON k.number = u.kind
WHERE u.session IN (
    SELECT session FROM rollup_sessions WHERE start >= :quarter AND last_ns >= :since
)
ORDER BY u.start, u.session, u.kind
"""


def sums(names: tuple[str, ...], *, halves: bool) -> str:
    """In two halves of 32 bits no sum overflows, but each takes twice as long."""
    if not halves:
        return ", ".join(f"sum({name})" for name in names)
    return ", ".join(f"sum({name} >> 32), sum({name} & 4294967295)" for name in names)


SPANS: Final = "grain = ? AND start >= ? AND start < ?"
BY_KIND = "SELECT 0, kind, {sums} FROM rollups WHERE " + SPANS + " GROUP BY kind"
BY_TIME_AND_KIND = (
    "SELECT start, kind, {sums} FROM rollups WHERE " + SPANS + " GROUP BY start, simulated, kind"
)
BY_TIME = (
    "SELECT start, simulated, {sums} FROM rollups WHERE " + SPANS + " GROUP BY start, simulated"
)
MAKE_GROUPS = """
CREATE TEMP TABLE groups (kind INTEGER NOT NULL, number INTEGER NOT NULL,
                          PRIMARY KEY (kind, number)) WITHOUT ROWID
"""
ADD_GROUP = "INSERT INTO temp.groups (kind, number) VALUES (?, ?)"
BY_TIME_AND_GROUP = (
    "SELECT start, g.number, {sums} FROM rollups CROSS JOIN temp.groups g"
    " ON g.kind = rollups.kind WHERE " + SPANS + " GROUP BY start, g.number"
)
SESSION_KINDS = """
SELECT kind, session, calls, cost_nano FROM rollup_sessions WHERE start >= ? AND start < ?
"""
SESSION_KINDS_BY_TIME = """
SELECT start, kind, session, calls, cost_nano FROM rollup_sessions
WHERE start >= ? AND start < ?
"""

NEW_SINCE = "SELECT call FROM receipts WHERE number > ?"
LAST_NUMBER = "SELECT coalesce(max(number), 0) FROM receipts"

FIRST_SINCE = "SELECT min(number) FROM receipts WHERE received_ns >= ?"
RECORDED = """
SELECT call, received_ns, team, workload, project, "key", body FROM receipts
WHERE number >= :first AND number > :after AND received_ns >= :since
ORDER BY number LIMIT :limit
"""

OLD = "SELECT number, call FROM receipts WHERE received_ns < ? LIMIT ?"
FORGET_ATTEMPTS = "DELETE FROM attempts WHERE call IN (SELECT value FROM json_each(?))"
FORGET_COMMENTS = """
UPDATE feedback SET sealed = x'' WHERE call IN (SELECT value FROM json_each(?)) AND sealed <> x''
"""
FORGET_RECEIPTS = "DELETE FROM receipts WHERE number IN (SELECT value FROM json_each(?))"
BLANK_FEEDBACK = """
UPDATE feedback SET sealed = x'', "by" = '' WHERE number IN (
    SELECT number FROM feedback f
    WHERE at_ns < ? AND (sealed <> x'' OR "by" <> '')
      AND EXISTS (SELECT 1 FROM receipts r WHERE r.call = f.call) LIMIT ?
)
"""
FORGET_FEEDBACK = """
DELETE FROM feedback WHERE number IN (
    SELECT number FROM feedback f
    WHERE at_ns < ? AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.call = f.call) LIMIT ?
)
"""

ADD_FEEDBACK = """
INSERT INTO feedback (call, at_ns, "by", score, label, sealed) VALUES (?, ?, ?, ?, ?, ?)
"""
NEWEST_FEEDBACK = """
SELECT call, at_ns, "by", score, label FROM feedback
WHERE call = ? ORDER BY at_ns DESC, number DESC LIMIT 1
"""

CAPACITIES = """
SELECT project, model, nano_per_hour, since_ns, until_ns FROM capacities
WHERE since_ns < :until AND (until_ns = 0 OR until_ns > :since)
ORDER BY model, since_ns, project
"""
OPEN_CAPACITIES = """
SELECT number, model, nano_per_hour, since_ns FROM capacities WHERE project = ? AND until_ns = 0
"""
END_CAPACITY = "UPDATE capacities SET until_ns = ? WHERE number = ?"
DROP_CAPACITY = "DELETE FROM capacities WHERE number = ?"
ADD_CAPACITY = """
INSERT INTO capacities (project, model, nano_per_hour, since_ns, until_ns) VALUES (?, ?, ?, ?, 0)
"""
