"""Every statement that run time sends to SQLite, by name."""

ROWS = (64, 8, 1)
"""Rows of one statement, where there are as many: SQLite runs it without Python's lock."""


def by_rows(statement: str) -> tuple[tuple[int, str], ...]:
    """A statement for the values of one row as statements for each number of rows in `ROWS`."""
    head, values, rest = statement.partition("VALUES ")
    row, end, tail = rest.partition(")")
    return tuple((rows, head + values + ", ".join([row + end] * rows) + tail) for rows in ROWS)


POSITION = "SELECT sequence, offset FROM journal_position"
MOVE_POSITION = """
UPDATE journal_position SET sequence = :sequence, offset = :offset
WHERE sequence = :before_sequence AND offset = :before_offset
"""

ADD_RECEIPTS = by_rows("""
INSERT INTO receipts
    (call, received_ns, workload, model, team, "key", project, subject, "release", status,
     cost_nano, tokens_in, tokens_out, simulated, body,
     prompt, prompt_version, prompt_source, parameters)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
""")
ADD_ATTEMPTS = by_rows("""
INSERT INTO attempts
    (id, call, model, provider, status, cost_nano, started_ns,
     input, cached_read, cache_write_5m, cache_write_1h, input_audio, cached_audio,
     output, output_audio, reasoning, region, address, private, simulated, listed,
     energy_low_nwh, energy_high_nwh, co2e_low_ng, co2e_high_ng, size_low, size_high, energy_method)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
""")
PUT_INTENTS = by_rows("INSERT OR REPLACE INTO intents (call, body) VALUES (?, ?)")
DROP_INTENT = "DELETE FROM intents WHERE call = ?"
INTENTS = "SELECT call, body FROM intents ORDER BY rowid"
DROP_INTENTS = "DELETE FROM intents"
ADD_UNREADABLE = "INSERT INTO unreadable (kind, body) VALUES (?, ?)"

RECEIPT = "SELECT body FROM receipts WHERE call = ?"
NUMBER = "SELECT number FROM receipts WHERE call = ?"
NEWEST = """
SELECT body FROM (
    SELECT number, body FROM receipts WHERE number > :after AND number < :before
    ORDER BY number DESC LIMIT :limit
) ORDER BY number
"""
NEXT = """
SELECT body FROM receipts WHERE number > :after AND number < :before
ORDER BY number LIMIT :limit
"""

SEVERAL = "SELECT body FROM receipts WHERE call IN (SELECT value FROM json_each(?))"
USE_OF_CALLS = """
SELECT count(DISTINCT CASE WHEN a.simulated = 0 THEN a.call END),
       count(DISTINCT CASE WHEN a.simulated = 0 AND a.listed = 0 THEN a.call END),
       count(DISTINCT CASE WHEN a.simulated = 1 THEN a.call END)
FROM receipts r JOIN attempts a ON a.call = r.call
WHERE r.received_ns >= :since AND r.received_ns < :until
"""
USE_OF_MODELS = """
SELECT a.model, a.provider, a.region, a.listed, a.simulated,
       count(*), sum(a.status <> 'ok'), count(DISTINCT a.call)
FROM receipts r JOIN attempts a ON a.call = r.call
WHERE r.received_ns >= :since AND r.received_ns < :until
GROUP BY a.model, a.provider, a.region, a.listed, a.simulated
ORDER BY a.model, a.provider, a.region, a.listed, a.simulated
"""
# Sums in two halves: a number at the end of SQLite's range does not make them overflow.
USE_OF_PROMPTS = """
SELECT workload, "release", prompt, prompt_version, prompt_source, simulated, count(*),
       sum(tokens_in >> 32), sum(tokens_in & 4294967295),
       sum(tokens_out >> 32), sum(tokens_out & 4294967295),
       sum(cost_nano >> 32), sum(cost_nano & 4294967295),
       group_concat(DISTINCT parameters)
FROM receipts
WHERE received_ns >= :since AND received_ns < :until
GROUP BY workload, "release", prompt, prompt_version, prompt_source, simulated
ORDER BY workload, "release", prompt, prompt_version, prompt_source, simulated
"""

KEYS = """
SELECT id, verifier, kind, name, workloads, team, created_ns, expires_ns, revoked_ns
FROM keys ORDER BY created_ns, id
"""
PUT_KEY = """
INSERT OR REPLACE INTO keys
    (id, verifier, kind, name, workloads, team, created_ns, expires_ns, revoked_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

APPLIED = 'SELECT project, files, digest, applied_ns, "by" FROM applied ORDER BY project'
APPLY = """
INSERT OR REPLACE INTO applied (project, files, digest, applied_ns, "by")
VALUES (?, ?, ?, ?, ?)
"""

DIGEST = "SELECT digest FROM applied WHERE project = ?"

SECRET = "SELECT value FROM secrets WHERE name = ?"  # noqa: S105 - a query, not a password
ADD_SECRET = "INSERT OR IGNORE INTO secrets (name, value) VALUES (?, ?)"  # noqa: S105 - a query

ADD_BENCH = """
INSERT OR IGNORE INTO bench_results
    (id, workload, started_ns, simulated, body)
VALUES (?, ?, ?, ?, ?)
"""
BENCHES = """
SELECT body FROM (SELECT number, body FROM bench_results ORDER BY number DESC LIMIT ?)
ORDER BY number
"""

ADD_VERSION = """
INSERT OR IGNORE INTO prompt_versions
    (project, version, name, created_ns, author, message, body)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
VERSIONS = """
SELECT project, created_ns, author, message, body FROM prompt_versions
WHERE project = :project AND (:name IS NULL OR name = :name) ORDER BY number DESC
"""

ADD_RELEASE = """
INSERT OR IGNORE INTO releases
    (id, workload, project, place, created_ns, "by", message, body)
VALUES (:id, :workload, :project,
        (SELECT coalesce(max(place), 0) + 1 FROM releases WHERE workload = :workload),
        :created_ns, :by, :message, :body)
"""
HAS_RELEASE = "SELECT 1 FROM releases WHERE id = :id AND workload = :workload"
POINT_TO_RELEASE = """
UPDATE releases
SET place = (SELECT max(place) + 1 FROM releases WHERE workload = :workload)
WHERE id = :id AND workload = :workload
"""
RELEASE = 'SELECT created_ns, "by", message, body FROM releases WHERE id = ?'
RELEASES = """
SELECT created_ns, "by", message, body FROM releases
WHERE workload = ? ORDER BY place DESC LIMIT ?
"""

PUT_DEPLOYMENT = """
INSERT OR REPLACE INTO deployments
    (workload, project, live, candidate, share, since_ns, "by", why, action)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
DEPLOYMENTS = """
SELECT workload, project, live, candidate, share, since_ns, "by", why, action
FROM deployments ORDER BY workload
"""
DEPLOYMENT = """
SELECT workload, project, live, candidate, share, since_ns, "by", why, action
FROM deployments WHERE workload = ?
"""
DROP_DEPLOYMENTS = """
DELETE FROM deployments
WHERE project = ? AND workload NOT IN (SELECT value FROM json_each(?))
"""

ADD_ACT = """
INSERT INTO audit (at_ns, who, action, project, target, why, "before", "after")
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
ACTS = """
SELECT at_ns, who, action, project, target, why, "before", "after", number
FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?
"""

ADD_HAPPENING = """
INSERT INTO happenings (at_ns, kind, workload, subject, detail) VALUES (?, ?, ?, ?, ?)
"""
HAPPENINGS = """
SELECT at_ns, kind, workload, subject, detail, number
FROM happenings WHERE number < ? ORDER BY number DESC LIMIT ?
"""

PUT_OBSERVED = """
INSERT OR REPLACE INTO observed_prompts
    (workload, fingerprint, sketch, first_ns, last_ns, calls, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
OBSERVED = """
SELECT workload, fingerprint, sketch, first_ns, last_ns, calls, sealed
FROM observed_prompts ORDER BY workload, first_ns, fingerprint
"""

PUT_TRANSCRIPT = """
INSERT OR REPLACE INTO transcripts
    (call, workload, team, subject, received_ns, stream, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
TRANSCRIPT = "SELECT call, sealed FROM transcripts WHERE call = ?"
TRANSCRIPTS = """
SELECT call, sealed FROM transcripts
WHERE workload = ? ORDER BY received_ns DESC, call DESC LIMIT ?
"""
FORGET_TRANSCRIPTS = """
DELETE FROM transcripts WHERE rowid IN (
    SELECT rowid FROM transcripts WHERE received_ns < ? LIMIT ?
)
"""
