-- Where each log ends. An event has the number `log * 2^40 + seq`: one integer, in the order of its log, under which
-- everything of it is kept.
CREATE TABLE ee_audit_heads (
    partition TEXT    NOT NULL PRIMARY KEY,
    log       INTEGER NOT NULL UNIQUE,
    size      INTEGER NOT NULL,
    chain     BLOB    NOT NULL,
    frontier  BLOB    NOT NULL
) STRICT;

-- What each event has got in its log. It stays when the event goes.
CREATE TABLE ee_audit_links (
    number INTEGER NOT NULL PRIMARY KEY,
    id     BLOB    NOT NULL UNIQUE,
    leaf   BLOB    NOT NULL,
    chain  BLOB    NOT NULL
) STRICT;

-- What is kept of events, as it was given. Apart from what is searched: whoever looks at many events reads a third.
CREATE TABLE ee_audit_bodies (
    number      INTEGER NOT NULL PRIMARY KEY,
    id          BLOB    NOT NULL,
    received_at INTEGER NOT NULL,
    canonical   TEXT    NOT NULL,
    personal    TEXT
) STRICT;

-- What is searched.
CREATE TABLE ee_audit_events (
    number        INTEGER NOT NULL PRIMARY KEY,
    id            BLOB    NOT NULL,
    ts            INTEGER NOT NULL,
    action        TEXT    NOT NULL,
    actor_id      TEXT    NOT NULL,
    actor_kind    TEXT,
    actor_type    TEXT    NOT NULL,
    address       BLOB,
    agent_id      TEXT,
    category      TEXT    NOT NULL,
    duration      INTEGER,
    email         TEXT,
    ip            TEXT,
    model         TEXT,
    organization  TEXT,
    outcome       TEXT    NOT NULL,
    request_id    TEXT,
    resource_id   TEXT,
    resource_type TEXT,
    roles         TEXT,
    run_id        TEXT,
    session_id    TEXT,
    stage         TEXT    NOT NULL,
    thread_id     TEXT,
    trace_id      TEXT
) STRICT;

-- Texts of others come into an index with their beginnings alone: an index cannot hold long ones everywhere. Two events
-- of one microsecond are put in order when they are read; their ids would cost a sixth of what can be written.
CREATE INDEX ee_audit_by_time ON ee_audit_events (ts);
CREATE INDEX ee_audit_by_action ON ee_audit_events (action, ts);
CREATE INDEX ee_audit_by_actor ON ee_audit_events (substr(actor_id, 1, 200), ts);
CREATE INDEX ee_audit_by_resource ON ee_audit_events (substr(resource_id, 1, 200), ts) WHERE resource_id IS NOT NULL;
CREATE INDEX ee_audit_by_outcome ON ee_audit_events (outcome, ts) WHERE outcome <> 'success';
CREATE INDEX ee_audit_by_request ON ee_audit_events (substr(request_id, 1, 200), ts) WHERE request_id IS NOT NULL;
CREATE INDEX ee_audit_by_run ON ee_audit_events (substr(run_id, 1, 200), ts) WHERE run_id IS NOT NULL;
CREATE INDEX ee_audit_by_session ON ee_audit_events (substr(session_id, 1, 200), ts) WHERE session_id IS NOT NULL;
CREATE INDEX ee_audit_by_thread ON ee_audit_events (substr(thread_id, 1, 200), ts) WHERE thread_id IS NOT NULL;

-- Every action that there has been: what begins or ends alike is found here first.
CREATE TABLE ee_audit_actions (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Roots of full subtrees.
CREATE TABLE ee_audit_nodes (
    log   INTEGER NOT NULL,
    level INTEGER NOT NULL,
    idx   INTEGER NOT NULL,
    hash  BLOB    NOT NULL,
    PRIMARY KEY (log, level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE ee_audit_checkpoints (
    partition  TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    note       TEXT    NOT NULL,
    PRIMARY KEY (partition, size, created_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE ee_audit_holds (
    id         TEXT    NOT NULL PRIMARY KEY,
    filter     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Events that changes have left in their own transactions and that are in no log yet.
CREATE TABLE ee_audit_left (
    id        BLOB NOT NULL PRIMARY KEY,
    canonical TEXT NOT NULL,
    personal  TEXT
) STRICT;

-- What follows can be made again from the events.

-- Up to which number the events of a log are in the two tables below.
CREATE TABLE ee_audit_indexed (
    log    INTEGER NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;

-- How many events of an hour have a value in a field.
CREATE TABLE ee_audit_tallies (
    field   TEXT    NOT NULL,
    hour    INTEGER NOT NULL,
    stage   TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (field, hour, stage, outcome, value)
) STRICT, WITHOUT ROWID;

-- The words of events by their numbers. They come in lower case and apart, so only ASCII is looked at.
CREATE VIRTUAL TABLE ee_audit_words USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
);
-- What is removed is not left behind in the index.
INSERT INTO ee_audit_words (ee_audit_words, rank) VALUES ('secure-delete', 1);

-- The record is only added to. A retention says that it is at work by a row of `ee_revisions` within its transaction.
CREATE TRIGGER ee_audit_links_stay BEFORE DELETE ON ee_audit_links
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_links_stand BEFORE UPDATE ON ee_audit_links
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_nodes_stay BEFORE DELETE ON ee_audit_nodes
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_nodes_stand BEFORE UPDATE ON ee_audit_nodes
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_checkpoints_stay BEFORE DELETE ON ee_audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_checkpoints_stand BEFORE UPDATE ON ee_audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_bodies_stay BEFORE DELETE ON ee_audit_bodies
WHEN NOT EXISTS (SELECT 1 FROM ee_revisions WHERE name = 'audit retention')
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_bodies_stand BEFORE UPDATE ON ee_audit_bodies
WHEN NOT EXISTS (SELECT 1 FROM ee_revisions WHERE name = 'audit retention')
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_events_stay BEFORE DELETE ON ee_audit_events
WHEN NOT EXISTS (SELECT 1 FROM ee_revisions WHERE name = 'audit retention')
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
CREATE TRIGGER ee_audit_events_stand BEFORE UPDATE ON ee_audit_events
WHEN NOT EXISTS (SELECT 1 FROM ee_revisions WHERE name = 'audit retention')
BEGIN SELECT RAISE(ABORT, 'the audit record is only added to'); END;
