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
    prompt TEXT NOT NULL DEFAULT '',
    prompt_version TEXT NOT NULL DEFAULT '',
    prompt_source TEXT NOT NULL DEFAULT '',
    parameters TEXT NOT NULL DEFAULT '',
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
    energy_low_nwh INTEGER NOT NULL DEFAULT 0,
    energy_high_nwh INTEGER NOT NULL DEFAULT 0,
    co2e_low_ng INTEGER NOT NULL DEFAULT 0,
    co2e_high_ng INTEGER NOT NULL DEFAULT 0,
    size_low INTEGER NOT NULL DEFAULT 0,
    size_high INTEGER NOT NULL DEFAULT 0,
    energy_method TEXT NOT NULL DEFAULT '',
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
CREATE TABLE prompt_versions (
    number INTEGER NOT NULL,
    project TEXT NOT NULL,
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ns INTEGER NOT NULL,
    author TEXT NOT NULL,
    message TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (number)
);
CREATE UNIQUE INDEX prompt_versions_version ON prompt_versions (project, version);
CREATE TABLE releases (
    id TEXT NOT NULL,
    workload TEXT NOT NULL,
    project TEXT NOT NULL,
    place INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    "by" TEXT NOT NULL,
    message TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX releases_place ON releases (workload, place);
CREATE TABLE deployments (
    workload TEXT NOT NULL,
    project TEXT NOT NULL,
    live TEXT NOT NULL,
    candidate TEXT NOT NULL,
    share REAL NOT NULL,
    since_ns INTEGER NOT NULL,
    "by" TEXT NOT NULL,
    why TEXT NOT NULL,
    action TEXT NOT NULL,
    PRIMARY KEY (workload)
);
CREATE TABLE audit (
    number INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    project TEXT NOT NULL,
    target TEXT NOT NULL,
    why TEXT NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    PRIMARY KEY (number)
);
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is never cut'); END;
CREATE TRIGGER audit_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number) BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END;
CREATE TABLE happenings (
    number INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    workload TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (number)
);
CREATE TABLE observed_prompts (
    workload TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    sketch BLOB NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (workload, fingerprint)
);
CREATE TABLE transcripts (
    call TEXT NOT NULL,
    workload TEXT NOT NULL,
    team TEXT NOT NULL,
    subject TEXT NOT NULL,
    received_ns INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (call)
);
CREATE INDEX transcripts_received ON transcripts (workload, received_ns);
CREATE TABLE rollup_kinds (
    number INTEGER NOT NULL,
    project TEXT NOT NULL,
    team TEXT NOT NULL,
    workload TEXT NOT NULL,
    release TEXT NOT NULL,
    prompt TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    "key" TEXT NOT NULL,
    tags TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    simulated INTEGER NOT NULL,
    energy_method TEXT NOT NULL,
    size_low INTEGER NOT NULL,
    size_high INTEGER NOT NULL,
    PRIMARY KEY (number)
);
CREATE UNIQUE INDEX rollup_kinds_all ON rollup_kinds (project, team, workload, release, prompt, prompt_version, "key", tags, model, provider, simulated, energy_method, size_low, size_high);
CREATE TABLE rollups (
    grain INTEGER NOT NULL,
    start INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    part INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    judged INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    capped INTEGER NOT NULL,
    cap_hits INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_cached INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    cost_nano INTEGER NOT NULL,
    energy_low_nwh INTEGER NOT NULL,
    energy_high_nwh INTEGER NOT NULL,
    co2e_low_ng INTEGER NOT NULL,
    co2e_high_ng INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    model_reached INTEGER NOT NULL,
    unestimated INTEGER NOT NULL,
    model_unestimated INTEGER NOT NULL,
    PRIMARY KEY (grain, start, simulated, kind, part)
) WITHOUT ROWID, STRICT;
CREATE TABLE sessions (
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (number)
);
CREATE UNIQUE INDEX sessions_name ON sessions (name);
CREATE TABLE rollup_sessions (
    start INTEGER NOT NULL,
    session INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    cost_nano INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    PRIMARY KEY (start, session, kind)
) WITHOUT ROWID, STRICT;
CREATE INDEX rollup_sessions_session ON rollup_sessions (session);
CREATE TABLE feedback (
    number INTEGER NOT NULL,
    call TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    "by" TEXT NOT NULL,
    score REAL,
    label TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX feedback_call ON feedback (call);
CREATE TABLE capacities (
    number INTEGER NOT NULL,
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    nano_per_hour INTEGER NOT NULL,
    since_ns INTEGER NOT NULL,
    until_ns INTEGER NOT NULL,
    PRIMARY KEY (number)
);
INSERT INTO journal_position (one, sequence, offset) VALUES (1, 0, 0);
INSERT INTO alembic_version (version_num) VALUES ('0005');
