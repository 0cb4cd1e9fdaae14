-- The schema as the migrations leave it; tests/contract/test_store_schema.py compares.
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE receipts (
    number INTEGER NOT NULL,
    call TEXT NOT NULL,
    received_ns INTEGER NOT NULL,
    workload TEXT NOT NULL,
    model TEXT NOT NULL,
    team TEXT NOT NULL,
    "key" TEXT NOT NULL,
    project TEXT NOT NULL,
    subject TEXT NOT NULL,
    release TEXT NOT NULL,
    status TEXT NOT NULL,
    cost_nano INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (number)
);
CREATE UNIQUE INDEX receipts_call ON receipts (call);
CREATE INDEX receipts_received ON receipts (received_ns);
CREATE TABLE attempts (
    id TEXT NOT NULL,
    call TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    status TEXT NOT NULL,
    cost_nano INTEGER NOT NULL,
    started_ns INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cached_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    input_audio INTEGER NOT NULL,
    cached_audio INTEGER NOT NULL,
    output INTEGER NOT NULL,
    output_audio INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    region TEXT NOT NULL,
    address TEXT NOT NULL,
    private INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    listed INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (id)
);
CREATE INDEX attempts_call ON attempts (call);
CREATE TABLE intents (
    call TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (call)
);
CREATE TABLE unreadable (
    number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (number)
);
CREATE TABLE journal_position (
    one INTEGER NOT NULL CHECK (one = 1),
    sequence INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (one)
);
CREATE TABLE keys (
    id TEXT NOT NULL,
    verifier BLOB NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    workloads TEXT NOT NULL,
    team TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER,
    revoked_ns INTEGER,
    PRIMARY KEY (id)
);
CREATE TABLE applied (
    project TEXT NOT NULL,
    digest TEXT NOT NULL,
    applied_ns INTEGER NOT NULL,
    "by" TEXT NOT NULL,
    files TEXT NOT NULL,
    PRIMARY KEY (project)
);
CREATE TABLE secrets (
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE bench_results (
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    workload TEXT NOT NULL,
    started_ns INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (number)
);
CREATE UNIQUE INDEX bench_results_id ON bench_results (id);
INSERT INTO journal_position (one, sequence, offset) VALUES (1, 0, 0);
INSERT INTO alembic_version (version_num) VALUES ('0002');
