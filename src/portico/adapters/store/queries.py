"""Every statement that run time sends to SQLite, by name."""

AT_ONCE = 32
"""Rows that one statement takes where there are many: SQLite runs it without Python's lock."""


def at_once(statement: str) -> str:
    """A statement for one row as a statement for `AT_ONCE` rows."""
    head, values, row = statement.rstrip().rpartition("VALUES ")
    return f"{head}{values}{', '.join([row] * AT_ONCE)}"


POSITION = "SELECT sequence, offset FROM journal_position"
MOVE_POSITION = """
UPDATE journal_position SET sequence = :sequence, offset = :offset
WHERE sequence = :before_sequence AND offset = :before_offset
"""

ADD_RECEIPT = """
INSERT OR IGNORE INTO receipts
    (call, received_ns, workload, model, team, "key", project, subject, "release", status,
     cost_nano, tokens_in, tokens_out, simulated, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_ATTEMPT = """
INSERT OR IGNORE INTO attempts
    (id, call, model, provider, status, cost_nano, started_ns,
     input, cached_read, cache_write_5m, cache_write_1h, input_audio, cached_audio,
     output, output_audio, reasoning, region, address, private, simulated, listed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_RECEIPTS = at_once(ADD_RECEIPT)
ADD_ATTEMPTS = at_once(ADD_ATTEMPT)
PUT_INTENT = "INSERT OR REPLACE INTO intents (call, body) VALUES (?, ?)"
DROP_INTENT = "DELETE FROM intents WHERE call = ?"
DROP_SOME = f"DELETE FROM intents WHERE call IN ({', '.join('?' * AT_ONCE)})"  # noqa: S608 - marks
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
