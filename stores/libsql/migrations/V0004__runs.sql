CREATE TABLE ee_workflows (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    description  TEXT,
    input_schema TEXT,
    steps        TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_workflows_by_name ON ee_workflows (name, id);

CREATE TABLE ee_runs (
    id          TEXT    NOT NULL PRIMARY KEY,
    workflow_id TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    input       TEXT    NOT NULL,
    output      TEXT,
    error       TEXT,
    steps       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_runs_by_time ON ee_runs (created_at, id);
CREATE INDEX ee_runs_by_workflow ON ee_runs (workflow_id, created_at, id);
CREATE INDEX ee_runs_by_status ON ee_runs (status, created_at, id);
