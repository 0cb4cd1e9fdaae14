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
     cost_nano, tokens_in, tokens_out, simulated, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
""")
ADD_ATTEMPTS = by_rows("""
INSERT INTO attempts
    (id, call, model, provider, status, cost_nano, started_ns,
     input, cached_read, cache_write_5m, cache_write_1h, input_audio, cached_audio,
     output, output_audio, reasoning, region, address, private, simulated, listed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
